"""Keep the head of every notebook in step: Colab badge and course map in the first cell, the setup cell in the second.

usage: python -m tools.head --write [NOTEBOOK ...]      rewrite what is stale (default: every notebook, and README.md's badges)
       python -m tools.head --check                     write nothing; name what is stale, and fail
       python -m tools.head --repository owner/name     set the repository's slug in pyproject.toml, then rewrite everything

In the first cell stand the lines `<!-- badge -->` and `<!-- map -->`; this tool puts text and a closing marker behind each.
"""
import argparse
import pathlib
import re
import sys

import nbformat

from tools.lessons import course_map
from tools.notebooks import ROOT, notebook_text, notebooks, read_notebook, repository, shown, write_text

TEMPLATE = pathlib.Path(__file__).with_name("setup_cell.py")
TITLE = TEMPLATE.read_text(encoding="utf-8").splitlines()[0]
COLAB = "https://colab.research.google.com"
SLUG = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
FOLDED = {"cellView": "form", "jupyter": {"source_hidden": True}}


def badge(path, slug):
    """The line that opens the notebook `path` (from the course's root) in Colab."""
    return f"[![Open in Colab]({COLAB}/assets/colab-badge.svg)]({COLAB}/github/{slug}/blob/main/{path})"


def setup_source(slug):
    """The text of the setup cell, the same in every notebook."""
    text = TEMPLATE.read_text(encoding="utf-8")
    return text.replace("REPO_SLUG", slug).replace("REPO_NAME", slug.partition("/")[2]).rstrip("\n")


def fill(text, marker, content, where):
    """`text` with `content` between the lines <!-- marker --> and <!-- /marker -->; the second is added where it is absent."""
    pattern = rf"^<!-- {marker} -->$(?:(?:(?!^<!-- {marker} -->$).)*?^<!-- /{marker} -->$)?"
    filled, count = re.subn(pattern, lambda _: f"<!-- {marker} -->\n{content}\n<!-- /{marker} -->", text, flags=re.M | re.S)
    if count != 1:
        raise ValueError(f"{where}: the first cell needs one line `<!-- {marker} -->`, and has {count}")
    return filled


def update(notebook, path, slug):
    """Bring the head of `notebook`, which is `path` from the course's root, up to date, in place.

    Solutions need the setup cell and may do without badge and map. Raises ValueError for a head that isn't one.
    """
    path = pathlib.PurePosixPath(path)
    if len(notebook.cells) < 2 or notebook.cells[0].cell_type != "markdown" or notebook.cells[1].cell_type != "code":
        raise ValueError(f"{path}: the first cell must be the title (markdown), the second the setup cell (code)")
    first, setup = notebook.cells[:2]
    for marker, content in (("badge", badge(path, slug)), ("map", f"```text\n{course_map(path.parent.name, path.stem)}\n```")):
        if path.stem != "solutions" or f"<!-- {marker} -->" in first.source:
            first.source = fill(first.source, marker, content, path)
    if setup.source.strip() != "# setup" and not setup.source.startswith(TITLE):
        raise ValueError(f"{path}: the second cell must be the setup cell: write `# setup` as its whole text")
    setup.source = setup_source(slug)
    setup.metadata.update(nbformat.from_dict(FOLDED))


def update_badges(text, slug):
    """`text` (the README's) with every Colab link pointing into the repository `slug`."""
    return re.sub(rf"{re.escape(COLAB)}/github/[^/\s]+/[^/\s]+/", f"{COLAB}/github/{slug}/", text)


def refreshed(path, root=ROOT):
    """(text of the file now, text as it should be) of a notebook or of README.md."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text, update_badges(text, repository(root))
    notebook = read_notebook(path)
    before = notebook_text(notebook)
    update(notebook, path.resolve().relative_to(root).as_posix(), repository(root))
    after = notebook_text(notebook)
    return text, text if before == after else after


def stale(paths, root=ROOT, *, write=False):
    """The files whose head is out of step, as lines for a message. With `write` they are mended, and the rest is named."""
    findings = []
    for path in paths:
        try:
            now, right = refreshed(path, root)
        except ValueError as error:
            findings.append(str(error))
            continue
        if now != right and write:
            write_text(path, right)
            print(f"wrote {shown(path, root)}")
        elif now != right:
            findings.append(shown(path, root))
    return findings


def set_repository(slug, root=ROOT):
    """Write the slug "owner/name" into pyproject.toml, and into the README's links to the old one."""
    if not SLUG.fullmatch(slug):
        raise ValueError(f"the repository must be written owner/name, not {slug!r}")
    old = repository(root)
    settings = root / "pyproject.toml"
    write_text(settings, re.sub(r'(?m)^repository = "[^"]*"', f'repository = "{slug}"', settings.read_text(encoding="utf-8")))
    readme = root / "README.md"
    if readme.exists():
        write_text(readme, readme.read_text(encoding="utf-8").replace(f"github.com/{old}", f"github.com/{slug}"))


def main(arguments=None):
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.head", description="Keep the head of every notebook in step.")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true")
    mode.add_argument("--check", action="store_true")
    mode.add_argument("--repository", metavar="OWNER/NAME")
    parser.add_argument("notebooks", nargs="*", type=pathlib.Path)
    options = parser.parse_args(arguments)
    if options.repository:
        set_repository(options.repository)
    readme = [path for path in [ROOT / "README.md"] if path.exists()]
    findings = stale(options.notebooks or notebooks() + readme, write=not options.check)
    if findings:
        print("These heads are out of step (python -m tools.head --write):", *findings, sep="\n  ", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
