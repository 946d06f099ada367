r"""Contracts run with real models: parties drawn, a model trained, graded models handed out.

In each draw, N types are drawn, each party hands in its contribution, disjoint samples of the pool,
the collective model is trained on their union, and each type receives the model that the
proportional assignment promises, :math:`v(r_i(n)) = (t_i / T_i)\, v(a(S))`. It is graded in one of
three ways. *Output noise*: with probability w the answer is a random class, so that

.. math:: (1 - w)\, a(S) + w / K = r_i(n)

for a model of accuracy a(S). *Subset*: the learner is trained on :math:`a^{-1}(r_i(n))` samples out
of those that were contributed. *Checkpoint*: what a learner that is trained step by step was on the
way; half of the test points, drawn anew each time, tell which step is good enough, and what is
handed out is measured on the others. The mean of :math:`v(r_i)` is known to be :math:`t_i`, so it
serves as control variate: what is estimated is the mean of the realized value minus the promised
one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import brentq

from ..accuracy import BoolArray, Curve, FloatArray, IntArray
from ..arguments import ReadOnly, instance, one_of, whole
from ..contract import Contract, check_contract
from ..problem import Problem, autarky_at
from ..solver.chain import least_utilities
from ..texts import brief
from ..valuation import ModelValue
from .learners import CLASSES

__all__ = [
    "Deployment",
    "Menu",
    "Trials",
    "deploy",
    "designed",
    "intervals",
    "run_trials",
    "whole_samples",
]


#: SAME_CONTRIBUTION: contributions closer than this, relative to the largest, are the same.
SAME_CONTRIBUTION = 1e-6


@dataclass(frozen=True, eq=False)
class Menu(ReadOnly):
    """A menu in whole samples.

    Attributes
    ----------
    problem : Problem
    contributions : (I,) ndarray
        Whole numbers of samples.
    rewards, reward_caps : (I,) ndarray
        t and T, units of value.
    expected_accuracy : float
    """

    problem: Problem
    contributions: FloatArray
    rewards: FloatArray
    reward_caps: FloatArray
    expected_accuracy: float


def _moments(problem: Problem, contributions: FloatArray, curve: Curve) -> tuple[float, FloatArray]:
    """Expected accuracy and caps under a curve, by enumeration."""
    outcomes = problem.outcomes()
    totals = outcomes.totals(contributions)
    value = ModelValue(curve, problem.valuation)(totals)
    return float(outcomes.mean(curve(totals))), outcomes.as_seen(value)


def whole_samples(contract: Contract) -> Menu:
    """Round contributions to whole samples and recompute the least rewards.

    The type that contributes most is rounded down, and further until its reward fits under its cap;
    no type contributes more than it.

    Parameters
    ----------
    contract : Contract
        Costliest type first, contributions non-decreasing.

    Returns
    -------
    Menu

    Raises
    ------
    ValueError
        If types are in another order, or no whole contribution of the last type leaves all rewards
        under their caps.

    Examples
    --------
    >>> from paid_with_models import Problem, Saturating, solve
    >>> curve = Saturating((0.6, 0.3), (0.05, 0.005))
    >>> menu = whole_samples(solve(Problem(4, [0.5, 0.5], [0.5, 0.1], curve)))
    >>> bool(np.all(menu.contributions % 1 == 0)), bool(np.all(menu.rewards <= menu.reward_caps))
    (True, True)
    """
    check_contract(contract)
    problem = contract.problem
    costs, contributions = problem.costs, contract.contributions
    if np.any(np.diff(costs) > 0) or np.any(
        np.diff(contributions) < -SAME_CONTRIBUTION * contributions.max()
    ):
        raise ValueError(
            "contract must have the costliest type first and contributions that do not decrease;"
            f" got costs {costs.tolist()} and contributions {contributions.tolist()}"
        )
    rounded = np.round(contributions)
    for last in np.arange(np.floor(contributions[-1]), -1, -1):
        m = np.append(np.minimum(rounded[:-1], last), last)
        utilities = least_utilities(m, costs, problem.outside_options)
        rewards = utilities + costs * m
        accuracy, caps = _moments(problem, m, problem.accuracy)
        if np.all(rewards <= caps):
            return Menu(problem, m, rewards, caps, accuracy)
    raise ValueError(
        "contract must have a whole last contribution that leaves all rewards under their caps;"
        f" got contributions {contributions.tolist()}"
    )


@dataclass(frozen=True, eq=False)
class Trials(ReadOnly):
    """What happened in D draws.

    Attributes
    ----------
    counts : (D, I) ndarray of int
        Parties of each type.
    accuracies : (D,) ndarray
        Realized accuracy of the collective model on the test set.
    handed : (D, I) ndarray
        Realized accuracy of the model for each type (also for types that did not come).
    """

    counts: IntArray
    accuracies: FloatArray
    handed: FloatArray


def run_trials(
    menu: Menu,
    predict: Callable[[IntArray], IntArray],
    pool: int,
    test_labels: IntArray,
    *,
    grading: Literal["noise", "subset", "checkpoint"] = "noise",
    draws: int = 300,
    seed: int = 0,
) -> Trials:
    """Run a menu with a real learner.

    Parameters
    ----------
    menu : Menu
    predict : callable
        From rows of the pool, (S,) ints, to the trained model's answers on the test points, (L,);
        with checkpoints to those of all of them, (E, L), that of the trained model last.
    pool : int
        Size of the pool; N times the largest contribution must not exceed it.
    test_labels : (L,) ndarray of int
    grading : {"noise", "subset", "checkpoint"}
        How models of less than the collective accuracy are made.
    draws : int >= 1
    seed : int
        Of types, samples and noise.

    Returns
    -------
    Trials

    Raises
    ------
    ValueError
        If the pool is too small for some outcome, the grading is unknown, or there is no draw.

    Examples
    --------
    >>> from paid_with_models import Problem, Saturating, solve
    >>> curve, answers = Saturating((0.6, 0.3), (0.05, 0.005)), np.arange(1000)
    >>> menu = whole_samples(solve(Problem(4, [0.5, 0.5], [0.5, 0.1], curve)))
    >>> def predict(rows):  # a made-up learner, right on just the share a(S) of the test points
    ...     return (answers >= round(1000 * float(curve(len(rows))))).astype(int)
    >>> trials = run_trials(menu, predict, 5000, np.zeros(1000, dtype=int), draws=3)
    >>> totals = trials.counts @ menu.contributions
    >>> bool(np.all(np.abs(trials.accuracies - curve(totals)) <= 0.5e-3))
    True
    """
    one_of("grading", grading, ("noise", "subset", "checkpoint"))
    instance("menu", menu, Menu, "whole_samples")
    pool, draws = whole("pool", pool, 1), whole("draws", draws, 1)
    problem = menu.problem
    problem.check_independent_draws()
    if problem.n_parties * menu.contributions.max() > pool:
        raise ValueError(
            f"pool must hold {problem.n_parties * menu.contributions.max():g} samples; got {pool}"
        )
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(problem.n_parties, problem.probabilities, size=draws)
    share = menu.rewards / menu.reward_caps
    accuracies = np.empty(draws)
    handed = np.empty((draws, problem.n_types))
    for d, present in enumerate(counts):
        total = int(present @ menu.contributions)
        rows = rng.permutation(pool)[:total]
        found = predict(rows)
        answers = found[-1] if grading == "checkpoint" else found
        accuracies[d] = np.mean(answers == test_labels)
        expected = float(problem.accuracy(total))
        promised = problem.valuation.inverse(share * float(problem.model_value(np.array(total))))
        for i, target in enumerate(np.asarray(promised)):
            if grading == "noise":
                noise = (expected - target) / (expected - 1 / CLASSES)
                random = rng.random(answers.size) < noise
                graded = np.where(random, rng.integers(CLASSES, size=answers.size), answers)
            elif grading == "checkpoint":
                part = (target - 1 / CLASSES) / (expected - 1 / CLASSES)
                handed[d, i] = _checkpoint(found == test_labels, part, rng)
                continue
            else:
                size = _data_for(problem.accuracy, target, total)
                # Up or down at random: the mean size is exact, so that rounding does not bias.
                some = int(size) + int(rng.random() < size % 1)
                graded = predict(rng.permutation(rows)[: max(1, some)])
            handed[d, i] = np.mean(graded == test_labels)
    return Trials(np.asarray(counts), accuracies, handed)


def _checkpoint(right: BoolArray, part: float, rng: np.random.Generator) -> float:
    """Accuracy of a checkpoint that keeps a part of what the trained model has above guessing.

    Half of the test points tell between which two checkpoints that lies; one of the two is drawn,
    so that it is kept on average. The accuracy is that on the other half.
    """
    telling = rng.permutation(right.shape[1]) < right.shape[1] // 2
    seen, measured = right[:, telling].mean(axis=1), right[:, ~telling].mean(axis=1)
    if part >= 1:
        return float(measured[-1])
    target = 1 / CLASSES + part * (seen[-1] - 1 / CLASSES)
    high = int(np.argmax(seen >= target))  # the trained model is good enough
    if high == 0:
        return float(measured[0])
    share = (target - seen[high - 1]) / (seen[high] - seen[high - 1])
    return float(measured[high if rng.random() < share else high - 1])


def _data_for(curve: Curve, accuracy: float, most: int) -> float:
    """Samples that reach an accuracy on a rising curve, at most so many."""
    if accuracy >= float(curve(most)):
        return float(most)
    return float(brentq(lambda n: float(curve(n)) - accuracy, 0.0, most, xtol=1e-9))


def intervals(menu: Menu, trials: Trials) -> dict[str, tuple[float, float]]:
    """Realized results, each with the half-width of a 95 % interval, by name.

    ``mean accuracy``: the collective model's. ``accuracy``: the collective model's minus a(S), draw
    by draw, which varies less as it leaves out who turned up (control variate). ``reward i``:
    realized minus promised reward of type i, mean over the draws in which it is present. ``IR i``
    and ``IC i j``: slacks of the constraints (type i's against option j), units of value: those of
    the menu plus these means. NaN where a type is concerned that no draw has.

    Parameters
    ----------
    menu : Menu
    trials : Trials
        Of at least two draws.

    Returns
    -------
    dict from str to (float, float)

    Raises
    ------
    ValueError
        If there is one draw only, which says nothing of how far others are.

    Examples
    --------
    >>> from paid_with_models import Problem, Saturating, solve
    >>> curve, answers = Saturating((0.6, 0.3), (0.05, 0.005)), np.arange(1000)
    >>> menu = whole_samples(solve(Problem(4, [0.5, 0.5], [0.5, 0.1], curve)))
    >>> def predict(rows):  # a made-up learner, right on just the share a(S) of the test points
    ...     return (answers >= round(1000 * float(curve(len(rows))))).astype(int)
    >>> trials = run_trials(menu, predict, 5000, np.zeros(1000, dtype=int), draws=50)
    >>> reward, half_width = intervals(menu, trials)["reward 1"]
    >>> bool(abs(reward) < 3 * half_width)  # this learner keeps what the curve promises
    True
    """
    instance("menu", menu, Menu, "whole_samples")
    instance("trials", trials, Trials, "run_trials")
    problem = menu.problem
    if len(trials.counts) < 2:
        raise ValueError(f"trials must have at least two draws; got {len(trials.counts)}")
    totals = trials.counts @ menu.contributions
    value = np.asarray(problem.model_value(totals))
    promised = menu.rewards / menu.reward_caps * value[:, None]
    residual = problem.valuation(trials.handed) - promised
    present = (trials.counts > 0).astype(float)
    with np.errstate(invalid="ignore"):  # a type that is in no draw
        means = np.sum(residual * present, axis=0) / present.sum(axis=0)
        # Influence of each draw on each mean: covariances between types come with it.
        influence = present * (residual - means) / present.mean(axis=0)
    root = np.sqrt(len(totals))
    error = trials.accuracies - np.asarray(problem.accuracy(totals))
    found = {
        name: (float(values.mean()), float(1.96 * values.std(ddof=1) / root))
        for name, values in (("mean accuracy", trials.accuracies), ("accuracy", error))
    }
    for name, slack in _rewards_and_slacks(menu, means).items():
        i, *other = (int(k) - 1 for k in name.split()[1:])
        spread = influence[:, i] - influence[:, other[0]] if other else influence[:, i]
        found[name] = slack, float(1.96 * spread.std(ddof=1) / root)
    return found


def designed(menu: Menu) -> dict[str, float]:
    """What :func:`intervals` would find if every promise were kept exactly.

    Parameters
    ----------
    menu : Menu

    Returns
    -------
    dict from str to float
        Names as in :func:`intervals`; slacks in units of value.

    Examples
    --------
    >>> from paid_with_models import Problem, Saturating, solve
    >>> curve = Saturating((0.6, 0.3), (0.05, 0.005))
    >>> menu = whole_samples(solve(Problem(4, [0.5, 0.5], [0.5, 0.1], curve)))
    >>> list(designed(menu))
    ['mean accuracy', 'accuracy', 'reward 1', 'reward 2', 'IR 1', 'IR 2', 'IC 1 2', 'IC 2 1']
    """
    shifts = _rewards_and_slacks(menu, np.zeros_like(menu.rewards))
    return {"mean accuracy": menu.expected_accuracy, "accuracy": 0.0} | shifts


def _rewards_and_slacks(menu: Menu, shifts: FloatArray) -> dict[str, float]:
    """Shifts of the mean rewards by name, and the slacks that they lead to."""
    problem = menu.problem
    m, c, rewards = menu.contributions, problem.costs, menu.rewards + shifts
    types = range(problem.n_types)
    alone = rewards - c * m - problem.outside_options
    found = {f"reward {i + 1}": float(shifts[i]) for i in types}
    found |= {f"IR {i + 1}": float(alone[i]) for i in types}
    return found | {
        f"IC {i + 1} {j + 1}": float(rewards[i] - rewards[j] - c[i] * (m[i] - m[j]))
        for i in types
        for j in types
        if i != j
    }


@dataclass(frozen=True, eq=False)
class Deployment(ReadOnly):
    """A menu designed with one curve, carried out where another is the truth.

    Attributes
    ----------
    expected_accuracy : float
        Of the collective model, under the truth.
    promised_accuracy : float
        What the design expected.
    rewards : (I,) ndarray
        Mean rewards if each type receives its designed share t_i / T_i of what the collective model
        is worth, units of value.
    ir_slacks : (I,) ndarray
        These minus costs and what the type could really reach alone, units of value.
    ic_slacks : (I, I) ndarray
        What type i gets with its own option minus what it would get with option j, units of value;
        0 on the diagonal.
    """

    expected_accuracy: float
    promised_accuracy: float
    rewards: FloatArray
    ir_slacks: FloatArray
    ic_slacks: FloatArray


def deploy(contract: Contract, truth: Curve) -> Deployment:
    """Carry a contract out under another accuracy curve, by enumeration.

    Parameters
    ----------
    contract : Contract
        Designed with ``contract.problem.accuracy``.
    truth : Curve

    Returns
    -------
    Deployment

    Examples
    --------
    >>> from paid_with_models import Problem, Saturating, solve
    >>> curve = Saturating((0.6, 0.3), (0.05, 0.005))
    >>> contract = solve(Problem(4, [0.5, 0.5], [0.5, 0.1], curve))
    >>> same = deploy(contract, curve)
    >>> bool(abs(same.expected_accuracy - contract.expected_accuracy) < 1e-9)
    True
    """
    check_contract(contract)
    if not isinstance(truth, Curve):
        raise ValueError(f"truth must be a Curve; got {brief(truth)}")
    problem, value = contract.problem, ModelValue(truth, contract.problem.valuation)
    accuracy, caps = _moments(problem, contract.contributions, truth)
    _, designed = _moments(problem, contract.contributions, problem.accuracy)
    share = np.divide(contract.rewards, designed, out=np.zeros_like(caps), where=designed > 0)
    rewards = share * caps
    alone = autarky_at(value, problem.costs).utilities
    # What type i, in the row, would get with the option in the column.
    utilities = rewards - np.outer(problem.costs, contract.contributions)
    own = np.diagonal(utilities)
    return Deployment(
        accuracy,
        contract.expected_accuracy,
        rewards,
        own - alone,
        own[:, None] - utilities,
    )
