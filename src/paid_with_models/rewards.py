r"""Model rewards: which model each party receives once it is known who came.

A contract fixes only the mean :math:`t_i` of the value of type i's reward. The *proportional
assignment*

.. math:: v(r_i(n)) = \frac{t_i}{T_i(m)}\, v(a(n \cdot m))

has that mean and never promises a better model than the one trained, because
:math:`t_i \le T_i(m)`. So every solution of the first-moment problem can be carried out, and
nothing is lost by solving it instead of the problem with stochastic rewards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .accuracy import FloatArray
from .expectation import conditional_probabilities, enumerate_outcomes
from .screening import Contract

__all__ = ["RewardDistribution", "proportional_rewards"]


@dataclass(frozen=True, eq=False)
class RewardDistribution:
    """The exact distribution of each type's model reward.

    Attributes
    ----------
    counts : (K, I) ndarray of int
        Outcomes: how many parties of each type came.
    totals : (K,) ndarray
        Collective training set S in each, units of data.
    probabilities : (K, I) ndarray
        Probability of each outcome as each type sees it; columns sum to 1.
    model_rewards : (K, I) ndarray
        Accuracy of the model handed to each type.
    values : (K, I) ndarray
        What it is worth, v(r), units of value.
    """

    counts: npt.NDArray[np.int64]
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

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, Problem, solve
    >>> contract = solve(Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()))
    >>> rewards = proportional_rewards(contract)
    >>> bool(np.allclose(rewards.means, contract.rewards, rtol=1e-12))
    True
    """
    problem = contract.problem
    counts = enumerate_outcomes(problem.n_parties, problem.n_types)
    totals = counts @ contract.contributions
    caps = contract.reward_caps
    # At most 1: a cap may be exceeded by the rounding of its own sum.
    share = np.minimum(np.where(caps > 0, contract.rewards / np.where(caps > 0, caps, 1), 0.0), 1.0)
    values = share * problem.model_value(totals)[:, None]
    return RewardDistribution(
        counts=counts,
        totals=totals,
        probabilities=conditional_probabilities(counts, problem.probabilities, problem.beliefs),
        model_rewards=problem.valuation.inverse(values),
        values=values,
    )
