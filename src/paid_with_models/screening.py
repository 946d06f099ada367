r"""The screening problem: the best menu when types are private.

:func:`solve` works on the chain of increments of :mod:`paid_with_models.first_moment`: a
primal-dual interior-point method (Mehrotra's predictor-corrector, exact derivatives, batched over
problems) finds which constraints bind; Newton's method on the optimality conditions, with those
constraints as equations, finishes to rounding. Nothing is assumed to bind. Rewards are the least
that the contributions allow, which makes them unique.

The problem is solved on the concave envelopes of :math:`a` and :math:`v \circ a` first: its
optimum bounds every menu (:mod:`paid_with_models.certificate`). Where no outcome of its solution
falls below the tangent points, it *is* the solution, with a proof. Elsewhere menus are searched
for on the curves themselves, and where outcomes can be enumerated branch and bound
(:mod:`paid_with_models.branch_and_bound`) looks for the best of all and lowers the bound; what
remains between the two is reported as the gap.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .accuracy import BoolArray, FloatArray
from .branch_and_bound import Closed, close_gaps, s_shaped
from .bunching import bunched_bound
from .certificate import dual_bound
from .expectation import Enumeration, Expectation
from .exponential_sum import SumExpectation, sum_range
from .first_moment import Chain, FirstMoment, least_utilities
from .interior_point import Solution, maximize
from .local_search import Incumbents, priced, repaired, safely_above, settled
from .many_types import ManyTypes
from .problem import Autarky, Problem, autarky, autarky_at
from .selection import NODES, Selection, alone_or_out, best_selection

__all__ = ["Binding", "Contract", "Multipliers", "Shape", "Status", "solve", "solve_many"]

#: A contract is called optimal when no menu can beat its expected accuracy by more than this.
GAP_TOLERANCE = 1e-8

#: Relative slack, in values of the best model (of data: in the type's own contribution), below
#: which a constraint is said to bind, two options to be one. Solutions are right to about 1e-12.
BINDING_TOLERANCE = 1e-9

#: So many outcomes cost as much as an exponential sum; where sums leave a gap, enumerations of up
#: to so many entries are tried.
OUTCOMES_LIKE_A_SUM, ENTRIES_WORTH_ENUMERATING = 1200, 2_000_000

#: From so many types on, problems are solved one by one, at a cost linear in their number.
MANY_TYPES = 40

#: Up to so many types branch and bound is given so many boxes for a problem, unless they come to
#: five times so many outcomes in all; with more types as many as come to these (some seconds).
FEW_TYPES, FEW_TYPES_BOXES, AFFORDABLE_OUTCOMES = 3, 2_000, 1_000_000

#: Most numbers of types near zero from which local searches start.
MOST_STARTS = 10


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
        See :mod:`paid_with_models.selection`.
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


Method = Literal["auto", "enumeration", "sum"]


def solve(
    problem: Problem,
    *,
    expectations: Method = "auto",
    max_boxes: int | None = None,
    max_nodes: int = NODES,
) -> Contract:
    """The best menu for a problem, with a proof of how good it is.

    The menu is the best over all selections of types as well. Where all outside options are those
    of autarky nobody need be left out; with up to ten types that have something better outside
    the search over selections is complete, with more it may end with a gap
    (:mod:`paid_with_models.selection`).

    Parameters
    ----------
    problem : Problem
    expectations : {"auto", "enumeration", "sum"}
        How expectations over who turns up are computed: over all outcomes, exact and dear, or by
        exponential sums, whose error is proved and carried into the gap. By default the cheaper
        one, and enumeration where it can close a gap that the error of the sums leaves open.
    max_boxes : int >= 0, optional
        Most boxes of contributions that branch and bound may examine where accuracy is not
        concave; the gap says what is left open. By default 2,000 with up to three types (as a
        rule a few dozen do), with more types what takes some seconds.
    max_nodes : int >= 1, optional
        Most sets of selections that the search for who takes part may examine, where types have
        something better outside; the gap says what is left open. By default enough for ten types.

    Returns
    -------
    Contract

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate and the curves do not admit exponential sums,
        or the method asked for is not to be had; or if ``max_boxes`` is negative or ``max_nodes``
        not positive.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> costs = [1.0, 0.85, 0.7, 0.55, 0.4]
    >>> contract = solve(Problem(10, [0.2] * 5, costs, GeneralizationBound()))
    >>> contract.contributions.round(4).tolist(), contract.shape.name, contract.status.name
    ([69.0533, 69.0533, 69.0533, 69.0533, 69.0533], 'POOLING', 'OPTIMAL')
    """
    (contract,) = solve_many(
        [problem], expectations=expectations, max_boxes=max_boxes, max_nodes=max_nodes
    )
    return contract


def solve_many(
    problems: Iterable[Problem],
    *,
    expectations: Method = "auto",
    max_boxes: int | None = None,
    max_nodes: int = NODES,
) -> list[Contract]:
    """Solve many problems, those with as many types and the same curves together.

    Parameters
    ----------
    problems : iterable of Problem
    expectations : {"auto", "enumeration", "sum"}
    max_boxes, max_nodes : int, optional
        As for :func:`solve`, for each problem.

    Returns
    -------
    list of Contract
        In the order of the problems.

    Raises
    ------
    ValueError
        As :func:`solve`.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> grid = [Problem(n, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()) for n in (5, 10)]
    >>> [contract.status.name for contract in solve_many(grid)]
    ['OPTIMAL', 'OPTIMAL']
    """
    if expectations not in ("auto", "enumeration", "sum"):
        raise ValueError(
            f"expectations must be 'auto', 'enumeration' or 'sum'; got {expectations!r}"
        )
    if max_boxes is not None and not max_boxes >= 0:
        raise ValueError(f"max_boxes must be >= 0; got {max_boxes!r}")
    if not max_nodes >= 1:
        raise ValueError(f"max_nodes must be >= 1; got {max_nodes!r}")
    problems = list(problems)
    orders = [np.argsort(-problem.costs, kind="stable") for problem in problems]
    alike: dict[object, list[int]] = defaultdict(list)
    contracts: dict[int, Contract] = {}
    for k, (problem, order) in enumerate(zip(problems, orders, strict=True)):
        if problem.better_outside.any():
            contracts[k] = _solve_selecting(problem, expectations, max_boxes, max_nodes)
            continue
        ties = (False, *(np.diff(problem.costs[order]) == 0).tolist())
        alike[ties, problem.accuracy, problem.valuation, problem.beliefs].append(k)

    def solve_rows(rows: list[int], method: Method, again: bool = False) -> None:
        batch = _Batch.of([problems[k] for k in rows], np.array([orders[k] for k in rows]), method)
        contracts.update(zip(rows, _solve_batch(batch, max_boxes, again), strict=True))

    for rows in alike.values():
        group = [problems[k] for k in rows]
        sums = _sums_pay(group) if expectations == "auto" else expectations == "sum"
        again = sums and expectations == "auto"
        by_size: dict[int, list[int]] = defaultdict(list)
        for k in rows:
            # One party is alone, and there is nothing to sum over.
            by_size[0 if sums and problems[k].n_parties > 1 else problems[k].n_parties].append(k)
        for n_parties, same_size in by_size.items():
            method: Method = "sum" if n_parties == 0 else "enumeration"
            together = [same_size] if group[0].n_types < MANY_TYPES else [[k] for k in same_size]
            for some in together:
                solve_rows(some, method, again)
        by_size.clear()
        for k in rows:
            if again and contracts[k].status is not Status.OPTIMAL and _countable(problems[k]):
                by_size[problems[k].n_parties].append(k)
        for same_size in by_size.values():
            at_once = max(1, ENTRIES_WORTH_ENUMERATING // _entries(problems[same_size[0]]))
            for start in range(0, len(same_size), at_once):
                solve_rows(same_size[start : start + at_once], "enumeration")
    return [contracts[k] for k in range(len(problems))]


def _sums_pay(problems: list[Problem]) -> bool:
    """Whether exponential sums are to be had for problems of one kind, and cheaper."""
    first = problems[0]
    sizes = {problem.n_parties for problem in problems}
    outcomes = math.comb(max(sizes) + first.n_types - 1, first.n_types - 1)
    cheaper = outcomes > OUTCOMES_LIKE_A_SUM or len(sizes) > 4
    return cheaper and max(sizes) > 1 and _range(problems) is not None


def _range(problems: list[Problem]) -> tuple[float, float] | None:
    first = problems[0]
    most = max(
        problem.n_parties * first.model_value.optimum / float(problem.costs.min())
        for problem in problems
    )
    return sum_range(first.accuracy, first.model_value, most)


def _entries(problem: Problem) -> int:
    """Outcomes times types."""
    outcomes = math.comb(problem.n_parties + problem.n_types - 1, problem.n_types - 1)
    return outcomes * problem.n_types


def _countable(problem: Problem) -> bool:
    """Whether enumeration is cheap enough to be tried where sums leave a gap."""
    return _entries(problem) <= ENTRIES_WORTH_ENUMERATING


@dataclass(frozen=True, eq=False)
class _Batch:
    """Problems of one kind, with the order that puts costliest types first."""

    problems: list[Problem]
    order: npt.NDArray[np.intp]
    alone: Autarky
    exact: FirstMoment
    envelope: FirstMoment

    @classmethod
    def of(cls, problems: list[Problem], order: npt.NDArray[np.intp], method: Method) -> _Batch:
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
            reach = _range(problems)
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


def _solve_batch(batch: _Batch, max_boxes: int | None, again: bool) -> list[Contract]:
    """Contracts for a batch; ``again``: what enumeration can close will be solved once more."""
    exact, envelope = batch.exact, batch.envelope
    bounding = maximize(envelope)
    bounds = dual_bound(envelope, bounding.point, bounding.row_prices, bounding.cap_prices)
    autarkic = priced(exact, batch.alone.contributions, bounding)
    best = Incumbents(autarkic, autarkic.point.moments.accuracy)
    if batch.problems[0].n_parties == 1:  # nobody to collaborate with: autarky is the only menu
        return _contracts(batch, autarkic, safely_above(exact, best))
    anchor = autarkic.point.contributions
    best = best.improved(exact, repaired(exact, bounding, anchor))
    if isinstance(exact.expectation, SumExpectation):
        for k in np.flatnonzero(bounds - best.reached > GAP_TOLERANCE):
            row = np.array([k])
            one = envelope.take(row)
            closer = bunched_bound(batch.problems[k], one, bounding.take(one, row))
            bounds[k] = min(bounds[k], closer)
    later = np.array([again and _countable(problem) for problem in batch.problems])
    open_ = np.flatnonzero((bounds - best.reached > GAP_TOLERANCE) & ~later)
    if open_.size:
        hard = exact.take(open_)
        closed = _search(hard, best.take(hard, open_), bounds[open_], anchor[open_], max_boxes)
        best = best.updated(exact, open_, closed.best)
        bounds[open_] = closed.bounds
    return _contracts(batch, settled(exact, best).menus, bounds)


def _solve_selecting(
    problem: Problem, method: Method, max_boxes: int | None, max_nodes: int
) -> Contract:
    """The contract where some outside options are better than autarky: who takes part is open."""

    def close(
        model: FirstMoment, best: Incumbents, bounds: FloatArray, anchor: FloatArray
    ) -> Closed:
        return _closed(model, best, bounds, anchor, max_boxes)

    order = np.argsort(-problem.costs, kind="stable")
    if problem.n_parties > 1:
        selection = best_selection(
            problem, close, tolerance=GAP_TOLERANCE, method=method, max_nodes=max_nodes
        )
    else:
        selection = alone_or_out(problem)
    return _contract_of(problem, order, selection)


def _search(
    problem: FirstMoment,
    best: Incumbents,
    bounds: FloatArray,
    anchor: FloatArray,
    max_boxes: int | None,
) -> Closed:
    """Better menus and bounds for problems whose gap is open: accuracy is not concave there."""
    n_types = anchor.shape[1]
    s_curves = s_shaped(problem.accuracy, problem.value)
    few_and_countable = n_types <= FEW_TYPES and isinstance(problem.expectation, Enumeration)
    if not (few_and_countable and s_curves):
        # Where accuracy is not concave it can pay to have high-cost types contribute next to
        # nothing: each start keeps the k costliest near zero, for every k (some, of many).
        keen = np.maximum.accumulate(0.5 * problem.box[:, 1::2], axis=1)
        levels = np.unique(np.linspace(0, n_types - 1, MOST_STARTS).astype(int))
        starts = [np.where(np.arange(n_types) < k, 1e-4 * keen, keen) for k in levels]
        starts += [np.maximum(m, 1e-6 * keen) for m in (best.menus.point.contributions, anchor)]
        for start in starts:
            best = best.searched(problem, start, anchor)
    return _closed(problem, best, bounds, anchor, max_boxes)


def _closed(
    problem: FirstMoment,
    best: Incumbents,
    bounds: FloatArray,
    anchor: FloatArray,
    max_boxes: int | None,
) -> Closed:
    """Branch and bound over boxes, where outcomes are enumerated and the curves are S-shaped."""
    n_types, expectation = anchor.shape[1], problem.expectation
    s_curves = s_shaped(problem.accuracy, problem.value)
    if not isinstance(expectation, Enumeration) or not s_curves:
        return Closed(best, bounds, np.zeros(len(bounds), dtype=np.intp))
    if max_boxes is None:
        outcomes = len(expectation.counts)
        max_boxes = AFFORDABLE_OUTCOMES // outcomes
        if n_types <= FEW_TYPES:
            max_boxes = min(FEW_TYPES_BOXES, 5 * AFFORDABLE_OUTCOMES // outcomes)
    return close_gaps(problem, best, bounds, anchor, tolerance=GAP_TOLERANCE, max_boxes=max_boxes)


def _contracts(batch: _Batch, solution: Solution, bounds: FloatArray) -> list[Contract]:
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


def _contract_of(problem: Problem, order: npt.NDArray[np.intp], selection: Selection) -> Contract:
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
    batch = _Batch([problem], np.arange(n)[None], those_in, model, model)
    contract = _contracts(batch, menu, np.array([selection.bound]))[0]
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
