"""Second opinions by linear programming, which trust nothing of the solver but its moments."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy  # its parts are imported where they are used

from ..accuracy import FloatArray
from ..arguments import real, whole
from ..problem import Problem, autarky, check_problem, checked_menu
from ..solver.expectations import expectation_of

__all__ = ["linear_program_bound", "relaxed_bound"]


def _tolerance(tolerance: float) -> float:
    """A tolerance as a number > 0."""
    number = real("tolerance", tolerance)
    if not number > 0:
        raise ValueError(f"tolerance must be > 0; got {tolerance!r}")
    return number


def linear_program_bound(
    problem: Problem, contributions: npt.ArrayLike, *, planes: int = 30, tolerance: float = 1e-9
) -> float:
    r"""Upper bound on the expected accuracy of every menu, by linear programming through CVXPY.

    Planes are tangent to :math:`\hat F` and :math:`\hat T_i`, at ``contributions`` first, then at
    each optimum of the linear program, until the bound stops falling.

    Parameters
    ----------
    problem : Problem
    contributions : (I,) array_like >= 0
        Where the first tangent planes touch; best an optimal menu's, then one round is enough.
        A type whose outside option is better than autarky may stay out, and the program lets it
        be in by a part: there the bound covers every selection, but is not tight.
    planes : int >= 1
        Most rounds.
    tolerance : float > 0
        Stop when the bound meets the concave function's own value up to this, or when a round
        lowers it by less. (Rounds that leave it at the curve's optimum say nothing yet.)

    Returns
    -------
    float
        The bound, right to the tolerance of the linear solver (HiGHS, 1e-7 in feasibility).

    Raises
    ------
    ValueError
        For contributions that do not fit the problem.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> problem = Problem(10, [0.2] * 5, [1.0, 0.85, 0.7, 0.55, 0.4], GeneralizationBound())
    >>> round(linear_program_bound(problem, [69.0532528] * 5), 6)
    0.690533
    """
    check_problem(problem)
    planes, tolerance = whole("planes", planes, 1), _tolerance(tolerance)
    problem.check_unlimited_data()
    import cvxpy as cp  # takes a second to import, and only this function needs it

    touch = checked_menu("contributions", contributions, problem)
    value_unit = problem.model_value.optimum
    costs = problem.costs / value_unit
    outside = problem.outside_options / value_unit
    # What a type gets outside that may be left out; one that is in by a part gets that part.
    forgone = np.where(problem.better_outside, outside, 0.0)
    outcomes = expectation_of(problem)
    curves = problem.accuracy.envelope(), problem.model_value.envelope()
    # Data in units of the most that a type could contribute: rewards and IR let none give more.
    unit = np.maximum(1 - outside, 0.0) / costs
    share = cp.Variable(problem.n_types, nonneg=True)
    rewards = cp.Variable(problem.n_types)
    accuracy = cp.Variable()
    data = np.diag(unit) @ share
    paid = np.diag(costs) @ data
    constraints = [
        rewards <= 1,
        accuracy <= problem.accuracy.optimum,
        rewards - paid >= outside - forgone + np.diag(forgone) @ share,
    ]
    for i in range(problem.n_types):
        others = np.arange(problem.n_types) != i
        own = rewards[i] - paid[i] + forgone[i] * (1 - share[i])
        if others.any() and not problem.types_are_known:  # nobody can pass for another
            constraints.append(own >= rewards[others] - costs[i] * data[others])
    bound = np.inf
    for _ in range(planes):
        at = outcomes.moments(*curves, touch[None])
        constraints += [
            accuracy <= at.accuracy[0] + at.accuracy_gradient[0] @ (data - touch),
            rewards <= (at.values[0] + at.value_jacobian[0] @ (data - touch)) / value_unit,
        ]
        program = cp.Problem(cp.Maximize(accuracy), constraints)
        program.solve(solver=cp.HIGHS)  # type: ignore[no-untyped-call]
        if program.status != cp.OPTIMAL:
            raise ValueError(
                f"contributions: the linear program at {touch.tolist()} ended as {program.status}"
            )
        previous, bound = bound, min(bound, float(np.asarray(accuracy.value)))
        touch = np.asarray(share.value) * unit
        reached = float(outcomes.moments(*curves, touch[None]).accuracy[0])
        stalled = previous - bound <= tolerance and bound < problem.accuracy.optimum - tolerance
        if stalled or bound - reached <= tolerance:
            break
    return bound


def relaxed_bound(problem: Problem, *, rounds: int = 20, tolerance: float = 1e-7) -> float:
    r"""A bound on every menu and on complete information: IR on average, everything else free.

    The relaxation

    .. math::

       \max_{m(\cdot) \ge 0} E[a(S)] \quad \text{s.t. }
       E[v(a(S)) - c_i m_i(n) \mid n_i \ge 1] \ge f_i, \quad S = \sum_i n_i m_i(n),

    with both curves replaced by their concave envelopes, and those by tangents: a linear program
    with contributions of each type in each outcome. Tangents are added where its optimum lies until
    they meet the envelopes.

    Parameters
    ----------
    problem : Problem
        With autarky as outside option, and few outcomes.
    rounds : int >= 1
        Most rounds of tangents. The bound holds after any number of them; they end early where
        the linear solver gives up (outcomes with chances of 1e-12 and less).
    tolerance : float > 0
        How close to the envelope tangents have to come.

    Returns
    -------
    float
        Expected accuracy that no menu, and no contract with complete information, exceeds; right to
        the tolerance of the linear solver (HiGHS, 1e-7).

    Raises
    ------
    ValueError
        If an outside option is better than autarky, or the outcomes are too many to enumerate.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, solve_complete_information
    >>> problem = Problem(2, [0.5, 0.5], [0.02, 0.01], GeneralizationBound())
    >>> reached = solve_complete_information(problem).expected_accuracy
    >>> bool(relaxed_bound(problem) >= reached)
    True
    """
    check_problem(problem)
    rounds, tolerance = whole("rounds", rounds, 1), _tolerance(tolerance)
    problem.check_unlimited_data()
    if problem.better_outside.any():
        raise ValueError(
            "reservation_utilities must be those of autarky;"
            f" got {problem.outside_options.tolist()}"
        )
    outcomes = problem.outcomes()
    counts, chances, seen = outcomes.counts, outcomes.weights, outcomes.seen
    curves = problem.accuracy.envelope(), problem.model_value.envelope()
    units = problem.accuracy.optimum, problem.model_value.optimum
    n_outcomes = len(chances)
    # Who brings how much, of all types present: data of type i in outcome n, in units that keep
    # the program well scaled; then accuracy and value of each outcome, in units of their optimum.
    which, kind = np.nonzero(counts)
    scale = units[1] / problem.costs[kind]
    totals = scipy.sparse.csr_array(
        (scale, (which, np.arange(which.size))), (n_outcomes, which.size)
    )
    paid = seen[which, kind] * problem.costs[kind] * scale / (counts[which, kind] * units[1])
    rationality = scipy.sparse.hstack(
        [
            scipy.sparse.csr_array(
                (paid, (kind, np.arange(which.size))), (problem.n_types, which.size)
            ),
            scipy.sparse.csr_array((problem.n_types, n_outcomes)),
            scipy.sparse.csr_array(-seen.T),
        ]
    )
    objective = np.concatenate([np.zeros(which.size), -chances, np.zeros(n_outcomes)])
    rows, sides = [rationality], [-autarky(problem).utilities / units[1]]
    eye = scipy.sparse.eye_array(n_outcomes)
    nothing = scipy.sparse.csr_array((n_outcomes, n_outcomes))

    def add_tangents(data: FloatArray) -> None:
        for k, (curve, unit) in enumerate(zip(curves, units, strict=True)):
            height, slope, _ = curve.evaluate(data)
            known = [nothing, nothing]
            known[k] = eye
            rows.append(
                scipy.sparse.hstack([-scipy.sparse.diags_array(slope / unit) @ totals, *known])
            )
            sides.append((height - slope * data) / unit)

    # Curves that are concave from the start have no tangent point that could set the scale.
    first = curves[1].tangent_point or 0.01 * units[1] / problem.costs.min()
    for data in (0.0, *np.geomspace(1.0, 100.0, 12) * first):
        add_tangents(np.full(n_outcomes, data))
    # Accuracy and value are at most their optimum: tangents at any finite data would allow more.
    limits = np.repeat([np.inf, 1.0], [which.size, 2 * n_outcomes])
    bounds = np.column_stack([np.zeros(limits.size), limits])
    bound = np.inf
    for _ in range(rounds):
        result = scipy.optimize.linprog(
            objective,
            A_ub=scipy.sparse.vstack(rows),
            b_ub=np.concatenate(sides),
            bounds=bounds,
            method="highs",
        )
        if result.status != 0:  # chances too many decades apart for the solver
            break
        bound = min(bound, -float(result.fun) * units[0])
        # The solver's numbers may be below 0 by its tolerance.
        data = np.maximum(totals @ result.x[: which.size], 0.0)
        reached = np.split(result.x[which.size :], 2)
        off = [r - c(data) / u for r, c, u in zip(reached, curves, units, strict=True)]
        if max(float(gap.max()) for gap in off) <= tolerance:
            break
        add_tangents(data)
    return min(bound, units[0])
