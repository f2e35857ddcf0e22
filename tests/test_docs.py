"""The documentation: names and commands that exist, one version everywhere, a notebook that runs."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from argparse import _SubParsersAction
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import ftl
from ftl.cli.parser import build_parser
from ftl.models.registry import REGISTRY
from ftl.pruning.criteria import CRITERIA
from studio.jobs.readiness import BETTER_MASKS, ENOUGH_MASKS
from tests.conftest import ROOT

PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")] + sorted((ROOT / "docs").glob("*.md"))
NOTEBOOK = ROOT / "docs" / "notebooks" / "first_steps.ipynb"
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def commands(page: Path) -> Iterator[list[str]]:
    """The commands of `ftl` in a page's blocks for the shell, in words."""
    for block in re.findall(r"```sh\n(.+?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("ftl "):
                yield shlex.split(line, comments=True)[1:]


@each_page
def test_files_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:ftl|studio|pages|tests|benchmarks|docs)/[\w./-]*)", text)
    modules = re.findall(r"python -m\s+((?:benchmarks|tests)\.\w+)", text)
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []


@each_page
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    files = [link for link in links if "://" not in link]
    assert [link for link in files if not (page.parent / link).is_file()] == []


@each_page
def test_commands_are_those_of_the_program(page: Path) -> None:
    for words in commands(page):
        build_parser().parse_args(words)  # exits, and says why, where a page is out of date


def test_pages_ask_for_as_many_masks_as_the_studio_does() -> None:
    words = {6: "six", 15: "fifteen"}
    enough, better = words[ENOUGH_MASKS], words[BETTER_MASKS]
    said = {
        "README.md": [f"draw masks on {enough} of those with cracks"],
        "docs/first-steps.md": [f"draw masks on {enough} of those with cracks; {better} are better",
                                f"| {enough} with cracks, better {better} |"],
        "docs/drawing.md": [f"how many of the {enough} masks are drawn"],
    }  # fmt: skip
    for page, sentences in said.items():
        text = (ROOT / page).read_text(encoding="utf-8")
        assert [sentence for sentence in sentences if sentence not in text] == []


def test_the_command_line_page_names_everything() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    (subparsers,) = [action for action in build_parser()._actions if isinstance(action, _SubParsersAction)]
    assert [name for name in subparsers.choices if f"| `ftl {name} " not in text] == []
    assert [name for name in (*REGISTRY, *CRITERIA) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("package", ["ftl", "studio"])
def test_contributing_shows_all_packages(package: str) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shown = re.search(rf"^{package}/.*\n((?:  .+\n)+)", text, re.MULTILINE)
    assert shown is not None
    assert set(re.findall(r"^  (\w+)/", shown[1], re.MULTILINE)) == {
        path.parent.name for path in (ROOT / package).glob("*/__init__.py")
    }


def test_one_version_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert citation["version"] == newest[1] == ftl.__version__


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cells of code in order, as Jupyter would run them in an empty folder."""
    monkeypatch.chdir(tmp_path)
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, object] = {"__name__": "__main__"}
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"cell {number} of {NOTEBOOK.name}", "exec"), names)
    assert (tmp_path / "crack.onnx").is_file()
    assert len(names["predictions"]) == 12  # type: ignore[arg-type]
