"""Kernels that begin with all imports made: forked from one process that has made them.

Most of the time of a short chapter goes into imports. A process that executes chapters therefore
starts another one, which imports once what nearly all of them need, has no threads, and forks for
each chapter a kernel that no other chapter has touched. To papermill that is a provisioner. Where
processes cannot be forked, kernels are started as usual.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
import warnings
from importlib import import_module
from importlib.metadata import EntryPoint
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

#: What is imported once; a library's front alone imports little.
PRELOADED = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "pwm_companion.book.notebook",
    "pwm_companion.figures.registry",
    "paid_with_models.solver.routes",
    "paid_with_models.figures.style",
    "scipy.stats",
    "pandas.io.formats.style",
    "matplotlib.backends.backend_svg",
)
LAUNCHER = "ipykernel_launcher"
GONE = "the process that forks kernels has ended"
#: Seconds that it may take to answer: the first time it makes the imports.
PATIENCE = 300


class Nursery:
    """A process that has made the imports, and forks kernels; it ends with this one.

    Raises
    ------
    OSError
        From every method, once that process is gone, or does not answer.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        #: Processor time of the kernels that have ended, in seconds.
        self.seconds = 0.0

    def _ask(self, **request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise OSError(GONE) from None
        if not select.select([self._process.stdout], [], [], PATIENCE)[0]:
            raise OSError(f"the process that forks kernels has not answered for {PATIENCE} s")
        if not (answer := self._process.stdout.readline()):
            raise OSError(GONE)
        return json.loads(answer)

    def fork(self, argv: list[str], environment: dict[str, str], folder: str) -> int:
        """Fork a kernel with these arguments, environment and working folder; return its id."""
        return int(self._ask(argv=argv, environment=environment, folder=folder))

    def poll(self, pid: int) -> int | None:
        """Return with what a kernel ended, as `subprocess.Popen.poll` does; None while it runs."""
        code, seconds = self._ask(pid=pid)
        self.seconds += seconds
        return None if code is None else int(code)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class _Kernel:
    """A forked kernel, with what a provisioner asks of a `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.nursery, self.pid = nursery, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self.nursery.poll(self.pid)
        return self.returncode

    wait = poll  # called once it has ended

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


#: The one of this process.
_nursery: Nursery | None = None


def fork_from_here() -> None:
    """Fork the kernels that this process will start, where that is possible; until it ends."""
    global _nursery
    if hasattr(os, "fork"):
        _nursery = Nursery()
        Finalize(None, _nursery.close, exitpriority=0)
        factory = KernelProvisionerFactory.instance()
        forked = EntryPoint("forked", f"{__name__}:{Forked.__name__}", factory.GROUP_NAME)
        factory.provisioners[forked.name] = forked
        factory.default_provisioner_name = forked.name


def seconds_used() -> float:
    """Return the processor time of the kernels of this process that have ended, in seconds.

    Other programs do not count. Where kernels are not forked it is the time on the clock.
    """
    return time.perf_counter() if _nursery is None else _nursery.seconds


class Forked(LocalProvisioner):
    """Starts Python kernels by forking them from this process's nursery, if it has one."""

    process: Any = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Launch a kernel; any other than IPython's is started as usual."""
        if _nursery is None or cmd[1:3] != ["-m", LAUNCHER]:
            return await super().launch_kernel(cmd, **kwargs)
        folder = str(kwargs.get("cwd") or Path.cwd())
        pid = _nursery.fork(cmd[3:], kwargs["env"], folder)
        self.process = _Kernel(_nursery, pid)
        self.pid = self.pgid = pid  # it leads a group of its own
        self.cwd = folder
        return self.connection_info


def main() -> None:
    """Make the imports; then fork kernels as asked, a line each on standard input."""
    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # read when ipykernel is imported
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in PRELOADED:
            # What cannot be imported is told in the chapter that needs it.
            with contextlib.suppress(Exception):
                import_module(name)
        with contextlib.suppress(Exception):
            # When it is imported in a kernel, pandas sees that this is no terminal.
            import_module("pandas").set_option("display.max_columns", 20)
    kernels: set[int] = set()
    for line in sys.stdin:
        request = json.loads(line)
        if "argv" in request:
            if not (pid := os.fork()):
                _become_kernel(**request)
            kernels.add(pid)
            answer: Any = pid
        else:
            answer = _state(request["pid"], kernels)
        print(json.dumps(answer), flush=True)
    for pid in kernels:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _state(pid: int, kernels: set[int]) -> tuple[int | None, float]:
    """Return with what a kernel ended, if it did, and the processor time of one that just has."""
    if pid not in kernels:
        return 0, 0.0
    ended, status, used = os.wait4(pid, os.WNOHANG)
    if not ended:
        return None, 0.0
    kernels.remove(pid)
    return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime


def _become_kernel(argv: list[str], environment: dict[str, str], folder: str) -> None:
    """Be a kernel from here on, and never return."""
    from ipykernel import kernelapp

    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.argv = [LAUNCHER, *argv]
        kernelapp.launch_new_instance(argv=argv)
    except Exception:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
