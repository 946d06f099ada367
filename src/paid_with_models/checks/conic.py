r"""The first-moment problem as an exponential-cone program, to be read, changed and solved again.

On the data that can be collected accuracy and value are sums of decaying exponentials,
:math:`a(S) = a_\text{opt} - \sum_j \alpha_j e^{-u_j S}` (:mod:`paid_with_models.solver.sums`), and
the total contribution is a sum of N independent draws. With

.. math:: \ln q_{ij} = \ln p_i - u_j m_i, \qquad M_j = \sum_i q_{ij},

every expectation is made of exponentials of affine functions of the contributions,

.. math::

   E[a(S)] &= a_\text{opt} - \sum_j \alpha_j M_j^N, \\
   E[a(S) \mid n_i \ge 1] &= a_\text{opt} - \sum_j \alpha_j
      \frac{M_j^N - (M_j - q_{ij})^N}{1 - (1 - p_i)^N},

and concave by the rules of disciplined convex programming: :math:`\ln M_j` is a log-sum-exp, and
so is the logarithm of :math:`P_n = M^n - B^n`, where :math:`B = M - q` is what is left without
type i, built up by halving,

.. math:: P_1 = q, \qquad P_{2n} = P_n \, (M^n + B^n), \qquad P_{n+1} = M P_n + q B^n .

It takes about :math:`2 \log_2 N` such steps, exact for every N. Under a type's own beliefs the
terms are :math:`e^{-u_j m_i} M_j^{N-1}`.

:func:`conic_program` states the problem in CVXPY with all IR, IC and caps; whoever wants another
constraint (a floor on rewards, a budget of data, equal treatment of two types) adds it. Nothing is
shared with :func:`paid_with_models.solve`, which is exact, proves its optimum and is far faster on
the problem as it stands. The cone solver has eight digits at best: its answers are right to about
1e-6 of accuracy, usually to 1e-8, and with more than some 100,000 parties it fails, and says so.

**What it answers.** The sums are right from the point on where a curve begins to rise (or where it
meets its concave envelope); below it they fall further, so that no menu is promised too much. The
program's optimum is therefore the best menu where every outcome collects that much with near
certainty, and otherwise a menu that is feasible though perhaps not the best: the problem is not
convex there. It can pay then to ask nothing of the costliest types: name them in ``left_out``.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from ..accuracy import Curve, FloatArray, IntArray
from ..arguments import ReadOnly
from ..problem import Problem, check_problem
from ..residuals import types_out
from ..solver.sums import ExponentialSum, fit_exponential_sum
from ..texts import brief

__all__ = ["ConicProgram", "ConicSolution", "ConicStatus", "conic_program"]


if TYPE_CHECKING:
    import cvxpy


#: CONE_RATES_PER_E_FOLD: rates per factor e of the range: a sum as right as the cone solver is,
#: 1e-8, and half as long as the best.
CONE_RATES_PER_E_FOLD = 2.0


#: NEGLIGIBLE: terms that stay below this part of the limit wherever the sum is used are dropped.
NEGLIGIBLE = 1e-12


#: CONE_FIT_TOLERANCE: a curve whose sum is wrong by more than this part of its limit is refused.
CONE_FIT_TOLERANCE = 1e-4


#: SURELY_PRESENT: a type absent with less probability than this is taken to be always there.
SURELY_PRESENT = 1e-13


#: LOWEST_EXPONENT: exponents are cut off here: what is left, 1e-13, does not matter, and the solver
#: is spared numbers like e^-600. Cutting them off understates what a menu reaches, never the
#: opposite.
LOWEST_EXPONENT = -30.0


#: CLARABEL_SETTINGS: exponential cones ask for short steps and little regularization; where one
#: setting of Clarabel stalls, the next goes through. What it calls inaccurate is to be right to
#: 1e-6.
CLARABEL_SETTINGS = tuple(
    {
        "max_step_fraction": step,
        "static_regularization_constant": regularization,
        "dynamic_regularization_eps": 1e-15,
        "dynamic_regularization_delta": 1e-9,
        "max_iter": 200,
        "reduced_tol_gap_abs": 1e-6,
        "reduced_tol_gap_rel": 1e-6,
        "reduced_tol_feas": 1e-6,
    }
    for step, regularization in ((0.8, 1e-12), (0.9, 1e-12), (0.7, 1e-13))
)


#: INFEASIBLE_BEYOND: where the solver does not say why it failed: constraints that cannot all be
#: met up to this part of the best model's value contradict each other.
INFEASIBLE_BEYOND = 1e-5


class ConicStatus(Enum):
    """How the cone solver ended."""

    OPTIMAL = "optimal: right to the solver's tolerance, 1e-8"
    INACCURATE = "inaccurate: right to 1e-6, but not to 1e-8"
    INFEASIBLE = "infeasible: no menu that collects enough data satisfies all constraints"
    FAILED = "failed: the solver could not finish"


#: CVXPY before 1.9.3 finds the shape of a sum by adding up an array that nobody has filled.
_whatever_memory_holds = np.errstate(invalid="ignore", over="ignore")


@dataclass(frozen=True, eq=False)
class ConicSolution(ReadOnly):
    """What the cone solver found; types in the order of the problem.

    Attributes
    ----------
    status : ConicStatus
        Without a solution (infeasible, failed) all numbers are NaN.
    contributions : (I,) ndarray
        m_i, units of data.
    rewards : (I,) ndarray
        t_i, units of value. Not unique where the constraints leave them free.
    expected_accuracy : float
        E[a(S)], by the sum.
    """

    status: ConicStatus
    contributions: FloatArray
    rewards: FloatArray
    expected_accuracy: float


@dataclass(frozen=True, eq=False)
class ConicProgram:
    """The problem in CVXPY; types in the order of the problem.

    For another objective replace ``program`` (:func:`dataclasses.replace`) by one of the same
    constraints.

    Attributes
    ----------
    problem : Problem
    program : cvxpy.Problem
    contributions : (I,) cvxpy.Expression, affine
        m_i, units of data; 0 for types left out.
    rewards : (I,) cvxpy.Expression, affine
        t_i, units of value; 0 for types left out.
    expected_accuracy : cvxpy.Expression, concave
        E[a(S)], the objective.
    individual_rationality, caps : cvxpy.Constraint
        Vectors over the types that are in, in values of the best possible model.
    incentive_compatibility, staying_out : cvxpy.Constraint or None
        Over all ordered pairs of types that are in; over all pairs of a type left out and one that
        is in. None where there are no such pairs.
    accuracy_sum, value_sum : ExponentialSum
        The sums in use; their ``error`` is the program's.
    """

    problem: Problem
    program: cvxpy.Problem
    contributions: cvxpy.Expression
    rewards: cvxpy.Expression
    expected_accuracy: cvxpy.Expression
    individual_rationality: cvxpy.Constraint
    incentive_compatibility: cvxpy.Constraint | None
    staying_out: cvxpy.Constraint | None
    caps: cvxpy.Constraint
    accuracy_sum: ExponentialSum
    value_sum: ExponentialSum

    @_whatever_memory_holds
    def solve(self, extra: Iterable[cvxpy.Constraint] = ()) -> ConicSolution:
        """Solve with Clarabel.

        Parameters
        ----------
        extra : iterable of cvxpy.Constraint
            Constraints on ``contributions`` and ``rewards`` beyond the program's own.

        Returns
        -------
        ConicSolution

        Examples
        --------
        >>> from paid_with_models import GeneralizationBound
        >>> program = conic_program(Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()))
        >>> round(program.solve().expected_accuracy, 5)
        0.86478
        >>> expected_total = 10 * program.problem.probabilities @ program.contributions
        >>> on_a_budget = program.solve([expected_total <= 3000])
        >>> bool(on_a_budget.expected_accuracy < program.solve().expected_accuracy)
        True
        """
        cp = _cvxpy()

        extra = list(extra)
        program = cp.Problem(self.program.objective, [*self.program.constraints, *extra])
        nothing = np.full(self.problem.n_types, np.nan)
        best = ConicSolution(ConicStatus.FAILED, nothing, nothing.copy(), np.nan)
        for settings in CLARABEL_SETTINGS:
            status = _status_after(program, settings)
            if status is ConicStatus.INFEASIBLE:
                return replace(best, status=status)
            if status is not ConicStatus.FAILED:
                best = ConicSolution(
                    status,
                    np.maximum(np.asarray(self.contributions.value), 0.0),
                    np.maximum(np.asarray(self.rewards.value), 0.0),
                    float(np.asarray(self.expected_accuracy.value)),
                )
            if status is ConicStatus.OPTIMAL:
                break
        if best.status is ConicStatus.FAILED and self._violation(extra) > INFEASIBLE_BEYOND:
            return replace(best, status=ConicStatus.INFEASIBLE)
        return best

    def _violation(self, extra: list[cvxpy.Constraint]) -> float:
        """By how much some constraint of the menu must be violated, in values of the best model."""
        cp = _cvxpy()
        slack = cp.Variable(nonneg=True)
        terms = self.individual_rationality, self.incentive_compatibility, self.staying_out
        menu = [k for k in (*terms, self.caps) if k is not None]
        eased = [k.expr <= slack for k in menu]
        stated = [k for k in self.program.constraints if all(k is not term for term in menu)]
        program = cp.Problem(cp.Minimize(slack), eased + stated + extra)
        solved = (_status_after(program, settings) for settings in CLARABEL_SETTINGS)
        good = any(k in (ConicStatus.OPTIMAL, ConicStatus.INACCURATE) for k in solved)
        return float(np.asarray(slack.value)) if good else 0.0


@_whatever_memory_holds
def conic_program(problem: Problem, *, left_out: Sequence[int] = ()) -> ConicProgram:
    """State the first-moment problem in CVXPY.

    Parameters
    ----------
    problem : Problem
        Of independent draws. With limits of data the program has the incentive constraints that
        apply whatever the menu, those of types that could fulfil all that the other can be asked
        for: its optimum bounds every menu, and is the best menu if the others hold too.
    left_out : sequence of int
        Types that are asked for nothing and get nothing but their outside option.

    Returns
    -------
    ConicProgram

    Raises
    ------
    ValueError
        If there is one party only, whose one menu is autarky; if all types are left out, or one
        that does not exist; if accuracy or its value has no exponential sum, right to 1e-4, with
        non-negative weights (an arctangent has none).

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> problem = Problem(10, [0.2] * 5, [1.0, 0.85, 0.7, 0.55, 0.4], GeneralizationBound())
    >>> program = conic_program(problem)
    >>> program.program.is_dcp(), round(program.solve().expected_accuracy, 5)
    (True, 0.69053)
    """
    check_problem(problem)
    cp = _cvxpy()

    problem.check_draws()
    if problem.n_parties == 1:
        raise ValueError(
            f"n_parties must be at least 2, as one alone is in autarky; got {problem.n_parties}"
        )
    kept = _types_in(problem, left_out)
    gone = np.delete(np.arange(problem.n_types), kept)
    unit = problem.model_value.optimum  # money is measured in values of the best possible model
    n, p, nobody = problem.n_parties, problem.probabilities[kept], problem.probabilities[gone].sum()
    costs, outside = problem.costs / unit, problem.outside_options / unit
    c, f = costs[kept], outside[kept]
    most = np.maximum(1 - f, 1e-3) / c  # since 1 >= t >= f + c m
    accuracy, value = (
        _short_sum(name, curve, n * float(most.max()))
        for name, curve in (("accuracy", problem.accuracy), ("valuation", problem.model_value))
    )

    m = cp.multiply(most, cp.Variable(kept.size, nonneg=True, name="contributions"))
    t = cp.Variable(kept.size, name="rewards")
    definitions: list[Any] = []
    log_q, log_m = _log_means(definitions, p, nobody, accuracy.rates, m)
    # Where nobody who is in turns up, a(0) is reached: the sum is wrong there.
    nothing = nobody**n * float(problem.accuracy(0.0) - accuracy(0.0))
    missing = cp.sum(cp.exp(np.log(accuracy.weights) + n * log_m))
    expected_accuracy = accuracy.limit + nothing - missing

    if not np.array_equal(value.rates, accuracy.rates):
        log_q, log_m = _log_means(definitions, p, nobody, value.rates, m)
    seen = []  # E[exp(-u S)] as each type sees it, by its logarithm
    for i in range(kept.size):
        if problem.beliefs == "own":
            seen.append((n - 1) * log_m - value.rates * m[i])
        elif (1 - p[i]) ** n < SURELY_PRESENT:
            seen.append(n * log_m)
        else:
            log_b = _named(definitions, _log_sum(log_q[:i] + log_q[i + 1 :]))
            present = -np.expm1(n * np.log1p(-p[i]))
            seen.append(log_presence(n, log_q[i], log_m, log_b) - np.log(present))
    weights = np.log(value.weights / unit)
    missing = cp.hstack([cp.sum(cp.exp(weights + log_power)) for log_power in seen])

    u = t - cp.multiply(c, m)
    limits = problem.capacities
    pretends = limits[kept] <= limits[:, None]  # whatever it is asked for then
    mine, other = np.nonzero(pretends[kept] & ~np.eye(kept.size, dtype=bool))
    out, option = np.nonzero(pretends[gone])
    rationality = u >= f
    compatibility = u[mine] >= t[other] - cp.multiply(c[mine], m[other]) if mine.size else None
    staying_out = (
        outside[gone][out] >= t[option] - cp.multiply(costs[gone][out], m[option])
        if out.size
        else None
    )
    limited = np.flatnonzero(np.isfinite(limits[kept]))
    if limited.size:
        definitions.append(m[limited] <= limits[kept][limited])
    caps = t <= value.limit / unit - missing
    constraints = [k for k in (rationality, compatibility, staying_out, caps) if k is not None]
    everyone = np.eye(problem.n_types)[:, kept]
    return ConicProgram(
        problem=problem,
        program=cp.Problem(cp.Maximize(expected_accuracy), definitions + constraints),
        contributions=everyone @ m,
        rewards=unit * everyone @ t,
        expected_accuracy=expected_accuracy,
        individual_rationality=rationality,
        incentive_compatibility=compatibility,
        staying_out=staying_out,
        caps=caps,
        accuracy_sum=accuracy,
        value_sum=value,
    )


def _types_in(problem: Problem, left_out: Sequence[int]) -> IntArray:
    nothing = np.zeros(problem.n_types)
    kept = np.flatnonzero(~types_out(left_out, nothing, nothing))
    if not kept.size:
        raise ValueError(f"left_out must not name all types; got {brief(left_out)}")
    return kept


def _short_sum(name: str, curve: Curve, most: float) -> ExponentialSum:
    """The curve as a short sum that never lies above it by more than the tolerance.

    The sum begins where the curve begins to rise; if it is not right from there on (a convex
    valuation bends the curve the wrong way), where the curve meets its concave envelope.
    """
    for low in (curve.smooth_from, curve.envelope().tangent_point):
        high = max(most, 2 * low)
        fit = fit_exponential_sum(curve, low, high, rates_per_e_fold=CONE_RATES_PER_E_FOLD)
        below = np.linspace(0, low, 2001)
        error = max(fit.error, float(np.max(fit(below) - curve(below)))) / fit.limit
        if error <= CONE_FIT_TOLERANCE:
            break
    else:
        raise ValueError(
            f"{name} must be a sum of exponentials with non-negative weights up to"
            f" {CONE_FIT_TOLERANCE:g} of its limit; the best for {curve!r} misses by {error:.2g}"
        )
    kept = fit.weights * np.exp(-fit.rates * low) > NEGLIGIBLE * fit.limit
    return replace(fit, weights=fit.weights[kept], rates=fit.rates[kept])


def _log_means(
    definitions: list[Any], p: FloatArray, nobody: float, rates: FloatArray, m: Any
) -> tuple[list[Any], Any]:
    """Logarithms of q, one vector over the rates for each type, and of their sum M."""
    cp = _cvxpy()
    log_q = [np.log(p[i]) + cp.maximum(-rates * m[i], LOWEST_EXPONENT) for i in range(p.size)]
    log_q = [_named(definitions, row) for row in log_q]
    if nobody > 0:  # all types left out are one that contributes nothing
        log_q.append(np.full(rates.size, np.log(nobody)))
    return log_q, _named(definitions, _log_sum(log_q))


def log_presence(n: int, log_q: Any, log_m: Any, log_b: Any) -> Any:
    """Logarithm of M^n - B^n for B = M - q, see the module's text."""
    if n == 1:
        return log_q
    log_p = log_presence(n // 2, log_q, log_m, log_b)
    log_p = log_p + _log_sum([(n // 2) * log_m, (n // 2) * log_b])
    return log_p if n % 2 == 0 else _log_sum([log_m + log_p, (n - 1) * log_b + log_q])


def _log_sum(logs: list[Any]) -> Any:
    cp = _cvxpy()
    return cp.log_sum_exp(cp.vstack(logs), axis=0) if len(logs) > 1 else logs[0]


def _named(definitions: list[Any], expression: Any) -> Any:
    """A variable above a convex expression that all else increases in: stated once, used often."""
    cp = _cvxpy()
    variable = cp.Variable(expression.shape)
    definitions.append(expression <= variable)
    return variable


def _status_after(program: Any, settings: dict[str, float]) -> ConicStatus:
    cp = _cvxpy()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Solution may be inaccurate")
        try:
            program.solve(solver=cp.CLARABEL, **settings)
        except cp.SolverError:
            return ConicStatus.FAILED
    ends = {
        cp.OPTIMAL: ConicStatus.OPTIMAL,
        cp.OPTIMAL_INACCURATE: ConicStatus.INACCURATE,
        cp.INFEASIBLE: ConicStatus.INFEASIBLE,
        cp.INFEASIBLE_INACCURATE: ConicStatus.INFEASIBLE,
    }
    return ends.get(program.status, ConicStatus.FAILED)


def _cvxpy() -> Any:
    """CVXPY, which takes a second to import; untyped, since its own types leave out its atoms."""
    import cvxpy

    return cvxpy
