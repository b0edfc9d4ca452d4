"""Write each chapter's utils.py from the notebook cells that begin with `#| export`.

usage: python -m tools.export [--check]         --check writes nothing, names the stale files, and fails

Exported cells hold definitions only: functions, classes, constants, imports. Imports move to the top of the module; a name that
a cell uses and that its notebook imports elsewhere brings that import with it. Everything else that could go wrong in silence is
refused: a name exported twice, a name that nothing defines, code that would run on import.
"""
import ast
import builtins
import subprocess
import symtable
import sys
import typing

from tools.notebooks import ROOT, chapters, read_notebook, shown, write_text

MARK = "#| export"
HEADER = "# Generated from this chapter's notebooks by tools/export.py: change the notebook, then run `make utils`.\n"
OURS = ["ch0*", "data"]         # packages of the course: their imports come last
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


class Refused(Exception):
    """A cell that can't be exported; the message names the notebook, the cell and the reason."""


class Piece(typing.NamedTuple):
    """One exported cell: where it stands, its code without imports, the names it defines, the names it needs from outside."""

    place: str
    text: str
    defines: list
    needs: set
    imports: dict       # name it binds -> the import statement


def import_statements(tree, place):
    """The top-level imports of a parsed cell: {name it binds, dots included: the statement that binds this one name}."""
    found = {}
    for node in tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for alias in node.names:
            if alias.name == "*":
                raise Refused(f"{place}: name what you import: `*` hides where a name comes from")
            single = ast.Import([alias]) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, [alias], node.level)
            found[alias.asname or alias.name] = ast.unparse(single)
    return found


def defined_names(tree, place):
    """The names that a parsed cell defines. Raises Refused for anything but imports, definitions and constants."""
    names = []
    for node in tree.body:
        targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
        leaves = [leaf for target in targets if target for leaf in ast.walk(target)
                  if not isinstance(leaf, ast.Tuple | ast.expr_context)]
        if isinstance(node, DEFINITIONS) and all(isinstance(leaf, ast.Name) for leaf in leaves):
            names += [node.name] if hasattr(node, "name") else [leaf.id for leaf in leaves]
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            raise Refused(f"{place}, line {node.lineno + 1}: only imports, definitions and constants can be exported, "
                          f"not `{ast.unparse(node).splitlines()[0]}`")
    return names


def needed_names(text, place):
    """The global names that a text uses and does not define, built-in ones left out."""
    used, defined = set(), set()
    tables = [symtable.symtable(text, place, "exec")]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            if table.get_type() == "module" and (symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()):
                defined.add(symbol.get_name())
            elif symbol.is_referenced() and symbol.is_global():
                used.add(symbol.get_name())
    return used - defined - set(dir(builtins)) - {"__name__", "__file__"}


def without_imports(text, tree, place):
    """The text of a cell, its comments kept and its top-level imports taken out."""
    lines = text.splitlines()
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            lines[node.lineno - 1:node.end_lineno] = [None] * (node.end_lineno - node.lineno + 1)
    rest = "\n".join(line for line in lines if line is not None).strip("\n")
    if len(ast.parse(rest).body) != sum(not isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body):
        raise Refused(f"{place}: an import shares its line with other code; give it a line of its own")
    return rest


def pieces(path):
    """(exported cells of a notebook as Pieces, every import of the notebook as {name: statement})."""
    exported, imports = [], {}
    for number, cell in enumerate(read_notebook(path).cells, start=1):
        if cell.cell_type != "code":
            continue
        place = f"{shown(path)}, cell {number}"
        first, _, body = cell.source.partition("\n")
        marked = first.strip() == MARK
        try:
            tree = ast.parse(body if marked else cell.source)
        except SyntaxError as error:
            if marked:
                raise Refused(f"{place}, line {error.lineno + 1}: {error.msg}") from None
            continue                # a magic, or an exercise that shows broken code
        if marked:
            names, own = defined_names(tree, place), import_statements(tree, place)
            exported.append(Piece(place, without_imports(body, tree, place), names, needed_names(body, place), own))
            imports = own | imports         # where a name is imported twice, the first counts
        elif MARK in cell.source:
            raise Refused(f"{place}: `{MARK}` must be the cell's first line")
        else:
            imports = import_statements(tree, place) | imports
    return exported, imports


class Module:
    """A chapter's utils.py as it grows: who defined which name, which imports it needs, its text so far."""

    def __init__(self, name):
        self.name, self.owner, self.imports, self.sections, self.missing = name, {}, {}, [], []

    def claim(self, name, place):
        """Note that `place` defines `name`; raises Refused when another place did."""
        if name in self.owner:
            raise Refused(f"{place}: {name} is exported already, by {self.owner[name]}")
        self.owner[name] = place

    def add_import(self, name, statement, place):
        """Note an import; raises Refused when the name means something else elsewhere."""
        if statement.startswith((f"from {self.name} ", f"import {self.name}")):
            return                  # a later lesson takes an earlier piece from this very module
        known, first = self.imports.setdefault(name, (statement, place))
        if known != statement:
            raise Refused(f"{place}: {name} is imported by `{statement}`, but {first} has `{known}`")

    def add(self, path):
        """Take in a notebook's exported cells."""
        exported, imports = pieces(path)
        for piece in exported:
            for name in piece.defines:
                self.claim(name, piece.place)
            found = {name for name in imports if name.partition(".")[0] in piece.needs}
            for name in sorted(found | piece.imports.keys()):
                self.add_import(name, (imports | piece.imports)[name], piece.place)
            self.missing += [(name, piece.place) for name in sorted(piece.needs - {name.partition(".")[0] for name in found})]
        texts = [piece.text for piece in exported if piece.text]
        if texts:
            self.sections.append(f"# ---- {path.stem} ----\n\n" + "\n\n\n".join(texts))

    def text(self):
        """The finished module's text. Raises Refused for names that nothing defines, or that are both imported and defined."""
        for name, place in self.missing:
            if name not in self.owner:
                raise Refused(f"{place}: {name} is used, but neither exported by this chapter nor imported by the notebook")
        for name, (statement, place) in self.imports.items():
            if name in self.owner:
                raise Refused(f"{place}: {name} is imported by `{statement}`, but also exported by {self.owner[name]}")
        imports = "\n".join(sorted({statement for statement, _ in self.imports.values()}))
        return tidy(f"{HEADER}{imports}\n\n\n" + "\n\n\n".join(self.sections) + "\n", f"{self.name}.py")


def tidy(text, name):
    """The text with its imports merged, sorted and pruned by ruff, which lints it afterwards: one opinion, not two."""
    settings = ["--isolated", "--select", "I,F401", "--line-length", "130", "--config", f"lint.isort.known-first-party = {OURS}"]
    command = [sys.executable, "-m", "ruff", "check", "--quiet", "--fix", *settings, "--stdin-filename", name, "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise Refused(f"{name}: ruff could not sort the imports: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def build(chapter):
    """The text of a chapter's utils.py, or None where its lessons export nothing."""
    module = Module(f"{chapter.name}.utils")
    for path in sorted(chapter.glob("[0-9][0-9]_*.ipynb")):
        module.add(path)
    return module.text() if module.sections else None


def export(root=ROOT, *, check=False):
    """Bring every chapter's utils.py up to date, and return the paths that were stale; with `check`, change nothing."""
    stale = []
    for chapter in chapters(root):
        path, text = chapter / "utils.py", build(chapter)
        now = path.read_text(encoding="utf-8") if path.exists() else None
        if now == text:
            continue
        stale.append(path)
        if check:
            continue
        if text is not None:
            write_text(path, text)
        elif now.startswith(HEADER):
            path.unlink()
        else:
            raise Refused(f"{shown(path, root)} was written by hand, and no notebook of its chapter exports anything")
    return stale


def main(arguments=None):
    """The command; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if set(arguments) - {"--check"}:
        sys.exit(__doc__)
    try:
        stale = export(check="--check" in arguments)
    except (Refused, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    for path in stale:
        print(f"{shown(path)} is stale: run `make utils`" if "--check" in arguments else f"wrote {shown(path)}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main())
