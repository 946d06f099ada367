"""Contracts from solutions: in money, in the caller's order of types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..accuracy import FloatArray, IntArray
from ..contract import GAP_TOLERANCE, Binding, Contract, Multipliers, Shape, Status
from ..problem import Autarky, Problem
from .optimality import Solution
from .program import FirstMoment

__all__ = ["BINDING_TOLERANCE", "Menus", "contracts", "menus_of", "nobody", "same_options"]


Columns = dict[str, npt.NDArray[Any]]

#: BINDING_TOLERANCE: slack, in values of the best model (of data: in the type's own contribution),
#: below which a constraint is said to bind. Solutions are right to 1e-12.
BINDING_TOLERANCE = 1e-9

#: SAME_OPTION: two options closer than this, relative to contributions and to the value of the best
#: model, are said to be one. Where the objective is flat contributions are not right to more.
SAME_OPTION = 1e-6

#: NOTHING: where all contribute less than this share of what they could at most, and no more than
#: this is gained in accuracy, it is rounding: nobody contributes.
NOTHING = 1e-12


@dataclass(frozen=True, eq=False)
class Menus:
    """Menus of n types that take part, costliest first, in money.

    Attributes
    ----------
    contributions : (B, n) ndarray
    columns, prices, binds : dict
        Menu, multipliers, and what binds, by the names of a contract, (B, n) each.
    accuracy, value, residual : (B,) ndarray
        E[a(S)], E[v(a(S))], and what is left of the optimality conditions.
    """

    contributions: FloatArray
    columns: Columns
    prices: Columns
    binds: Columns
    accuracy: FloatArray
    value: FloatArray
    residual: FloatArray


def nobody(problems: list[Problem]) -> Menus:
    """Menus where no type takes part: whoever has nothing better has a model without data."""
    first, one = problems[0], np.ones(len(problems))
    none = np.zeros((len(problems), 0))
    accuracy, value = float(first.accuracy(0.0)), float(first.model_value(0.0))
    return Menus(none, {}, {}, {}, accuracy * one, value * one, 0 * one)


def contracts(
    problems: list[Problem], places: IntArray, menus: Menus, bounds: FloatArray, alone: Autarky
) -> list[Contract]:
    """The contracts of a batch of problems with the same number of types and the same curves.

    Parameters
    ----------
    problems : list of B Problem
    places : (B, n) ndarray of int
        The types that take part, costliest first; all others keep their outside options.
    menus : Menus
        Of these types.
    bounds : (B,) ndarray
        No menu reaches more.
    alone : Autarky
        What all their types do alone, (B, I) each, in the order of the problems.

    Returns
    -------
    list of Contract
    """
    shape = len(problems), problems[0].n_types
    outside = alone.utilities.copy()
    for k, problem in enumerate(problems):
        if problem.reservation_utilities is not None:
            outside[k] = problem.reservation_utilities
    menu: Columns = {
        "contributions": np.zeros(shape),
        "rewards": np.zeros(shape),
        "utilities": outside.copy(),
        "reward_caps": np.zeros(shape),
        "participates": np.zeros(shape, dtype=bool),
    }
    prices: Columns = {name: np.zeros(shape) for name in Multipliers.__dataclass_fields__}
    binds: Columns = {name: np.zeros(shape, dtype=bool) for name in Binding.__dataclass_fields__}
    everybody, rows = places.shape == shape, np.arange(len(problems))[:, None]
    place_of = np.argsort(places, axis=1)
    for known, those_in in ((menu, menus.columns), (prices, menus.prices), (binds, menus.binds)):
        for name, values in those_in.items():
            if everybody:
                known[name] = np.broadcast_to(values, shape)[rows, place_of]
            else:
                known[name][rows, places] = values
    options: list[tuple[int, tuple[tuple[int, ...], ...]]] = [(0, ())] * len(problems)
    if places.shape[1]:
        m, t = (menus.columns[name] for name in ("contributions", "rewards"))
        sizes = m.reshape(places.shape), t.reshape(places.shape)
        options = same_options(*sizes, problems[0].model_value.optimum)
    menu["reservation_utilities"] = outside
    menu["reservation_contributions"] = alone.contributions
    somebody = (menu["contributions"] > 0).any(axis=1)
    numbers = (menus.accuracy, menus.value, bounds, menus.residual, somebody)
    # A row a problem, of each table.
    own, price, bind = (zip(*table.values(), strict=True) for table in (menu, prices, binds))
    records = zip(problems, places.tolist(), options, own, price, bind, strict=True)
    found = []
    for record, (accuracy, value, bound, residual, contributes) in zip(
        records, zip(*(it.tolist() for it in numbers), strict=True), strict=True
    ):
        problem, place, (n_options, shared), of_menu, its_prices, its_binding = record
        bunches = tuple(sorted(tuple(sorted(place[k] for k in some)) for some in shared))
        gap = max(bound - accuracy, 0.0)
        found.append(
            Contract(
                problem=problem,
                **dict(zip(menu, of_menu, strict=True)),
                expected_accuracy=accuracy,
                expected_value=value,
                upper_bound=accuracy + gap,
                gap=gap,
                status=Status.OPTIMAL if gap <= GAP_TOLERANCE else Status.FEASIBLE,
                shape=_shape(contributes, n_options, bool(bunches), everybody),
                multipliers=Multipliers(*its_prices),
                kkt_residual=residual,
                bunches=bunches,
                binding=Binding(*its_binding),
            )
        )
    return found


def menus_of(model: FirstMoment, solution: Solution) -> Menus:
    """The menus of first-moment problems that are solved."""
    point, unit, n_types = solution.point, model.value_unit, model.costs.shape[1]
    f, steps, none = model.reservation_utilities, model.steps, model.accuracy.start
    idle = (point.contributions <= NOTHING * model.reach).all(axis=1)
    idle &= point.moments.accuracy - none <= NOTHING
    m = np.where(idle[:, None], 0.0, point.contributions)
    u = model.least_utilities(m)
    t = u + model.costs * m
    caps = point.moments.values / unit
    columns: Columns = {
        "contributions": m,
        "rewards": t * unit,
        "utilities": u * unit,
        "reward_caps": caps * unit,
        "participates": (m > 0) | (t > 0),
    }
    # Prices of the increments are what the gradient leaves: of u_1, then of y_i >= m_(i-1) and
    # m_i >= y_i, which are the two incentive constraints divided by the cost difference.
    gradient = model.gradient(point, solution.row_prices, solution.cap_prices)
    price = np.maximum(-gradient, 0.0)
    with np.errstate(divide="ignore"):
        per_value = np.where(steps > 0, 1 / (steps * unit), 0.0)
    no_price, never = np.zeros((len(m), 1)), np.full((len(m), 1), np.inf)
    prices: Columns = {
        "individual_rationality": np.hstack([price[:, :1], solution.row_prices[:, : n_types - 1]])
        / unit,
        "downward": price[:, 0::2] * per_value,
        "upward": np.hstack([price[:, 3::2] * per_value[:, 1:], no_price]),
        "caps": solution.cap_prices / unit,
    }
    gained = np.diff(u, axis=1)
    slack = {
        "individual_rationality": u - f,
        "downward": np.hstack([never, gained - steps[:, 1:] * m[:, :-1]]),
        "upward": np.hstack([steps[:, 1:] * m[:, 1:] - gained, never]),
        "caps": caps - t,
    }
    binds: Columns = {name: np.asarray(value <= BINDING_TOLERANCE) for name, value in slack.items()}
    moments, curves = point.moments, (model.accuracy, model.value)
    # What is stated is reached for certain: the error of sums counts against the menu.
    overstated = model.expectation.uncertainty(*curves, m).overstated
    accuracy = np.where(idle, none, np.maximum(moments.accuracy - overstated, none))
    return Menus(m, columns, prices, binds, accuracy, moments.value, solution.residual)


def same_options(
    contributions: FloatArray, rewards: FloatArray, unit: float
) -> list[tuple[int, tuple[tuple[int, ...], ...]]]:
    """How many options menus (B, I) have, and which types have the same one, but for rounding.

    Types share an option in whatever order they are.

    Examples
    --------
    >>> same_options(np.array([[2.0, 0.0, 2.0]]), np.ones((1, 3)), 100.0)
    [(2, ((0, 2),))]
    """
    order = np.lexsort((rewards, contributions), axis=-1)
    m, t = (np.take_along_axis(it, order, axis=1) for it in (contributions, rewards))
    apart = np.diff(m, axis=1) > SAME_OPTION * m[:, 1:]
    apart |= np.abs(np.diff(t, axis=1)) > SAME_OPTION * unit
    found: list[tuple[int, tuple[tuple[int, ...], ...]]] = []
    for types, ends in zip(order.tolist(), apart.tolist(), strict=True):
        options = [[types[0]]]
        for k, starts in zip(types[1:], ends, strict=True):
            if starts:
                options.append([k])
            else:
                options[-1].append(k)
        shared = sorted(tuple(sorted(some)) for some in options if len(some) > 1)
        found.append((len(options), tuple(shared)))
    return found


def _shape(somebody: bool, n_options: int, shared: bool, everybody: bool) -> Shape:
    if not somebody:
        return Shape.NO_COLLABORATION
    if n_options == 1 and everybody:
        return Shape.POOLING
    return Shape.PARTLY_POOLING if shared else Shape.SEPARATING
