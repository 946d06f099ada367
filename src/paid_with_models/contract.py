"""A contract: a menu with its proof, as data.

It shows itself: a table in a notebook, a few lines in a terminal, a picture on request. Its arrays
are read-only, also after pickling, so that what was proved stays what is said.

What draws and writes contracts is imported by name, where it is asked for: it imports this module,
and what only computes with contracts does not depend on it.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from .accuracy import BoolArray, FloatArray
from .arguments import ReadOnly, instance
from .problem import Problem

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Binding", "Contract", "Multipliers", "Shape", "Status", "check_contract"]


#: GAP_TOLERANCE: a contract is called optimal when no menu can beat its expected accuracy by more.
GAP_TOLERANCE = 1e-8


class Status(Enum):
    """What is proved about a contract, given what it rests on (:attr:`Contract.rests_on`)."""

    OPTIMAL = "optimal: no menu is better by more than the gap tolerance"
    FEASIBLE = "feasible: satisfies every constraint; the gap says how much better a menu could be"


class Shape(Enum):
    """What the menu looks like, of the types that take part; pooling is for all types."""

    POOLING = "pooling: one option for all types"
    SEPARATING = "separating: an option for every type"
    PARTLY_POOLING = "partly pooling: some types share an option"
    NO_COLLABORATION = "no collaboration: nobody contributes"


@dataclass(frozen=True, eq=False)
class Multipliers(ReadOnly):
    """Shadow prices: accuracy gained per unit of value by which a constraint is relaxed.

    Attributes
    ----------
    individual_rationality, downward, upward, caps : (I,) ndarray >= 0
        Of each type's IR, of its IC toward the options of the next costlier (downward) and of
        the next cheaper type (upward), and of its cap. IC prices are 0 between equal costs, where
        the two directions are one equation. All are 0 for types that are left out. Where more
        constraints bind than there are contributions to find, as where all types pool, prices are
        not unique: these are some of them, and few are 0 that need not be.
    """

    individual_rationality: FloatArray
    downward: FloatArray
    upward: FloatArray
    caps: FloatArray


@dataclass(frozen=True, eq=False)
class Binding(ReadOnly):
    """Which constraints hold with equality.

    Attributes
    ----------
    individual_rationality, downward, upward, caps : (I,) ndarray of bool
        As in :class:`Multipliers`.
    """

    individual_rationality: BoolArray
    downward: BoolArray
    upward: BoolArray
    caps: BoolArray


#: UNITS: columns of :meth:`Contract.to_frame` with their units.
UNITS = {
    "cost": "value per unit of data",
    "probability": "",
    "contributions": "units of data",
    "rewards": "value",
    "utilities": "value",
    "reservation_utilities": "value",
    "reservation_contributions": "units of data",
    "reward_caps": "value",
    "participates": "",
}


@dataclass(frozen=True, eq=False, repr=False)
class Contract(ReadOnly):
    """A menu with its proof; one entry per type, in the order of the problem.

    A type that is left out of the scheme contributes and receives 0 and keeps its outside option.

    Attributes
    ----------
    problem : Problem
    contributions : (I,) ndarray
        m_i, units of data.
    rewards : (I,) ndarray
        t_i = E[v(r_i)], units of value, the least that the contributions allow.
    utilities : (I,) ndarray
        u_i = t_i - c_i m_i; the outside option of a type that is left out.
    reservation_utilities, reservation_contributions : (I,) ndarray
        Outside options f_i, and what each type trains on alone (in autarky).
    reward_caps : (I,) ndarray
        T_i(m): the most that t_i could be; 0 for a type that is left out. By sums they may be
        stated too low where little data come together, never too high by more than rounding.
    participates : (I,) ndarray of bool
        Whether the type has an option other than staying out (m_i = 0 = t_i).
        See :mod:`paid_with_models.solver.selection`.
    expected_accuracy, expected_value : float
        E[a(S)] and E[v(a(S))]. Where exponential sums stand in for outcomes their proved error is
        taken off expected accuracy, which the menu reaches for certain.
    upper_bound, gap : float
        No menu reaches more than ``upper_bound``, whoever takes part;
        gap = upper_bound - expected_accuracy >= 0.
    status : Status
        OPTIMAL if the gap is at most ``GAP_TOLERANCE``. Bound, gap and status are proofs for
        curves that are S-shaped: the library's are; of others see ``rests_on``.
    shape : Shape
        Pooling, separating, partly pooling, no collaboration.
    multipliers : Multipliers
    kkt_residual : float
        Largest violation of the optimality conditions (stationarity times the size of the
        contribution, complementarity, feasibility), in units of accuracy. With one party autarky
        is the only menu, no multipliers need exist (all are 0), and feasibility alone counts.
        With ``max_data`` multipliers are not computed: they and the residual are NaN.
    bunches : tuple of tuples of int
        The sets of two or more types that share an option but for rounding, in any order of costs.
    binding : Binding
    """

    problem: Problem
    contributions: FloatArray
    rewards: FloatArray
    utilities: FloatArray
    reservation_utilities: FloatArray
    reservation_contributions: FloatArray
    reward_caps: FloatArray
    participates: BoolArray
    expected_accuracy: float
    expected_value: float
    upper_bound: float
    gap: float
    status: Status
    shape: Shape
    multipliers: Multipliers
    kkt_residual: float
    bunches: tuple[tuple[int, ...], ...]
    binding: Binding

    @property
    def rests_on(self) -> tuple[str, ...]:
        """What bound, gap and status rest on that is not proved, in words; nothing as a rule.

        The shape of a curve or valuation that is not the library's is checked at points; between
        them it is what whoever wrote it states.

        Examples
        --------
        >>> from paid_with_models import GeneralizationBound, solve
        >>> solve(Problem(4, [0.5, 0.5], [0.2, 0.05], GeneralizationBound())).rests_on
        ()
        """
        return self.problem.rests_on

    def to_frame(self) -> pd.DataFrame:
        """The menu as a pandas table, a row a type.

        Returns
        -------
        DataFrame
            Columns are named as the attributes are; ``attrs["units"]`` has their units.

        Examples
        --------
        >>> from paid_with_models import GeneralizationBound, solve
        >>> contract = solve(Problem(10, [0.5, 0.5], [0.2, 0.05], GeneralizationBound()))
        >>> contract.to_frame()["contributions"].round(1).to_dict()
        {'type 1': 221.8, 'type 2': 972.8}
        """
        import pandas as pd

        columns = {"cost": self.problem.costs, "probability": self.problem.probabilities}
        columns |= {name: getattr(self, name) for name in UNITS if name not in columns}
        index = [f"type {i + 1}" for i in range(self.problem.n_types)]
        frame = pd.DataFrame(columns, index=index)
        frame.attrs["units"] = dict(UNITS)
        return frame

    def plot(self) -> Figure:
        """The contract in one picture: what each type is rewarded with, and contributes.

        Returns
        -------
        matplotlib.figure.Figure
            Matplotlib is imported only now. Where outcomes are too many to enumerate, the
            contributions alone are drawn.

        Examples
        --------
        >>> from paid_with_models import GeneralizationBound, solve
        >>> contract = solve(Problem(4, [0.5, 0.5], [0.2, 0.05], GeneralizationBound()))
        >>> type(contract.plot()).__name__
        'Figure'
        """
        from .attendance import enumerable

        drawings = import_module("paid_with_models.figures.scenarios")
        figure: Figure
        problem = self.problem
        if problem.attendance is None and enumerable(problem.n_parties, problem.n_types):
            figure, _ = drawings.scenario_panel({"": self})
        else:
            figure, _ = drawings.contributions(self)
        return figure

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and lists: see :func:`paid_with_models.files.contract_to_dict`."""
        data: dict[str, Any] = import_module("paid_with_models.files").contract_to_dict(self)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Contract:
        """The inverse of :meth:`to_dict`: see :func:`paid_with_models.files.contract_from_dict`."""
        contract: Contract = import_module("paid_with_models.files").contract_from_dict(data)
        return contract

    def _summary(self) -> str:
        """What was reached and proved, in a line."""
        shape = self.shape.name.lower().replace("_", " ")
        given = f", given {' and '.join(self.rests_on)}" if self.rests_on else ""
        return (
            f"{shape}; expected accuracy {self.expected_accuracy:.6g},"
            f" {self.status.name.lower()}, gap {self.gap:.2g}{given}"
        )

    def __repr__(self) -> str:
        n_parties, n_types = self.problem.n_parties, self.problem.n_types
        return f"<Contract of {n_parties} parties, {n_types} types: {self._summary()}>"

    def __str__(self) -> str:
        heads = ("", "cost", "contributes", "is rewarded with", "gains", "gains alone")
        rows = [heads, *self._rows()]
        widths = [max(len(row[k]) for row in rows) for k in range(len(heads))]
        lines = ("  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
        return "\n".join((self._summary(), *lines))

    def _repr_html_(self) -> str:
        heads = ("", "cost", "contributes", "is rewarded with", "gains", "gains alone")
        head = "".join(f"<th>{html.escape(text)}</th>" for text in heads)
        body = "".join(
            f"<tr><th>{row[0]}</th>" + "".join(f"<td>{cell}</td>" for cell in row[1:]) + "</tr>"
            for row in self._rows()
        )
        return (
            f"<p>{html.escape(self._summary())}</p><table><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>"
        )

    def _rows(self) -> list[tuple[str, ...]]:
        """A row a type, as text; of many types the first and the last."""
        n_types = self.problem.n_types
        shown = [*range(n_types)] if n_types <= 20 else [*range(10), *range(n_types - 10, n_types)]
        columns = (
            self.problem.costs, self.contributions, self.rewards, self.utilities,
            self.reservation_utilities,
        )  # fmt: skip
        rows = [
            (f"type {i + 1}", *(f"{np.round(column[i], 9):.6g}" for column in columns))
            for i in shown
        ]
        if len(shown) < n_types:
            rows.insert(10, ("…",) * 6)
        return rows


def check_contract(contract: object) -> None:
    """Refuse what is no contract, and say what makes one.

    Raises
    ------
    ValueError
        Naming the argument.

    Examples
    --------
    >>> check_contract(None)
    Traceback (most recent call last):
    ValueError: contract must be a Contract, as solve(problem) returns; got None
    """
    instance("contract", contract, Contract, "solve(problem)")
