r"""The screening problem: the best menu when types are private.

:func:`solve` works on the chain of increments of :mod:`paid_with_models.solver.program`: a
primal-dual interior-point method (Mehrotra's predictor-corrector, exact derivatives, batched over
problems) finds which constraints bind; Newton's method on the optimality conditions, with those
constraints as equations, finishes to rounding. Nothing is assumed to bind. Rewards are the least
that the contributions allow, which makes them unique.

The problem is solved on the concave envelopes of :math:`a` and :math:`v \circ a` first: its
optimum bounds every menu (:mod:`paid_with_models.solver.bounds`). Where no outcome of its solution
falls below the tangent points, it *is* the solution, with a proof. Elsewhere menus are searched
for on the curves themselves, and where outcomes can be enumerated branch and bound
(:mod:`paid_with_models.solver.boxes`) looks for the best of all and lowers the bound; what
remains between the two is reported as the gap.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..accuracy import FloatArray, IntArray
from ..arguments import limit, one_of, real
from ..contract import GAP_TOLERANCE, Contract, Status
from ..problem import Autarky, Problem, autarky_at, check_problem, checked_problems
from .answers import contracts, menus_of, nobody
from .banded import Banded
from .batches import Batch, Method, countable, plan, plan_again, ties
from .bounds import dual_bound
from .branching import Closed
from .bunches import bunched_bound, bunches_of
from .capacities import binding_limits, solve_with_capacities
from .chain import Chain
from .classes import classed, has_classes
from .closing import FEW_TYPES, closed, finds_menus
from .few_options import Law, with_few_options
from .fits import common_range
from .groups import averaged, expanded, grouped, groups
from .interior_point import maximize
from .known_types import known_contract
from .majorants import with_curves_above
from .menus import Incumbents, only_menu, priced, repaired, safely_above, settled
from .moments import ENTRIES_WORTH_ENUMERATING, Enumeration, Expectation
from .outcome_classes import Parties
from .program import Algebra, FirstMoment, by_matrices
from .quadratic import by_quadratic_programs
from .selection import NODES, alone_or_out, best_selection
from .sum_moments import SumExpectation
from .threads import one_thread
from .transforms import expectation_under

__all__ = ["Models", "first_moments", "run", "solve", "solve_many"]

#: WIDE: gap beyond which exponential sums say too little of outcomes with little data, and curves
#: above the problem's are tried as well.
WIDE = 1e-3

#: MOST_ABOVE: unless there are more types than this, which takes too long.
MOST_ABOVE = 2_000

#: VERY_MANY_TYPES: with more of them menus are searched for among groups of neighbors.
VERY_MANY_TYPES = 200

#: MOST_STARTS: most numbers of types near zero from which local searches start, of many types.
MOST_STARTS = 10


def solve(
    problem: Problem,
    *,
    expectations: Method = "auto",
    max_boxes: int | None = None,
    max_nodes: int = NODES,
    max_seconds: float | None = None,
) -> Contract:
    """The best menu for a problem, with a proof of how good it is.

    The menu is the best over all selections of types as well. Where all outside options are those
    of autarky nobody need be left out; with up to ten types that have something better outside
    the search over selections is complete, with more it may end with a gap
    (:mod:`paid_with_models.solver.selection`). Any law of who turns up can be solved, and where
    types are known the contract is in closed form (:mod:`paid_with_models.solver.known_types`).

    Parameters
    ----------
    problem : Problem
    expectations : {"auto", "enumeration", "sum"}
        How expectations over who turns up are computed: over all outcomes, exact and costly, or by
        exponential sums, whose error is proved and carried into the gap. By default the cheaper
        one, and enumeration where it can close a gap that the error of the sums leaves open.
    max_boxes : int >= 0, optional
        Most boxes of contributions that branch and bound may examine where accuracy is not
        concave; the gap says what is left open. By default 2,000 with up to three types (as a
        rule a few dozen do), with more types what takes some seconds.
    max_nodes : int >= 1, optional
        Most sets of selections that the search for who takes part may examine, where types have
        something better outside; the gap says what is left open. By default enough for ten types.
    max_seconds : float > 0, optional
        After so long the searches (over selections, and by branch and bound) begin nothing new;
        the gap says what is left open. Without a search that is needed anyway the first bound and
        menu are always computed.

    Returns
    -------
    Contract

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate and the curves do not admit exponential sums, or
        sums are asked for that they do not admit; or if ``max_boxes`` is negative, or
        ``max_nodes`` or ``max_seconds`` not positive.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> costs = [1.0, 0.85, 0.7, 0.55, 0.4]
    >>> contract = solve(Problem(10, [0.2] * 5, costs, GeneralizationBound()))
    >>> contract.contributions.round(4).tolist(), contract.shape.name, contract.status.name
    ([69.0533, 69.0533, 69.0533, 69.0533, 69.0533], 'POOLING', 'OPTIMAL')
    """
    check_problem(problem)
    (contract,) = solve_many(
        [problem],
        expectations=expectations,
        max_boxes=max_boxes,
        max_nodes=max_nodes,
        max_seconds=max_seconds,
    )
    return contract


def solve_many(
    problems: Iterable[Problem],
    *,
    expectations: Method = "auto",
    max_boxes: int | None = None,
    max_nodes: int = NODES,
    max_seconds: float | None = None,
) -> list[Contract]:
    """Solve many problems, those with as many types and the same curves together.

    Parameters
    ----------
    problems : iterable of Problem
    expectations : {"auto", "enumeration", "sum"}
    max_boxes, max_nodes : int, optional
        As for :func:`solve`, for each problem.
    max_seconds : float > 0, optional
        As for :func:`solve`, for all problems together.

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
    one_of("expectations", expectations, ("auto", "enumeration", "sum"))
    if max_boxes is not None:
        max_boxes = limit("max_boxes", max_boxes, 0)
    max_nodes, deadline = limit("max_nodes", max_nodes, 1), np.inf
    if max_seconds is not None:
        seconds = real("max_seconds", max_seconds)
        if not seconds > 0:
            raise ValueError(f"max_seconds must be > 0; got {max_seconds!r}")
        deadline = time.monotonic() + seconds
    given, found = checked_problems(problems), dict[int, Contract]()
    problems = [binding_limits(problem) for problem in given]

    def solve_all(batches: list[Batch]) -> None:
        for batch in batches:
            found.update(zip(batch.places, run(batch, max_boxes, max_nodes, deadline), strict=True))

    # What overflows on the way is found, and tried otherwise: that is nobody else's affair.
    with one_thread(), np.errstate(all="ignore"):
        limited = [k for k, problem in enumerate(problems) if problem.max_data is not None]
        found.update((k, solve_with_capacities(problems[k], deadline)) for k in limited)
        first_round = plan(problems, expectations)
        solve_all(first_round)
        provisional = [k for batch in first_round if batch.provisional for k in batch.places]
        left_open = [k for k in provisional if found[k].status is not Status.OPTIMAL]
        solve_all(plan_again(problems, left_open))
    return [
        found[k] if one is problems[k] else replace(found[k], problem=one)
        for k, one in enumerate(given)
    ]


def run(
    batch: Batch,
    max_boxes: int | None = None,
    max_nodes: int = NODES,
    deadline: float = np.inf,
) -> list[Contract]:
    """Solve a batch.

    Parameters
    ----------
    batch : Batch
    max_boxes, max_nodes : int, optional
        As for :func:`solve`.
    deadline : float
        Searches begin nothing new when ``time.monotonic()`` is beyond it.

    Returns
    -------
    list of Contract
        In the order of the batch.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> (batch,) = plan([Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())])
    >>> run(batch)[0].status.name
    'OPTIMAL'
    """
    if batch.method == "known":
        return [known_contract(problem) for problem in batch.problems]
    if batch.selecting:
        return [_select(batch, max_boxes, max_nodes, deadline)]
    if batch.method == "nothing":
        (problem,) = batch.problems
        places, least = np.zeros((1, 0), dtype=np.intp), np.array([float(problem.accuracy(0.0))])
        alone = autarky_at(problem.model_value, problem.costs[None])
        return contracts([problem], places, nobody([problem]), least, alone)
    problems, models = list(batch.problems), first_moments(batch)
    exact, envelope = models.exact, models.envelope
    if problems[0].n_parties == 1:  # nobody to collaborate with: autarky is the only menu
        only = only_menu(exact, models.autarky)
        reached = safely_above(exact, Incumbents(only, only.point.moments.accuracy))
        return contracts(problems, models.order, menus_of(exact, only), reached, models.alone)
    quick = by_quadratic_programs(envelope)
    if quick is None:
        return _by_interior_point(batch, models, max_boxes, deadline)
    solution, found = quick
    bounds = dual_bound(envelope, solution.point, solution.row_prices, solution.cap_prices)
    found &= bounds - solution.point.moments.accuracy <= GAP_TOLERANCE
    solved = contracts(problems, models.order, menus_of(envelope, solution), bounds, models.alone)
    rest = np.flatnonzero(~found)
    if rest.size:
        others = replace(
            batch,
            places=tuple(batch.places[k] for k in rest),
            problems=tuple(batch.problems[k] for k in rest),
        )
        by_path = _by_interior_point(others, models.take(rest), max_boxes, deadline)
        for k, contract in zip(rest, by_path, strict=True):
            solved[k] = contract
    return solved


def _by_interior_point(
    batch: Batch, models: Models, max_boxes: int | None, deadline: float
) -> list[Contract]:
    """Solve a batch where accuracy may not be concave, or constraints of any kind bind."""
    problems, exact, envelope = list(batch.problems), models.exact, models.envelope
    bounding = maximize(envelope, deadline=deadline)
    bounds = dual_bound(envelope, bounding.point, bounding.row_prices, bounding.cap_prices)
    autarkic = priced(exact, models.autarky, bounding)
    best = Incumbents(autarkic, autarkic.point.moments.accuracy)
    anchor = autarkic.point.contributions
    best = best.improved(exact, repaired(exact, bounding, anchor))
    n_types = problems[0].n_types
    later = np.array([batch.provisional and countable(problem) for problem in problems])
    elsewhere: dict[int, tuple[FirstMoment, Incumbents]] = {}  # better menus in other models
    if batch.method == "sum" and problems[0].attendance is None:
        for k in np.flatnonzero(bounds - best.reached > GAP_TOLERANCE):
            row, problem = np.array([k]), problems[k]
            p, law = problem.probabilities[problem.costliest_first], bunches_of(problem)
            one, wanted = envelope.take(row), best.reached[k]
            closer = bunched_bound(one, bounding.take(one, row), p, law, wanted)
            bounds[k] = min(bounds[k], closer)
            above = None
            in_time = n_types <= MOST_ABOVE and time.monotonic() <= deadline
            if bounds[k] - wanted > GAP_TOLERANCE and has_classes(exact, problem.n_parties):
                some = classed(
                    exact.take(row),
                    Parties(problem.n_parties, p, problem.beliefs),
                    bounding.point.contributions[k],
                    bounds[k],
                    wanted,
                    tolerance=GAP_TOLERANCE,
                    max_parts=max_boxes,
                    deadline=deadline,
                )
                bounds[k] = some.bound
                if some.model is not None:
                    elsewhere[int(k)], wanted = (some.model, some.best), some.best.reached[0]
            if bounds[k] - wanted > WIDE and not later[k] and in_time:
                above = with_curves_above(exact.take(row))
            if above is not None:
                other = maximize(above, deadline=deadline)
                bound = dual_bound(above, other.point, other.row_prices, other.cap_prices)[0]
                closer = bunched_bound(one, other, p, law, wanted)
                bounds[k] = min(bounds[k], bound, closer)
    unsolved = ~later & ~np.isin(np.arange(len(problems)), list(elsewhere))
    left_open = np.flatnonzero((bounds - best.reached > GAP_TOLERANCE) & unsolved)
    if left_open.size:
        hard = exact.take(left_open)
        known = best.take(hard, left_open)
        near = bounding.point.contributions[left_open]
        stated = [problems[k] for k in left_open]
        laws = [bunches_of(it) if it.attendance is None else None for it in stated]
        found = _search(
            hard, known, bounds[left_open], anchor[left_open], near, laws, max_boxes, deadline
        )
        best = best.updated(exact, left_open, found.best)
        bounds[left_open] = found.bounds
    menus = menus_of(exact, settled(exact, best).menus)
    solved = contracts(problems, models.order, menus, bounds, models.alone)
    for place, (model, better) in elsewhere.items():
        alone, its_bound = models.take(np.array([place])), bounds[place : place + 1]
        its_menu = menus_of(model, better.menus)
        its = [problems[place]], alone.order, its_menu, its_bound, alone.alone
        (solved[place],) = contracts(*its)
    return solved


def _select(batch: Batch, max_boxes: int | None, max_nodes: int, deadline: float) -> Contract:
    """The contract of one problem where who takes part is a choice."""
    (problem,) = batch.problems
    if problem.n_parties > 1:
        found = best_selection(
            problem,
            method=str(batch.method),
            max_boxes=max_boxes,
            max_nodes=max_nodes,
            deadline=deadline,
        )
    else:
        found = alone_or_out(problem)
    places, bounds = problem.costliest_first[found.types][None], np.array([found.bound])
    menus = nobody([problem])
    if found.model is not None and found.menu is not None:
        menus = menus_of(found.model, found.menu)
    alone = autarky_at(problem.model_value, problem.costs[None])
    (contract,) = contracts([problem], places, menus, bounds, alone)
    return contract


@dataclass(frozen=True, eq=False)
class Models:
    """The convex programs of a batch, types costliest first.

    Attributes
    ----------
    order : (B, I) ndarray of int
        The types' places in their problems.
    exact, envelope : FirstMoment
        On the curves themselves, and on their concave envelopes.
    autarky : (B, I) ndarray
        What each type contributes alone.
    alone : Autarky
        What they do alone, types in the order of their problems.
    """

    order: IntArray
    exact: FirstMoment
    envelope: FirstMoment
    autarky: FloatArray
    alone: Autarky

    def take(self, rows: IntArray) -> Models:
        """Those of some problems of the batch."""
        alone = (self.alone.contributions, self.alone.accuracies, self.alone.utilities)
        return Models(
            self.order[rows],
            self.exact.take(rows),
            self.envelope.take(rows),
            self.autarky[rows],
            Autarky(*(array[rows] for array in alone)),
        )


def first_moments(batch: Batch) -> Models:
    """State the problems of a batch, in values of the best model.

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate, or the curves admit no exponential sum.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> (batch,) = plan([Problem(10, [0.5, 0.5], [0.1, 0.2], GeneralizationBound())])
    >>> models = first_moments(batch)
    >>> models.order.tolist(), models.exact.costs.tolist()
    ([[1, 0]], [[0.002, 0.001]])
    """
    problems, first = batch.problems, batch.problems[0]
    unit = first.model_value.optimum
    order = np.array([problem.costliest_first for problem in problems])
    probabilities, costs = (
        np.take_along_axis(np.array(rows), order, axis=1)
        for rows in (
            [problem.probabilities for problem in problems],
            [problem.costs for problem in problems],
        )
    )
    alone = autarky_at(first.model_value, np.array([problem.costs for problem in problems]))
    contributions, utilities = (
        np.take_along_axis(rows, order, axis=1) for rows in (alone.contributions, alone.utilities)
    )
    reach = None if batch.method == "enumeration" else common_range(problems)
    if batch.method != "enumeration" and reach is None:
        raise ValueError(
            f"expectations must be 'enumeration' for {first.accuracy!r} with"
            f" {first.valuation!r}: no exponential sum is close enough to it"
        )
    expectation: Expectation
    if first.attendance is not None:
        expectation = expectation_under(first, first.attendance, order[0], reach)
    elif reach is None:
        expectation = Enumeration.of(first.n_parties, probabilities, first.beliefs)
    else:
        n_parties = np.array([float(problem.n_parties) for problem in problems])
        expectation = SumExpectation(n_parties, probabilities, first.beliefs, *reach)
    form: Callable[[FirstMoment], Algebra] = Banded if batch.banded else by_matrices
    curves = first.accuracy, first.model_value
    envelopes = first.accuracy.envelope(), first.model_value.envelope()
    exact, envelope = (
        FirstMoment(
            expectation,
            a,
            v,
            unit,
            costs / unit,
            utilities / unit,
            Chain.of(ties(first)),
            form=form,
        )
        for a, v in (curves, envelopes)
    )
    return Models(order, exact, envelope, contributions, alone)


def _search(
    problem: FirstMoment,
    best: Incumbents,
    bounds: FloatArray,
    anchor: FloatArray,
    near: FloatArray,
    laws: Sequence[Law | None],
    max_boxes: int | None,
    deadline: float,
) -> Closed:
    """Better menus and bounds for problems whose gap is open: accuracy is not concave there."""
    n_types, law = anchor.shape[1], problem.expectation
    if time.monotonic() > deadline:
        return Closed(best, bounds, np.zeros(len(bounds), dtype=np.intp))
    if n_types > VERY_MANY_TYPES and isinstance(law, SumExpectation):
        group = groups(law.probabilities[0])
        few, alone = grouped(problem, group), anchor[:, np.unique(group, return_index=True)[1]]
        known = averaged(few, problem, group, best)
        unknown = [None] * len(laws)
        among = _search(few, known, bounds, alone, alone, unknown, max_boxes, deadline)
        return replace(among, best=expanded(problem, group, among.best, best, anchor))
    if not finds_menus(problem):
        for row in np.arange(len(bounds)) if n_types > FEW_TYPES else []:
            one = problem.take(np.array([row]))
            exact = laws[int(row)] if isinstance(law, Enumeration) else None
            found = with_few_options(one, best.take(one, np.array([row])), exact)
            best = best.updated(problem, np.array([row]), found)
        # Where accuracy is not concave it can pay to have high-cost types contribute next to
        # nothing: each start keeps the k costliest near zero, for every k (some, of many).
        keen = np.maximum.accumulate(0.5 * problem.box[:, 1::2], axis=1)
        slow = isinstance(law, Enumeration) and law.counts.size > ENTRIES_WORTH_ENUMERATING
        n_starts = 1 if slow else MOST_STARTS
        levels = np.unique(np.linspace(0, n_types - 1, n_starts).astype(int))
        starts = [np.where(np.arange(n_types) < k, 1e-4 * keen, keen) for k in levels]
        starts += [np.maximum(m, 1e-6 * keen) for m in (best.menus.point.contributions, anchor)]
        for start in starts:
            if time.monotonic() > deadline:
                break
            best = best.searched(problem, start, anchor)
    return closed(problem, best, bounds, anchor, near, max_boxes, deadline)
