"""The kernels that notebooks are executed and tested with: this interpreter's, offline, with a fixed number of threads."""
import functools
import math
import os
import queue
import tempfile

import ipykernel.kernelspec
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from traitlets import default

from tools.notebooks import ROOT

CELL_TIMEOUT = 300                  # seconds
LIGHT, HEAVY = 1, 2                 # threads: light notebooks run two at a time, heavy ones alone, on 2 cores
OFFLINE = ROOT / "tests" / "offline"
LEFT_OUT = ("MPLBACKEND", "PYTHONSTARTUP", "FORCE_COLOR", "JPY_PARENT_PID", "JPY_SESSION_NAME")


class OwnKernelSpecs(KernelSpecManager):
    """Answers every name with this interpreter's ipykernel, since a "python3" may be registered by another environment."""

    def get_kernel_spec(self, kernel_name):
        return KernelSpec(resource_dir=ipykernel.kernelspec.RESOURCES, **ipykernel.kernelspec.get_kernel_dict())


class OwnKernel(AsyncKernelManager):
    """A kernel manager for nbclient that starts this interpreter's kernel."""

    @default("kernel_spec_manager")
    def _own_specs(self):
        return OwnKernelSpecs(parent=self)


class Client(NotebookClient):
    """nbclient's client, looking for a kernel's reply every second instead of waiting to be woken.

    For a cell with a widget nbclient sends to the kernel while it waits for the reply. Sending can swallow the wake-up (ZeroMQ's file
    descriptor is edge-triggered, and jupyter_client sends behind asyncio's back), and the reply lies unread until the timeout is over.
    """

    async def async_start_new_kernel_client(self):
        client = await super().async_start_new_kernel_client()
        get_msg = client.shell_channel.get_msg

        async def look_again(timeout=CELL_TIMEOUT):
            for _ in range(math.ceil(timeout)):
                try:
                    return await get_msg(timeout=1)
                except queue.Empty:
                    continue
            raise queue.Empty

        client.shell_channel.get_msg = look_again
        return client


@functools.cache
def _ipython_folder():
    return tempfile.TemporaryDirectory(prefix="ipython-")


def environment(threads=LIGHT):
    """The variables a kernel runs under. Start from os.environ, so that COURSE_DATA and PATH pass through.

    Tests and `make execute` both take them from here: stored and tested outputs must come from the same arithmetic.
    """
    env = {key: value for key, value in os.environ.items() if key not in LEFT_OUT}
    if env.get("COURSE_DATA"):
        env["COURSE_DATA"] = os.path.abspath(env["COURSE_DATA"])        # a kernel works in its notebook's folder
    paths = [str(OFFLINE)] + [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path and path != str(OFFLINE)]
    return env | {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "PYTHONHASHSEED": "0",                  # the order of a set of strings is part of what a cell prints
        "PYTHONPATH": os.pathsep.join(paths),   # its sitecustomize blocks the network, in subprocesses too
        "IPYTHONDIR": _ipython_folder().name,   # nobody's start-up files, nobody's history
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "TOKENIZERS_PARALLELISM": "false",      # else a warning after each fork
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "GIT_ALLOW_PROTOCOL": "file",           # git speaks C, and does not ask sitecustomize
        "GIT_TERMINAL_PROMPT": "0",
        "COLUMNS": "80",
    }
