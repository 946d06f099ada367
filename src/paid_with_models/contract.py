"""A contract: a menu with its proof, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .accuracy import BoolArray, FloatArray
from .problem import Problem

__all__ = ["Binding", "Contract", "Multipliers", "Shape", "Status"]


#: A contract is called optimal when no menu can beat its expected accuracy by more than this.
GAP_TOLERANCE = 1e-8


class Status(Enum):
    """What is proved about a contract."""

    OPTIMAL = "optimal: no menu is better by more than the gap tolerance"
    FEASIBLE = "feasible: satisfies every constraint; the gap says how much better a menu could be"


class Shape(Enum):
    """What the menu looks like."""

    POOLING = "pooling: one option for all types"
    SEPARATING = "separating: an option for every type"
    PARTLY_POOLING = "partly pooling: some types share an option"
    NO_COLLABORATION = "no collaboration: nobody contributes"


@dataclass(frozen=True, eq=False)
class Multipliers:
    """Shadow prices: accuracy gained per unit of value by which a constraint is relaxed.

    Attributes
    ----------
    individual_rationality, downward, upward, caps : (I,) ndarray >= 0
        Of each type's IR, of its IC towards the options of the next costlier (downward) and of
        the next cheaper type (upward), and of its cap. IC prices are 0 between equal costs, where
        the two directions are one equation. All are 0 for types that are left out.
    """

    individual_rationality: FloatArray
    downward: FloatArray
    upward: FloatArray
    caps: FloatArray


@dataclass(frozen=True, eq=False)
class Binding:
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


@dataclass(frozen=True, eq=False)
class Contract:
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
        T_i(m): the most that t_i could be; 0 for a type that is left out.
    participates : (I,) ndarray of bool
        Whether the type has an option other than staying out (m_i = 0 = t_i).
        See :mod:`paid_with_models.solver.selection`.
    expected_accuracy, expected_value : float
        E[a(S)] and E[v(a(S))].
    upper_bound, gap : float
        No menu reaches more than ``upper_bound``, whoever takes part;
        gap = upper_bound - expected_accuracy >= 0.
    status : Status
        OPTIMAL if the gap is at most ``GAP_TOLERANCE``.
    shape : Shape
        Pooling, separating, partly pooling, no collaboration.
    multipliers : Multipliers
    kkt_residual : float
        Largest violation of the optimality conditions (stationarity times the size of the
        contribution, complementarity, feasibility), in units of accuracy.
    bunches : tuple of tuples of int
        The sets of two or more types that share an option.
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
