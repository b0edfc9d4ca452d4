"""The maintenance tools and the nbval glue, tried on toy notebooks in temporary folders."""
import os
import shutil
import socket
import subprocess
import sys

import nbformat
import pytest

from tests.nbval_glue import Approximate, close, last_place, pinned_set
from tests.test_notebooks import faults_of_execution
from tools import bench, execute, export, head, kernels, suite
from tools.lessons import LESSONS, course_map
from tools.notebooks import ROOT, read_notebook, write_text

code, markdown = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell


def tagged(source, *tags):
    return code(source, metadata={"tags": list(tags)})


def save(path, *cells, **metadata):
    """Write a notebook of these cells (a string is a code cell); returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [code(cell) if isinstance(cell, str) else cell for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
    return path


def pytest_run(path, **env):
    """Run nbval with the course's glue on one notebook, in a process of its own; returns (exit status, output)."""
    command = [sys.executable, "-m", "pytest", "--nbval", "-rs", "-q", "--color=no", "-p", "no:cacheprovider", "-p", "no:xdist",
               "-p", "tests.nbval_glue", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(path.parent), str(path)]
    variables = {key: value for key, value in os.environ.items() if key != "COURSE_DATA"} | {"PYTHONPATH": str(ROOT)} | env
    done = subprocess.run(command, cwd=path.parent, env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


# ---- files ----

def test_write_is_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old\n")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new \ud800\n")
    assert path.read_text() == "old\n" and list(tmp_path.iterdir()) == [path]


def test_what_is_no_notebook_is_named(tmp_path):
    (tmp_path / "x.ipynb").write_text("not json")
    with pytest.raises(ValueError, match="x.ipynb: not a notebook"):
        read_notebook(tmp_path / "x.ipynb")


# ---- execute ----

def test_two_executions_write_the_same_bytes(tmp_path):
    path = save(tmp_path / "toy.ipynb", markdown("# Toy"),
                "import sys, tqdm, pathlib, matplotlib.pyplot as plt\nprint({'a', 'b', 'c'}, pathlib.Path('toy.ipynb').exists())",
                "plt.plot([1, 3, 2]); plt.show()",
                "for _ in tqdm.tqdm(range(3)): pass",
                tagged("1 / 0", "raises-exception"),
                tagged("import ipywidgets; ipywidgets.interactive(lambda x: x, x=(0, 3))", "widget", "nbval-ignore-output"))
    execute.execute(path)
    first = path.read_bytes()
    execute.execute(path)
    assert path.read_bytes() == first
    cells = read_notebook(path).cells
    assert [cell.id for cell in cells] == [f"cell-{n:02}" for n in range(1, 7)]
    assert "True" in cells[1].outputs[0].text and "image/png" in cells[2].outputs[0].data
    assert cells[3].outputs == [] and cells[4].outputs[0].traceback == ["ZeroDivisionError: division by zero"]
    assert cells[5].outputs == [] and cells[5].execution_count is None
    assert faults_of_execution(read_notebook(path)) == []
    assert execute.main(["--check", str(path)]) == 0


def test_a_failing_cell_leaves_the_file_alone(tmp_path, capsys):
    path = save(tmp_path / "toy.ipynb", "print('fine')", "{}['absent']")
    before = path.read_bytes()
    assert execute.main([str(path)]) == 1
    said = capsys.readouterr().err
    assert "toy.ipynb, cell 2 stopped with KeyError: 'absent'" in said and "\x1b" not in said
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("source, message", [
    ("import ipywidgets; ipywidgets.IntSlider()", "cell 1 shows a widget"),
    ("import os; os._exit(1)", "cell 1: the kernel died"),
    ("import time; time.sleep(60)", "cell 1 took longer than 2 seconds"),
])
def test_execute_refuses(tmp_path, source, message):
    path = save(tmp_path / "toy.ipynb", source)
    before = path.read_bytes()
    with pytest.raises(execute.Refused, match=message):
        execute.execute(path, timeout=2 if "sleep" in source else 60)
    assert path.read_bytes() == before


def test_check_names_stale_outputs_and_writes_nothing(tmp_path):
    path = save(tmp_path / "toy.ipynb", "print(1)")
    execute.execute(path)
    path.write_text(path.read_text().replace('"1\\n"', '"2\\n"'))
    before = path.read_bytes()
    with pytest.raises(execute.Refused, match="stored outputs are stale"):
        execute.execute(path, check=True)
    assert path.read_bytes() == before


def test_threads_and_interpreter_of_a_kernel(tmp_path):
    source = "import os, sys; print(os.environ['OMP_NUM_THREADS'], sys.executable)"
    light, heavy = save(tmp_path / "a.ipynb", source), save(tmp_path / "b.ipynb", source, tags=["heavy"])
    for path, threads in ((light, 1), (heavy, 2)):
        execute.execute(path)
        assert read_notebook(path).cells[0].outputs[0].text == f"{threads} {sys.executable}\n"


def test_faults_of_execution_are_found():
    cells = [code("1", execution_count=2), code("2", execution_count=1), code("3"), tagged("4", "widget"),
             code("5", execution_count=3, outputs=[nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])])]
    found = faults_of_execution(nbformat.v4.new_notebook(cells=cells))
    assert found == ["cell 2 was executed out of order", "cell 3 was never executed",
                     "cell 5 stores a E and is not tagged raises-exception"]


# ---- export ----

def test_export_hoists_what_is_needed_and_keeps_comments(tmp_path):
    chapter = tmp_path / "ch02_toy"
    save(chapter / "01_a.ipynb", "%matplotlib inline",
         "import math, json\nimport torch.nn.functional as F\nfrom ch01_toy.utils import B, A",
         "#| export\nimport os.path  # kept out of the body\n\n# how many\nSIZE, HALF = 4, 2\n\n\ndef area(r: 'float'):\n"
         "    \"\"\"Circle.\"\"\"\n    return math.pi * r**2 + F.relu(A) + os.path.sep  # πr²",
         "def draft(): ...")
    save(chapter / "02_b.ipynb", "from ch02_toy.utils import area",
         "#| export\nclass Disc:\n    twice = staticmethod(lambda r: 2 * area(r))")
    save(chapter / "solutions.ipynb", "#| export\nx = 1")
    assert export.export(tmp_path) == [chapter / "utils.py"]
    assert (chapter / "utils.py").read_text() == export.HEADER + '''import math
import os.path

import torch.nn.functional as F

from ch01_toy.utils import A

# ---- 01_a ----

# how many
SIZE, HALF = 4, 2


def area(r: 'float'):
    """Circle."""
    return math.pi * r**2 + F.relu(A) + os.path.sep  # πr²


# ---- 02_b ----

class Disc:
    twice = staticmethod(lambda r: 2 * area(r))
'''
    assert export.export(tmp_path, check=True) == []


@pytest.mark.parametrize("cells, message", [
    (["#| export\nprint(1)"], r"cell 1, line 2: only imports, definitions and constants can be exported, not `print\(1\)`"),
    (["#| export\nx = {}\nx['a'] = 1"], "line 3: only imports, definitions"),
    (["#| export\nif True:\n    x = 1"], "line 2: only imports, definitions"),
    (["#| export\nx = 1", "x = 2", "#| export\ndef x(): ..."], "cell 3: x is exported already, by .*01_a.ipynb, cell 1"),
    (["1", "#| export\n\ndef f(:"], "cell 2, line 3: invalid syntax"),
    (["#| export\n%time\nx = 1"], "cell 1, line 2: invalid syntax"),
    (["draft = 1", "#| export\ndef f(): return draft"], "cell 2: draft is used, but neither exported"),
    (["#| export\nfrom math import *"], "name what you import"),
    (["import math as m", "#| export\nimport cmath as m\nx = m.pi", "#| export\nimport math as m\ny = m.e"],
     "cell 3: m is imported by `import math as m`, but .*cell 2 has `import cmath as m`"),
    (["#| export\nfrom math import pi\ny = pi", "#| export\npi = 3"], "pi is imported by .*, but also exported by"),
    (["#| export\nimport math; x = math.pi"], "an import shares its line"),
    (["x = 1\n#| export\ny = 2"], "must be the cell's first line"),
])
def test_export_refuses(tmp_path, cells, message):
    save(tmp_path / "ch01_toy" / "01_a.ipynb", *cells)
    with pytest.raises(export.Refused, match=message):
        export.export(tmp_path)
    assert not (tmp_path / "ch01_toy" / "utils.py").exists()


def test_duplicates_of_two_lessons_are_named(tmp_path):
    for name in ("01_a", "02_b"):
        save(tmp_path / "ch01_toy" / f"{name}.ipynb", "#| export\nclass Same: ...")
    with pytest.raises(export.Refused, match="02_b.ipynb, cell 1: Same is exported already, by .*01_a.ipynb, cell 1"):
        export.export(tmp_path)


def test_stale_utils_are_found_and_mended(tmp_path):
    utils = tmp_path / "ch01_toy" / "utils.py"
    save(utils.with_name("01_a.ipynb"), "#| export\nx = 1")
    assert export.export(tmp_path, check=True) == [utils] and not utils.exists()
    export.export(tmp_path)
    utils.write_text(utils.read_text() + "y = 2\n")
    assert export.export(tmp_path, check=True) == [utils]
    assert export.export(tmp_path) == [utils] and export.export(tmp_path) == []


def test_a_chapter_without_exports_has_no_utils(tmp_path):
    utils = tmp_path / "ch01_toy" / "utils.py"
    save(utils.with_name("01_a.ipynb"), "x = 1")
    utils.write_text(export.HEADER)
    assert export.export(tmp_path) == [utils] and not utils.exists()
    utils.write_text("by_hand = True\n")
    with pytest.raises(export.Refused, match="written by hand"):
        export.export(tmp_path)
    assert utils.exists()


# ---- head ----

@pytest.fixture
def course(tmp_path):
    """A course of one lesson and one solutions notebook, with sources as their authors write them."""
    (tmp_path / "pyproject.toml").write_text('[tool.course]\nrepository = "OWNER/REPO"  # here\n')
    (tmp_path / "README.md").write_text(f"[a]({head.COLAB}/github/OWNER/REPO/blob/main/x.ipynb) https://github.com/OWNER/REPO\n")
    folder = tmp_path / "ch02_tokenization"
    title = markdown("# Pairs\n<!-- badge -->\n<!-- map -->\nYou will build.")
    save(folder / "02_byte_pair_encoding.ipynb", title, "# setup", "import os")
    save(folder / "solutions.ipynb", markdown("# Solutions"), "# setup")
    return tmp_path


def files(course):
    return [*sorted((course / "ch02_tokenization").iterdir()), course / "README.md"]


def test_head_is_written_once_and_then_in_step(course):
    lesson, solutions, _ = files(course)
    assert len(head.stale(files(course), course)) == 2
    assert head.stale(files(course), course, write=True) == []
    written = [path.read_bytes() for path in files(course)]
    assert head.stale(files(course), course) == [] and head.stale(files(course), course, write=True) == []
    assert [path.read_bytes() for path in files(course)] == written
    first, setup = read_notebook(lesson).cells[:2]
    assert f"({head.COLAB}/github/OWNER/REPO/blob/main/ch02_tokenization/02_byte_pair_encoding.ipynb)" in first.source
    assert "└ you are here: 02 byte pair encoding" in first.source and first.source.endswith("<!-- /map -->\nYou will build.")
    assert setup.source == head.setup_source("OWNER/REPO") == read_notebook(solutions).cells[1].source
    assert setup.metadata.cellView == "form" and setup.metadata.jupyter.source_hidden is True


def test_the_slug_moves_everywhere(course):
    head.stale(files(course), course, write=True)
    head.set_repository("some.one/a-course", course)
    assert len(head.stale(files(course), course)) == 3
    head.stale(files(course), course, write=True)
    text = "".join(path.read_text() for path in [*files(course), course / "pyproject.toml"])
    assert "OWNER" not in text and "github.com/some.one/a-course" in text and "# here" in text
    with pytest.raises(ValueError, match="owner/name"):
        head.set_repository("https://github.com/a/b", course)


@pytest.mark.parametrize("change, message", [
    (("setup_source", "print('mine')"), "second cell must be the setup cell"),
    (("badge", "no markers"), "needs one line `<!-- badge -->`, and has 0"),
])
def test_head_refuses(course, change, message):
    lesson = files(course)[0]
    notebook = read_notebook(lesson)
    notebook.cells[0 if change[0] == "badge" else 1].source = change[1]
    nbformat.write(notebook, lesson)
    assert message in "".join(head.stale([lesson], course, write=True))


def test_a_changed_head_is_stale(course):
    lesson = files(course)[0]
    head.stale([lesson], course, write=True)
    right = lesson.read_text()
    changes = {"you are here: 02": "you are here: 03", "OWNER/REPO/blob": "OWNER/OTHER/blob", "here / ": "here.parent / "}
    for before, after in changes.items():
        assert before in right
        lesson.write_text(right.replace(before, after))
        assert head.stale([lesson], course) == ["ch02_tokenization/02_byte_pair_encoding.ipynb"]


def test_map_of_every_lesson():
    assert len(LESSONS) == 36 and sum(lesson.core for lesson in LESSONS) == 22
    for lesson in LESSONS:
        labels, dots, pointer, legend = lines = course_map(lesson.chapter, lesson.name).splitlines()
        assert max(map(len, lines)) <= 100 and dots.count("◉") == 1
        assert pointer[dots.index("◉")] in "└┘" and ("this is one" in legend) == (not lesson.core)
        assert all(dots[labels.index(str(number))] in "●◉○" for number in range(1, 8))
    with pytest.raises(ValueError, match="not in the course's plan"):
        course_map("ch01_intro", "09_more")


def test_setup_cell_is_short_and_leaves_the_large_packages_alone():
    source = head.setup_source("a/b")
    assert len(source.splitlines()) < 25 and not {'"torch"', '"numpy"', '"ipywidgets"'} & set(source.replace("(", " ").split())


# ---- offline ----

CONNECT = "import urllib.request\ntry: urllib.request.urlopen('http://{}')\nexcept OSError as error: print(error)"


@pytest.mark.parametrize("host", ["example.com", "203.0.113.7"])
def test_network_is_blocked_here_and_in_subprocesses(host):
    with pytest.raises(OSError, match="the tests run offline"):
        socket.create_connection((host, 80), timeout=5)
    done = subprocess.run([sys.executable, "-c", CONNECT.format(host)], capture_output=True, text=True)
    assert "the tests run offline" in done.stdout, done.stderr


def test_datagrams_are_blocked():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, pytest.raises(OSError, match="the tests run offline"):
        sender.sendto(b"x", ("203.0.113.7", 9))


def test_network_is_blocked_in_kernels_and_their_children(tmp_path):
    connect = CONNECT.format("example.com")
    child = f"import subprocess, sys\nprint(subprocess.check_output([sys.executable, '-c', {connect!r}], text=True))"
    path = save(tmp_path / "toy.ipynb", connect, child)
    execute.execute(path)
    assert all("the tests run offline" in cell.outputs[0].text for cell in read_notebook(path).cells)


def test_this_machine_stays_open():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(("localhost", server.getsockname()[1])):
        pass
    one, two = socket.socketpair()
    one.close(), two.close()


def test_another_sitecustomize_still_runs(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("print('chained')\n")
    env = os.environ | {"PYTHONPATH": f"{kernels.OFFLINE}{os.pathsep}{tmp_path}"}
    command = [sys.executable, "-c", "import socket; print(socket.course_is_offline)"]
    assert subprocess.run(command, env=env, capture_output=True, text=True).stdout == "chained\nTrue\n"


# ---- comparing ----

@pytest.mark.parametrize("stored, now, equal", [
    ("loss 1.2345", "loss 1.2346", True),
    ("loss 1.2345.", "loss 1.2445.", False),
    ("loss 0.0000", "loss -0.0001", True),
    ("step 10 loss 0.5", "step 11 loss 0.5", False),
    ("13.", "14.", False),
    ("after 13. Then", "after 14. Then", False),
    ("1000 1000.0", "1000 1000.4", True),
    ("1000 1000.0", "1001 1000.0", False),
    ("[ 0.12 -0.30]", "[-0.00  0.30]", False),
    ("[ 0.12 -0.30]", "[0.12 -0.3 ]", True),
    ("[1. 0.9999]", "[0.9999 1.    ]", True),
    ("1.00e-05", "1.01e-05", True),
    ("1.00e-05", "2.00e-05", False),
    ("loss 1.5", "loss nan", False),
    ("loss nan", "loss nan", True),
    ("loss inf", "loss -inf", False),
    ("information 1.5", "nation 1.5", False),
    ("1.50 one", "1.50 two", False),
    ("1.5 2.5", "1.5", False),
    ("speed 1.25x", "speed 1.2501x", True),
    ("torch 2.13.0", "torch 2.14.0", False),
    ("True", "False", False),
])
def test_approximate_comparison(stored, now, equal):
    assert (Approximate(stored) == Approximate(now)) is equal
    assert (Approximate(stored) != Approximate(now)) is not equal


def test_closeness():
    assert [last_place(text) for text in ("3.14", "-1.20e3", "13.", "1e-2")] == [0.01, 10.0, 0.0, 0.01]
    assert close("2.0000", "2.0010", 1e-3) and not close("2.0000", "2.0100", 1e-3) and close("2.0000", "2.0100", 1e-2)


def test_floats_are_compared_on_the_pinned_set_only(tmp_path):
    (tmp_path / "pins.txt").write_text(f"# comment\nnbformat=={nbformat.__version__}\n")
    assert pinned_set(tmp_path / "pins.txt") is (sys.version_info[:2] == (3, 11))
    (tmp_path / "pins.txt").write_text("nbformat==0.0.1\n")
    assert pinned_set(tmp_path / "pins.txt") is False


def executed(path, *cells):
    """Save and execute a notebook, then falsify each stored 1.00 to 1.05 and each stored 7 to 8."""
    execute.execute(save(path, *cells))
    path.write_text(path.read_text().replace('"1.00', '"1.05').replace('"7\\n', '"8\\n'))
    return path


@pytest.mark.parametrize("cell, passes", [
    (tagged("print('7')"), False),
    (tagged("print('7')", "approx"), False),
    (tagged("print('1.00')"), False),
    (code("print('1.00')", metadata={"tags": ["approx"], "tolerance": 0.1}), True),
    (tagged("print('7')", "nbval-ignore-output"), True),
    (tagged("import sys; print('7', file=sys.stderr)"), True),
    (tagged("print(object(), '0.50')", "approx"), True),
])
def test_glue_compares(tmp_path, cell, passes):
    status, output = pytest_run(executed(tmp_path / "toy.ipynb", cell))
    not_compared = "approx" in cell.metadata.tags and not pinned_set()
    assert (status == 0) is (passes or not_compared), output


def test_data_cells_run_and_are_skipped_by_name_without_data(tmp_path):
    path = executed(tmp_path / "toy.ipynb", tagged("x = 3\nprint('7')", "needs-data"), "print(x)")
    status, output = pytest_run(path)
    assert status == 0 and "1 passed, 1 skipped" in output and "toy.ipynb::Cell 0: needs COURSE_DATA" in output, output
    status, output = pytest_run(path, COURSE_DATA=str(tmp_path))
    assert status == 1 and "1 failed, 1 passed" in output, output


def test_an_error_in_a_data_cell_is_a_failure(tmp_path):
    path = save(tmp_path / "toy.ipynb", tagged("1 / 0", "needs-data"))
    assert pytest_run(path)[0] == 1


# ---- suite, bench, make ----

def test_heavy_notebooks_run_alone_first(tmp_path):
    light, heavy = save(tmp_path / "01_a.ipynb", "1"), save(tmp_path / "02_b.ipynb", "1", tags=["heavy"])
    assert suite.phases([light])[0][1] == kernels.LIGHT and len(suite.phases([light])) == 1
    (alone, two), (rest, one) = suite.phases([light, heavy])
    assert (two, one) == (2, 1) and str(heavy) in alone and str(light) in rest and "tests" in rest and str(heavy) not in rest


@pytest.mark.parametrize("statuses, status", [([0, 0], 0), ([1, 0], 1), ([0, 5], 1)])
def test_a_failed_phase_fails_the_suite(monkeypatch, capsys, statuses, status):
    monkeypatch.setattr(suite, "phases", lambda paths: [(["heavy"], 2), (["light"], 1)])
    monkeypatch.setattr(suite, "run", lambda arguments, threads: statuses[arguments == ["light"]])
    assert suite.main([]) == status
    assert ("FAILED" in capsys.readouterr().out) == bool(statuses[0])


def test_bench_runs_the_sides_by_turns(capsys):
    order = []
    seconds = bench.compare({"ours": lambda: order.append("o"), "theirs": lambda: order.append("t")}, repeats=3)
    assert "".join(order) == "otototot" and {name: len(times) for name, times in seconds.items()} == {"ours": 3, "theirs": 3}
    assert "ratio" in capsys.readouterr().out
    rows = bench.table({"a": [1.0, 2.0, 9.0], "b": [4.0, 4.0, 4.0]}).splitlines()
    assert rows[1].split() == ["a", "2.0000", "1.0000", "9.0000", "1.00", "3"]
    assert rows[2].split() == ["b", "4.0000", "4.0000", "4.0000", "2.00", "3"]
    with pytest.raises(ValueError, match="two sides"):
        bench.compare({"ours": print})


def test_bench_refuses_unknown_names(capsys):
    assert bench.main(["no-such-benchmark"]) == 2 and "no-such-benchmark" in capsys.readouterr().err


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
def test_make_refuses_an_unfit_python(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    fake = tmp_path / "old-python"
    pretend = "import sys; sys.version_info = (3, 9, 1); exec(sys.argv[1])"
    fake.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{pretend}' \"$2\"\n")
    fake.chmod(0o755)
    done = subprocess.run(["make", "install", f"PYTHON={fake}"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode and "needs Python 3.11, 3.12 or 3.13" in done.stderr and not (tmp_path / ".venv").exists()
