"""A button that fetches a file from the studio and says beside it when there is none, and why.

Streamlit's own download button swallows the sentence of a file that cannot be made, and shows nothing after five
seconds.
"""

from __future__ import annotations

from studio.ui import component


def button(label: str, address: str, name: str, key: str, hint: str = "") -> None:
    """Draw a button for a file that takes the studio some time to make; browsers keep large ones on disk meanwhile.

    `address`: of the studio itself; it answers the file, or JSON with an `error`. `name`: what the file is saved as.
    """
    draw = component.beside(__file__, '<div class="save"></div>')
    draw(key=key, data={"label": label, "address": address, "name": name, "hint": hint}, width="content")
