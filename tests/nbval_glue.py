"""How the stored outputs of the notebooks are compared, and under which conditions everything runs.

nbval executes each notebook and compares each output with the stored one. This plugin changes what it calls equal:

- compared exactly: stdout and text/plain. Not compared: stderr, HTML (a table's text is), pictures, objects' addresses;
- a cell tagged `approx`: its text and its integers exactly, its floats within a tolerance (1e-3, or `tolerance` in the cell's
  metadata), and only on the set of versions that the outputs were stored with; elsewhere the cell's own asserts must hold;
- a cell tagged `needs-data`: run and compared where COURSE_DATA is set; elsewhere run, not compared, and reported as a skip.

It also takes the network away, from the tests and from all that they start.
"""
import importlib.metadata
import importlib.util
import math
import os
import re
import sys

import nbval.plugin
import pytest

from tools import kernels
from tools.notebooks import ROOT, tags

# "13." is a float inside an array, and an integer at the end of a sentence
FLOAT = re.compile(r"""(?<![\w.])[-+]?(?: \d+\.?\d*[eE][-+]?\d+ | \d+\.\d+ | \d+\.(?=\s*(?:[\]),]|[-+]?\d)) | (?:nan|inf)\b )
                       (?!\d|\.\d)""", re.VERBOSE)
HOLE = "\ufffc"                     # stands for a float where only the text around it is compared
PADDING = re.compile(rf"\s*([{HOLE}\[\](),])\s*")         # the spaces before a number depend on its sign and its neighbours
MASKED = [(re.compile(r"0x[0-9a-fA-F]{6,}"), "0xADDRESS"),
          (re.compile(r"\S*ipykernel_\d+\S*\.py:\d+"), "CELL")]
NOT_COMPARED = ("stderr", "text/html", "image/svg+xml")
PINNED_PYTHON = (3, 11)
TOLERANCE = 1e-3


def last_place(number):
    """The worth of a printed float's last digit, which rounding may flip: 0.01 for "3.14", 10.0 for "1.20e3", 0 for "13."."""
    mantissa, _, exponent = number.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals) if decimals or exponent else 0.0


def close(one, other, tolerance):
    """Are two printed floats equal within a relative tolerance, or one in the last printed place? nan equals nan alone."""
    a, b = float(one), float(other)
    if not (math.isfinite(a) and math.isfinite(b)):
        return a == b or (math.isnan(a) and math.isnan(b))
    place = max(last_place(one), last_place(other))
    return abs(a - b) <= max(1.001 * place, tolerance * max(abs(a), abs(b)))


class Approximate(str):
    """A string that equals another when the text and the integers are the same and the floats are close."""

    tolerance = TOLERANCE

    def __eq__(self, other):
        texts = [PADDING.sub(r"\1", FLOAT.sub(HOLE, text)).split() for text in (self, other)]
        if texts[0] != texts[1]:
            return False
        return all(close(one, two, self.tolerance) for one, two in zip(FLOAT.findall(self), FLOAT.findall(other), strict=True))

    def __ne__(self, other):
        return not self == other

    __hash__ = str.__hash__


def pinned_set(requirements=ROOT / "requirements.txt"):
    """Is this the Python, and are these the versions, that the stored floats come from?"""
    pins = re.findall(r"(?m)^([\w-]+)==([\w.]+)", requirements.read_text(encoding="utf-8"))
    installed = [importlib.metadata.version(name).partition("+")[0] for name, _ in pins]
    return sys.version_info[:2] == PINNED_PYTHON and installed == [version for _, version in pins]


class Cell(nbval.plugin.IPyNbCell):
    """A notebook's cell as a test, by the rules above."""

    def sanitize(self, s):
        s = super().sanitize("".join(s) if isinstance(s, list) else s)
        if not isinstance(s, str):
            return s
        for pattern, mask in MASKED:
            s = pattern.sub(mask, s)
        if "approx" in tags(self.cell):
            s = Approximate(s)
            s.tolerance = self.cell.metadata.get("tolerance", TOLERANCE)
        return s

    def compare_outputs(self, test, ref, skip_compare=None):
        return super().compare_outputs(test, ref, (skip_compare or self.parent.skip_compare) + NOT_COMPARED)

    def runtest(self):
        data_is_missing = "needs-data" in tags(self.cell) and not os.environ.get("COURSE_DATA")
        if data_is_missing or ("approx" in tags(self.cell) and not self.config.course_is_pinned):
            self.options["check"] = False
        super().runtest()
        if data_is_missing:
            pytest.skip(f"{self.nodeid}: needs COURSE_DATA (it ran, its output was not compared)")


def take_network_away():
    """Block it in this process by the file that blocks it in kernels and subprocesses."""
    spec = importlib.util.spec_from_file_location("course_offline", kernels.OFFLINE / "sitecustomize.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


def pytest_configure(config):
    """Conditions for everything that follows: the kernels inherit this process's variables."""
    os.environ.update(kernels.environment(os.environ.get("OMP_NUM_THREADS", kernels.LIGHT)))
    for name in kernels.LEFT_OUT:
        os.environ.pop(name, None)
    take_network_away()
    config.course_is_pinned = pinned_set()
    config.option.nbval_current_env = True              # this interpreter's kernel, whatever "python3" may be elsewhere
    config.option.nbval_cell_timeout = min(config.option.nbval_cell_timeout, kernels.CELL_TIMEOUT)


def pytest_itemcollected(item):
    """nbval offers no way to name another class for its cells."""
    if type(item) is nbval.plugin.IPyNbCell:
        item.__class__ = Cell
