r"""Parties whose types are known: all get the best model and contribute what they gain by it.

Nobody can pass for another, so there is no incentive constraint, and who turns up is one outcome.
The coordinator solves

.. math::

   \max_{m, t}\; a(S), \quad S = \sum_i n_i m_i, \quad \text{s.t. }
   t_i - c_i m_i \ge f_i, \quad t_i \le v(a(S)),

the problem of :mod:`paid_with_models.complete_information` in a single outcome: all constraints
bind, and S is the largest root of :math:`S = \sum_i n_i (v(a(S)) - f_i) / c_i`. Newton's method
comes down to it from above, so that the total found bounds that of every menu, but for rounding.
"""

from __future__ import annotations

import numpy as np

from ..accuracy import FloatArray
from ..complete_information import best_totals, solve_complete_information
from ..contract import Contract
from ..problem import Problem, autarky, autarky_at
from .answers import BINDING_TOLERANCE, Menus, contracts

__all__ = ["known_contract"]

#: ROUNDINGS: roundings of the sums whose root is looked for, relative to their largest term.
ROUNDINGS = 64 * np.finfo(float).eps

#: FLAT: slope of the equation's slack below which its root is double, and prices have no limit.
FLAT = 1e-9


def known_contract(problem: Problem) -> Contract:
    """The contract where types are known.

    Parameters
    ----------
    problem : Problem
        With an attendance that knows them.

    Returns
    -------
    Contract
        Types whose outside option beats the model are left out. Incentive constraints have no
        price and never bind.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, KnownParties
    >>> pair = Problem(costs=[0.4, 0.2], accuracy=GeneralizationBound(),
    ...                attendance=KnownParties([1, 1]))
    >>> contract = known_contract(pair)
    >>> worth = float(pair.model_value(contract.contributions.sum()))
    >>> gains = worth - contract.reservation_utilities
    >>> bool(np.allclose(contract.contributions, gains / pair.costs))
    True
    """
    complete = solve_complete_information(problem)
    order, counts = problem.costliest_first, complete.counts[0]
    taking_part = order[(complete.rewards > 0)[order]]
    m, n, c = complete.contributions[taking_part], counts[taking_part], problem.costs[taking_part]
    f, unit = problem.outside_options[taking_part], problem.model_value.optimum
    total = float(n @ m)
    accuracy, slope, _ = problem.accuracy.evaluate(total)
    worth, rise, _ = problem.model_value.evaluate(total)
    t = f + c * m
    # By the conditions in t the prices of IR and of the cap are equal, by those in m they are
    # n_i a' / (c_i (1 - v' sum n / c)).
    flatness = 1 - float(rise) * float(np.sum(n / c))
    price = n * float(slope) / (c * flatness) if flatness > FLAT else np.zeros(c.size)
    left = n * (float(slope) + price.sum() * float(rise)) - c * price
    slack = (float(worth) - t) / unit
    residual = max(
        float(np.max(np.abs(left * m), initial=0.0)), float(np.max(np.abs(slack), initial=0.0))
    )
    one, nothing = np.ones((1, c.size)), np.zeros((1, c.size))
    menus = Menus(
        contributions=m[None],
        columns={
            "contributions": m,
            "rewards": t,
            "utilities": f,
            "reward_caps": float(worth) * one,
            "participates": (m > 0) | (t > 0),
        },
        prices={
            "individual_rationality": price,
            "downward": nothing,
            "upward": nothing,
            "caps": price,
        },
        binds={
            "individual_rationality": one > 0,
            "downward": one < 0,
            "upward": one < 0,
            "caps": slack <= BINDING_TOLERANCE,
        },
        accuracy=np.array([float(accuracy)]),
        value=np.array([float(worth)]),
        residual=np.array([residual]),
    )
    bound = float(problem.accuracy(max(_most(problem, counts), total)))
    bound = min(bound + ROUNDINGS * problem.accuracy.optimum, problem.accuracy.optimum)
    alone = autarky_at(problem.model_value, problem.costs[None])
    (contract,) = contracts([problem], taking_part[None], menus, np.array([bound]), alone)
    return contract


def _most(problem: Problem, counts: FloatArray) -> float:
    """No menu collects more, whoever takes part, units of data: roundings are covered.

    With a set of types in, the slack of the equation of S is concave beyond its peak, so that its
    root is below that of any tangent.
    """
    f, c, value = problem.outside_options, problem.costs, problem.model_value
    highest = f if problem.reservation_utilities is not None else np.array([f.max()])
    most = 0.0
    for limit in np.unique(highest):
        n = np.where(f <= limit, counts, 0)
        if n.sum() <= 1:
            alone = np.where(f <= autarky(problem).utilities, autarky(problem).contributions, 0.0)
            most = max(most, float(n @ alone) * (1 + ROUNDINGS))
            continue
        gain, held_back = float(n @ (1 / c)), float(n @ (f / c))
        peak = float(value.data_at_slope(1 / gain))
        total = max(float(best_totals(n[None], c, f, value)[0]), peak)
        worth, rise, _ = (float(part) for part in value.evaluate(total))
        error = ROUNDINGS * (gain * worth + held_back + total)
        slack = gain * worth - held_back - total + error
        if slack >= 0:
            fall = max(1 - gain * rise, FLAT)
            most = max(most, total + slack / fall)
    return most
