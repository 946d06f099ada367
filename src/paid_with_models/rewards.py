r"""Model rewards: which model each party receives once it is known who came.

A contract fixes only the mean :math:`t_i` of the value of type i's reward. The *proportional
assignment*

.. math:: v(r_i(n)) = \frac{t_i}{T_i(m)}\, v(a(n \cdot m))

has that mean and never promises a better model than the one trained, because
:math:`t_i \le T_i(m)`. So every solution of the first-moment problem can be carried out, and
nothing is lost by solving it instead of the problem with stochastic rewards.

Other assignments have the same mean. A *capped* reward, :math:`\min(v(a), \tau_i)`, varies least:
every party that is risk averse in value prefers it to all others. *All or nothing*, the best model
where it is good enough and nothing otherwise, varies most. A *lottery*, the best model with
probability :math:`t_i / T_i(m)` whatever the outcome, lies between.

All of them enumerate outcomes: where these are too many, a ValueError says how many there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .accuracy import FloatArray, IntArray
from .arguments import ReadOnly
from .attendance import Outcomes
from .contract import Contract, check_contract

__all__ = [
    "RewardDistribution",
    "all_or_nothing_rewards",
    "cap_limits",
    "capped_rewards",
    "lottery_rewards",
    "proportional_rewards",
]


@dataclass(frozen=True, eq=False)
class RewardDistribution(ReadOnly):
    """The exact distribution of each type's model reward.

    Attributes
    ----------
    counts : (K, I) ndarray of int
        Outcomes: how many parties of each type came. Twice each, prize and blank, where a reward
        is drawn by lot.
    totals : (K,) ndarray
        Collective training set S in each, units of data.
    probabilities : (K, I) ndarray
        Probability of each outcome as each type sees it; columns sum to 1.
    model_rewards : (K, I) ndarray
        Accuracy of the model handed to each type.
    values : (K, I) ndarray
        What it is worth, v(r), units of value.
    """

    counts: IntArray
    totals: FloatArray
    probabilities: FloatArray
    model_rewards: FloatArray
    values: FloatArray

    @property
    def means(self) -> FloatArray:
        """(I,) mean values: the contract's rewards t."""
        return np.asarray(np.sum(self.probabilities * self.values, axis=0))

    @property
    def standard_deviations(self) -> FloatArray:
        """(I,) standard deviations of the values."""
        deviations = (self.values - self.means) ** 2
        return np.asarray(np.sqrt(np.sum(self.probabilities * deviations, axis=0)))


def proportional_rewards(contract: Contract) -> RewardDistribution:
    """Carry a contract out by the proportional assignment, in every outcome.

    Parameters
    ----------
    contract : Contract

    Returns
    -------
    RewardDistribution

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, Problem, solve
    >>> contract = solve(Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()))
    >>> rewards = proportional_rewards(contract)
    >>> bool(np.allclose(rewards.means, contract.rewards, rtol=1e-12))
    True
    """
    check_contract(contract)
    outcomes, worth = _worth(contract)
    return _distribution(contract, outcomes, _shares(contract) * worth)


def capped_rewards(contract: Contract) -> RewardDistribution:
    r"""Carry a contract out with the best model up to a limit, :math:`\min(v(a(S)), \tau_i)`.

    The limit gives the contract's mean. No feasible assignment of that mean varies less, and every
    party whose utility is concave in value likes this one best.

    Parameters
    ----------
    contract : Contract

    Returns
    -------
    RewardDistribution

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, Problem, solve
    >>> contract = solve(Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()))
    >>> capped, proportional = capped_rewards(contract), proportional_rewards(contract)
    >>> bool(np.all(capped.standard_deviations <= proportional.standard_deviations))
    True
    """
    check_contract(contract)
    outcomes, worth = _worth(contract)
    means = _shares(contract) * outcomes.as_seen(np.broadcast_to(worth, outcomes.seen.shape))
    limits = cap_limits(worth[:, 0], outcomes.seen, means)
    return _distribution(contract, outcomes, np.minimum(worth, limits))


def cap_limits(worth: FloatArray, seen: FloatArray, means: FloatArray) -> FloatArray:
    r"""Limits :math:`\tau_i` with which rewards :math:`\min(V, \tau_i)` have given means, (I,).

    Parameters
    ----------
    worth : (K,) ndarray >= 0
        Value V of the collective model in each outcome.
    seen : (K, I) ndarray
        Probability of each outcome as each type sees it; columns sum to 1.
    means : (I,) ndarray
        At most E[V] as each type sees it; for more, the limit is the largest V.

    Examples
    --------
    >>> chances = np.array([[0.5], [0.5]])
    >>> cap_limits(np.array([10.0, 30.0]), chances, np.array([15.0])).tolist()
    [20.0]
    """
    order = np.argsort(worth, kind="stable")
    value = worth[order]
    limits = np.empty(means.size)
    for i, mean in enumerate(means):
        # The mean if the limit is the value of outcome k; it rises with k, linearly in between.
        chance = seen[order, i]
        paid = np.cumsum(chance * value)
        left = np.maximum(1 - np.cumsum(chance), 0.0)
        k = min(int(np.searchsorted(paid + left * value, mean)), value.size - 1)
        below, rest = (paid[k - 1], left[k - 1]) if k else (0.0, 1.0)
        limits[i] = min((mean - below) / rest, value[k]) if rest > 0 else value[k]
    return limits


def lottery_rewards(contract: Contract) -> RewardDistribution:
    """Carry a contract out by lot: the best model with probability t_i / T_i(m), or nothing.

    Parameters
    ----------
    contract : Contract

    Returns
    -------
    RewardDistribution

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, Problem, solve
    >>> contract = solve(Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()))
    >>> bool(np.allclose(lottery_rewards(contract).means, contract.rewards, rtol=1e-12))
    True
    """
    check_contract(contract)
    outcomes, worth = _worth(contract)
    odds = np.broadcast_to(_shares(contract), outcomes.seen.shape)
    return _drawn(contract, outcomes, worth, odds)


def all_or_nothing_rewards(contract: Contract) -> RewardDistribution:
    """Carry a contract out with the best model in the best outcomes, and nothing in the others.

    How good an outcome has to be is set by the contract's mean; where it is just that good, by lot.
    No feasible assignment of that mean varies more.

    Parameters
    ----------
    contract : Contract

    Returns
    -------
    RewardDistribution

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, Problem, solve
    >>> contract = solve(Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()))
    >>> most, lot = all_or_nothing_rewards(contract), lottery_rewards(contract)
    >>> bool(np.all(most.standard_deviations > lot.standard_deviations - 1e-6))
    True
    """
    check_contract(contract)
    outcomes, worth = _worth(contract)
    order = np.argsort(-worth[:, 0], kind="stable")
    paid = (outcomes.seen * worth)[order]
    means = _shares(contract) * np.sum(paid, axis=0)
    # What is left of the mean after better outcomes, as a share of what this one pays.
    left = means - (np.cumsum(paid, axis=0) - paid)
    odds = np.zeros(outcomes.seen.shape)
    odds[order] = np.clip(left, 0.0, paid) / np.where(paid > 0, paid, np.inf)
    return _drawn(contract, outcomes, worth, odds)


def _worth(contract: Contract) -> tuple[Outcomes, FloatArray]:
    """All outcomes, and what the best model is worth in each, (K, 1)."""
    outcomes = contract.problem.outcomes()
    totals = outcomes.totals(contract.contributions)
    return outcomes, contract.problem.model_value(totals)[:, None]


def _shares(contract: Contract) -> FloatArray:
    """t_i / T_i(m), (I,); 0 where nothing can be paid, so that t_i = 0."""
    caps = contract.reward_caps
    # At most 1: a cap may be exceeded by the rounding of its own sum.
    return np.asarray(np.minimum(contract.rewards / np.where(caps > 0, caps, 1), 1.0))


def _distribution(contract: Contract, outcomes: Outcomes, values: FloatArray) -> RewardDistribution:
    models, totals = (
        contract.problem.valuation.inverse(values),
        outcomes.totals(contract.contributions),
    )
    return RewardDistribution(outcomes.counts, totals, outcomes.seen, models, values)


def _drawn(
    contract: Contract, outcomes: Outcomes, worth: FloatArray, odds: FloatArray
) -> RewardDistribution:
    """The best model with some odds, (K, I), and nothing otherwise."""
    seen = outcomes.seen
    twice = Outcomes(
        np.concatenate([outcomes.counts, outcomes.counts]),
        np.concatenate([outcomes.weights, outcomes.weights]),
        np.concatenate([seen * odds, seen * (1 - odds)]),
    )
    values = np.concatenate([np.broadcast_to(worth, seen.shape), np.zeros(seen.shape)])
    return _distribution(contract, twice, values)
