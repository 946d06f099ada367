r"""The published way of solving the paper's problems, written anew as a baseline.

The paper's experiments enumerate all multinomial outcomes and hand the first-moment problem to
SciPy's ``trust-constr`` in the variables (m, t), with first and second derivatives. This is a new
program after that description, not the authors' code. It takes from the library what is not at
issue, outcomes and reservation utilities.

**Two ways to sum over outcomes.** ``"arrays"`` is written to be fast: sums over outcomes are matrix
products, curves are evaluated once for all types, and what depends on the problem alone is computed
once. ``"one by one"`` does as the published program does: the terms of a sum are added up outcome
after outcome by Python's ``sum``, separately for the objective and for each type, and at every
evaluation anew the outcomes in which a type is present are picked out and their probabilities
rescaled. Both compute the same numbers up to rounding.

**Screening.** Types come in order of cost, costliest first. As in the paper, IR of type 1 and the
incentive constraint of each type towards the option of its costlier neighbour bind; contributions
do not decrease, and IR of the other types is kept:

.. math::

   \max_{m, t} E[a(n \cdot m)] \quad \text{s.t.} \quad
   & t_1 - c_1 m_1 = f_1, \quad t_i - c_i m_i = t_{i-1} - c_i m_{i-1}, \\
   & m_{i-1} \le m_i, \quad t_i - c_i m_i \ge f_i, \quad
   t_i \le E[v(a(n \cdot m)) \mid n_i \ge 1] .

**Complete information.** One such problem per outcome, in the contributions m of the types present,
with IR alone; everybody gets the model that the data yield.

**The second derivative.** The published formula is that of
:math:`1 - \sqrt{2k(2 + \ln(x/k)) + 4}/\sqrt{x}`, with the 4 inside the root, while the accuracy
curve has it outside; it is about half the true one. Both are here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import LinearConstraint, NonlinearConstraint, OptimizeResult, minimize
from scipy.stats import multinomial

from paid_with_models import GeneralizationBound, LinearValuation, Problem, autarky
from paid_with_models.attendance import enumerate_outcomes

FloatArray = npt.NDArray[np.float64]
SecondDerivative = Literal["published", "right"]
Summation = Literal["arrays", "one by one"]
Function = Callable[..., Any]
Constraints = Literal["simplified", "all"]

#: As published.
MAXIMUM_ITERATIONS = 2000

#: Screening starts from this contribution of every type, in units of data, and from the rewards
#: that make IR of type 1 and downward IC bind. From there the optimiser takes about as many
#: iterations as the authors printed. Complete information starts from this share of what each type
#: would give for the best possible model, close to the solution and the fastest of several tried.
START, START_SHARE = 100.0, 0.9

#: Iterations and seconds that the authors printed, for their program on their machine (notebooks
#: of the repository bingchen-wang/paid-with-models, MIT licence, copyright 2024 Bingchen Wang).
PRINTED_ITERATIONS = {
    "big_firm_cooperation": 63,
    "small_party_teamwork": 63,
    "big_and_small_collaboration": 1813,
}
PRINTED_ITERATIONS_ALL_CONSTRAINTS = {
    "big_firm_cooperation": 118,
    "small_party_teamwork": 99,
    "big_and_small_collaboration": 2000,
}
PRINTED_SECONDS = {
    "three scenarios": 8.034479141235352,
    "three scenarios, all constraints": 9.415450811386108,
    "two types, screening": 80.0,
    "two types, complete information": 637.0,
}


@dataclass(frozen=True)
class PaperCurve:
    """The generalization bound with the derivatives that the optimiser is given.

    Attributes
    ----------
    optimum, complexity : float
        Its parameters.
    second : {"published", "right"}
        Which formula serves as second derivative.
    """

    optimum: float
    complexity: float
    second: SecondDerivative

    def __call__(self, data: FloatArray) -> FloatArray:
        """Accuracy, any shape, 0 where the bound is negative."""
        k = self.complexity
        x = np.maximum(data, k * np.exp(-2.0))
        root = np.sqrt(2 * k * np.maximum(2 + np.log(x / k), 0.0))
        return np.asarray(np.maximum(self.optimum - (root + 4) / np.sqrt(x), 0.0))

    def derivative(self, data: FloatArray) -> FloatArray:
        """Its derivative, 0 where accuracy is."""
        k, x, live = self.complexity, *self._live(data)
        root = np.sqrt(2 * k * (2 + np.log(x / k)))
        return np.where(live, ((root + 4) / 2 - k / root) * x**-1.5, 0.0)

    def second_derivative(self, data: FloatArray) -> FloatArray:
        """Its second derivative, or what the published formula takes for it."""
        k, x, live = self.complexity, *self._live(data)
        L = np.log(x / k)
        if self.second == "right":
            s = np.sqrt(2 * k * (2 + L))
            bend = -3 - 1.5 * k * (L + 1) / s + k / s - k**2 * (L + 1) / s**3
        else:  # of 1 - sqrt(w/x), w = 2k(2 + L) + 4
            w = 2 * k * (2 + L) + 4
            bend = -0.75 * np.sqrt(w) + 2 * k / np.sqrt(w) + k**2 / w**1.5
        return np.where(live, bend * x**-2.5, 0.0)

    def _live(self, data: FloatArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        live = self(data) > 0
        return np.where(live, data, self.complexity), live


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the optimiser stopped.

    Attributes
    ----------
    contributions, rewards : (I,) ndarray
        In the order of the problem: units of data, value.
    expected_accuracy : float
        E[a(S)] at these contributions.
    iterations : int
        Of the optimiser.
    violation : float
        Largest violation of a constraint, in its own unit.
    message : str
        Why it stopped.
    """

    contributions: FloatArray
    rewards: FloatArray
    expected_accuracy: float
    iterations: int
    violation: float
    message: str


def solve_screening(
    problem: Problem,
    second: SecondDerivative = "published",
    summation: Summation = "arrays",
    constraints: Constraints = "simplified",
) -> Solution:
    """The best menu, by enumeration and ``trust-constr``.

    Parameters
    ----------
    problem : Problem
        With the generalization bound and a linear valuation, as in the paper.
    second : {"published", "right"}
        Which second derivative the optimiser is given.
    summation : {"arrays", "one by one"}
        How sums over outcomes are computed.
    constraints : {"simplified", "all"}
        The paper's simplification, or every IR and every one of the I(I-1) incentive constraints
        as an inequality, as the problem is stated.

    Returns
    -------
    Solution

    Raises
    ------
    ValueError
        If the curves are not the paper's.

    Examples
    --------
    >>> problem = Problem(2, [0.5, 0.5], [0.02, 0.01], GeneralizationBound())
    >>> menu = solve_screening(problem)
    >>> bool(menu.rewards[1] > menu.rewards[0] > 70)
    True
    """
    curve, scale = _paper_s_curve(problem, second)
    order = np.argsort(-problem.costs, kind="stable")
    c, p = problem.costs[order], problem.probabilities[order]
    f = autarky(problem).utilities[order]
    counts = enumerate_outcomes(problem.n_parties, problem.n_types)
    chances = multinomial.pmf(counts, problem.n_parties, p)
    unit = np.eye(problem.n_types)
    utilities = np.hstack([-np.diag(c), unit])
    if constraints == "simplified":
        # What a type's own option is worth to it beyond the option of its costlier neighbour.
        steps = unit[1:] - unit[:-1]
        downward = np.hstack([-c[1:, None] * steps, steps])
        bind = LinearConstraint(
            np.vstack([utilities[:1], downward]), *[np.append(f[0], np.zeros(c.size - 1))] * 2
        )
        linear = [bind]
        if c.size > 1:
            linear.append(LinearConstraint(np.hstack([steps, np.zeros_like(steps)]), 0, np.inf))
            linear.append(LinearConstraint(utilities[1:], f[1:], np.inf))
    else:
        own, other = np.nonzero(~np.eye(c.size, dtype=bool))
        differ = unit[own] - unit[other]
        linear = [LinearConstraint(utilities, f, np.inf)]
        if c.size > 1:
            linear.append(LinearConstraint(np.hstack([-c[own, None] * differ, differ]), 0, np.inf))
    m = np.full(c.size, START)
    t = f[0] + c * m + np.append(0.0, np.cumsum(-np.diff(c) * m[:-1]))
    nonlinear = _by_arrays if summation == "arrays" else _one_by_one
    objective, caps = nonlinear(curve, scale, counts, chances)
    result = minimize(
        objective[0],
        np.append(m, t),
        method="trust-constr",
        jac=objective[1],
        hess=objective[2],
        constraints=[*linear, caps],
        options={"maxiter": MAXIMUM_ITERATIONS},
    )
    m, t = np.empty_like(c), np.empty_like(c)
    m[order], t[order] = np.split(result.x, 2)
    return _solution(m, t, result)


def solve_outcome(
    problem: Problem, counts: npt.ArrayLike, second: SecondDerivative = "published"
) -> Solution:
    """The best contract when one outcome is seen, by ``trust-constr``.

    Parameters
    ----------
    problem : Problem
        As for :func:`solve_screening`.
    counts : (I,) array_like of int
        Parties of each type, in the order of the problem.
    second : {"published", "right"}
        As for :func:`solve_screening`.

    Returns
    -------
    Solution
        Contributions and rewards are NaN for types that are absent.

    Raises
    ------
    ValueError
        If the curves are not the paper's.

    Examples
    --------
    >>> problem = Problem(2, [0.5, 0.5], [0.02, 0.01], GeneralizationBound())
    >>> bool(abs(solve_outcome(problem, [1, 1]).contributions.sum() / 3727.4 - 1) < 1e-3)
    True
    """
    curve, scale = _paper_s_curve(problem, second)
    here = np.flatnonzero(np.asarray(counts))
    n = np.asarray(counts, dtype=float)[here]
    c, f = problem.costs[here], autarky(problem).utilities[here]

    def total(m: FloatArray) -> FloatArray:
        return np.atleast_1d(n @ m)

    rationality = NonlinearConstraint(
        lambda m: scale * curve(total(m)) - c * m,
        f,
        np.inf,
        jac=lambda m: scale * curve.derivative(total(m)) * n - np.diag(c),
        hess=lambda m, prices: (
            scale * prices.sum() * curve.second_derivative(total(m)) * np.outer(n, n)
        ),
    )
    result = minimize(
        lambda m: -curve(total(m))[0],
        START_SHARE * (scale * curve.optimum - f) / c,
        method="trust-constr",
        jac=lambda m: -curve.derivative(total(m)) * n,
        hess=lambda m: -curve.second_derivative(total(m)) * np.outer(n, n),
        constraints=[rationality],
        options={"maxiter": MAXIMUM_ITERATIONS},
    )
    contributions = np.full(problem.n_types, np.nan)
    contributions[here] = result.x
    worth = scale * curve(total(result.x))
    return _solution(contributions, np.where(np.isnan(contributions), np.nan, worth), result)


def _solution(contributions: FloatArray, rewards: FloatArray, result: OptimizeResult) -> Solution:
    return Solution(
        contributions=contributions,
        rewards=rewards,
        expected_accuracy=-float(result.fun),
        iterations=int(result.nit),
        violation=float(result.constr_violation),
        message=str(result.message),
    )


def _by_arrays(
    curve: PaperCurve, scale: float, counts: npt.NDArray[np.int64], chances: FloatArray
) -> tuple[tuple[Function, ...], NonlinearConstraint]:
    """-E[a] with its derivatives in (m, t), and the caps, for (K, I) outcomes."""
    n_types = counts.shape[1]
    n = counts.astype(float)
    flat = np.zeros(n_types)
    # Distribution of the outcomes as each type sees it: given that it is present.
    seen = np.where(counts > 0, chances[:, None], 0.0)
    seen = seen / seen.sum(axis=0)

    def totals(x: FloatArray) -> FloatArray:
        return np.asarray(n @ x[:n_types])

    def bent(weights: FloatArray) -> FloatArray:
        """The Hessian in (m, t) of a sum over outcomes."""
        return _in_both((n.T * weights) @ n)

    caps = NonlinearConstraint(
        lambda x: scale * curve(totals(x)) @ seen - x[n_types:],
        0,
        np.inf,
        jac=lambda x: np.hstack(
            [scale * (seen.T * curve.derivative(totals(x))) @ n, -np.eye(n_types)]
        ),
        hess=lambda x, prices: bent(scale * (seen @ prices) * curve.second_derivative(totals(x))),
    )
    objective = (
        lambda x: -chances @ curve(totals(x)),
        lambda x: np.append(-(chances * curve.derivative(totals(x))) @ n, flat),
        lambda x: bent(-chances * curve.second_derivative(totals(x))),
    )
    return objective, caps


def _one_by_one(
    curve: PaperCurve, scale: float, counts: npt.NDArray[np.int64], chances: FloatArray
) -> tuple[tuple[Function, ...], NonlinearConstraint]:
    """The same functions as :func:`_by_arrays`, summed outcome after outcome."""
    n_types = counts.shape[1]
    types = range(n_types)

    def present(i: int | None) -> tuple[npt.NDArray[np.int64], FloatArray]:
        """The outcomes in which a type is present and their probabilities; None: all."""
        if i is None:
            return counts, chances
        here = counts[:, i] >= 1
        return counts[here], chances[here] / sum(chances[here])

    def mean(x: FloatArray, i: int | None = None) -> Any:
        n, weights = present(i)
        return sum(weights * curve(n @ x[:n_types]))

    def gradient(x: FloatArray, i: int | None = None) -> FloatArray:
        n, weights = present(i)
        slopes = curve.derivative(n @ x[:n_types])
        return np.append(sum(n * slopes[:, None] * weights[:, None]), np.zeros(n_types))

    def hessian(x: FloatArray, i: int | None = None) -> FloatArray:
        n, weights = present(i)
        bend = curve.second_derivative(n @ x[:n_types])
        squares = n[:, :, None] * n[:, None, :]
        return _in_both(sum(squares * bend[:, None, None] * weights[:, None, None]))

    caps = NonlinearConstraint(
        lambda x: np.array([scale * mean(x, i) for i in types]) - x[n_types:],
        0,
        np.inf,
        jac=lambda x: (
            np.vstack([scale * gradient(x, i) for i in types])
            - np.hstack([np.zeros((n_types, n_types)), np.eye(n_types)])
        ),
        hess=lambda x, prices: sum(scale * prices[i] * hessian(x, i) for i in types),
    )
    return (lambda x: -mean(x), lambda x: -gradient(x), lambda x: -hessian(x)), caps


def _in_both(hessian: FloatArray) -> FloatArray:
    """A Hessian in m as one in (m, t)."""
    return np.pad(hessian, (0, len(hessian)))


def _paper_s_curve(problem: Problem, second: SecondDerivative) -> tuple[PaperCurve, float]:
    curve, valuation = problem.accuracy, problem.valuation
    if not isinstance(curve, GeneralizationBound) or not isinstance(valuation, LinearValuation):
        raise ValueError(
            "problem must have the generalization bound and a linear valuation; got"
            f" {curve!r} and {valuation!r}"
        )
    return PaperCurve(curve.optimum, curve.complexity, second), valuation.scale
