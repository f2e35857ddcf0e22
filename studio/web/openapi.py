"""An OpenAPI description of routes, from their paths and docstrings, and a page that shows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from starlette.routing import Route

_ERRORS = {
    "400": "what is wrong, as {error}",
    "401": "not signed in",
    "403": "not allowed, or not in this project",
}
_UPLOAD = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["files"],
            "properties": {
                "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                "class": {"type": "string"},
                "split": {"type": "string", "enum": ["train", "test"]},
            },
        }
    }
}
_SESSION = {
    "application/json": {
        "schema": {
            "type": "object",
            "required": ["name", "password"],
            "properties": {"name": {"type": "string"}, "password": {"type": "string"}},
        }
    }
}
_BODIES = {"upload": _UPLOAD, "session": _SESSION}


def describe(routes: Sequence[Route]) -> dict[str, Any]:
    """OpenAPI 3.1 of the routes: a route's docstring is its summary."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            operation: dict[str, Any] = {
                "operationId": f"{route.name}_{method.lower()}",
                "summary": " ".join((route.endpoint.__doc__ or "").split()),
                "responses": {"200": {"description": "done"}}
                | {status: {"description": text} for status, text in _ERRORS.items()},
            }
            names = re.findall(r"\{(\w+)(?::(\w+))?\}", route.path)
            if names:
                operation["parameters"] = [
                    {
                        "name": name,
                        "in": "path",
                        "required": True,
                        "schema": {"type": "integer" if kind == "int" else "string"},
                    }
                    for name, kind in names
                ]
            if method == "POST" and route.name in _BODIES:
                operation["requestBody"] = {"content": _BODIES[route.name]}
            paths.setdefault(path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "FTL studio", "version": "1"},
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "studio_session"},
            }
        },
        "security": [{"bearer": []}, {"cookie": []}],
    }


def page(description: dict[str, Any]) -> str:
    """The description as one HTML page that needs nothing from elsewhere."""
    rows = "".join(
        f"<tr><td><b>{method.upper()}</b></td><td><code>{escape(path)}</code></td>"
        f"<td>{escape(operation['summary'])}</td></tr>"
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>FTL studio: API</title><style>'
        ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;"
        "padding:0 1rem}td{padding:.5rem;border-top:1px solid #8884;vertical-align:top}code{white-space:nowrap}"
        "</style></head><body><h1>API</h1><p>Sign in with a cookie, or POST to <code>/api/session</code> and send its "
        'token as <code>Authorization: Bearer ...</code>. <a href="/api/openapi.json">OpenAPI description</a>.</p>'
        f"<table>{rows}</table></body></html>"
    )
