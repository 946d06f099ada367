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

import math
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from ..accuracy import FloatArray
from ..contract import GAP_TOLERANCE, Contract, Status
from ..problem import Problem
from .answers import MANY_TYPES, Batch, Method, contract_for_selection, contracts_of
from .bounds import dual_bound
from .boxes import FEW_TYPES, Closed, close_batch
from .bunches import bunched_bound
from .envelopes import s_shaped
from .interior_point import maximize
from .menus import Incumbents, priced, repaired, safely_above, settled
from .moments import Enumeration
from .program import FirstMoment
from .selection import NODES, alone_or_out, best_selection
from .sum_moments import SumExpectation, common_range

__all__ = ["solve", "solve_many"]


#: So many outcomes cost as much as an exponential sum; where sums leave a gap, enumerations of up
#: to so many entries are tried.
OUTCOMES_LIKE_A_SUM = 1200


#: So many outcomes cost as much as an exponential sum; where sums leave a gap, enumerations of up
#: to so many entries are tried.
ENTRIES_WORTH_ENUMERATING = 2_000_000


#: Most numbers of types near zero from which local searches start.
MOST_STARTS = 10


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
    (:mod:`paid_with_models.solver.selection`).

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
        batch = Batch.of([problems[k] for k in rows], np.array([orders[k] for k in rows]), method)
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
    return cheaper and max(sizes) > 1 and common_range(problems) is not None


def _entries(problem: Problem) -> int:
    """Outcomes times types."""
    outcomes = math.comb(problem.n_parties + problem.n_types - 1, problem.n_types - 1)
    return outcomes * problem.n_types


def _countable(problem: Problem) -> bool:
    """Whether enumeration is cheap enough to be tried where sums leave a gap."""
    return _entries(problem) <= ENTRIES_WORTH_ENUMERATING


def _solve_batch(batch: Batch, max_boxes: int | None, again: bool) -> list[Contract]:
    """Contracts for a batch; ``again``: what enumeration can close will be solved once more."""
    exact, envelope = batch.exact, batch.envelope
    bounding = maximize(envelope)
    bounds = dual_bound(envelope, bounding.point, bounding.row_prices, bounding.cap_prices)
    autarkic = priced(exact, batch.alone.contributions, bounding)
    best = Incumbents(autarkic, autarkic.point.moments.accuracy)
    if batch.problems[0].n_parties == 1:  # nobody to collaborate with: autarky is the only menu
        return contracts_of(batch, autarkic, safely_above(exact, best))
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
    return contracts_of(batch, settled(exact, best).menus, bounds)


def _solve_selecting(
    problem: Problem, method: Method, max_boxes: int | None, max_nodes: int
) -> Contract:
    """The contract where some outside options are better than autarky: who takes part is open."""

    def close(
        model: FirstMoment, best: Incumbents, bounds: FloatArray, anchor: FloatArray
    ) -> Closed:
        return close_batch(model, best, bounds, anchor, max_boxes)

    order = np.argsort(-problem.costs, kind="stable")
    if problem.n_parties > 1:
        selection = best_selection(
            problem, close, tolerance=GAP_TOLERANCE, method=method, max_nodes=max_nodes
        )
    else:
        selection = alone_or_out(problem)
    return contract_for_selection(problem, order, selection)


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
    return close_batch(problem, best, bounds, anchor, max_boxes)
