r"""Behavior: what becomes of a menu when parties do not choose the best option for certain.

*Logit choice*: a party of type i takes an option j with probability proportional to
:math:`e^{\lambda (t_j - c_i m_j)}`, where :math:`\lambda` is its *rationality*, per unit of value;
staying out competes as one more option, worth :math:`f_i`. At :math:`\lambda = 0` all options are
alike, as :math:`\lambda \to \infty` only best ones are taken, and ties are split (McFadden 1974,
McKelvey and Palfrey 1995).

Who takes which option decides what is collected, and so what can be handed out. A promise of
:math:`t_j` is a promise of a *share* of the collective model's value; if fewer contribute than was
planned, shares are worth less. Parties may believe the promise or *anticipate* what it will be
worth: then choices and rewards must fit each other. What a promise is worth when others choose
otherwise depends on how it is handed out: see :class:`Assignment`.

Binding constraints of an optimal menu are ties, at which a party might as well stay out.
:func:`slack_menu` asks that every constraint hold with a margin, and proves what the margin costs.

*Aversion to spread*: a party with utility :math:`w(v) = (1 - e^{-\alpha v}) / \alpha` values a
reward that varies at its *certainty equivalent* (Pratt 1964), :func:`certainty_equivalents`. It
can choose by logit as well, for certainty equivalents instead of means.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from ..accuracy import FloatArray, IntArray
from ..arguments import ReadOnly, instance, real, reals, truth
from ..attendance import conditional_probabilities, enumerate_outcomes, outcome_probabilities
from ..problem import Problem, check_problem, checked_vector
from ..rewards import RewardDistribution, cap_limits
from ..texts import brief

__all__ = ["Assignment", "Behavior", "certainty_equivalents", "logit_behavior", "logit_choices"]


#: ONE_OPTION: options closer than this, relative to the largest, are one.
ONE_OPTION = 1e-9


#: DAMPING: share of what follows from beliefs in the new ones; the rest are the old ones.
DAMPING = 0.5


#: ANTICIPATION_ROUNDS: most rounds of beliefs; where they settle at all, a few hundred are enough.
ANTICIPATION_ROUNDS = 5_000


#: SETTLED: change of beliefs, in probability, up to which they have settled: rounding.
SETTLED = 1e-12


#: ROUNDING: what probabilities may add up to less than 1 by.
ROUNDING = 1e-9


#: NEVER: probability of options that nobody takes, so that one may still ask what one would get.
NEVER = 1e-200


class Assignment(Enum):
    """How a promised mean value is handed out (:mod:`paid_with_models.rewards`).

    The share, the limit or the odds are fixed when the menu is announced, so that an honest crowd
    gives everybody the promised mean; what another crowd gives follows from them.
    """

    CAPPED = "the best model up to a limit"
    PROPORTIONAL = "a share of the best model's value"
    LOTTERY = "the best model by lot, or nothing"


@dataclass(frozen=True, eq=False)
class Behavior(ReadOnly):
    """What parties do with a menu, and what comes of it; J different options.

    Attributes
    ----------
    contributions, promised : (J,) ndarray
        The options: units of data, units of value.
    delivered : (J,) ndarray
        Mean value of what takers of each option receive.
    choices : (I, J + 1) ndarray
        Probability that a type takes each option; the last column: stays out.
    participation : float
        Probability that a party takes part.
    expected_accuracy : float
        Of the collective model.
    settled : bool
        Whether choices and what parties expect fit each other; True if they believe the promise.
    """

    contributions: FloatArray
    promised: FloatArray
    delivered: FloatArray
    choices: FloatArray
    participation: float
    expected_accuracy: float
    settled: bool


def logit_choices(gains: npt.ArrayLike, rationality: float) -> FloatArray:
    r"""Probabilities of alternatives, proportional to :math:`e^{\lambda g}` where g is the gain.

    Parameters
    ----------
    gains : (..., J) array_like
        Units of value; -inf for what cannot be chosen, but not for all alternatives.
    rationality : float >= 0
        Per unit of value; infinity for best replies, with ties split.

    Returns
    -------
    (..., J) ndarray

    Raises
    ------
    ValueError
        If the rationality is negative, or gains are not as above.

    Examples
    --------
    >>> logit_choices([0.0, np.log(3.0)], 1.0).round(12).tolist()
    [0.25, 0.75]
    >>> logit_choices([2.0, 2.0, 1.0], np.inf).tolist()
    [0.5, 0.5, 0.0]
    """
    rationality = real("rationality", rationality)
    if not rationality >= 0:
        raise ValueError(f"rationality must be >= 0; got {rationality!r}")
    gains = reals("gains", gains)
    if gains.ndim == 0 or gains.shape[-1] == 0 or not np.all(gains < np.inf):
        rule = "gains must be lists of numbers, one or more, -inf for what cannot be chosen"
        raise ValueError(f"{rule}; got {brief(gains.tolist())}")
    most = gains.max(axis=-1, keepdims=True)
    if np.isinf(most).any():
        raise ValueError(f"gains must not all be -inf; got {brief(gains.tolist())}")
    with np.errstate(over="ignore"):  # so far behind is never chosen
        behind = np.maximum(gains - most, -np.finfo(float).max)
    if np.isinf(rationality):
        scale = np.where(np.isfinite(gains), np.abs(gains), 1.0).max(axis=-1, keepdims=True)
        odds = (behind >= -ONE_OPTION * np.maximum(scale, 1.0)) * 1.0
    else:
        possible = np.isfinite(gains)
        # At rationality 0 as well: 0 times infinity is nothing.
        with np.errstate(over="ignore", under="ignore"):
            odds = np.exp(rationality * np.where(possible, behind, 0.0)) * possible
    return np.asarray(odds / odds.sum(axis=-1, keepdims=True))


@np.errstate(over="ignore", under="ignore")  # what costs more than all numbers is not chosen
def logit_behavior(
    problem: Problem,
    contributions: npt.ArrayLike,
    rewards: npt.ArrayLike,
    rationality: float,
    *,
    opting_out: bool = True,
    anticipating: bool = False,
    aversion: float = 0.0,
    assignment: Assignment = Assignment.PROPORTIONAL,
) -> Behavior:
    """Let parties choose from a menu by logit.

    Parameters
    ----------
    problem : Problem
    contributions, rewards : (I,) array_like >= 0
        The menu, an option per type; equal ones are one option.
    rationality : float >= 0
        Per unit of value; infinity for best replies.
    opting_out : bool
        Whether parties may stay out.
    anticipating : bool
        Whether parties expect what will be delivered rather than what is promised. Then choices are
        adjusted, starting from what honest parties do, until they fit; other fits may exist.
    aversion : float >= 0
        To spread, per unit of value: parties choose by certainty equivalents; 0 for means.
    assignment : Assignment
        How rewards are handed out. It matters to parties that are averse or anticipate.

    Returns
    -------
    Behavior

    Raises
    ------
    ValueError
        If the menu has the wrong length or is negative or not finite, or another argument is
        not as above.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, solve
    >>> problem = Problem(10, [0.5, 0.5], [1.0, 0.8], GeneralizationBound())
    >>> menu = solve(problem)
    >>> behavior = logit_behavior(problem, menu.contributions, menu.rewards, 10.0, opting_out=False)
    >>> bool(abs(behavior.expected_accuracy - menu.expected_accuracy) < 1e-9)  # one option
    True
    """
    check_problem(problem)
    m = checked_vector("contributions", contributions)
    t = checked_vector("rewards", rewards)
    if m.shape != problem.costs.shape or t.shape != problem.costs.shape:
        raise ValueError(
            f"contributions and rewards must have an entry per type, {problem.n_types};"
            f" got {m.size} and {t.size}"
        )
    for name, menu in (("contributions", m), ("rewards", t)):
        if not np.all((menu >= 0) & (menu < np.inf)):
            raise ValueError(f"{name} must be >= 0 and finite; got {brief(menu.tolist())}")
    problem.check_independent_draws()
    opting_out = truth("opting_out", opting_out)
    anticipating = truth("anticipating", anticipating)
    if not isinstance(assignment, Assignment):
        raise ValueError(f"assignment must be an Assignment; got {brief(assignment)}")
    aversion = _checked_aversion(aversion)
    taken = _options(m, t)
    n_options = int(taken.max()) + 1
    first = np.array([int(np.argmax(taken == j)) for j in range(n_options)])
    m, t = m[first], t[first]
    counts = enumerate_outcomes(problem.n_parties, n_options + 1)
    with_nothing = np.append(m, 0.0)
    totals = counts @ with_nothing
    accuracy, worth = problem.accuracy(totals), problem.model_value(totals)

    def seen_by_takers(odds: FloatArray) -> FloatArray:
        """Probabilities of outcomes as takers of each option see them, (K, J)."""
        odds = np.maximum(odds, NEVER)
        return conditional_probabilities(counts, odds, problem.beliefs)[:, :-1]

    honest = np.zeros((problem.n_types, n_options + 1))
    honest[np.arange(problem.n_types), taken] = 1.0
    expected = problem.probabilities @ honest
    planned = seen_by_takers(expected)
    most = np.maximum(worth @ planned, np.finfo(float).tiny)
    shares = np.minimum(t / most, 1.0)
    paid, odds_of_it = worth[:, None] * shares, np.ones(n_options)
    if assignment is Assignment.CAPPED:
        paid = np.minimum(worth[:, None], cap_limits(worth, planned, np.minimum(t, most)))
    elif assignment is Assignment.LOTTERY:
        paid, odds_of_it = np.broadcast_to(worth[:, None], paid.shape), shares

    def equivalents(seen: FloatArray, aversion: float) -> FloatArray:
        """What takers of each option find its reward worth, (J,)."""
        return _equivalents(seen * odds_of_it, paid, aversion)

    outside = problem.outside_options if opting_out else np.full(problem.n_types, -np.inf)

    def choose(worth_it: FloatArray) -> FloatArray:
        gains = worth_it - problem.costs[:, None] * m
        return logit_choices(np.hstack([gains, outside[:, None]]), rationality)

    chance = equivalents(planned, 0.0) - equivalents(planned, aversion)
    choices, settled = choose(t - chance), True
    if anticipating:
        settled = False
        for _ in range(ANTICIPATION_ROUNDS):
            choices = choose(equivalents(seen_by_takers(expected), aversion))
            change = problem.probabilities @ choices - expected
            expected = expected + DAMPING * change
            if np.abs(change).max() <= SETTLED:
                settled = True
                break
    odds = problem.probabilities @ choices
    return Behavior(
        contributions=m,
        promised=t,
        delivered=equivalents(seen_by_takers(odds), 0.0),
        choices=choices,
        participation=float(odds[:-1].sum()),
        expected_accuracy=float(outcome_probabilities(counts, np.maximum(odds, NEVER)) @ accuracy),
        settled=settled,
    )


def _options(contributions: FloatArray, rewards: FloatArray) -> IntArray:
    """Which of the different options each type's is, (I,)."""
    options: list[tuple[float, float]] = []
    taken = []
    scale = np.array([contributions.max(), rewards.max()])
    for option in zip(contributions, rewards, strict=True):
        near = [
            bool(np.all(np.abs(np.subtract(option, it)) <= ONE_OPTION * scale)) for it in options
        ]
        if True not in near:
            options.append(option)
            near.append(True)
        taken.append(near.index(True))
    return np.array(taken, dtype=np.intp)


def certainty_equivalents(rewards: RewardDistribution, aversion: float) -> FloatArray:
    r"""What rewards that vary are worth to parties averse to spread, (I,), units of value.

    :math:`-\ln E[e^{-\alpha v}] / \alpha`, at most the mean.

    Parameters
    ----------
    rewards : RewardDistribution
    aversion : float >= 0
        :math:`\alpha`, per unit of value; 0 for the mean.

    Raises
    ------
    ValueError
        If the aversion is negative.

    Examples
    --------
    >>> one = np.ones((2, 1))
    >>> lot = RewardDistribution(one, one[:, 0], 0.5 * one, one, np.array([[0.0], [1.0]]))
    >>> certainty_equivalents(lot, 0.0).tolist(), certainty_equivalents(lot, 2.0).round(4).tolist()
    ([0.5], [0.2831])
    """
    instance("rewards", rewards, RewardDistribution, "proportional_rewards(contract)")
    aversion = _checked_aversion(aversion)
    return _equivalents(rewards.probabilities, rewards.values, aversion)


def _equivalents(probabilities: FloatArray, values: FloatArray, aversion: float) -> FloatArray:
    """Certainty equivalents, (J,), of values (K, J); nothing where probabilities add up to less."""
    if aversion == 0:
        return np.asarray(np.sum(probabilities * values, axis=0))
    # exp(-x) near 1 loses digits, expm1 and log1p keep them; far from 1 it is the other way round.
    shortfall = np.sum(probabilities * np.expm1(-aversion * values), axis=0)
    nothing = 1 - np.sum(probabilities, axis=0, keepdims=True)
    chances = np.vstack([probabilities, np.where(nothing > ROUNDING, nothing, 0.0)])
    logs = np.log(np.maximum(chances, np.finfo(float).tiny))
    logs = np.where(chances > 0, logs, -np.inf) - aversion * np.vstack([values, 0 * nothing])
    most = logs.max(axis=0)
    far = most + np.log(np.sum(np.exp(logs - most), axis=0))
    log = np.where(shortfall > -0.5, np.log1p(np.maximum(shortfall, -0.5)), far)
    return np.asarray(-log / aversion)


def _checked_aversion(aversion: float) -> float:
    number = real("aversion", aversion, "a number >= 0")
    if not 0 <= number < np.inf:
        raise ValueError(f"aversion must be >= 0 and finite; got {aversion!r}")
    return number
