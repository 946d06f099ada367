import re
from types import SimpleNamespace

import cvxpy
import numpy as np
import pytest
from scipy import optimize

from paid_with_models import (
    ExponentialValuation,
    GeneralizationBound,
    KnownParties,
    LinearValuation,
    PowerValuation,
    Problem,
    autarky,
    linear_program_bound,
    menu_residuals,
    solve,
)
from paid_with_models.checks.linear_programs import relaxed_bound
from paid_with_models.residuals import violations
from paid_with_models.solver.bounds import dual_bound, farthest
from paid_with_models.solver.chain import Chain
from paid_with_models.solver.moments import Enumeration, Uncertainty
from paid_with_models.solver.program import FirstMoment


def standard_form(problem):
    """The envelope problem, costliest type first (as the problems below are given)."""
    unit = problem.model_value.optimum
    return FirstMoment(
        Enumeration.of(problem.n_parties, problem.probabilities[None], problem.beliefs),
        problem.accuracy.envelope(),
        problem.model_value.envelope(),
        unit,
        problem.costs[None] / unit,
        autarky(problem).utilities[None] / unit,
        Chain.of((False,) * problem.n_types),
    )


@pytest.fixture(scope="module")
def problem():
    return Problem(10, [0.2, 0.3, 0.5], [0.5, 0.2, 0.05], GeneralizationBound())


@pytest.fixture(scope="module")
def contract(problem):
    return solve(problem)


# Book: prop-certificate
def test_the_bound_holds_at_any_point_with_any_prices(problem, contract):
    """Weak duality: what the multipliers are cannot make it wrong, only weak."""
    model = standard_form(problem)
    rng = np.random.default_rng(3)
    for _ in range(200):
        menu = np.sort(rng.uniform(0, 1, (1, 3)) * (1 / model.costs), axis=1)
        point = model.point(model.increments_of(menu))
        rows, caps = rng.exponential(0.5, (1, 2)), rng.exponential(0.5, (1, 3))
        assert dual_bound(model, point, rows, caps)[0] >= contract.expected_accuracy


def test_the_bound_is_tight_at_the_optimum_and_weaker_with_worse_prices(problem, contract):
    model = standard_form(problem)
    point = model.point(model.increments_of(contract.contributions[None]))
    prices = contract.multipliers
    rows = prices.individual_rationality[None, 1:] * model.value_unit
    caps = prices.caps[None] * model.value_unit
    assert dual_bound(model, point, rows, caps)[0] - contract.expected_accuracy <= 1e-10
    assert dual_bound(model, point, rows, 0.9 * caps)[0] - contract.expected_accuracy > 1e-4
    assert dual_bound(model, point, rows, 0 * caps)[0] <= 1.0


def test_negative_prices_are_not_believed(problem):
    model = standard_form(problem)
    point = model.point(model.increments_of(np.array([[50.0, 100.0, 400.0]])))
    negative = -np.ones((1, 2)), -np.ones((1, 3))
    none = np.zeros((1, 2)), np.zeros((1, 3))
    assert dual_bound(model, point, *negative) == dual_bound(model, point, *none)


def test_the_bound_allows_for_the_rounding_of_the_expectations(problem, contract):
    assert contract.gap >= Enumeration.of(10, problem.probabilities[None], "paper").relative_error


# Book: prop-certificate
def test_the_linear_program_meets_the_optimum_from_any_start(problem, contract):
    for start in (contract.contributions, [300.0, 300.0, 300.0], [100.0, 200.0, 1500.0]):
        bound = linear_program_bound(problem, start)
        assert bound == pytest.approx(contract.expected_accuracy, abs=1e-6)
        assert bound >= contract.expected_accuracy - 1e-7


def test_the_linear_program_takes_types_in_any_order(problem, contract):
    order = [2, 0, 1]
    moved = Problem(10, problem.probabilities[order], problem.costs[order], GeneralizationBound())
    bound = linear_program_bound(moved, contract.contributions[order])
    assert bound == pytest.approx(contract.expected_accuracy, abs=1e-7)


# Book: def-ir, def-ic, def-feasible, lem-single-crossing
def test_a_satisfied_and_a_violated_witness_of_each_constraint(problem, contract):
    m, t = contract.contributions, contract.rewards
    assert menu_residuals(problem, m, t).largest <= 1e-12
    less = menu_residuals(problem, m, t - np.array([1.0, 1.0, 1.0]))
    assert less.individual_rationality == pytest.approx(0.01)  # type 1 is held to its f
    assert less.incentive_compatibility <= 1e-12
    envy = menu_residuals(problem, m, t + np.array([2.0, 0.0, 0.0]))
    assert envy.incentive_compatibility == pytest.approx(0.02)  # downward IC of type 2 binds
    assert envy.individual_rationality <= 1e-12
    more = menu_residuals(problem, m, t + np.array([3.0, 3.0, 3.0]))
    assert more.caps == pytest.approx(0.03)  # the cap of the cheapest type binds
    assert more.largest == more.caps


@pytest.mark.parametrize(
    ("contributions", "rewards", "message"),
    [
        ([1.0, 2.0], [1.0, 2.0, 3.0], "contributions must have one entry per type, 3; got 2"),
        ([1.0, 2.0, -3.0], [1.0, 2.0, 3.0], "contributions must be non-negative"),
        ([1.0, 2.0, 3.0], [1.0, np.nan, 3.0], "rewards must not be NaN"),
        ([1.0, 2.0, 3.0], [1.0, np.inf, 3.0], "rewards must be non-negative and finite"),
    ],
)
def test_a_malformed_menu_is_refused(problem, contributions, rewards, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        menu_residuals(problem, contributions, rewards)
    if message.startswith("contributions"):
        with pytest.raises(ValueError, match=f"^{message}"):
            linear_program_bound(problem, contributions)


def stub(**changes):
    """Two problems of two types, all of whose numbers are 0 but those that are given."""
    none, steps = np.zeros((2, 2)), np.zeros((2, 4))
    uncertainty = Uncertainty(
        np.zeros(2),
        changes.pop("wrong_accuracy", np.zeros(2)),
        changes.pop("wrong_values", none),
        changes.pop("relative_slope", 0.0),
        changes.pop("accuracy_slope", np.zeros(2)),
        changes.pop("value_slopes", none),
    )
    pulled = changes.pop("pulled", lambda prices: none)
    gradient = changes.pop("gradient", steps)
    point = {
        name: changes.pop(name, default)
        for name, default in (("rows", np.zeros((2, 1))), ("caps", none), ("increments", steps))
    }
    moments = SimpleNamespace(
        accuracy=changes.pop("reached", np.zeros(2)), weighted_gradient=pulled
    )
    numbers = {
        "box": steps, "chain_limits": None, "value_unit": 4.0, "reach": none + 1.0,
        "accuracy": SimpleNamespace(optimum=np.inf), "value": "value",
    }  # fmt: skip

    def wrong(accuracy, value, contributions):
        assert (accuracy, value, contributions) == (model.accuracy, "value", "contributions")
        return uncertainty

    model = SimpleNamespace(
        expectation=SimpleNamespace(uncertainty=wrong),
        gradient=lambda *_: gradient,
        **numbers | changes,
    )
    return model, SimpleNamespace(contributions="contributions", moments=moments, **point)


#: Prices of the two problems: of one linear constraint, and of two caps.
ROWS, CAPS = np.array([[3.0], [5.0]]), np.array([[1.0, 2.0], [0.5, 0.25]])


# Book: prop-certificate
@pytest.mark.parametrize(
    ("numbers", "bound"),
    [
        ({"reached": np.array([0.5, 0.7])}, [0.5, 0.7]),
        # Slack times its price.
        ({"rows": np.array([[0.1], [0.2]])}, [0.3, 1.0]),
        ({"caps": np.array([[0.1, 0.2], [0.3, 0.4]])}, [0.5, 0.25]),
        # Each increment goes to the end of the box where the tangent is highest.
        (
            {
                "gradient": np.array([[1.0, -1.0, 2.0, -2.0], [0.0, 1.0, 0.0, -3.0]]),
                "box": np.array([[5.0, 5.0, 5.0, 5.0], [1.0, 1.0, 1.0, 1.0]]),
                "increments": np.array([[1.0, 1.0, 2.0, 2.0], [1.0, 3.0, 1.0, 0.5]]),
            },
            [4.0 + 1.0 + 6.0 + 4.0, 0.0 + 0.0 + 0.0 + 1.5],
        ),
        # What expectations may be wrong by: at the point,
        ({"wrong_accuracy": np.array([0.1, 0.2])}, [0.1, 0.2]),
        (
            {"wrong_values": np.array([[0.4, 0.8], [1.6, 3.2]])},
            [(0.4 + 2 * 0.8) / 4, (0.8 + 0.8) / 4],
        ),
        # and along the box, as far as the most that any type could contribute.
        (
            {
                "accuracy_slope": np.array([0.01, 0.03]),
                "value_slopes": np.array([[0.4, 0.8], [1.6, 3.2]]),
                "reach": np.array([[1.0, 8.0], [5.0, 2.0]]),
            },
            [(0.01 + (0.4 + 2 * 0.8) / 4) * 8, (0.03 + (0.8 + 0.8) / 4) * 5],
        ),
        (
            {"relative_slope": 0.1, "pulled": lambda prices: 10 * prices},
            [0.1 * 10 * 3 / 4, 0.1 * 10 * 0.75 / 4],
        ),
    ],
)
def test_the_bound_is_the_sum_of_its_terms(numbers, bound):
    assert dual_bound(*stub(**numbers), ROWS, CAPS) == pytest.approx(bound, rel=1e-12)


def test_the_bound_allows_for_the_rounding_of_its_own_sums():
    """Four increments and a linear constraint, each term as large as its price."""
    eps = np.finfo(float).eps
    assert dual_bound(*stub(), ROWS, CAPS) == pytest.approx(
        [20 * eps * (2 + 6 + 3), 20 * eps * (2 + 1.5 + 5)], rel=1e-12, abs=0
    )
    curve = SimpleNamespace(optimum=0.25)
    assert dual_bound(*stub(accuracy=curve, rows=ROWS), ROWS, CAPS).tolist() == [0.25, 0.25]


@pytest.mark.parametrize("far", [[20.0, 2000.0], [2.0, 5.0], [1000.0, 10.0]])
def test_the_linear_program_in_its_rounds(far):
    """A plane that touches far away may say nothing; the rounds that follow end at the optimum."""
    problem = Problem(4, [0.4, 0.6], [0.2, 0.05], GeneralizationBound())
    contract = solve(problem)
    first, last = (linear_program_bound(problem, far, planes=n) for n in (1, 30))
    assert first >= last + 1e-3
    assert last == pytest.approx(contract.expected_accuracy, abs=1e-7)
    assert linear_program_bound(problem, far) == last
    # A higher tolerance is met earlier.
    rough = linear_program_bound(problem, far, tolerance=0.05) - contract.expected_accuracy
    assert 1e-5 < rough <= 0.05


@pytest.mark.parametrize("outside", [None, 20.0])
def test_the_linear_program_of_one_type_is_an_equation(outside):
    """Cap and participation meet: v(a(N m)) - c m is f, and the share m c / (w - f) of a better f.

    Without a better outside option that is the best menu; with one the type is in by a part.
    """
    problem = Problem(
        5, [1.0], [0.1], GeneralizationBound(), LinearValuation(50.0),
        reservation_utilities=None if outside is None else [outside],
    )  # fmt: skip
    f = problem.outside_options[0]
    slope, least = (0.1, f) if outside is None else (0.1 * 50.0 / (50.0 - f), 0.0)
    m = optimize.brentq(lambda m: float(problem.model_value(5 * m)) - slope * m - least, 100, 480)
    reached = float(problem.accuracy(5 * m))
    if outside is None:
        assert solve(problem).contributions[0] == pytest.approx(m, rel=1e-9)
    for start in (m, 0.8 * m):
        assert linear_program_bound(problem, [start]) == pytest.approx(reached, abs=1e-7)


@pytest.mark.parametrize("outside", [None, [1.0, 35.0], [20.0, 25.0], [16.0, 70.0], [95.0, 35.0]])
def test_the_linear_program_is_the_concave_program(outside):
    """By sequential quadratic programming, from the definition: shares and rewards are free."""
    problem = Problem(
        6, [0.4, 0.6], [0.25, 0.05], GeneralizationBound(), PowerValuation(90.0, 1.5),
        reservation_utilities=outside,
    )  # fmt: skip
    c, f = problem.costs / 90.0, problem.outside_options / 90.0
    forgone = np.where(problem.better_outside, f, 0.0)
    most = np.maximum(1 - f, 0.0) / c
    outcomes = Enumeration.of(6, problem.probabilities[None], "paper")
    curves = problem.accuracy.envelope(), problem.model_value.envelope()

    def moments(x):
        return outcomes.moments(*curves, (x[:2] * most)[None])

    def slack(x):
        share, t = x[:2], x[2:]
        m = share * most
        own = t - c * m + forgone * (1 - share)
        return [*(own - f), own[0] - (t[1] - c[0] * m[1]), own[1] - (t[0] - c[1] * m[0]),
                *(moments(x).values[0] / 90.0 - t)]  # fmt: skip

    found = optimize.minimize(
        lambda x: -moments(x).accuracy[0], [0.3, 0.6, 0.5, 0.6], method="SLSQP",
        bounds=[(0, 1)] * 4, constraints={"type": "ineq", "fun": slack},
        options={"ftol": 1e-13, "maxiter": 500},
    )  # fmt: skip
    assert found.success
    bound = linear_program_bound(problem, np.maximum(found.x[:2], 0) * most)
    assert bound == pytest.approx(-found.fun, abs=2e-6)
    assert bound >= solve(problem).expected_accuracy - 1e-7


@pytest.fixture
def rounds(monkeypatch):
    """The solvers of the linear programs solved."""
    solvers, solve_program = [], cvxpy.Problem.solve

    def counted(program, *, solver):
        solvers.append(solver)
        return solve_program(program, solver=solver)

    monkeypatch.setattr(cvxpy.Problem, "solve", counted)
    return solvers


def test_one_round_is_enough_at_the_optimum(contract, problem, rounds):
    linear_program_bound(problem, contract.contributions, planes=4, tolerance=1e-6)
    assert rounds == ["HIGHS"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"planes": 0}, "planes must be an integer >= 1; got 0"),
        ({"planes": 1.5}, "planes must be an integer; got 1.5"),
        ({"tolerance": -1.0}, "tolerance must be > 0; got -1.0"),
        ({"tolerance": float("nan")}, "tolerance must be > 0; got nan"),
        ({"tolerance": "x"}, "tolerance must be a number; got 'x'"),
    ],
)
def test_rounds_and_tolerances_that_are_none_are_refused(problem, options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        linear_program_bound(problem, [1.0] * problem.n_types, **options)
    renamed = {{"planes": "rounds"}.get(name, name): it for name, it in options.items()}
    with pytest.raises(ValueError, match=re.escape(message.replace("planes", "rounds"))):
        relaxed_bound(problem, **renamed)


@pytest.mark.parametrize("bound", [lambda it: linear_program_bound(it, [1.0]), relaxed_bound])
def test_a_bound_is_of_a_problem(bound):
    with pytest.raises(ValueError, match="problem must be a Problem; got None"):
        bound(None)


def test_rounds_end_when_they_no_longer_lower_the_bound(rounds):
    """At a corner of the linear program the concave function may stay below the bound."""
    costs = [0.20, 0.16, 0.12, 0.08, 0.04]
    contract = solve(Problem(10, [0.2] * 5, costs, GeneralizationBound()))
    bound = linear_program_bound(contract.problem, contract.contributions, planes=9)
    assert bound == pytest.approx(contract.expected_accuracy, abs=1e-9)
    assert len(rounds) == 2


def test_a_single_plane_leaves_the_best_reward_as_the_limit():
    """Beyond the plane of the value a reward is at most the best model's, and pays for c m + f."""
    problem = Problem(5, [1.0], [0.1], GeneralizationBound(), ExponentialValuation(90.0, 4.0))
    touch = 130.0
    most = (90.0 - problem.outside_options[0]) / 0.1
    value = problem.model_value.envelope()
    a, slope, _ = problem.accuracy.envelope().evaluate(np.array([5 * touch]))
    plane = float(a[0] + 5 * slope[0] * (most - touch))
    v, rise, _ = value.evaluate(np.array([5 * touch]))
    assert v[0] + 5 * rise[0] * (most - touch) > 90.0
    assert plane < 1
    bound = linear_program_bound(problem, [touch], planes=1)
    assert bound == pytest.approx(plane, abs=1e-7)


def test_a_linear_program_that_is_not_solved_is_an_error(problem, monkeypatch):
    monkeypatch.setattr(cvxpy.Problem, "status", "unbounded")
    message = r"^contributions: the linear program at \[1.0, 2.0, 3.0\] ended as unbounded$"
    with pytest.raises(ValueError, match=message):
        linear_program_bound(problem, [1.0, 2.0, 3.0])


# Book: def-ir, def-ic, def-feasible
def test_violations_of_two_menus_by_the_definition():
    costs = np.array([1.0, 0.5, 0.2])
    m = np.array([[10.0, 20.0, 40.0], [30.0, 5.0, 10.0]])
    t = np.array([[12.0, 15.0, 30.0], [31.0, 9.0, 2.0]])
    f = np.array([[3.0, 1.0, 0.0], [0.0, 2.0, 9.0]])
    caps = np.array([[11.0, 15.5, 29.0], [40.0, 40.0, 40.0]])
    rationality, compatibility, above = violations(costs, m, t, f, caps)
    for k in range(2):
        own = t[k] - costs * m[k]
        envy = [t[k, j] - costs[i] * m[k, j] - own[i] for i in range(3) for j in range(3)]
        assert rationality[k] == pytest.approx(max(0.0, *(f[k] - own)))
        assert compatibility[k] == pytest.approx(max(0.0, *envy))
        assert above[k] == pytest.approx(max(0.0, *(t[k] - caps[k])))
    assert rationality.tolist() == [1.0, 9.0]
    assert above.tolist() == [1.0, 0.0]


def test_a_type_left_out_wants_no_option(problem):
    """Type 1 keeps f = 3 unless an option of the others is better, at its own cost."""
    some = Problem(
        10, problem.probabilities, problem.costs, GeneralizationBound(),
        reservation_utilities=[3.0, 10.0, 50.0],
    )  # fmt: skip
    m, t = np.array([0.0, 100.0, 200.0]), np.array([0.0, 54.0, 61.0])
    residuals = menu_residuals(some, m, t, left_out=[0])
    assert residuals.staying_out == pytest.approx((54.0 - 0.5 * 100.0 - 3.0) / 100.0)
    assert residuals.individual_rationality == residuals.incentive_compatibility == 0.0
    assert residuals.largest == residuals.staying_out
    # Within the menu it would be one option more, whose owner envies the others.
    envy = menu_residuals(some, m, t).incentive_compatibility
    assert envy == pytest.approx((54.0 - 0.5 * 100.0) / 100.0)
    assert menu_residuals(some, m, t - [0, 1.5, 1.0], left_out=[0]).largest == 0.0
    assert menu_residuals(some, np.zeros(3), np.zeros(3), left_out=[0, 1, 2]).largest == 0.0


@pytest.mark.parametrize(
    ("k", "contributions", "rewards"),
    [(-1, [1.0, 2.0, 0.0], [1.0, 2.0, 0.0]), (3, [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
     (0, [1.0, 2.0, 3.0], [0.0, 2.0, 3.0]), (1, [1.0, 0.0, 3.0], [1.0, 2.0, 3.0])],
)  # fmt: skip
def test_types_left_out_have_no_option(problem, k, contributions, rewards):
    message = rf"^left_out must name types without an option, of 0 to 2; got {k}$"
    with pytest.raises(ValueError, match=message):
        menu_residuals(problem, contributions, rewards, left_out=[k])


def test_the_parts_of_a_violation_are_relative_to_the_best_model(contract):
    problem = Problem(
        10, [0.2, 0.3, 0.5], [5.0, 2.0, 0.5], GeneralizationBound(), LinearValuation(1000.0)
    )
    rewards = 10 * contract.rewards + [30.0, 30.0, 30.0]
    residuals = menu_residuals(problem, contract.contributions, rewards)
    assert residuals.caps == pytest.approx(0.03)
    assert residuals.staying_out == 0.0


@pytest.mark.parametrize("seed", range(200))
def test_the_most_that_a_chain_gains_is_the_optimum_of_a_linear_program(seed):
    rng = np.random.default_rng([31, seed])
    n = int(rng.integers(2, 9))
    gradient, box = rng.normal(size=(1, n)), rng.uniform(0.1, 2.0, (1, n))
    limits = np.sort(rng.uniform(0.1, 2.0, (1, n - 1)), axis=1)
    start = np.zeros((1, n))
    start[0, 1:] = np.diff(limits[0], prepend=0.0) * rng.uniform(0, 1, n - 1)
    sums = np.tril(np.ones((n - 1, n - 1)))

    def most(upper):
        """Over a chain, with or without bounds of its increments."""
        sizes = [(0, box[0, 0]), *((0, bound) for bound in upper)]
        lines = np.hstack([np.zeros((n - 1, 1)), sums])
        found = optimize.linprog(-gradient[0], A_ub=lines, b_ub=limits[0], bounds=sizes)
        return -found.fun - float(gradient[0] @ start[0])

    by_box = farthest(gradient, start, box, None)[0]
    found = farthest(gradient, start, box, limits)[0]
    assert found == pytest.approx(min(most([None] * (n - 1)), by_box), abs=1e-9)
    assert found >= most(box[0, 1:]) - 1e-9


def test_known_types_need_no_incentives():
    problem = Problem(
        costs=[0.3, 0.2], accuracy=GeneralizationBound(), attendance=KnownParties([1, 2])
    )
    contract = solve(problem)
    bound = linear_program_bound(problem, contract.contributions)
    assert bound >= contract.expected_accuracy - 1e-7
    assert bound == pytest.approx(contract.expected_accuracy, abs=1e-3)
