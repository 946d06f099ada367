"""Contracts from solutions: in money, in the caller's order of types."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..accuracy import FloatArray, IntArray
from ..contract import GAP_TOLERANCE, Binding, Contract, Multipliers, Shape, Status
from ..problem import Problem, autarky_at
from .interior_point import Solution
from .program import FirstMoment, least_utilities

__all__ = ["contracts"]


Columns = dict[str, npt.NDArray[Any]]

#: BINDING_TOLERANCE: slack, in values of the best model (of data: in the type's own contribution),
#: below which a constraint is said to bind, two options to be one. Solutions are right to 1e-12.
BINDING_TOLERANCE = 1e-9


def contracts(
    problems: list[Problem],
    places: IntArray,
    model: FirstMoment | None,
    solution: Solution | None,
    bounds: FloatArray,
) -> list[Contract]:
    """The contracts of a batch of problems with the same number of types and the same curves.

    Parameters
    ----------
    problems : list of B Problem
    places : (B, n) ndarray of int
        The types that take part, costliest first; all others keep their outside options.
    model, solution : FirstMoment, Solution, or None
        The problem of these types and the menus that solve it; None where nobody takes part.
    bounds : (B,) ndarray
        No menu reaches more.

    Returns
    -------
    list of Contract
    """
    first, shape = problems[0], (len(problems), problems[0].n_types)
    alone = autarky_at(first.model_value, np.array([problem.costs for problem in problems]))
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
    m = np.zeros(places.shape)
    accuracy, value, residual = (
        np.full(len(problems), number)
        for number in (float(first.accuracy(0.0)), float(first.model_value(0.0)), 0.0)
    )
    if model is not None and solution is not None:
        m, moments = solution.point.contributions, solution.point.moments
        accuracy, value, residual = moments.accuracy, moments.value, solution.residual
        rows = np.arange(len(problems))[:, None]
        for known, those_in in zip((menu, prices, binds), _columns(model, solution), strict=True):
            for name, values in those_in.items():
                known[name][rows, places] = values
    gaps = np.maximum(bounds - accuracy, 0.0)
    joined = np.abs(np.diff(m, axis=1)) <= BINDING_TOLERANCE * m[:, 1:]
    found = []
    for k, problem in enumerate(problems):
        runs = np.split(places[k], np.flatnonzero(~joined[k]) + 1)
        gap = float(gaps[k])
        found.append(
            Contract(
                problem=problem,
                **{name: values[k] for name, values in menu.items()},
                reservation_utilities=outside[k],
                reservation_contributions=alone.contributions[k],
                expected_accuracy=float(accuracy[k]),
                expected_value=float(value[k]),
                upper_bound=float(accuracy[k]) + gap,
                gap=gap,
                status=Status.OPTIMAL if gap <= GAP_TOLERANCE else Status.FEASIBLE,
                shape=_shape(m[k], len(runs)),
                multipliers=Multipliers(**{name: values[k] for name, values in prices.items()}),
                kkt_residual=float(residual[k]),
                bunches=tuple(tuple(sorted(run.tolist())) for run in runs if run.size > 1),
                binding=Binding(**{name: values[k] for name, values in binds.items()}),
            )
        )
    return found


def _columns(model: FirstMoment, solution: Solution) -> tuple[Columns, Columns, Columns]:
    """Menu, prices and what binds, of the types that take part, (B, n) each, costliest first."""
    point, unit, n_types = solution.point, model.value_unit, model.costs.shape[1]
    m, f, steps = point.contributions, model.reservation_utilities, model.steps
    u = least_utilities(m, model.costs, f)
    t = u + model.costs * m
    caps = point.moments.values / unit
    menu = {
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
    none, never = np.zeros((len(m), 1)), np.full((len(m), 1), np.inf)
    prices = {
        "individual_rationality": np.hstack([price[:, :1], solution.row_prices[:, : n_types - 1]])
        / unit,
        "downward": price[:, 0::2] * per_value,
        "upward": np.hstack([price[:, 3::2] * per_value[:, 1:], none]),
        "caps": solution.cap_prices / unit,
    }
    gained = np.diff(u, axis=1)
    slack = {
        "individual_rationality": u - f,
        "downward": np.hstack([never, gained - steps[:, 1:] * m[:, :-1]]),
        "upward": np.hstack([steps[:, 1:] * m[:, 1:] - gained, never]),
        "caps": caps - t,
    }
    binds = {name: np.asarray(value <= BINDING_TOLERANCE) for name, value in slack.items()}
    return menu, prices, binds


def _shape(contributions: FloatArray, n_options: int) -> Shape:
    if not np.any(contributions > 0):
        return Shape.NO_COLLABORATION
    if n_options == 1:
        return Shape.POOLING
    return Shape.SEPARATING if n_options == contributions.size else Shape.PARTLY_POOLING
