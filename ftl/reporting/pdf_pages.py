"""A report as PDF, on pages of A4, with letters for Latin, Greek and Cyrillic."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Image, KeepTogether, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as Grid

from ftl.evaluation.charts import INK
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
from ftl.reporting.plot import shade
from ftl.reporting.shapes import Drawing, Line, Outline, Shape

_MARGIN = 16 * mm
_WIDE = A4[0] - 2 * _MARGIN
_SANS, _BOLD = "DejaVu Sans", "DejaVu Sans Bold"
_GREY, _RULE = HexColor("#4b5563"), HexColor("#e5e7eb")
_CELL = 7.5
_ONE_AT_A_TIME = Lock()  # reportlab keeps its fonts and settings in its modules


def pdf(document: Document) -> bytes:
    """The report as PDF."""
    with _ONE_AT_A_TIME:
        _letters()
        file = io.BytesIO()
        pages = SimpleDocTemplate(
            file, pagesize=A4, leftMargin=_MARGIN - 6, rightMargin=_MARGIN - 6, topMargin=_MARGIN, bottomMargin=_MARGIN,
            title=readable(document.title), subject=readable(document.subtitle), invariant=1, lang="en",
        )  # fmt: skip
        story: list[Flowable] = [_words(document.title, _TITLE), _words(document.subtitle, _SUBTITLE)]
        for block in document.blocks:
            story += _block(block)
        name = readable(document.title)

        def foot(canvas: Any, template: Any) -> None:
            canvas.setFont(_SANS, 7)
            canvas.setFillColor(_GREY)
            canvas.drawString(_MARGIN, 9 * mm, name[:100])
            canvas.drawRightString(A4[0] - _MARGIN, 9 * mm, f"page {canvas.getPageNumber()}")

        pages.build(story, onFirstPage=foot, onLaterPages=foot)
        return file.getvalue()


@cache
def _letters() -> None:
    fonts = Path(__file__).parent / "fonts"
    registerFont(TTFont(_SANS, fonts / "DejaVuSans.ttf"))
    registerFont(TTFont(_BOLD, fonts / "DejaVuSans-Bold.ttf"))
    registerFontFamily(_SANS, _SANS, _BOLD, _SANS, _BOLD)


def _style(size: float, **more: Any) -> ParagraphStyle:
    given = {"fontName": _SANS, "textColor": HexColor(INK), "leading": 1.4 * size} | more
    return ParagraphStyle("", fontSize=size, **given)


_TITLE = _style(18, fontName=_BOLD, spaceAfter=2)
_SUBTITLE = _style(9, textColor=_GREY, spaceAfter=8)
_HEADING = _style(12, fontName=_BOLD, spaceBefore=12, spaceAfter=3, keepWithNext=1)
_BODY = _style(9, spaceAfter=4)
_LEAD = _style(9, spaceAfter=2, keepWithNext=1)
_NOTE = _style(7.5, textColor=_GREY, spaceAfter=4)
_ITEM = _style(9, leftIndent=10, bulletIndent=1, spaceAfter=2)
_LEFT, _RIGHT = _style(_CELL), _style(_CELL, alignment=2)
_HEAD_LEFT, _HEAD_RIGHT = _style(_CELL, fontName=_BOLD), _style(_CELL, fontName=_BOLD, alignment=2)
_CODE = _style(6.5, fontName="Courier")


def _words(text: str, style: ParagraphStyle, **more: Any) -> Paragraph:
    """A paragraph of somebody's text: reportlab would take it for markup."""
    return Paragraph(escape(readable(text)), style, **more)


def _block(block: Block) -> list[Flowable]:
    match block:
        case Heading(text):
            return [_words(text, _HEADING)]
        case Text(text, is_note):
            return [_words(text, _NOTE if is_note else _LEAD if text.endswith(":") else _BODY)]
        case Bullets(items):
            return [_words(item, _ITEM, bulletText="•") for item in items]
        case Facts(rows):
            cells = [[_words(label, _HEAD_LEFT), _words(value, _LEFT)] for label, value in rows]
            return [_grid(cells, [0.28 * _WIDE, 0.72 * _WIDE])] if cells else []
        case Table():
            return [_table(block)]
        case Charts(drawings):
            return _charts(drawings)
        case Pictures(pictures):
            return _pictures(pictures)
        case Signature(places):
            return [_signature(places)]


def _grid(cells: list[list[Any]], widths: list[float], *more: tuple[Any, ...], repeat: int = 0) -> Grid:
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, _RULE),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("LEFTPADDING", (1, 0), (-1, -1), 4),
        ("RIGHTPADDING", (0, 0), (-2, -1), 4),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 2),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
    return Grid(cells, widths, repeatRows=repeat, style=[*style, *more], splitInRow=1, spaceBefore=2, spaceAfter=6)


def _table(table: Table) -> Grid:
    last = len(table.head) - 1

    def style(column: int) -> ParagraphStyle:
        return _CODE if table.is_code and column == last else _LEFT if column in table.words else _RIGHT

    heads = [_words(text, _HEAD_LEFT if column in table.words else _HEAD_RIGHT)
             for column, text in enumerate(table.head)]  # fmt: skip
    rows = [[_words(text, style(column)) for column, text in enumerate(row)] for row in table.rows]
    shaded = [
        ("BACKGROUND", (column, number), (column, number), HexColor(shade(share)))
        for number, shares in enumerate(table.shades, 1)
        for column, share in enumerate(shares)
        if share
    ]
    return _grid([heads, *rows], _widths(table), *shaded, repeat=1)


def _widths(table: Table) -> list[float]:
    """As wide as the page: each column gets what its longest word needs, then numbers and then words what they want."""
    texts = [[readable(text) for text in column] for column in zip(table.head, *table.rows, strict=True)]
    size = _CELL if not table.is_code else 7.5
    words = [max((stringWidth(word, _BOLD, size) for text in column for word in text.split(" ")), default=0.0)
             for column in texts]  # fmt: skip
    lines = [max(stringWidth(text, _BOLD, size) for text in column[1:] or column) for column in texts]
    free = _WIDE - 9 * len(texts)
    widths = [min(word, 0.4 * free) for word in words]
    if sum(widths) > free:
        return [9 + free * own / sum(widths) for own in widths]
    for is_words in (False, True):
        wanted = {column: max(0.0, min(line, 0.5 * free) - widths[column])
                  for column, line in enumerate(lines) if (column in table.words) == is_words}  # fmt: skip
        share = min(1.0, (free - sum(widths)) / max(1.0, sum(wanted.values())))
        for column, more in wanted.items():
            widths[column] += share * more
    left = (free - sum(widths)) / len(texts)
    return [9 + own + left for own in widths]


def _charts(drawings: tuple[Drawing, ...]) -> list[Flowable]:
    """Rows of charts of one size."""
    if not drawings:
        return []
    across = max(1, int(_WIDE // max(drawing.width for drawing in drawings)))
    wide = (_WIDE - 10 * (across - 1)) / across
    rows = []
    for begin in range(0, len(drawings), across):
        row = [_Drawn(drawing, wide) for drawing in drawings[begin : begin + across]]
        rows.append([*row, *[""] * (across - len(row))])
    style = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0)]
    return [Grid(rows, [_WIDE / across] * across, style=style)]


def _pictures(pictures: tuple[Picture, ...]) -> list[Flowable]:
    """Rows of them, a photograph of 220 pixels a quarter of the page wide."""
    if not pictures:
        return []
    wide = min(_WIDE, max(90.0, *(0.53 * picture.width for picture in pictures)))
    across = max(1, int(_WIDE // (wide + 6)))
    rows = []
    for begin in range(0, len(pictures), across):
        cells = [_picture(picture, wide) for picture in pictures[begin : begin + across]]
        rows.append([*cells, *[""] * (across - len(cells))])
    return [Grid(rows, [_WIDE / across] * across, hAlign="LEFT", spaceAfter=6,
                 style=[("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)])]  # fmt: skip


def _picture(picture: Picture, wide: float) -> list[Flowable]:
    scale = min(0.53, wide / picture.width, 0.4 * A4[1] / picture.height)
    shown = Image(io.BytesIO(picture.jpeg), scale * picture.width, scale * picture.height, hAlign="LEFT")
    return [shown, _words(picture.caption, _NOTE)]


def _signature(places: tuple[str, ...]) -> Flowable:
    cells, style, gap = list[Any](), list[tuple[Any, ...]](), 14
    for column, place in enumerate(places):
        cells += [_words(place, _NOTE), ""]
        style.append(("LINEABOVE", (2 * column, 0), (2 * column, 0), 0.7, HexColor(INK)))
    widths = [_WIDE / len(places) - gap, gap] * len(places)
    return KeepTogether(
        [Spacer(1, 18 * mm), Grid([cells], widths, style=[*style, ("LEFTPADDING", (0, 0), (-1, -1), 0)])]
    )


class _Drawn(Flowable):  # type: ignore[misc]
    """A chart on a page."""

    def __init__(self, drawing: Drawing, wide: float) -> None:
        super().__init__()
        self._drawing = drawing
        self._scale = wide / drawing.width
        self.width, self.height = wide, self._scale * drawing.height

    def wrap(self, *_: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        self.canv.scale(self._scale, self._scale)
        for shape in self._drawing.shapes:
            _draw(self.canv, shape, self._drawing.height)


def _draw(canvas: Any, shape: Shape, height: float) -> None:
    """Draw a shape; on paper heights count upwards."""
    canvas.saveState()
    match shape:
        case Line() | Outline():
            path = canvas.beginPath()
            for number, (x, y) in enumerate(shape.points):
                (path.lineTo if number else path.moveTo)(x, height - y)
            if isinstance(shape, Line):
                canvas.setStrokeColor(HexColor(shape.colour))
                canvas.setLineWidth(shape.width)
                canvas.setDash([4, 3] if shape.is_dashed else [])
                canvas.drawPath(path)
            else:
                path.close()
                canvas.setLineWidth(1)
                if shape.fill:
                    canvas.setFillColor(HexColor(shape.fill))
                if shape.stroke:
                    canvas.setStrokeColor(HexColor(shape.stroke))
                canvas.drawPath(path, stroke=int(bool(shape.stroke)), fill=int(bool(shape.fill)))
        case _:
            canvas.setFillColor(HexColor(shape.colour))
            canvas.setFont(_SANS, 0.92 * shape.size)  # DejaVu is wider than other letters
            canvas.translate(shape.x, height - shape.y)
            canvas.rotate(90 if shape.is_turned else 0)
            draw = {"start": canvas.drawString, "middle": canvas.drawCentredString, "end": canvas.drawRightString}
            draw[shape.anchor](0, 0, readable(shape.text))
    canvas.restoreState()
