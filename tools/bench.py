"""Honest timings: the sides of a comparison run by turns in one process, so that a busy minute hits both alike.

usage: python -m tools.bench [NAME ...]         default: all benchmarks

A benchmark is a function in a file tools/bench_*.py that calls `compare` and is listed there: BENCHES = {"bpe": function}.
"""
import importlib
import os
import pathlib
import platform
import statistics
import sys
import time


def compare(sides, repeats=7, *, warmup=1):
    """Time each side `repeats` times by turns, after `warmup` untimed rounds; print a table, and return {name: list of seconds}.

    sides: {name: function without arguments}. The last column is each median in units of the first side's. Raises ValueError for
    fewer than two sides or no repeats.
    """
    if len(sides) < 2 or repeats < 1:
        raise ValueError(f"compare needs at least two sides and one repeat, not {len(sides)} and {repeats}")
    seconds = {name: [] for name in sides}
    for turn in range(-warmup, repeats):
        for name, function in sides.items():
            start = time.perf_counter()
            function()
            if turn >= 0:
                seconds[name].append(time.perf_counter() - start)
    print(table(seconds))
    return seconds


def table(seconds):
    """The timings {name: list of seconds} as text: median, least, most, and the median's ratio to the first side's."""
    width = max(map(len, seconds))
    unit = statistics.median(next(iter(seconds.values())))
    rows = [f"{'':{width}}  {'median s':>10}  {'min s':>10}  {'max s':>10}  {'ratio':>7}   n"]
    for name, times in seconds.items():
        middle = statistics.median(times)
        spread = f"{min(times):10.4f}  {max(times):10.4f}"
        rows.append(f"{name:{width}}  {middle:10.4f}  {spread}  {middle / unit:7.2f}  {len(times):2}")
    return "\n".join(rows)


def machine():
    """The line that makes timings comparable: Python, torch, CPUs, threads."""
    import torch
    return (f"Python {platform.python_version()}, torch {torch.__version__}, {torch.get_num_threads()} threads, "
            f"{os.cpu_count()} CPUs ({platform.machine()}, {torch.backends.cpu.get_cpu_capability()})")


def benches(folder=pathlib.Path(__file__).parent):
    """All registered benchmarks of the bench_*.py files: {name: function}. Raises ValueError for a name used twice."""
    found = {}
    for path in sorted(folder.glob("bench_*.py")):
        for name, function in importlib.import_module(f"{folder.name}.{path.stem}").BENCHES.items():
            if name in found:
                raise ValueError(f"{path.name}: a benchmark named {name!r} exists already")
            found[name] = function
    return found


def main(names=None):
    """The command; returns the exit status, 2 for a name that isn't registered."""
    names = sys.argv[1:] if names is None else names
    known = benches()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known) or 'none yet'}", file=sys.stderr)
        return 2
    print(machine())
    for name in names or known:
        print(f"\n{name}", flush=True)
        known[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
