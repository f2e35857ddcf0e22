"""The first page: what the studio will do, and what can be done today."""

import streamlit as st

st.title("Finicky Transfer Learning studio")
st.markdown(
    "Teach a computer what a crack is, then shrink the network that finds cracks until it runs on the machine you have."
)
st.subheader("What is coming here")
st.markdown(
    """
    1. **Upload** photographs of roads, bridges and walls, sorted into classes.
    2. **Draw** masks of the defects, several people at once.
    3. **Sweep**: rank every filter of a network by its answer to the masks, and keep the best.
    4. **Choose** a network on the chart of accuracy against time, and try it on a photograph.
    5. **Take it home** as one file that runs on a small computer.
    """
)
st.subheader("What works today, in a terminal")
st.code(
    "ftl demo workspace\n"
    "ftl backbone train alexnet_bn --dataset workspace/dataset\n"
    "ftl run workspace alexnet_bn.safetensors --keep 0.1 0.2 0.5",
    language="bash",
)
st.markdown("The last command ends with a page of charts, `workspace/models/report.html`.")
