"""The command ``pwm``.

Exit code 0: done; 1: the answer is no, or the work failed; 2: bad usage or input.
"""

from __future__ import annotations

import os
import signal
import sys

if __name__ == "__main__" or os.path.basename(sys.argv[0]) == "pwm":  # noqa: PTH119  # is slow
    # Until a command runs there is nothing to clean up: an interruption ends it without a word.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import contextlib
import io
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, NoReturn

from .errors import BookError, WorkError

#: Each command, a module of `pwm_companion.commands`, and what it does. The module is imported
#: when its command is asked for: some of them take a second.
COMMANDS = {
    "build": "build the site",
    "execute": "execute one chapter or run file",
    "report": "design a contract for a consortium",
    "pdf": "print the built site as one PDF",
    "zip": "pack the built site",
    "figures": "draw figures anew, without building the book",
    "notebooks": "write every chapter as an unexecuted notebook beside its source",
    "verify": "compare all numbers and tables with the reference values",
    "release": "make and test what is published with a version",
    "solve": "find the best contract for a problem",
    "audit": "check a menu",
    "prove": "prove how good the best contract is, or check a proof",
    "sweep": "solve a problem over a grid",
}

#: Address space that commands need, in bytes, where it is limited: with less of it libraries do not
#: load, or never come to an end of trying.
LEAST_SPACE = {"solve": 380e6, "audit": 380e6}
LEAST_OF_OTHERS = 450e6

#: Latest date that archives can be dated back to, in seconds: the end of the year 9999.
LATEST = 253_402_300_799

#: Longest message, in characters.
LONGEST = 1000

#: Set for this process and those that it starts. Sums come out the same with any number of
#: processors, and memory is not set aside for threads; figures are drawn into files.
ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "MPLBACKEND": "agg",
}


class _Ended(BaseException):
    """The process was asked to end; what is begun is cleaned up on the way out."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    words = sys.argv[1:] if arguments is None else [*arguments]
    os.environ.update(ENVIRONMENT)
    date = os.environ.get("SOURCE_DATE_EPOCH", "0")
    if not date.isdecimal() or float(date) > LATEST:  # NumPy stumbles over it
        del os.environ["SOURCE_DATE_EPOCH"]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever the locale, there is no letter too many
            stream.reconfigure(errors="backslashreplace")
    try:
        _check_space(words)
        options = _options(words)
        with _interruptible():
            code: int | None = options.run(options)
            _flush()
    except BookError as error:
        return _failed(2, _one_line(str(error)))
    except WorkError as error:
        between = "\n" if "\n" in str(error) else ": "
        return _failed(1, f"failed{between}{error}")
    except ImportError as error:  # a library that cannot be loaded, for want of memory
        return _failed(1, _one_line(f"failed: {_last_line(error)}"))
    except BrokenPipeError:  # whoever read the output has seen enough
        return _failed(1)
    except OSError as error:  # no room, no permission
        where = "" if error.filename is None else f"{error.filename}: "
        return _failed(1, _one_line(f"failed: {where}{error.strerror or error}"))
    except MemoryError:
        return _failed(1, "failed: there is not enough memory")
    except KeyboardInterrupt:
        return _failed(1, "interrupted")
    except _Ended:
        return _failed(1, "ended")
    return code or 0


def _check_space(words: Sequence[str]) -> None:
    """Refuse to begin with too little address space."""
    command = next((word for word in words if word in COMMANDS), None)
    if command is None:
        return
    try:
        import resource
    except ImportError:  # not every system has limits
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    least = LEAST_SPACE.get(command, LEAST_OF_OTHERS)
    if 0 <= limit < least:
        raise WorkError(
            f"address space is limited to {limit / 1e6:.0f} MB, and {command} needs"
            f" {least / 1e6:.0f} MB (ulimit -v)"
        )


def _options(words: Sequence[str]) -> argparse.Namespace:
    """Read the words; where they ask for help or the version, see to it that it is written."""
    try:
        return _parser(words).parse_args(words)
    except SystemExit:
        if sys.stdout is not None:
            sys.stdout.flush()
        raise


def _flush() -> None:
    """Write what standard output holds."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from None


def _last_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[-1]


def _failed(code: int, message: str = "") -> int:
    """Say what went wrong, and leave nothing in a buffer that could not be written."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with contextlib.suppress(OSError):
        if message and sys.stderr is not None:
            print(f"pwm: {message}", file=sys.stderr, flush=True)
    return code


def _one_line(message: str) -> str:
    """Return a message without anything that moves the cursor, and not too long."""
    from paid_with_models.texts import visible

    text = visible(" ".join(message.split("\n")))
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Turn SIGINT and SIGTERM into exceptions, so that what was begun is cleaned up."""

    def end(*_: object) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise _Ended

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGINT, interrupt), signal.signal(signal.SIGTERM, end)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, and does not swallow that help could not be written."""

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is not None:
            file.write(message)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"pwm: {_one_line(message)} (see {self.prog} --help)\n")


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Return a parser of all commands, complete for the one that `words` name."""
    parser = _Parser(prog="pwm", description="Work with the book and with contracts.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and end")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    chosen = next((word for word in words if not word.startswith("-")), "")
    for name, said in COMMANDS.items():
        command = commands.add_parser(name, help=said)
        if name == chosen:
            module = _import(name)
            command.description = module.DESCRIPTION
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


class _Version(argparse.Action):
    """Looks up the version only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        from importlib.metadata import version

        print("paid-with-models", version("paid-with-models"))
        parser.exit()


def _import(command: str):  # type: ignore[no-untyped-def]  # a module of `commands`
    """Import a command; raise `BookError` where what it needs is not installed."""
    try:
        return import_module(f".commands.{command}", __package__)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("pwm_companion", "paid_with_models"):
            raise
        extra = "pip install 'paid-with-models[book]'"
        raise BookError(f"{command} needs {error.name}: {extra} installs it") from None
    except ImportError as error:  # a library that cannot be loaded, for want of memory
        raise WorkError(f"{command} cannot start: {_last_line(error)}") from None


if __name__ == "__main__":
    sys.exit(main())
