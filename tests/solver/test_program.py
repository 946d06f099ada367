import dataclasses

import numpy as np
import pytest
from scipy.optimize import linprog

from paid_with_models import GeneralizationBound, LinearValuation, ModelValue, least_utilities
from paid_with_models.solver.chain import Chain
from paid_with_models.solver.dense import elastic
from paid_with_models.solver.moments import Enumeration
from paid_with_models.solver.program import FirstMoment, Rows


def least_by_linear_program(m, c, f):
    """Smallest utilities under IR and *all* incentive constraints, by linear programming."""
    n = len(m)
    rows, limits = [], []
    for i in range(n):
        for j in range(n):
            if i != j:  # u_i >= u_j + (c_j - c_i) m_j
                row = np.zeros(n)
                row[j], row[i] = 1, -1
                rows.append(row)
                limits.append(-(c[j] - c[i]) * m[j])
    solution = linprog(
        np.ones(n), A_ub=rows or None, b_ub=limits or None, bounds=[(x, None) for x in f]
    )
    assert solution.status == 0
    return solution.x


# Book: prop-two-passes, lem-neighbors
@pytest.mark.parametrize("seed", range(40))
def test_two_passes_give_the_least_utilities_under_all_constraints(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    c = np.sort(rng.uniform(0.01, 1, n))[::-1]
    m = np.sort(rng.uniform(0, 50, n) * (rng.random(n) < 0.8))
    f = np.sort(rng.uniform(0, 20, n))
    assert least_utilities(m, c, f) == pytest.approx(least_by_linear_program(m, c, f), abs=1e-7)


def test_two_passes_with_equal_costs_whose_contributions_are_in_any_order():
    c, f = np.array([0.5, 0.5, 0.2, 0.2]), np.array([1.0, 1.0, 2.0, 2.0])
    for m in ([30.0, 10.0, 50.0, 40.0], [10.0, 30.0, 30.0, 60.0]):
        expected = least_by_linear_program(np.array(m), c, f)
        assert least_utilities(m, c, f) == pytest.approx(expected, abs=1e-7)


def test_costs_far_apart_leave_utilities_their_digits():
    assert least_utilities([0.0, 500.0], [1e9, 0.04], [0.0, 20.4]).tolist() == [0.0, 20.4]


def problem(costs, outside, probabilities=None, n_parties=4):
    n_types = len(costs)
    p = np.full((1, n_types), 1 / n_types) if probabilities is None else np.array([probabilities])
    accuracy = GeneralizationBound()
    ties = (False, *(np.diff(costs) == 0).tolist())
    return FirstMoment(
        Enumeration.of(n_parties, p, "paper"),
        accuracy,
        ModelValue(accuracy, LinearValuation(100.0)),
        100.0,
        np.array([costs]) / 100,
        np.array([outside]) / 100,
        Chain.of(ties),
    )


# Book: lem-monotone, def-first-moment
@pytest.mark.parametrize(
    "costs", [[0.5], [0.5, 0.3, 0.1], [0.5, 0.5, 0.1], [0.5, 0.3, 0.3, 0.3, 0.1], [0.2, 0.2]]
)
def test_increments_describe_the_menu(costs):
    """Menu -> increments -> menu, with least utilities, every constraint of the chain satisfied."""
    rng = np.random.default_rng(len(costs))
    m = np.sort(rng.uniform(50, 500, len(costs)))
    if costs == [0.5, 0.5, 0.1]:
        m = m[[1, 0, 2]]  # nothing orders equal costs
    outside = np.sort(rng.uniform(0, 20, len(costs)))
    outside = np.array([outside[costs.index(c)] for c in costs])
    model = problem(costs, outside)
    increments = model.increments_of(m[None])
    point = model.point(increments)
    assert point.contributions[0] == pytest.approx(m)
    rewards = outside[0] + 100 * (model.dense.reward_jacobian @ increments[0])[0]
    expected = least_utilities(m, costs, outside) + np.array(costs) * m
    assert rewards == pytest.approx(expected)
    assert point.rows.min(initial=0.0) >= -1e-12
    assert increments[0, 0] >= 0
    assert np.all(increments[0][model.chain.live][1:] >= -1e-12) or costs == [0.5, 0.5, 0.1]
    assert point.caps[0] == pytest.approx(point.moments.values[0] / 100 - expected / 100)


def test_chain_of_ties_leaves_contributions_unordered_but_below_the_next_type():
    chain = Chain.of((False, True, False))
    # Increments: u_1, m_1, (dead), m_2, y_3 - m_2, m_3 - y_3.
    x = np.array([0.0, 30.0, 0.0, 10.0, 5.0, 40.0])
    assert (chain.contributions @ x).tolist() == [30.0, 10.0, 55.0]
    assert chain.live.tolist() == [True, True, False, True, True, True]
    assert (chain.order @ x).tolist() == [15.0 - 30.0]  # m_1 exceeds y_3: not allowed


def test_gradient_and_hessian_against_finite_differences():
    model = problem([0.5, 0.3, 0.1], [0.0, 5.0, 12.0], [0.2, 0.3, 0.5])
    x = np.array([[0.05, 120.0, 10.0, 30.0, 40.0, 100.0]])
    rows, caps = np.array([[0.3, 0.7]]), np.array([[0.2, 0.5, 0.9]])

    def lagrangian(x):
        point = model.point(x)
        return float(point.moments.accuracy[0] + rows[0] @ point.rows[0] + caps[0] @ point.caps[0])

    gradient = model.gradient(model.point(x), rows, caps)[0]
    hessian = model.dense.hessian(model.point(x), caps)[0]
    for j in range(6):
        step = np.zeros((1, 6))
        step[0, j] = 1e-4
        up, down = model.point(x + step), model.point(x - step)
        numeric = (lagrangian(x + step) - lagrangian(x - step)) / 2e-4
        assert gradient[j] == pytest.approx(numeric, rel=1e-6, abs=1e-9)
        bend = (model.gradient(up, rows, caps) - model.gradient(down, rows, caps))[0] / 2e-4
        assert hessian[j] == pytest.approx(bend, rel=1e-5, abs=1e-11)


def test_the_box_holds_every_menu_with_rewards_up_to_the_best_model():
    model = problem([0.5, 0.2], [1.0, 10.0])
    assert model.box[0] == pytest.approx([0.99, 99 / 0.5, 99 / 0.5, 90 / 0.2])


def test_what_costs_next_to_nothing_to_the_type_before_is_bounded_by_it():
    """A menu pays y_2 (c_1 - c_2) to type 2 at least, so y_2 is small where c_1 is large."""
    model = problem([1e6, 0.2], [0.0, 10.0])
    assert model.box[0] == pytest.approx([1.0, 1e-4, 1e-4, 450.0])


def test_searches_start_inside_the_box():
    """Half of each step of the chain; at least a fortieth of the contribution."""
    increments, unit = problem([0.5, 0.4, 0.1], [0.0, 0.0, 0.0]).start(
        np.array([[100.0, 101.0, 400.0]])
    )
    assert increments[0] == pytest.approx([0.05, 100.0, 2.525, 2.525, 125.0, 149.5])
    assert unit[0] == pytest.approx([1.0, 100.0, 101.0, 101.0, 250.0, 400.0])
    assert np.all(increments <= problem([0.5, 0.4, 0.1], [0.0, 0.0, 0.0]).box)


def batch_of_three():
    costs = np.array([[0.5, 0.3], [0.6, 0.2], [0.7, 0.1]])
    p = np.array([[0.5, 0.5], [0.2, 0.8], [0.9, 0.1]])
    others = Rows(
        on_contributions=np.arange(12.0).reshape(3, 2, 2),
        on_utilities=-np.arange(12.0).reshape(3, 2, 2),
        least=np.arange(6.0).reshape(3, 2),
        unit=1 + np.arange(6.0).reshape(3, 2),
        elastic=np.ones((3, 2)),
    )
    model = problem(costs[0], np.zeros(2))
    return dataclasses.replace(
        model,
        expectation=Enumeration.of(4, p, "paper"),
        costs=costs / 100,
        reservation_utilities=np.array([[0.0, 0.01], [0.0, 0.02], [0.01, 0.03]]),
        others=others,
    )


def test_some_problems_of_a_batch_are_those_problems():
    whole, rows = batch_of_three(), np.array([2, 0])
    some = whole.take(rows)
    x = np.array([[0.1, 20.0, 5.0, 30.0], [0.0, 40.0, 0.0, 60.0], [0.2, 80.0, 1.0, 10.0]])
    every, part = whole.point(x), some.point(x[rows])
    for name in ("contributions", "rows", "caps"):
        assert getattr(part, name) == pytest.approx(getattr(every, name)[rows], rel=1e-14), name
    assert np.array_equal(some.row_unit, whole.row_unit[rows])
    assert np.array_equal(some.box, whole.box[rows])


def test_an_elastic_problem_is_the_problem_where_nothing_is_violated():
    """Its violation costs 1 a unit, and loosens caps, and elastic rows at their own rate."""
    model, price = batch_of_three(), np.array([2.0, 10.0, 50.0])
    model = dataclasses.replace(
        model, others=dataclasses.replace(model.others, elastic=np.array([[0.0, 0.5]] * 3))
    )
    x = np.array([[0.1, 20.0, 5.0, 30.0], [0.0, 40.0, 0.0, 60.0], [0.2, 80.0, 1.0, 10.0]])
    loose, point = elastic(model.dense, price), model.point(x)
    violated = loose.point(np.hstack([x, [[4.0]] * 3]))
    assert violated.contributions == pytest.approx(point.contributions, rel=1e-15)
    assert violated.caps == pytest.approx(point.caps + 4.0 / price[:, None])
    rates = np.array([0.0, 0.0, 0.5])  # of IR of the second type, then of the others
    assert violated.rows == pytest.approx(point.rows + rates * 4.0 / price[:, None])
    none = loose.point(np.hstack([x, np.zeros((3, 1))]))
    rows, caps = np.ones((3, 3)), np.ones((3, 2))
    gradient = loose.gradient(none, rows, caps)
    assert gradient[:, :-1] == pytest.approx(model.gradient(point, rows, caps))
    assert gradient[:, -1] == pytest.approx((2 + 0.5) / price - 1)
    some = loose.take(np.array([2]))
    assert some.point(np.append(x[2], 4.0)[None]).rows == pytest.approx(violated.rows[2:])


def test_constraints_added_to_others_keep_both():
    one = batch_of_three().others
    more = Rows(*(10 + array[:, :1] for array in vars(one).values()))
    both = one.and_(more)
    for name, array in vars(both).items():
        assert array.shape[:2] == (3, 3)
        assert np.array_equal(array[:, :2], getattr(one, name))
        assert np.array_equal(array[:, 2:], getattr(more, name))


def test_contributions_are_put_in_order_between_costs_and_nowhere_else():
    m = np.array([[30.0, 10.0, 20.0], [5.0, 60.0, 40.0]])
    unlike = problem([0.5, 0.3, 0.1], [0.0, 0.0, 0.0])
    assert unlike.in_order(m).tolist() == [[30, 30, 30], [5, 60, 60]]
    assert m[0, 1] == 10  # what was given is not touched
    tied = problem([0.5, 0.5, 0.1], [0.0, 0.0, 0.0])
    assert tied.in_order(m).tolist() == [[30, 10, 30], [5, 60, 60]]


def test_one_menu_in_increments_by_hand():
    """Upward incentives bind: type 1 gets 3 beyond its outside option, so that y_2 is 45."""
    model = problem([0.5, 0.3], [2.0, 14.0])
    increments = model.increments_of(np.array([[40.0, 45.0]]))
    assert increments[0] == pytest.approx([0.03, 40.0, 5.0, 0.0])
    increments = model.increments_of(np.array([[40.0, 80.0]]))
    assert increments[0] == pytest.approx([0.0, 40.0, 20.0, 20.0])


def test_utilities_of_nobody_are_none():
    assert least_utilities([], [], []).size == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 3.0], [0.25, 0.5], [0.0, 0.0]), "costs must not rise"),
        (([3.0, 1.0], [0.5, 0.25], [0.0, 0.0]), "contributions must be >= 0 and not fall"),
        (([-1.0, 3.0], [0.5, 0.25], [0.0, 0.0]), "contributions must be >= 0 and not fall"),
        (([1.0, np.inf], [0.5, 0.25], [0.0, 0.0]), "contributions must be a list of finite"),
        (([1.0, 3.0], [0.5, np.nan], [0.0, 0.0]), "costs must be a list of finite numbers"),
        ((1.0, [0.5, 0.25], [0.0, 0.0]), "contributions must be a list of finite numbers"),
        (([1.0, 3.0, 4.0], [0.5, 0.25], [0.0, 0.0]), "must have one entry per type"),
    ],
)
def test_what_has_no_least_utilities_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        least_utilities(*arguments)
