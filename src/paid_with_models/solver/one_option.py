r"""Menus of a single option, where who takes part is a choice: a first menu to beat.

On a menu of one option, m data for a reward t, types sort themselves: in are those with
:math:`t - c_i m \ge f_i`. So for a given m only as many sets of types come in question as there are
types, those of lowest :math:`f_i + c_i m`, with the highest of these as reward. What they collect
is m times a binomial number of parties.
"""

from __future__ import annotations

import numpy as np
import scipy  # its parts are imported where they are used

from ..accuracy import Curve, FloatArray, IntArray
from .participation import Participation

__all__ = ["single_options"]

#: ASKED: what the option asks, relative to what the best model is worth to the cheapest type.
ASKED = np.geomspace(1e-5, 1.0, 161)

#: MOST_COUNTS: with more parties their number is taken to be its mean.
MOST_COUNTS = 200

#: PROPOSED: most sets of types that are proposed.
PROPOSED = 12


def single_options(fixed: Participation) -> list[tuple[IntArray, float]]:
    """Sets of types and what their one option asks, the most accurate model first.

    Rewards keep below the cap of the likeliest type, as a rule the lowest: what is proposed has to
    be tried.

    Examples
    --------
    >>> from paid_with_models import Problem, Saturating
    >>> problem = Problem(
    ...     10, [0.5, 0.5], [1.0, 0.1], Saturating((0.9,), (0.01,)),
    ...     reservation_utilities=[85.0, 60.0],
    ... )
    >>> [types.tolist() for types, _ in single_options(Participation(problem))]
    [[1]]
    """
    problem, n = fixed.problem, fixed.problem.n_parties
    best: dict[tuple[int, ...], tuple[float, float]] = {}
    for m in ASKED / fixed.costs.min():
        wanted = fixed.outside + fixed.costs * m
        order = np.argsort(wanted, kind="stable")
        rewards, share = wanted[order], np.cumsum(fixed.probabilities[order])
        whole = np.append(rewards[1:] > rewards[:-1], True)  # who wants as little comes as well
        accuracy = _means(n, share, m, problem.accuracy)
        cap = _caps(fixed, m, share, np.maximum.accumulate(fixed.probabilities[order]))
        for k in np.flatnonzero(whole & (rewards <= cap)):
            types = tuple(sorted(order[: k + 1].tolist()))
            if accuracy[k] > best.get(types, (-np.inf, 0.0))[0]:
                best[types] = float(accuracy[k]), float(m)
    ranked = sorted(best, key=lambda types: (-best[types][0], types))[:PROPOSED]
    return [(np.array(types), best[types][1]) for types in ranked]


def _caps(fixed: Participation, m: float, share: FloatArray, likeliest: FloatArray) -> FloatArray:
    """What the likeliest of those in expect of the model, (I,), in values of the best one."""
    n, value = fixed.problem.n_parties, fixed.problem.model_value
    if fixed.problem.beliefs == "own":
        return _means(n - 1, share, m, value, one_more=1) / fixed.unit
    rest = np.maximum(1 - likeliest, 2.0**-53)
    absent = rest**n
    without = _means(n, np.maximum(share - likeliest, 0.0) / rest, m, value)
    seen = (_means(n, share, m, value) - absent * without) / -np.expm1(n * np.log(rest))
    return np.asarray(seen / fixed.unit)


def _means(n: int, share: FloatArray, m: float, curve: Curve, one_more: int = 0) -> FloatArray:
    """Means of a curve over m times a binomial number of n parties, and ``one_more``, (I,)."""
    share = np.minimum(share, 1.0)
    if n > MOST_COUNTS:
        return np.asarray(curve(m * (n * share + one_more)))
    counts = np.arange(n + 1)
    special, p = scipy.special, share[:, None]
    ways = special.gammaln(n + 1) - special.gammaln(counts + 1) - special.gammaln(n - counts + 1)
    logs = ways + special.xlogy(counts, p) + special.xlog1py(n - counts, -p)
    return np.asarray(np.exp(logs) @ curve(m * (counts + one_more)))
