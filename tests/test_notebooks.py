"""The notebooks as files: executed in order, stored as `make execute` stores them, heads and utils.py in step."""
import re
import subprocess
import sys

import pytest

from tools import export, head
from tools.execute import normalise
from tools.notebooks import ROOT, chapters, notebook_text, notebooks, read_notebook, shown, tags

NOTEBOOKS = notebooks()
LARGEST = 1_500_000     # bytes
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=shown)


def faults_of_execution(notebook):
    """What is wrong with a notebook's execution counts and outputs, as a list of sentences."""
    faults, last = [], 0
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code" or not cell.source.strip() or tags(cell) & {"widget", "skip-execution", "nbval-skip"}:
            continue
        if cell.execution_count is None:
            faults.append(f"cell {number} was never executed")
        elif cell.execution_count <= last:
            faults.append(f"cell {number} was executed out of order")
        last = cell.execution_count or last
        errors = [output.ename for output in cell.outputs if output.output_type == "error"]
        if errors and "raises-exception" not in tags(cell):
            faults.append(f"cell {number} stores a {errors[0]} and is not tagged raises-exception")
    return faults


@each_notebook
def test_executed_in_order(path):
    assert faults_of_execution(read_notebook(path)) == []


@each_notebook
def test_stored_as_the_tool_stores_it(path):
    text = path.read_text(encoding="utf-8")
    assert notebook_text(normalise(read_notebook(path), path)) == text, f"run `make execute NB={shown(path)}`"


@each_notebook
def test_size(path):
    assert path.stat().st_size <= LARGEST


@each_notebook
def test_head_is_in_step(path):
    assert head.stale([path]) == [], f"run `python -m tools.head --write {shown(path)}`"


def test_readme_badges_are_in_step():
    assert head.stale([path for path in [ROOT / "README.md"] if path.exists()]) == [], "run `python -m tools.head --write`"


def test_utils_are_in_step():
    assert [shown(path) for path in export.export(check=True)] == [], "run `make utils`"


def test_utils_pass_the_linter():
    utils = [shown(chapter / "utils.py") for chapter in chapters() if (chapter / "utils.py").exists()]
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise", *utils]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert not utils or done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("chapter", chapters(), ids=shown)
def test_imports_run_downwards(chapter):
    """A chapter imports from itself and from those before it, and from neither tools nor tests."""
    above = [other.name for other in chapters() if other > chapter] + ["tools", "tests"]
    sources = {path: path.read_text(encoding="utf-8") for path in chapter.glob("*.py")}
    for path in notebooks():
        if path.parent == chapter:
            sources[path] = "\n".join(cell.source for cell in read_notebook(path).cells if cell.cell_type == "code")
    upwards = re.compile(rf"(?m)^\s*(?:from|import) (?:{'|'.join(above)})\b.*")
    assert [f"{shown(path)}: {line.strip()}" for path, source in sources.items() for line in upwards.findall(source)] == []
