"""A report as one HTML page that loads nothing, runs nothing and prints well."""

from __future__ import annotations

from base64 import b64encode
from html import escape

from ftl.reporting.document import (
    Block,
    Bullets,
    Charts,
    Document,
    Facts,
    Heading,
    Picture,
    Pictures,
    Signature,
    Table,
    Text,
    readable,
)
from ftl.reporting.plot import HALF, shade
from ftl.reporting.shapes import Drawing, Line, Outline, Point, Shape

_NOTHING_ELSE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_STYLE = """
@page { size: A4; margin: 16mm 15mm; }
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2937; background: #fff; max-width: 900px; margin: 2rem auto;
  padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0; } h2 { font-size: 1.15rem; margin: 1.8rem 0 .4rem; }
p { margin: .5rem 0; } .note { color: #4b5563; font-size: .87em; } .subtitle { color: #4b5563; margin: .2rem 0 1.2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .6rem 0; width: 100%; font-size: .87em; }
td, th { padding: .25rem .4rem; border-bottom: 1px solid #e5e7eb; text-align: right; vertical-align: top;
  overflow-wrap: normal; }
th { font-weight: 600; } .words, .facts th { text-align: left; overflow-wrap: anywhere; min-width: 4.5rem; }
td.words:last-child { min-width: 7rem; } .facts th { width: 30%; }
.facts td { text-align: left; overflow-wrap: anywhere; }
.code { font-family: ui-monospace, monospace; font-size: .85em; overflow-wrap: anywhere; }
.charts { display: flex; flex-wrap: wrap; gap: .5rem 1rem; margin: 1rem 0; }
svg { width: 100%; height: auto; font-family: system-ui, sans-serif; }
svg.half { width: calc(50% - .5rem); min-width: min(100%, 330px); flex-grow: 1; max-width: 400px; }
.pictures { display: flex; flex-wrap: wrap; gap: .8rem; } figure { margin: 0; max-width: 100%; }
figure img { display: block; max-width: 100%; height: auto; }
figcaption { font-size: .8em; color: #4b5563; }
.sign { display: flex; gap: 2rem; margin-top: 4rem; } .sign span { flex: 1; border-top: 1px solid #1f2937;
  font-size: .87em; padding-top: .2rem; }
@media print {
  body { margin: 0; max-width: none; padding: 0; font-size: 10pt; } .wide { overflow: visible; }
  h2, .lead { break-after: avoid; } tr, svg, figure, li, .sign { break-inside: avoid; }
  thead { display: table-header-group; } .pictures figure { width: 23% !important; } svg.half { min-width: 0; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""


def page(document: Document) -> str:
    """The report as HTML."""
    title, subtitle = _safe(document.title), _safe(document.subtitle)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_NOTHING_ELSE}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>"
        f'<p class="subtitle">{subtitle}</p>{"".join(map(_block, document.blocks))}</main></body></html>\n'
    )


def _safe(text: str) -> str:
    return escape(readable(text))


def _block(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h2>{_safe(text)}</h2>"
        case Text(text, is_note):
            kind = ' class="note"' if is_note else ' class="lead"' if text.endswith(":") else ""
            return f"<p{kind}>{_safe(text)}</p>"
        case Bullets(items):
            return f"<ul>{''.join(f'<li>{_safe(item)}</li>' for item in items)}</ul>"
        case Facts(rows):
            body = "".join(
                f'<tr><th scope="row">{_safe(label)}</th><td>{_safe(value)}</td></tr>' for label, value in rows
            )
            return f'<table class="facts">{body}</table>'
        case Table():
            return _table(block)
        case Charts(drawings):
            return f'<div class="charts">{"".join(map(_drawing, drawings))}</div>'
        case Pictures(pictures):
            return f'<div class="pictures">{"".join(map(_picture, pictures))}</div>'
        case Signature(places):
            return f'<div class="sign">{"".join(f"<span>{_safe(place)}</span>" for place in places)}</div>'


def _table(table: Table) -> str:
    def attributes(column: int, row: int | None = None) -> str:
        kinds = ["words"] if column in table.words else []
        kinds += ["code"] if row is not None and table.is_code and column == len(table.head) - 1 else []
        named = f' class="{" ".join(kinds)}"' if kinds else ""
        shaded = "" if row is None or not table.shades else f' style="background:{shade(table.shades[row][column])}"'
        return named + shaded

    head = "".join(f'<th scope="col"{attributes(column)}>{_safe(text)}</th>' for column, text in enumerate(table.head))
    body = "".join(
        f"<tr>{''.join(f'<td{attributes(column, number)}>{_safe(text)}</td>' for column, text in enumerate(row))}</tr>"
        for number, row in enumerate(table.rows)
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _picture(picture: Picture) -> str:
    data = b64encode(picture.jpeg).decode()
    caption = _safe(picture.caption)
    return (
        f'<figure style="width:{max(picture.width, 130)}px"><img src="data:image/jpeg;base64,{data}" '
        f'width="{picture.width}" height="{picture.height}" alt="{caption}"><figcaption>{caption}</figcaption></figure>'
    )


def _drawing(drawing: Drawing) -> str:
    shapes, half = "".join(map(_shape, drawing.shapes)), ' class="half"' if drawing.width <= HALF[0] else ""
    return (
        f'<svg viewBox="0 0 {drawing.width:.1f} {drawing.height:.1f}"{half} role="img" '
        f'aria-label="{_safe(drawing.title)}">'
        f"{shapes}</svg>"
    )


def _shape(shape: Shape) -> str:
    match shape:
        case Line():
            dashes = ' stroke-dasharray="4 3"' if shape.is_dashed else ""
            return (
                f'<polyline points="{_points(shape.points)}" fill="none" stroke="{shape.colour}" '
                f'stroke-width="{shape.width:.2f}"{dashes}/>'
            )
        case Outline():
            hint = f"<title>{_safe(shape.hint)}</title>" if shape.hint else ""
            return (
                f'<polygon points="{_points(shape.points)}" fill="{shape.fill or "none"}" '
                f'stroke="{shape.stroke or "none"}" pointer-events="all">{hint}</polygon>'
            )
        case _:
            turned = f' transform="rotate(-90 {shape.x:.1f} {shape.y:.1f})"' if shape.is_turned else ""
            return (
                f'<text x="{shape.x:.1f}" y="{shape.y:.1f}" font-size="{shape.size:.1f}" fill="{shape.colour}" '
                f'text-anchor="{shape.anchor}"{turned}>{_safe(shape.text)}</text>'
            )


def _points(points: tuple[Point, ...]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
