r"""Quality of data: label noise, what it is worth, and what it does to a contract.

A label is wrong with probability :math:`\eta`, uniformly among the other K - 1 classes. Then the
mean of one-hot labels shrinks toward 1/K by

.. math:: 1 - \frac{K}{K - 1}\, \eta ,

and an estimate that averages them has the precision of :math:`q\,S` clean samples, where q is the
square of this *(quality factor)*; for two classes :math:`(1 - 2\eta)^2`. A rule that averages
labels, such as the difference of class means, obeys this; others need not, and
:func:`equivalent_data` measures.

**Checked quality.** If the coordinator can measure q, and a party's own training profits from its
data by the same factor, contributions count as :math:`q_i m_i`, and the problem is the paper's with
costs :math:`c_i / q_i` (:func:`checked_problem`). **Unnoticed**, a menu made for m gets
:math:`q_i m_i`, and promises more than there is (:func:`unnoticed`).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr
from scipy.stats import binom, chi2, norm

from ..accuracy import FloatArray
from ..arguments import ReadOnly, real, reals, whole
from ..attendance import Outcomes
from ..contract import Contract, check_contract
from ..problem import Problem, check_problem
from ..texts import brief

__all__ = [
    "MeasuredFactors",
    "Unnoticed",
    "checked_problem",
    "discriminant_accuracy",
    "equivalent_data",
    "measured_factors",
    "quality_factor",
    "unnoticed",
]


#: QUADRATURE_NODES: nodes of each quadrature in discriminant_accuracy (direction, and the rest).
QUADRATURE_NODES = 200


#: LEFT_OUT: probability of counts of wrong labels that are left out, half of it at each end.
LEFT_OUT = 1e-13


#: MOST_REPLICATES: of a bootstrap.
MOST_REPLICATES = 1_000_000

#: MANY: no number of anything is larger.
MANY = 2**53


#: MOST_DISTANCE: classes as far apart as that are told apart for certain.
MOST_DISTANCE = 1e100


def quality_factor(noise: float, n_classes: int = 2) -> float:
    r"""What a sample with a noisy label is worth, in clean samples: (1 - K noise / (K - 1))^2.

    Parameters
    ----------
    noise : float in [0, 1 - 1/K]
        Probability of a wrong label, each wrong class being as likely.
    n_classes : int >= 2

    Raises
    ------
    ValueError
        If the noise exceeds that of random labels, or there are fewer than two classes.

    Examples
    --------
    >>> round(quality_factor(0.2), 6), round(quality_factor(0.2, 10), 6)
    (0.36, 0.604938)
    """
    n_classes, noise = whole("n_classes", n_classes, -MANY), real("noise", noise)
    if not 2 <= n_classes <= MANY:
        raise ValueError(f"n_classes must be from 2 to 2^53; got {brief(n_classes)}")
    if not 0 <= noise <= 1 - 1 / n_classes:
        raise ValueError(f"noise must lie in [0, {1 - 1 / n_classes:g}]; got {noise!r}")
    return float((1 - n_classes * noise / (n_classes - 1)) ** 2)


def checked_problem(problem: Problem, qualities: npt.ArrayLike) -> Problem:
    """The problem in effective data, where the coordinator measures the quality of what it gets.

    A type is a pair of cost and quality. The option meant for it asks for ``m_i / q_i`` samples of
    its data, where ``m_i`` is its contribution in the new problem.

    Parameters
    ----------
    problem : Problem
        With costs per sample.
    qualities : (I,) array_like in (0, 1]
        Clean samples that a sample of each type is worth, in training together and alone.

    Returns
    -------
    Problem
        With costs per effective sample, c / q.

    Raises
    ------
    ValueError
        If there is not one quality per type, or one is outside (0, 1].

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> problem = Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    >>> checked_problem(problem, [1.0, 0.8]).costs.tolist()
    [0.2, 0.125]
    """
    check_problem(problem)
    q = _qualities(qualities, problem.n_types)
    return replace(problem, costs=problem.costs / q)


@dataclass(frozen=True, eq=False)
class Unnoticed(ReadOnly):
    """What becomes of a menu when some of the data are worse than was thought.

    Attributes
    ----------
    expected_accuracy, promised_accuracy : float
        Of the collective model, and what the design expected of it.
    caps : (I,) ndarray
        Mean value of the collective model as each type sees it, units of value.
    shortfalls : (I,) ndarray >= 0
        By how much the promised mean reward exceeds it, units of value.
    """

    expected_accuracy: float
    promised_accuracy: float
    caps: FloatArray
    shortfalls: FloatArray


def unnoticed(
    contract: Contract, qualities: npt.ArrayLike, shares: npt.ArrayLike = 1.0
) -> Unnoticed:
    """Carry out a menu in which some parties' data are noisy, and nobody knows, by enumeration.

    Parameters
    ----------
    contract : Contract
    qualities : (I,) array_like in (0, 1]
        What a noisy party's sample is worth, for each type.
    shares : float or (I,) array_like in [0, 1]
        Share of the parties of each type that are noisy, independently of each other.

    Raises
    ------
    ValueError
        If qualities or shares do not fit the contract's types.

    Examples
    --------
    >>> from paid_with_models import Saturating, solve
    >>> contract = solve(Problem(4, [0.5, 0.5], [0.5, 0.1], Saturating((0.9,), (0.02,))))
    >>> found = unnoticed(contract, [1.0, 0.5])
    >>> bool(found.expected_accuracy < found.promised_accuracy)
    True
    """
    check_contract(contract)
    problem = contract.problem
    problem.check_independent_draws()
    q = _qualities(qualities, problem.n_types)
    noisy = reals("shares", shares)
    if noisy.shape not in ((), q.shape) or not np.all((noisy >= 0) & (noisy <= 1)):
        raise ValueError(
            f"shares must lie in [0, 1], one for all types or {q.size}; got {noisy.tolist()}"
        )
    noisy = np.broadcast_to(noisy, q.shape)
    chances = np.concatenate([problem.probabilities * (1 - noisy), problem.probabilities * noisy])
    data = np.concatenate([contract.contributions, q * contract.contributions])
    there = np.flatnonzero(chances > 0)
    # Clean and noisy parties of a type are kinds of their own, which see what their type does.
    kinds = Outcomes.drawn(problem.n_parties, chances[there], problem.beliefs)
    totals = kinds.totals(data[there])
    of_type = np.stack(
        [kinds.counts[:, there % problem.n_types == i].sum(axis=1) for i in range(problem.n_types)],
        axis=1,
    )
    seen = kinds.weights[:, None] * (of_type if problem.beliefs == "own" else of_type > 0)
    outcomes = replace(kinds, counts=of_type, seen=seen / seen.sum(axis=0))
    caps = outcomes.as_seen(problem.model_value(totals))
    return Unnoticed(
        float(outcomes.mean(problem.accuracy(totals))),
        contract.expected_accuracy,
        np.asarray(caps),
        np.maximum(contract.rewards - caps, 0.0),
    )


def equivalent_data(
    sizes: npt.ArrayLike, accuracies: npt.ArrayLike, accuracy: npt.ArrayLike
) -> FloatArray:
    """Clean data that reach an accuracy, by interpolation of a clean learning curve in log size.

    Parameters
    ----------
    sizes : (K,) array_like > 0, increasing
    accuracies : (K,) array_like
        Of the clean curve; made non-decreasing by their running maximum.
    accuracy : array_like
        Any shape.

    Returns
    -------
    ndarray
        Of the shape of ``accuracy``; NaN outside the curve's range.

    Raises
    ------
    ValueError
        If there are fewer than two sizes, or they do not increase from above 0.

    Examples
    --------
    >>> equivalent_data([10, 100, 1000], [0.5, 0.7, 0.8], [0.6, 0.75, 0.9]).round(2).tolist()
    [31.62, 316.23, nan]
    """
    n, a = reals("sizes", sizes), reals("accuracies", accuracies)
    if n.shape != a.shape or n.size < 2 or not (n[0] > 0 and np.all(np.diff(n) > 0)):
        raise ValueError(f"sizes must increase from above 0, one per accuracy; got {n.tolist()}")
    rising = np.maximum.accumulate(a)
    keep = np.append(True, np.diff(rising) > 0)
    wanted = reals("accuracy", accuracy)
    found = np.interp(wanted, rising[keep], np.log(n[keep]), left=np.nan, right=np.nan)
    return np.asarray(np.exp(found))


@dataclass(frozen=True, eq=False)
class MeasuredFactors:
    """What a noisy sample was worth, in clean samples, for training sets of several sizes.

    Attributes
    ----------
    factors : (K,) ndarray
        NaN where no clean set was as bad (or as good).
    errors : (K,) ndarray
        Standard errors, by drawing repeats again; NaN where there is no factor.
    bounds : (K,) ndarray
        The smallest (or largest) clean set over the size, a bound where there is no factor.
    """

    factors: FloatArray
    errors: FloatArray
    bounds: FloatArray


def measured_factors(
    clean: Mapping[int, Sequence[float]],
    noisy: Mapping[int, Sequence[float]],
    *,
    draws: int = 200,
    seed: int = 0,
) -> MeasuredFactors:
    """Clean data that reach the mean noisy accuracy, over the size of the noisy set.

    Parameters
    ----------
    clean, noisy : mapping from int to sequence of float
        Accuracies of R >= 2 repeats by size of the training set, sizes increasing.
    draws : int >= 2
        Bootstrap replicates for the errors: repeats are drawn again, for all sizes alike.
    seed : int

    Raises
    ------
    ValueError
        If there are less than two repeats, or not as many for each size.

    Examples
    --------
    >>> clean = {10: [0.5, 0.5], 40: [0.7, 0.7], 160: [0.9, 0.9]}
    >>> found = measured_factors(clean, {80: [0.7, 0.7], 160: [0.4, 0.4]})
    >>> found.factors.round(6).tolist(), found.bounds[1].item()
    ([0.5, nan], 0.0625)
    """
    (sizes, curve), (noisy_sizes, reached) = (
        _repeated(name, given) for name, given in (("clean", clean), ("noisy", noisy))
    )
    repeats = {curve.shape[1], reached.shape[1]}
    if len(repeats) != 1 or min(repeats) < 2:
        raise ValueError(
            f"clean and noisy must hold as many repeats, two or more, for each size; got {repeats}"
        )
    draws, seed = whole("draws", draws, 2), whole("seed", seed)
    if draws > MOST_REPLICATES:
        raise ValueError(f"draws must be at most {MOST_REPLICATES:,}; got {brief(draws)}")

    def found(chosen: npt.NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        means, wanted = curve[:, chosen].mean(axis=1), reached[:, chosen].mean(axis=1)
        ends = np.where(wanted < means[0], sizes[0], sizes[-1])
        return equivalent_data(sizes, means, wanted) / noisy_sizes, ends / noisy_sizes

    count = curve.shape[1]
    factors, bounds = found(np.arange(count))
    rng = np.random.default_rng(seed)
    replicates = []
    for _ in range(draws):
        factor, bound = found(rng.integers(count, size=(count,)))
        replicates.append(np.where(np.isnan(factor), bound, factor))
    errors = np.std(replicates, axis=0, ddof=1)
    return MeasuredFactors(factors, np.where(np.isnan(factors), np.nan, errors), bounds)


def _repeated(name: str, given: Any) -> tuple[FloatArray, FloatArray]:
    """Sizes (L,) and accuracies of repeats, (L, R)."""
    if not isinstance(given, Mapping) or not given:
        raise ValueError(f"{name} must be a mapping of sizes to accuracies; got {brief(given)}")
    rows = [reals(name, values) for values in given.values()]
    sizes = reals(name, [*given])
    if not (np.all((sizes > 0) & (sizes < np.inf)) and np.all(np.diff(sizes) > 0)):
        raise ValueError(f"{name} must have sizes > 0 that increase; got {brief([*given])}")
    if len({row.shape for row in rows}) != 1 or rows[0].ndim != 1:
        raise ValueError(f"{name} must hold as many repeats, two or more, for each size")
    accuracies = np.array(rows)
    if not np.all((accuracies >= 0) & (accuracies <= 1)):
        raise ValueError(f"{name} must hold accuracies in [0, 1]; got {brief(accuracies.tolist())}")
    return sizes, accuracies


def discriminant_accuracy(size: int, distance: float, dimension: int, noise: float = 0.0) -> float:
    r"""Expected accuracy of the difference of class means on two normal classes, exactly.

    Classes :math:`y = \pm 1`, equally likely, are normal around :math:`\pm\delta e_1` with unit
    variance in d dimensions; labels are wrong with probability :math:`\eta`. The rule is the
    sign of :math:`\hat w \cdot x` with :math:`\hat w = \frac1n \sum_k y_k x_k`. Given F wrong
    labels, :math:`\sqrt n\,\hat w` is normal around :math:`\sqrt n\,\delta (1 - 2F/n)\, e_1` with
    unit variance, and F is binomial; a direction at angle :math:`\theta` to :math:`e_1` is right
    with probability :math:`\Phi(\delta \cos\theta)`.

    Parameters
    ----------
    size : int >= 1
        Samples n.
    distance : float > 0
        Half the distance of the class means, in standard deviations.
    dimension : int >= 2
    noise : float in [0, 1/2]

    Returns
    -------
    float
        By quadrature, to about 1e-5.

    Raises
    ------
    ValueError
        For an argument out of range.

    Examples
    --------
    >>> round(discriminant_accuracy(100, 1.0, 20), 4)
    0.82
    """
    size, dimension = whole("size", size, -MANY), whole("dimension", dimension, -MANY)
    distance, noise = real("distance", distance), real("noise", noise)
    if not (1 <= size <= MANY and 2 <= dimension <= MANY):
        rule = "size must be from 1, dimension from 2, to 2^53"
        raise ValueError(f"{rule}; got {brief(size)} and {brief(dimension)}")
    if not 0 < distance <= MOST_DISTANCE:
        raise ValueError(f"distance must be > 0, and at most {MOST_DISTANCE:g}; got {distance!r}")
    if not 0 <= noise <= 0.5:
        raise ValueError(f"noise must lie in [0, 0.5]; got {noise!r}")
    wrong = np.arange(size + 1)
    chance = binom.pmf(wrong, size, noise)
    wrong, chance = wrong[chance > LEFT_OUT], chance[chance > LEFT_OUT]
    levels, weights = _quadrature()
    along = np.sqrt(size) * distance * (1 - 2 * wrong / size)[:, None] + norm.ppf(levels)
    across = chi2.ppf(levels, dimension - 1)
    cosines = along[:, :, None] / np.sqrt(along[:, :, None] ** 2 + across)
    right = ndtr(distance * cosines) @ weights @ weights
    return float(chance @ right / chance.sum())


@functools.cache
def _quadrature() -> tuple[FloatArray, FloatArray]:
    """Nodes in (0, 1) and weights that sum to 1, after Gauss and Legendre."""
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE_NODES)
    return (nodes + 1) / 2, weights / 2


def _qualities(values: npt.ArrayLike, n_types: int) -> FloatArray:
    q = reals("qualities", values)
    if q.shape != (n_types,) or not np.all((q > 0) & (q <= 1)):
        raise ValueError(f"qualities must be in (0, 1], one per type, {n_types}; got {q.tolist()}")
    return q
