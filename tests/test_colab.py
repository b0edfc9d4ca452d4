"""Every lesson opens in Colab: its first cells run there, and one whole lesson of each chapter."""
import shutil

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tests.lone_notebook import git, repository_of, run_alone
from tools import head
from tools.notebooks import ROOT, chapters, is_heavy, notebooks, read_notebook, repository, shown

LESSONS = notebooks(solutions=False)
SLUG = repository()
TOY = "some/toy-course"


def first_light_lesson(chapter):
    """The lesson that is run whole for a chapter: the first one that does not train for minutes, or None."""
    return next((path for path in LESSONS if path.parent == chapter and not is_heavy(read_notebook(path))), None)


WHOLE = [path for path in map(first_light_lesson, chapters()) if path]


@pytest.fixture(scope="module")
def upstream(tmp_path_factory):
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("the course is not a git checkout here")
    return repository_of(ROOT, tmp_path_factory.mktemp("upstream") / "course")


@pytest.fixture(autouse=True, scope="module")
def one_font_cache(tmp_path_factory):
    """Each imitated Colab has a home of its own; matplotlib need not build its font cache in every one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLCONFIGDIR", str(tmp_path_factory.mktemp("matplotlib")))
        yield


@pytest.mark.parametrize("path", LESSONS, ids=shown)
def test_lesson_opens_alone(path, upstream, tmp_path):
    run_alone(path, upstream, SLUG, tmp_path, whole=path in WHOLE)


# ---- the imitation itself, on a course of one lesson ----

@pytest.fixture
def small_course(tmp_path):
    root = tmp_path / "small"
    (root / "ch01_toy").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "data" / "village.py").write_text("")
    (root / "ch01_toy" / "utils.py").write_text("ANSWER = 42\n")
    first = "import sys\nfrom ch01_toy.utils import ANSWER\nprint(ANSWER, 'google.colab' in sys.modules)"
    codes = [head.setup_source(TOY), first, "raise RuntimeError('beyond the first imports')"]
    cells = [nbformat.v4.new_markdown_cell("# Toy"), *map(nbformat.v4.new_code_cell, codes)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), root / "ch01_toy" / "01_toy.ipynb")
    git(root, "init", "--quiet")
    return root


def test_setup_cell_fetches_the_course(small_course, tmp_path):
    upstream = repository_of(small_course, tmp_path / "upstream")
    done = run_alone(small_course / "ch01_toy" / "01_toy.ipynb", upstream, TOY, tmp_path / "colab")
    assert [cell.outputs[0].text for cell in done.cells[2:]] == ["42 True\n", "toy-course 1\n"]
    assert done.cells[1].outputs == []


def test_whole_notebook_is_run_on_demand(small_course, tmp_path):
    upstream = repository_of(small_course, tmp_path / "upstream")
    with pytest.raises(CellExecutionError, match="beyond the first imports"):
        run_alone(small_course / "ch01_toy" / "01_toy.ipynb", upstream, TOY, tmp_path / "colab", whole=True)


def test_setup_cell_says_in_one_sentence_that_it_could_not(small_course, tmp_path):
    with pytest.raises(CellExecutionError, match=r"could not be fetched\. Is there a network, and git\?"):
        run_alone(small_course / "ch01_toy" / "01_toy.ipynb", tmp_path / "nowhere", TOY, tmp_path / "colab")
