"""Imports point one way, and nothing that could run code is ever loaded."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import ftl
from tests.conftest import ROOT, SLOWEST

FORBIDDEN = {"ftl": {"studio", "pages", "streamlit", "sqlalchemy", "starlette"}, "studio": {"pages"}}

FTL = (
    "errors memory device formatting tables files openvino progress data models config pruning evaluation training "
    "exporting latency sweeping reporting cli"
)
STUDIO = (
    "errors sandbox store accounts projects images annotation collaboration formats backup jobs trash inspection "
    "canvas api ui"
)
LEVELS = [f"ftl.{name}" for name in FTL.split()] + [f"studio.{name}" for name in STUDIO.split()]
"""Each imports only those before it."""

NO_STREAMLIT = ("accounts", "annotation", "api", "backup", "collaboration", "formats", "images", "inspection", "jobs",
                "projects", "sandbox", "store", "trash")  # fmt: skip


def imported(path: Path) -> set[str]:
    """Names of all modules, and of what is taken from them, as `studio.store.tables.Job`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def imports(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


def modules(*packages: str) -> dict[str, Path]:
    """The file of each module, by its dotted name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for package in packages
        for path in (ROOT / package).rglob("*.py")
    }


def level_of(name: str) -> int | None:
    package = ".".join(name.split(".")[:2])
    return LEVELS.index(package) if package in LEVELS else None


def test_imports_point_one_way() -> None:
    for package, forbidden in FORBIDDEN.items():
        for path in (ROOT / package).rglob("*.py"):
            assert not imports(path) & forbidden, path


def test_every_package_has_its_level() -> None:
    packages = {name for name in modules("ftl", "studio") if name.count(".") == 1} - {"ftl.__main__"}
    assert packages == set(LEVELS)


def test_packages_import_only_what_stands_below_them() -> None:
    for name, path in modules("ftl", "studio").items():
        own = level_of(name)
        for other in imported(path):
            below = level_of(other)
            if own is not None and below is not None and other.split(".")[0] == name.split(".")[0]:
                assert below <= own, f"{name} imports {other}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    known = modules("ftl", "studio")

    def module_of(name: str) -> str:
        while name and name not in known:
            name = name.rpartition(".")[0]
        return name

    graph = {name: {module_of(one) for one in imported(path)} - {"", name} for name, path in known.items()}
    TopologicalSorter(graph).prepare()  # raises for a circle, and names it


PRIVATE = {
    "os._exit",  # documented
    "torch._foreach_copy_", "torch._foreach_lerp_",  # as in torch.optim.swa_utils, with another weight at each step
    "zipfile._ECD_SIZE", "zipfile._EndRecData",  # the very reading that ZipFile goes by
}  # fmt: skip
"""Names that are private and used all the same."""


def sources() -> dict[str, str]:
    """All code but the tests, by its place: also what the documentation shows."""
    packages = ("ftl", "studio", "pages", "benchmarks")
    found = {str(path.relative_to(ROOT)): path.read_text() for path in modules(*packages).values()}
    for path in (ROOT / "docs").rglob("*.md"):
        for number, code in enumerate(re.findall(r"^```python\n(.*?)^```", path.read_text(), re.M | re.S)):
            found[f"docs/{path.name}/{number}.py"] = code
    for path in (ROOT / "docs").rglob("*.ipynb"):
        cells = json.loads(path.read_text())["cells"]
        for number, cell in enumerate(cells):
            if cell["cell_type"] == "code":
                found[f"docs/{path.name}/{number}.py"] = "".join(cell["source"])
    return found


def private_names(place: str, code: str) -> set[str]:
    """Private names of other packages that some code imports, or reads from what it imports."""

    def package_of(name: str) -> str:
        parts = name.split(".")
        return ".".join(parts[:2]) if parts[0] in ("ftl", "studio") else parts[0]

    bound, used = dict[str, str](), set[str]()
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                bound[alias.asname or alias.name.split(".")[0]] = f"{prefix}{alias.name}"
                used.add(f"{prefix}{alias.name}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            root, _, rest = ast.unparse(node).partition(".")
            if root in bound:
                used.add(f"{bound[root]}.{rest}")
    own = package_of(place.removesuffix(".py").replace("/", "."))
    return {
        name
        for name in used - PRIVATE
        if package_of(name) != own and any(re.match(r"_(?!_|replace$|asdict$|fields$)", p) for p in name.split("."))
    }


def test_no_package_uses_private_names_of_another() -> None:
    found = {place: private_names(place, code) for place, code in sources().items()}
    assert {place: names for place, names in found.items() if names} == {}


def test_benchmarks_and_documentation_take_public_names_from_ftl_itself() -> None:
    """A name that `import ftl` gives is not imported from where it happens to be defined."""
    for place, code in sources().items():
        if place.startswith(("benchmarks", "docs")):
            inner = {
                f"{node.module}.{alias.name}"
                for node in ast.walk(ast.parse(code))
                if isinstance(node, ast.ImportFrom)
                for alias in node.names
            }
            assert not inner & {f"{home}.{name}" for name, home in ftl._HOMES.items()}, place


@pytest.mark.parametrize("package", NO_STREAMLIT)
def test_pages_alone_know_streamlit(package: str) -> None:
    for name, path in modules(f"studio/{package}").items():
        assert "streamlit" not in imports(path), name


def test_one_module_alone_knows_the_keys_of_what_a_tab_remembers() -> None:
    for name, path in modules("studio", "pages").items():
        assert name == "studio.ui.state" or "session_state" not in path.read_text(encoding="utf-8"), name


def test_no_pickle_is_ever_loaded() -> None:
    unsafe = re.compile(r"pickle\.load|joblib\.load|weights_only *= *False|allow_pickle *= *True|torch\.export\.load\(")
    for package in ("ftl", "studio", "pages"):
        for path in (ROOT / package).rglob("*.py"):
            assert not unsafe.search(path.read_text()), path
            assert "pickle" not in imports(path), path


def test_the_worker_is_light() -> None:
    """It only watches the processes that compute."""
    code = "import sys, studio.jobs.supervisor; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_import_of_ftl_is_light_on_the_command_line() -> None:
    """The command line starts without importing torch until a command needs it."""
    code = "import sys, ftl.cli.parser; ftl.cli.parser.build_parser(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_pages_that_run_no_network_are_light() -> None:
    """They open without importing torch, which takes seconds and hundreds of megabytes."""
    pages = ("account", "annotate", "home", "images", "jobs", "progress", "projects", "review", "settings")
    body = [node for page in pages for node in ast.parse((ROOT / "pages" / f"{page}.py").read_text()).body]
    code = "\n".join(ast.unparse(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom))
    code += "\nimport sys\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


MARKDOWN = {
    "badge", "button", "caption", "checkbox", "download_button", "error", "expander", "form_submit_button", "header",
    "image", "info", "link_button", "markdown", "metric", "page_link", "popover", "progress", "spinner", "status",
    "subheader", "success", "title", "toast", "toggle", "warning", "write", "number_input", "selectbox", "text_input",
}  # fmt: skip
"""What Streamlit shows as Markdown: the first arguments of these, and their words."""
OPTIONS = {"pills", "radio", "segmented_control", "tabs"}
"""These show their options as Markdown too."""
WRITTEN_BY_PEOPLE = {"name", "text", "error"}
SAFE = {"plain", "sentence"}


def shown_raw(node: ast.AST) -> list[str]:
    """What of an argument may be somebody's text, outside of what makes it plain."""
    if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in SAFE:
        return []
    if isinstance(node, ast.Attribute) and node.attr in WRITTEN_BY_PEOPLE and not isinstance(node.ctx, ast.Store):
        return [ast.unparse(node)]
    return [one for child in ast.iter_child_nodes(node) for one in shown_raw(child)]


def test_what_people_write_goes_into_markdown_through_plain() -> None:
    found = []
    for package in ("studio", "pages"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                    continue
                name = node.func.attr
                if name not in MARKDOWN | OPTIONS:
                    continue
                words = {"label", "body", "help", "text", "caption"} | ({"format_func"} if name in OPTIONS else set())
                given = [*node.args[: 2 if name in ("image", "progress", "metric") else 1]]
                given += [one.value for one in node.keywords if one.arg in words]
                raw = [one for argument in given for one in shown_raw(argument)]
                found += [f"{path.relative_to(ROOT)}:{node.lineno}: {one} is shown by {name}" for one in raw]
    assert not found, "wrap it in ui.plain, see studio/ui/markdown.py:\n" + "\n".join(found)


def callbacks(tree: ast.Module) -> list[ast.FunctionDef]:
    """The module's functions that are given as `on_click` and its like, and those that they call in turn."""
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    keywords = [node for node in ast.walk(tree) if isinstance(node, ast.keyword) and (node.arg or "").startswith("on_")]
    names = [one.value.id for one in keywords if isinstance(one.value, ast.Name)]
    found: list[ast.FunctionDef] = []
    while names:
        function = functions.pop(names.pop(), None)
        if function is not None:
            found.append(function)
            names += [node.id for node in ast.walk(function) if isinstance(node, ast.Name)]
    return found


def test_no_callback_shows_a_toast_itself() -> None:
    """Streamlit may leave it there, with all that is behind undone: `ui.toast_next` waits for the run."""
    found = {
        f"{name}.{function.name}": ast.unparse(function)
        for name, path in modules("studio", "pages").items()
        for function in callbacks(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert "studio.ui.annotate.header._submit" in found
    assert [name for name, code in found.items() if "st.toast" in code] == []


def test_files_of_tests_that_are_begun_first_are_there() -> None:
    assert [name for name in SLOWEST if not (ROOT / "tests" / name).is_file()] == []
