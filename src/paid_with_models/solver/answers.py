"""Contracts from solutions: in money, in the caller's order of types."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..accuracy import FloatArray
from ..contract import GAP_TOLERANCE, Binding, Contract, Multipliers, Shape, Status
from ..problem import Autarky, Problem, autarky, autarky_at
from .banded import ManyTypes
from .interior_point import Solution
from .moments import Enumeration, Expectation
from .program import Chain, FirstMoment, least_utilities
from .selection import Selection
from .sum_moments import SumExpectation, common_range

#: Relative slack, in values of the best model (of data: in the type's own contribution), below
#: which a constraint is said to bind, two options to be one. Solutions are right to about 1e-12.
BINDING_TOLERANCE = 1e-9


#: From so many types on, problems are solved one by one, at a cost linear in their number.
MANY_TYPES = 40


Method = Literal["auto", "enumeration", "sum"]


@dataclass(frozen=True, eq=False)
class Batch:
    """Problems of one kind, with the order that puts costliest types first."""

    problems: list[Problem]
    order: npt.NDArray[np.intp]
    alone: Autarky
    exact: FirstMoment
    envelope: FirstMoment

    @classmethod
    def of(cls, problems: list[Problem], order: npt.NDArray[np.intp], method: Method) -> Batch:
        first = problems[0]
        unit = first.model_value.optimum
        probabilities, costs = (
            np.take_along_axis(np.array(rows), order, axis=1)
            for rows in (
                [problem.probabilities for problem in problems],
                [problem.costs for problem in problems],
            )
        )
        alone = autarky_at(first.model_value, costs)
        chain = Chain.of((False, *(np.diff(costs[0]) == 0).tolist()))
        expectation: Expectation
        if method == "enumeration":
            expectation = Enumeration.of(first.n_parties, probabilities, first.beliefs)
        else:
            reach = common_range(problems)
            if reach is None:
                raise ValueError(
                    f"expectations must be 'enumeration' for {first.accuracy!r} with"
                    f" {first.valuation!r}: no exponential sum is close enough to it"
                )
            n_parties = np.array([float(problem.n_parties) for problem in problems])
            expectation = SumExpectation(n_parties, probabilities, first.beliefs, *reach)

        alone_of_its_kind = len(problems) == 1 and bool(np.all(chain.live))
        many = method == "sum" and alone_of_its_kind and costs.shape[1] >= MANY_TYPES
        kind = ManyTypes if many else FirstMoment

        def stated(envelope: bool) -> FirstMoment:
            curves = [first.accuracy, first.model_value]
            a, v = (curve.envelope() if envelope else curve for curve in curves)
            return kind(expectation, a, v, unit, costs / unit, alone.utilities / unit, chain)

        return cls(problems, order, alone, stated(False), stated(True))


def contracts_of(batch: Batch, solution: Solution, bounds: FloatArray) -> list[Contract]:
    """A solved batch in money and in the callers' order of types."""
    model, point, unit = batch.exact, solution.point, batch.exact.value_unit
    m, f, steps = point.contributions, model.reservation_utilities, model.steps
    u = least_utilities(m, model.costs, f)
    t = u + model.costs * m
    caps = point.moments.values / unit
    n_types = m.shape[1]

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
    binds = {name: value <= BINDING_TOLERANCE for name, value in slack.items()}
    joined = np.abs(np.diff(m, axis=1)) <= BINDING_TOLERANCE * m[:, 1:]
    accuracy = point.moments.accuracy
    gaps = np.maximum(bounds - accuracy, 0.0)
    # Back from costliest-first to the callers' order.
    back = np.argsort(batch.order, axis=1)

    def rows(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.take_along_axis(values, back, axis=1)

    columns = {
        "contributions": rows(m),
        "rewards": rows(t * unit),
        "utilities": rows(u * unit),
        "reservation_utilities": rows(batch.alone.utilities),
        "reservation_contributions": rows(batch.alone.contributions),
        "reward_caps": rows(caps * unit),
        "participates": rows((m > 0) | (t > 0)),
    }
    prices = {name: rows(value) for name, value in prices.items()}
    binds = {name: rows(value) for name, value in binds.items()}
    contracts = []
    for k, problem in enumerate(batch.problems):
        runs = np.split(batch.order[k], np.flatnonzero(~joined[k]) + 1)
        gap = float(gaps[k])
        contracts.append(
            Contract(
                problem=problem,
                **{name: value[k] for name, value in columns.items()},
                expected_accuracy=float(accuracy[k]),
                expected_value=float(point.moments.value[k]),
                upper_bound=float(accuracy[k]) + gap,
                gap=gap,
                status=Status.OPTIMAL if gap <= GAP_TOLERANCE else Status.FEASIBLE,
                shape=_shape(m[k], len(runs)),
                multipliers=Multipliers(**{name: value[k] for name, value in prices.items()}),
                kkt_residual=float(solution.residual[k]),
                bunches=tuple(tuple(sorted(run.tolist())) for run in runs if run.size > 1),
                binding=Binding(**{name: value[k] for name, value in binds.items()}),
            )
        )
    return contracts


def contract_for_selection(
    problem: Problem, order: npt.NDArray[np.intp], selection: Selection
) -> Contract:
    """The contract for a selection of types; others keep their outside options."""
    n_types = problem.n_types
    alone = autarky(problem)
    nobody: dict[str, Any] = {
        "contributions": np.zeros(n_types),
        "rewards": np.zeros(n_types),
        "utilities": problem.outside_options.copy(),
        "reward_caps": np.zeros(n_types),
        "participates": np.zeros(n_types, dtype=bool),
    }
    outside: dict[str, Any] = {
        "reservation_utilities": problem.outside_options.copy(),
        "reservation_contributions": alone.contributions,
    }
    binding = {name: np.zeros(n_types, dtype=bool) for name in Binding.__dataclass_fields__}
    prices = {name: np.zeros(n_types) for name in Multipliers.__dataclass_fields__}
    model, menu = selection.model, selection.menu
    if model is None or menu is None:
        accuracy = float(problem.accuracy(0.0))
        gap = max(selection.bound - accuracy, 0.0)
        return Contract(
            problem=problem,
            **nobody,
            **outside,
            expected_accuracy=accuracy,
            expected_value=float(problem.model_value(0.0)),
            upper_bound=accuracy + gap,
            gap=gap,
            status=Status.OPTIMAL if gap <= GAP_TOLERANCE else Status.FEASIBLE,
            shape=Shape.NO_COLLABORATION,
            multipliers=Multipliers(**prices),
            kkt_residual=0.0,
            bunches=(),
            binding=Binding(**binding),
        )
    n = selection.types.size
    those_in = Autarky(*(np.zeros((1, n)) for _ in range(3)))
    batch = Batch([problem], np.arange(n)[None], those_in, model, model)
    contract = contracts_of(batch, menu, np.array([selection.bound]))[0]
    places = order[selection.types]
    for name, values in nobody.items():
        values[places] = getattr(contract, name)
    for name in binding:
        binding[name][places] = getattr(contract.binding, name)
        prices[name][places] = getattr(contract.multipliers, name)
    return replace(
        contract,
        **nobody,
        **outside,
        multipliers=Multipliers(**prices),
        bunches=tuple(tuple(sorted(places[list(run)].tolist())) for run in contract.bunches),
        binding=Binding(**binding),
    )


def _shape(contributions: FloatArray, n_options: int) -> Shape:
    if not np.any(contributions > 0):
        return Shape.NO_COLLABORATION
    if n_options == 1:
        return Shape.POOLING
    return Shape.SEPARATING if n_options == contributions.size else Shape.PARTLY_POOLING
