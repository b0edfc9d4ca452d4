"""Execute notebooks in place, so that two runs write the same bytes.

usage: python -m tools.execute [--check] [NOTEBOOK ...]        default: every notebook of the course

The kernel is this interpreter's, without network, in the notebook's folder, with the suite's number of threads. A notebook with
a failing cell stays as it was. --check writes nothing and fails where a cell whose output is compared would change.
"""
import argparse
import pathlib
import re
import sys
import time

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools import kernels
from tools.notebooks import is_heavy, notebook_text, notebooks, read_notebook, shown, tags, write_text

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PROGRESS_BAR = re.compile(r"\d+%\||\d+it \[|it/s\]|s/it\]")
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}


class Refused(Exception):
    """A notebook that can't be executed and stored; the message names the notebook, the cell and the reason."""


def run(notebook, path, *, timeout=kernels.CELL_TIMEOUT):
    """Execute `notebook` as the file `path`, in memory. Raises Refused with cell and error where a cell fails."""
    started = []
    client = kernels.Client(
        notebook, timeout=timeout, kernel_manager_class=kernels.OwnKernel, kernel_name="python3", record_timing=False,
        coalesce_streams=True, extra_arguments=["--log-level=ERROR"], resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=lambda cell, cell_index: started.append(cell_index + 1))
    try:
        client.execute(env=kernels.environment(kernels.HEAVY if is_heavy(notebook) else kernels.LIGHT))
    except CellExecutionError as error:
        text = re.sub(r"\x1b\[[0-9;]*m", "", error.traceback).rstrip()
        raise Refused(f"{shown(path)}, cell {started[-1]} stopped with {error.ename}: {error.evalue}\n{text}") from None
    except CellTimeoutError:
        raise Refused(f"{shown(path)}, cell {started[-1]} took longer than {timeout} seconds") from None
    except DeadKernelError:
        raise Refused(f"{shown(path)}, cell {started[-1]}: the kernel died (out of memory?)") from None


def tidy_output(output):
    """The output as it is stored, or None for one that isn't.

    Progress bars go, since they hold timings; an error keeps its last line, since a traceback holds paths of this machine.
    """
    if output.output_type == "stream" and output.name == "stderr":
        lines = [line for line in output.text.splitlines(keepends=True) if line.strip() and not PROGRESS_BAR.search(line)]
        output.text = "".join(lines)
        return output if lines else None
    if output.output_type == "error":
        output.traceback = [f"{output.ename}: {output.evalue}"]
    return output


def normalise(notebook, path):
    """Make the executed notebook's bytes depend on nothing but its sources and what they print."""
    kept = {key: notebook.metadata[key] for key in ("tags", "title") if key in notebook.metadata}
    notebook.metadata = type(notebook.metadata)(kept | {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}})
    notebook.nbformat_minor = max(notebook.nbformat_minor, 5)           # the first minor version with ids
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02}"
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        if "widget" in tags(cell):
            cell.outputs, cell.execution_count = [], None
        cell.outputs = [output for output in map(tidy_output, cell.outputs) if output]
        if any(WIDGET_VIEW in output.get("data", {}) for output in cell.outputs):
            raise Refused(f"{shown(path)}, cell {number} shows a widget (a tqdm bar is one) and does not carry the tag `widget`")
    return notebook


def compared(notebook):
    """What the tests compare of a notebook: the outputs of its code cells, but for those tagged to be ignored."""
    return [cell.outputs for cell in notebook.cells if cell.cell_type == "code" and "nbval-ignore-output" not in tags(cell)]


def execute(path, *, check=False, timeout=kernels.CELL_TIMEOUT):
    """Execute the notebook at `path` and write it back whole, or with `check` compare and write nothing.

    Raises Refused where a cell fails or, with `check`, where a compared output differs; the file then stays as it was.
    """
    path = pathlib.Path(path).resolve()
    stored, fresh = read_notebook(path), read_notebook(path)
    run(fresh, path, timeout=timeout)
    normalise(fresh, path)
    if not check:
        write_text(path, notebook_text(fresh))
    elif compared(stored) != compared(fresh):
        raise Refused(f"{shown(path)}: stored outputs are stale: run `make execute NB={shown(path)}`")


def main(arguments=None):
    """The command; returns the number of notebooks that failed."""
    parser = argparse.ArgumentParser(prog="python -m tools.execute", description="Execute notebooks in place, deterministically.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail where a compared output would change")
    parser.add_argument("notebooks", nargs="*", type=pathlib.Path)
    options = parser.parse_args(arguments)
    failed = 0
    for path in options.notebooks or notebooks():
        start = time.perf_counter()
        try:
            execute(path, check=options.check)
        except (Refused, ValueError, OSError) as error:
            failed += 1
            print(error, file=sys.stderr, flush=True)
        else:
            print(f"{shown(path):60} {time.perf_counter() - start:6.1f} s", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
