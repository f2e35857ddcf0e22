"""The source itself: fragments ask anew who is here, and whoever changes something is named, as signed in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = sorted((ROOT / "pages").glob("*.py"))
STUDIO = sorted((ROOT / "studio").rglob("*.py"))
PANELS = [file for file in STUDIO if "import streamlit" in file.read_text(encoding="utf-8")]
WEB = sorted((ROOT / "studio" / "api").glob("*.py"))
ACTORS = ("by", "who")


def calls(file: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


@pytest.mark.parametrize("file", [*PAGES, *STUDIO], ids=lambda file: str(file.relative_to(ROOT)))
def test_fragments_are_those_that_ask_anew(file: Path) -> None:
    own = file == ROOT / "studio" / "ui" / "__init__.py"
    uses = [
        node
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if ast.unparse(node) in ("st.fragment", "streamlit.fragment")
        or (isinstance(node, ast.ImportFrom) and node.module == "streamlit" and "fragment" in ast.unparse(node))
    ]
    assert len(uses) == own, f"{file.name}: take ui.fragment"


def whole_name(call: ast.Call, file: Path) -> str:
    """What is called, with its module's last name, as `queue.cancel`."""
    imports = (
        node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.ImportFrom)
    )
    known = {one.name: f"{(node.module or '').rpartition('.')[2]}.{one.name}" for node in imports for one in node.names}
    name = ast.unparse(call.func)
    return known.get(name, name)


def changers() -> dict[str, tuple[str, ...]]:
    """What opens a transaction in somebody's name, by its name: its parameters."""
    found = {}
    for file in STUDIO:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(one, ast.Call) and name_of(one) in ("acting", "changing", "changing_image")
                for one in ast.walk(node)
            ):
                found[node.name] = tuple(one.arg for one in (*node.args.args, *node.args.kwonlyargs))
    return found


def test_who_changes_something_is_signed_in_and_no_plain_number() -> None:
    """`user.id` is the account of a tab that may have been signed out since; `who` is asked anew in the transaction."""
    known = changers()
    assert {"rename", "delete_images", "invite", "set_role"} <= set(known)
    wrong = [
        f"{file.name}:{call.lineno} {ast.unparse(call)}"
        for file in {*PAGES, *PANELS}
        for call in calls(file)
        if name_of(call) in known
        for argument, parameter in [*zip(call.args, known[name_of(call)], strict=False),
                                    *((one.value, one.arg) for one in call.keywords)]
        if parameter in (*ACTORS, "author_id", "by_id") and ast.unparse(argument).endswith(("user.id", "user_id"))
    ]  # fmt: skip
    assert wrong == []


def test_nobody_is_the_studio_itself_by_leaving_a_word_out() -> None:
    """Where `by` may be left out, the studio itself is meant, and no right is asked for: callers say who acts."""
    optional = {}
    for file in STUDIO:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                names = [one.arg for one in node.args.args]
                without = len(names) - len(node.args.defaults)
                if actor := set(names[without:]) & set(ACTORS):
                    optional[f"{file.stem}.{node.name}"] = names.index(actor.pop())
    assert {"queue.cancel", "queue.retry", "invitations.invite", "assignment.assign"} <= set(optional)
    wrong = [
        f"{file.name}:{call.lineno} {ast.unparse(call)}"
        for file in (*PAGES, *PANELS, *WEB)
        for call in calls(file)
        if (name := whole_name(call, file)) in optional
        if len(call.args) <= optional[name] and not {one.arg for one in call.keywords} & {*ACTORS, None}
    ]
    assert wrong == []
