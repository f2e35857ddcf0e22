"""The API's description as a page that needs nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

from studio.api.forms import LOOK

_STYLE = (
    LOOK + "body{max-width:70rem;margin:2rem auto;padding:0 1rem}a{color:var(--main)}h2{margin:2.5rem 0 .5rem;"
    "font-size:1.1rem}details{border-top:1px solid var(--line);padding:.5rem 0}"
    "summary{cursor:pointer;display:flex;gap:1rem;flex-wrap:wrap;align-items:baseline}summary b{width:4.5rem}"
    "summary:focus-visible{outline:2px solid var(--main)}td{padding:.2rem 1rem .2rem 0;vertical-align:top}"
    "summary code{overflow-wrap:anywhere}td code{white-space:nowrap}"
    "table{margin:.3rem 0 .8rem 5.5rem}"
    "details p{margin:.5rem 0 0 5.5rem}"
)


def page(description: dict[str, Any]) -> str:
    """HTML of an OpenAPI description: each address opens to its parameters and answers."""
    operations = [
        (method, path, one) for path, methods in description["paths"].items() for method, one in methods.items()
    ]
    parts, schemas = [], description["components"]["schemas"]
    for tag in description["tags"]:
        rows = "".join(_operation(*one, schemas) for one in operations if tag["name"] in one[2].get("tags", []))
        parts.append(
            f"<section><h2>{escape(tag['name'].capitalize())}: {escape(tag['description'])}</h2>{rows}</section>"
        )
    about = escape(description["info"]["description"])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>FTL studio: API</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><h1>API</h1><p>{_code(about)} "
        f'<a href="/api/openapi.json">OpenAPI description</a>.</p>{"".join(parts)}</body></html>'
    )


def _code(text: str) -> str:
    """What stands between backquotes as code."""
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(text.split("`")))


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """What a schema refers to, or itself."""
    found: dict[str, Any] = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def _operation(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    rows = [
        (f"<code>{escape(one['name'])}</code>", _kind(one["schema"]), escape(one.get("description", "")))
        for one in operation.get("parameters", [])
    ]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        fields = _resolved(content["schema"], schemas).get("properties", {})
        rows += [
            (f"<code>{escape(name)}</code>", _kind(one), escape(one.get("description", "")))
            for name, one in fields.items()
        ]
    rows += [
        (f"<b>{status}</b>", "", _code(escape(one["description"]))) for status, one in operation["responses"].items()
    ]
    cells = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    more = f"<p>{_code(escape(operation['description']))}</p>" if "description" in operation else ""
    return (
        f"<details><summary><b>{method.upper()}</b><code>{escape(path)}</code>"
        f"<span>{_code(escape(operation['summary']))}</span></summary>{more}<table>{cells}</table></details>"
    )


def _kind(schema: dict[str, Any]) -> str:
    """A parameter's type with its bounds and what it is if it is left out."""
    kind = " | ".join(map(str, schema["enum"])) if "enum" in schema else str(schema.get("type", ""))
    bounds = [f"{sign} {schema[key]:,}" for sign, key in (("at least", "minimum"), ("at most", "maximum"))
              if key in schema and schema[key] < 2**63 - 1]  # fmt: skip
    default = [f"{schema['default']} if left out"] if "default" in schema else []
    return escape(", ".join([kind, *bounds, *default]))
