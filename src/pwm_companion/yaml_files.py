"""YAML files of the book: one way to read them, one line that says what is wrong.

Files that users write are read more strictly, see `pwm_companion.consortium.yaml_input`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from .errors import BookError

#: The parser in C, where PyYAML has it: ten times as fast.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that must hold a mapping.

    Raises
    ------
    BookError
        If it cannot be read, is not valid YAML, or holds something else.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), LOADER)  # noqa: S506
    except OSError as error:
        raise BookError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise BookError(f"{path} is not valid YAML: {yaml_problem(error)}") from None
    if not isinstance(content, dict):
        raise BookError(f"{path} must hold a mapping, not {type(content).__name__}")
    return content


def yaml_problem(error: Exception) -> str:
    """Return in one line what is wrong with a YAML file, and where."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.object[error.start]:#x} at {error.start} is not UTF-8 text"
    return " ".join(str(error).split())
