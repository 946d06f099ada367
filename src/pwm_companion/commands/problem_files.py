"""What ``pwm solve``, ``audit``, ``prove`` and ``sweep`` read and print.

A problem may be stated by itself, with a menu, in a contract that ``pwm solve --json`` wrote, or
by a consortium file. What a file is for is seen from its fields, and said where it is not for the
command that got it.
"""

from __future__ import annotations

import argparse
import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from paid_with_models.files import MENU_FIELDS, Menu, menu_from_dict, problem_from_dict
from paid_with_models.problem import Problem
from paid_with_models.texts import file_name

from ..errors import InputError
from ..yaml_files import Stated, read_stated
from .common import input_file, say

if TYPE_CHECKING:  # it takes a while to import what reads one
    from ..consortium.file import Consortium

#: Fields that only files of another kind have, and the command that each is for; the first that a
#: file has decides.
KINDS = {
    "claims": ("a certificate", "pwm prove --check"),
    "over": ("a sweep", "pwm sweep"),
    "template": ("a run file", "pwm execute"),
    "cells": ("a notebook", "pwm execute"),
    "problem": ("a contract", "pwm audit"),
    "title": ("a consortium", "pwm report"),
    "types": ("a consortium", "pwm report"),
    "parties": ("a consortium", "pwm report"),
    "contributions": ("a menu", "pwm audit"),
    "rewards": ("a menu", "pwm audit"),
    "probabilities": ("a problem", "pwm solve"),
    "costs": ("a problem", "pwm solve"),
}


def kind_of(data: Mapping[str, Any]) -> str:
    """Return what a file is, by its fields: one of `KINDS`, or "a problem"."""
    return next((kind for field, (kind, _) in KINDS.items() if field in data), "a problem")


def check_kind(stated: Stated, *readable: str) -> str:
    """Return what a file is, if that is among `readable`.

    Raises
    ------
    InputError
        Naming the command that the file is for.
    """
    if (kind := kind_of(stated.data)) in readable:
        return kind
    command = next(command for it, command in KINDS.values() if it == kind)
    raise InputError(f"{file_name(stated.path)} is {kind}: that is for {command}")


@dataclass(frozen=True)
class Given:
    """A problem, and what its file states besides.

    Attributes
    ----------
    problem : Problem
    menu : Menu or None
        The menu stated with it: that of a contract, or the scheme in use of a consortium.
    consortium : Consortium or None
        What stated the problem, if a consortium file did.
    """

    problem: Problem
    menu: Menu | None = None
    consortium: Consortium | None = None

    @property
    def names(self) -> list[str]:
        """Of the types; numbers from 1 where they have none."""
        if self.consortium is not None:
            return [*self.consortium.names]
        return [str(k + 1) for k in range(self.problem.n_types)]

    @property
    def said(self) -> tuple[str, ...]:
        """How the problem differs from what its file states: types that were taken together."""
        return () if self.consortium is None else self.consortium.said

    @property
    def baseline(self) -> float:
        """Accuracy to be added to those of the problem."""
        return 0.0 if self.consortium is None else self.consortium.baseline


def read_given(path: Path, *, together: bool = True) -> Given:
    """Read a file that states a problem, alone or with a menu; `together` as `given_in`.

    Raises
    ------
    InputError
        If it cannot be read, or is for another command.
    """
    return given_in(read_stated(path), together=together)


def say_grouped(given: Given) -> None:
    """Say on standard error how a problem differs from what its file states."""
    for sentence in given.said:
        say(sentence)


def given_in(stated: Stated, *, together: bool = True) -> Given:
    """Return the problem that something stated holds; raise as `read_given`.

    What is to be known of a curve fitted to measurements is said on standard error. Types that are
    too many are taken together, unless a menu of all of them is to be looked at.
    """
    kind = check_kind(stated, "a problem", "a menu", "a contract", "a consortium")
    if kind == "a consortium":
        from ..consortium.file import consortium_from

        consortium = consortium_from(stated, together=together)
        for finding in () if consortium.fit is None else consortium.fit.findings:
            say(f"{file_name(stated.path)}: {finding.text}")
        problem, menu = consortium.problem, None
        if consortium.present is not None:
            m, t = consortium.present
            out = np.flatnonzero((m == 0) & (t == 0)).tolist()
            menu = Menu(problem, m, t, tuple(out))
        return Given(problem, menu, consortium)
    with as_input_errors(stated.path):
        if kind == "a contract":
            menu = _menu_of_contract(stated.data)
            return Given(menu.problem, menu)
        if any(name in stated.data for name in MENU_FIELDS):
            menu = menu_from_dict(stated.data)
            return Given(menu.problem, menu)
        return Given(problem_from_dict(stated.data))


def _menu_of_contract(data: Mapping[str, Any]) -> Menu:
    """The menu in what ``pwm solve --json`` writes; nothing else in it is relied on."""
    if not isinstance(data["problem"], Mapping):
        raise ValueError("problem must be a mapping")
    takes_part = data.get("participates", [])
    if not isinstance(takes_part, list) or not all(type(it) is bool for it in takes_part):
        raise ValueError("participates must be truth values")
    menu = {name: data[name] for name in ("contributions", "rewards") if name in data}
    out = [k for k, yes in enumerate(takes_part) if not yes]
    return menu_from_dict({**data["problem"], **menu, "left_out": data.get("left_out", out)})


def add_file(command: argparse.ArgumentParser) -> None:
    """Add the file to read, and in which form to answer."""
    command.add_argument("file", type=input_file, metavar="FILE")
    command.add_argument("--json", action="store_true", help="print JSON")


@contextlib.contextmanager
def as_input_errors(path: Path) -> Iterator[None]:
    """Turn what is wrong with the content of a file into an `InputError`."""
    name = file_name(path)
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            yield
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None
    except (ArithmeticError, np.linalg.LinAlgError) as error:
        problem = f"numbers too large or too small to compute with ({error})"
        raise InputError(f"{name}: {problem}") from None


def table(columns: Mapping[str, Any]) -> list[str]:
    """Return columns of cells as lines, headings above, aligned to the right."""
    cells = [[name, *_cells(values)] for name, values in columns.items()]
    widths = [max(map(len, column)) for column in cells]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in zip(*cells, strict=True)
    ]


def _cells(values: Any) -> list[str]:
    """Numbers to six digits of the largest, yes and no, or what else there is."""
    column = np.asarray(values)
    if column.dtype == bool:
        return ["yes" if value else "no" for value in column]
    if column.dtype != float:
        return [str(value) for value in column]
    largest = float(np.abs(column).max())
    decimals = 5 - math.floor(math.log10(largest)) if largest > 1e-9 else 1
    # Adding 0 turns -0 into 0.
    return [f"{round(value, decimals) + 0.0:.{max(decimals, 0)}f}" for value in column.tolist()]
