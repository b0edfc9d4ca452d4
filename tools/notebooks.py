"""What the maintenance tools share: where the course is, which notebooks it has, how a file is written whole or not at all."""
import os
import pathlib
import tempfile
import tomllib

import nbformat

ROOT = pathlib.Path(__file__).resolve().parent.parent


def chapters(root=ROOT):
    """The chapters' folders, in reading order."""
    return sorted(path for path in root.glob("ch[0-9][0-9]_*") if path.is_dir())


def notebooks(root=ROOT, *, solutions=True):
    """The course's notebooks in reading order: each chapter's lessons, then its solutions.ipynb unless `solutions` is False."""
    return [path for chapter in chapters(root) for path in sorted(chapter.glob("*.ipynb"))
            if path.name[:2].isdigit() or (solutions and path.name == "solutions.ipynb")]


def repository(root=ROOT):
    """The course's slug on GitHub, "owner/name", from pyproject.toml: the one place where it stands."""
    with open(root / "pyproject.toml", "rb") as file:
        return tomllib.load(file)["tool"]["course"]["repository"]


def read_notebook(path):
    """The notebook at `path`. Raises ValueError, naming the file, for what is not a notebook."""
    try:
        return nbformat.read(path, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, UnicodeDecodeError, AttributeError, KeyError) as error:
        raise ValueError(f"{path}: not a notebook ({str(error).splitlines()[0]})") from error


def notebook_text(notebook):
    """The notebook as the text of its file: validated, keys sorted, one final newline."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def write_text(path, text):
    """Write `text` to `path` by way of a temporary file beside it: a killed run leaves the old file or the new, never a half."""
    path = pathlib.Path(path)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def tags(node):
    """The tags of a cell, or of a whole notebook, as a set."""
    return set(node.metadata.get("tags", []))


def is_heavy(notebook):
    """Does this notebook train for so long that it must run alone? The tag `heavy`, its own or its first cell's, says so."""
    return "heavy" in tags(notebook) or any("heavy" in tags(cell) for cell in notebook.cells[:1])


def shown(path, root=ROOT):
    """A path as messages name it: from the course's root where it lies inside."""
    path = pathlib.Path(path).resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
