"""All tests: the notebooks, executed and compared with what they store, and tests/.

usage: python -m tools.suite [PYTEST OPTION ...]

Two torch processes with two threads each on two cores run far slower than one after the other: threads wait by spinning. So the
heavy notebooks go first, one at a time with two threads; then everything else, two at a time with one thread each.
"""
import subprocess
import sys

from tools.kernels import HEAVY, LIGHT, environment
from tools.notebooks import ROOT, is_heavy, notebooks, read_notebook, shown

COMMON = ["--nbval", "-q", "-rfEs", "--color=no"]


def phases(paths):
    """(arguments, threads) of the two runs of pytest; the first is left out where no notebook is heavy."""
    heavy = [path for path in paths if is_heavy(read_notebook(path))]
    light = [path for path in paths if path not in heavy]
    alone = [(["-p", "no:xdist", *map(shown, heavy)], HEAVY)] if heavy else []
    # loadfile: the cells of a notebook share a kernel, so they must stay in one process
    return alone + [(["-n", "2", "--dist", "loadfile", "tests", *map(shown, light)], LIGHT)]


def run(arguments, threads):
    """Run pytest once in the course's root; returns its exit status. 5, "no tests collected", is a failure like any other."""
    command = [sys.executable, "-m", "pytest", *COMMON, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(threads), stdin=subprocess.DEVNULL).returncode


def main(options=None):
    """The command; returns 0 if every phase passed, else 1. The output ends with the last phase's summary."""
    options = sys.argv[1:] if options is None else options
    plan = phases(notebooks())
    statuses = []
    for arguments, threads in plan:
        print("heavy notebooks, one at a time" if threads == HEAVY else "light notebooks and tests, two at a time", flush=True)
        statuses.append(run([*arguments, *options], threads))
    if len(plan) > 1 and statuses[0]:
        print("The heavy notebooks FAILED before that: see their summary above", flush=True)
    return 1 if any(statuses) else 0


if __name__ == "__main__":
    sys.exit(main())
