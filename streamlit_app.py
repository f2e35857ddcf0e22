"""What `streamlit run` starts. The studio's pages come here; until then one page says what is there already."""

import streamlit as st

page = st.Page("pages/start.py", title="Start", icon=":material/brush:")
st.navigation([page]).run()
