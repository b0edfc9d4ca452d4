"""Run a notebook as Colab does: alone in an empty folder, google.colab loaded, github.com standing for a local repository."""
import ast
import shutil
import subprocess

import nbformat

from tools import kernels
from tools.notebooks import read_notebook

WHERE_FROM = """
import pathlib as _p, sys as _s
_files = [module.__file__ for name, module in _s.modules.items() if name.split(".")[0].startswith("ch0") and module.__file__]
assert all(_p.Path(file).is_relative_to(_p.Path.cwd()) for file in _files), _files
print(course.relative_to(_p.Path.cwd()), len(_files))
"""


def git(folder, *command):
    """Run git in `folder` with an identity of its own; returns what it prints."""
    identity = ["-c", "user.name=tests", "-c", "user.email=tests@localhost", "-c", "init.defaultBranch=main"]
    return subprocess.run(["git", *identity, *command], cwd=folder, check=True, capture_output=True, text=True).stdout


def repository_of(tree, folder):
    """A git repository at `folder` that holds the working tree `tree` as it is now, uncommitted files too."""
    folder.mkdir(parents=True)
    for name in git(tree, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        source = tree / name
        if name and source.is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--message", "as it is now")
    return folder


def until_first_imports(notebook):
    """The number of cells up to and with the first code cell, after the setup cell, that imports something."""
    for count, cell in enumerate(notebook.cells, start=1):
        try:
            nodes = ast.parse(cell.source).body if cell.cell_type == "code" and count > 2 else []
        except SyntaxError:
            continue                # a magic
        if any(isinstance(node, ast.Import | ast.ImportFrom) for node in nodes):
            return count
    return len(notebook.cells)


def colab_environment(folder, upstream, slug):
    """The variables of a kernel in the imitated Colab, whose home is `folder`: no course on the path, no data, no network."""
    fake = folder / "fake" / "google" / "colab"
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text("")
    (folder / "fake" / "sitecustomize.py").write_text("import google.colab\n")
    env = {key: value for key, value in kernels.environment().items() if not key.startswith(("GIT_", "COURSE_", "PYTHONPATH"))}
    return env | {
        "PYTHONPATH": f"{kernels.OFFLINE}:{folder / 'fake'}",
        "HOME": str(folder),
        "COURSE_CACHE": str(folder / "cache"),
        "COLAB_RELEASE_TAG": "release-colab-external",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{upstream}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://github.com/{slug}",
        "GIT_ALLOW_PROTOCOL": "file",
    }


def run_alone(path, upstream, slug, folder, *, whole=False, timeout=300):
    """Copy the notebook at `path` alone into `folder`/content and run it there, its first cells or all of it.

    Returns the executed notebook; a cell at its end has asserted that the course's modules come from the clone.
    """
    content = folder / "content"
    content.mkdir(parents=True)
    shutil.copy(path, content)
    notebook = read_notebook(content / path.name)
    if not whole:
        notebook.cells = notebook.cells[:until_first_imports(notebook)]
    notebook.cells.append(nbformat.v4.new_code_cell(WHERE_FROM, id="end"))
    client = kernels.Client(notebook, timeout=timeout, kernel_manager_class=kernels.OwnKernel, kernel_name="python3",
                            extra_arguments=["--log-level=ERROR"], resources={"metadata": {"path": str(content)}})
    client.execute(env=colab_environment(folder, upstream, slug))
    return notebook
