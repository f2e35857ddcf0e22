"""The grid of thumbnails: plain HTML whose pictures the browser keeps, so that a page of it costs a few kilobytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from studio.store.models import Image, ImageClass
from studio.web.files import address

_STYLE = """<style>
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .8rem }
.gallery a { color: inherit; text-decoration: none; border: 1px solid #8883; border-radius: .6rem; overflow: hidden;
  background: #8881; display: block }
.gallery a:hover, .gallery a:focus-visible { border-color: #c2410c; box-shadow: 0 0 0 1px #c2410c; outline: none }
.gallery img { width: 100%; aspect-ratio: 1; object-fit: cover; display: block; background: #8882 }
.gallery div { padding: .35rem .5rem .45rem; font-size: .8rem; line-height: 1.35 }
.gallery b { display: block; font-weight: 500; white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
.gallery i { display: inline-block; width: .6rem; height: .6rem; border-radius: 50%; margin-right: .35rem }
.gallery small { opacity: .7; font-size: .75rem }
</style>"""


def tile(project_id: int, image: Image, own: ImageClass | None) -> str:
    """One image as HTML: a link to the Annotate page."""
    name, mask = escape(image.name, quote=True), " · mask" if image.strokes else ""
    dot = f'<i style="background:{own.colour if own else "#8885"}"></i>'
    told = f"{escape(own.name) if own else 'no class'} · {image.state}{mask}"
    link = f"/annotate?project={project_id}&amp;image={image.id}"
    picture = address(project_id, image.id, image.sha256)
    return (
        f'<a href="{link}" target="_self" title="{name}"><img src="{picture}" alt="{name}" loading="lazy">'
        f"<div><b>{name}</b><small>{dot}{told}</small></div></a>"
    )


def show(project_id: int, images: Sequence[Image], classes: Mapping[int, ImageClass]) -> None:
    """Draw the grid."""
    tiles = "".join(tile(project_id, image, classes.get(image.class_id or 0)) for image in images)
    st.html(f'{_STYLE}<div class="gallery">{tiles}</div>')
