"""The command ``pwm``.

Exit code 0: done; 1: the answer is no, or the work failed; 2: bad usage or input.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    words = sys.argv[1:] if arguments is None else [*arguments]
    try:
        options = _parser(words).parse_args(words)
        code: int | None = options.run(options)
    except BookError as error:
        print(f"pwm: {error}", file=sys.stderr)
        return 2
    except WorkError as error:
        print(f"pwm: failed\n{error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # no room, no permission
        print(f"pwm: failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("pwm: interrupted", file=sys.stderr)
        return 1
    return code or 0


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Return a parser of all commands, complete for the one that `words` name."""
    parser = argparse.ArgumentParser(
        prog="pwm", description="Work with the book and with contracts."
    )
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


if __name__ == "__main__":
    sys.exit(main())
