"""What takes a network home: a button that opens the forms in which it can be saved, each with what it is for."""

from __future__ import annotations

from urllib.parse import quote

import streamlit as st

from studio.ui import save_button
from studio.ui.choose.read_sweep import Network

FORMS = {
    ".zip": (
        "Zip: runs without PyTorch, with an example",
        "ONNX and a script that runs it on photographs of any size. With 8-bit integers too, where the sweep was timed "
        "in them and they lose little.",
    ),
    ".onnx": (
        "ONNX: for programs of your own",
        "Takes photographs of any size, in ONNX Runtime and others. Like the zip, it takes some seconds to make.",
    ),
    ".safetensors": ("Safetensors: for this studio and ftl predict", "The network as it is, for PyTorch."),
}
"""Label and explanation of each file, by its ending, the most useful to an inspector first."""


def menu(project_id: int, network: Network, place: str) -> None:
    """Draw it for a network of any kind. `place`: of the button, where a page has several."""
    address = f"/api/projects/{project_id}/jobs/{network.job_id}/networks/{quote(network.name)}"
    with st.popover("Download", icon=":material/download:", key=f"download-{place}-{network.key}"):
        for ending, (label, explanation) in FORMS.items():
            save_button.button(label, f"{address}{ending}", f"{network.name}{ending}", f"{place}{ending}-{network.key}")
            st.caption(explanation)
