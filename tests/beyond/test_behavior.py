"""Logit choice, aversion to spread, and menus with a margin."""

from itertools import product

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq
from scipy.special import logsumexp

from paid_with_models import (
    Arctan,
    GeneralizationBound,
    LinearValuation,
    Problem,
    Saturating,
    proportional_rewards,
    solve,
)
from paid_with_models.beyond.behavior import (
    Assignment,
    certainty_equivalents,
    logit_behavior,
    logit_choices,
)
from paid_with_models.beyond.margins import slack_menu
from paid_with_models.paper.scenarios import SCENARIOS
from paid_with_models.rewards import all_or_nothing_rewards, capped_rewards, lottery_rewards

TWO = Problem(3, [0.4, 0.6], [0.3, 0.1], Saturating([1.0], [0.01]))
MENU = [80.0, 150.0], [60.0, 75.0]


# Book: def-logit
@pytest.mark.parametrize("rationality", [0.0, 0.3, 7.0, 1e5])
def test_logit_is_the_formula(rationality: float) -> None:
    gains = np.array([1.0, 1.5, -2.0])
    odds = np.exp(rationality * (gains - gains.max()))
    np.testing.assert_allclose(logit_choices(gains, rationality), odds / odds.sum(), rtol=1e-12)


def test_best_replies_split_what_is_equal_in_each_row() -> None:
    """Equal up to rounding of the row's own gains; what cannot be chosen has no part."""
    gains = np.array(
        [
            [2.0, 2.0 - 1e-10, 1.0, -np.inf],
            [-1e6, -1e6 - 5e-4, -np.inf, -2e6],  # a billionth of a million is a thousandth
            [5e-10, 0.0, -1.0, -np.inf],  # and of nothing, of one unit
            [3.0, 3.0 - 1e-8, 0.0, 0.0],
        ]
    )
    half = [0.5, 0.5, 0.0, 0.0]
    assert logit_choices(gains, np.inf).tolist() == [half, half, half, [1.0, 0.0, 0.0, 0.0]]
    assert logit_choices([[0.0, 0.0], [1.0, 2.0]], np.inf).tolist() == [[0.5, 0.5], [0.0, 1.0]]


def test_the_types_of_a_menu_with_a_margin_may_come_in_any_order() -> None:
    costs, chances = np.array([0.05, 0.3, 0.12]), np.array([0.5, 0.2, 0.3])
    curve = GeneralizationBound()
    order = np.argsort(-costs)
    plain = slack_menu(Problem(2, chances[order], costs[order], curve), 0.5)
    mixed = slack_menu(Problem(2, chances, costs, curve), 0.5)
    assert mixed.contributions[order] == pytest.approx(plain.contributions, rel=1e-6)
    assert mixed.rewards[order] == pytest.approx(plain.rewards, rel=1e-6)
    assert mixed.expected_accuracy == pytest.approx(plain.expected_accuracy, abs=1e-9)
    assert mixed.margin == plain.margin == 0.5


def test_without_rationality_what_cannot_be_chosen_is_not() -> None:
    assert logit_choices([0.0, 1.0, -np.inf], 0.0).tolist() == [0.5, 0.5, 0.0]


@pytest.mark.parametrize("anticipating", [True, False])
def test_one_option_for_all_where_probabilities_add_up_to_more_than_1(anticipating: bool) -> None:
    probabilities = [0.129, 0.547, 0.067, 0.201, 0.056]
    problem = Problem(5, probabilities, [0.5, 0.4, 0.3, 0.2, 0.1], TWO.accuracy)
    assert (problem.probabilities @ np.ones((5, 1))).item() > 1  # by rounding
    m, t = np.full(5, 80.0), np.full(5, 60.0)
    behavior = logit_behavior(problem, m, t, 0.3, opting_out=False, anticipating=anticipating)
    assert behavior.delivered == pytest.approx([60.0])
    assert behavior.expected_accuracy == pytest.approx(float(TWO.accuracy(400.0)))


def test_without_rationality_all_options_are_alike() -> None:
    behavior = logit_behavior(TWO, *MENU, 0.0)
    np.testing.assert_allclose(behavior.choices, 1 / 3)
    assert behavior.participation == pytest.approx(2 / 3)


@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize("opting_out", [True, False])
def test_party_by_party(beliefs, opting_out: bool) -> None:
    """Against all ways in which three named parties can choose."""
    problem = Problem(3, TWO.probabilities, TWO.costs, TWO.accuracy, beliefs=beliefs)
    behavior = logit_behavior(problem, *MENU, 0.2, opting_out=opting_out)
    m = np.append(behavior.contributions, 0.0)
    odds = problem.probabilities @ behavior.choices
    ways = list(product(range(3), repeat=3))
    chance = np.array([np.prod(odds[list(way)]) for way in ways])
    total = np.array([m[list(way)].sum() for way in ways])
    assert behavior.expected_accuracy == pytest.approx(chance @ problem.accuracy(total), abs=1e-14)
    assert odds[2] == pytest.approx(1 - behavior.participation, abs=1e-15)
    honest = np.append(problem.probabilities, 0.0)
    planned = np.array([np.prod(honest[list(way)]) for way in ways])
    for j in range(2):
        if beliefs == "own":  # the first party is the one who asks
            seen = np.array([way[0] == j for way in ways])
        else:
            seen = np.array([j in way for way in ways])
        value = problem.model_value(total)
        now, then = (np.sum(p[seen] * value[seen]) / np.sum(p[seen]) for p in (chance, planned))
        share = min(MENU[1][j] / then, 1.0)
        assert behavior.delivered[j] == pytest.approx(share * now, rel=1e-12)


# Book: def-foresight
@pytest.mark.parametrize("name", SCENARIOS)
def test_anticipation_fits(name: str) -> None:
    contract = solve(SCENARIOS[name].problem())
    problem = contract.problem
    behavior = logit_behavior(
        problem, contract.contributions, contract.rewards, 0.3, anticipating=True
    )
    assert behavior.settled
    gains = behavior.delivered - problem.costs[:, None] * behavior.contributions
    again = logit_choices(np.hstack([gains, problem.outside_options[:, None]]), 0.3)
    np.testing.assert_allclose(behavior.choices, again, atol=1e-9)


def test_the_third_scenario_unravels() -> None:
    """A menu whose constraints bind is left by parties that foresee that others leave it."""
    contract = solve(SCENARIOS["big_and_small_collaboration"].problem())
    menu = contract.contributions, contract.rewards
    believed, foreseen = (
        logit_behavior(contract.problem, *menu, 10.0, anticipating=it) for it in (False, True)
    )
    assert believed.expected_accuracy > 0.89
    assert foreseen.settled
    assert foreseen.expected_accuracy < 1e-6
    robust = slack_menu(contract.problem, 2.0)
    foreseen = logit_behavior(
        contract.problem, robust.contributions, robust.rewards, 10.0, anticipating=True
    )
    assert foreseen.expected_accuracy > robust.expected_accuracy - 1e-4


def test_rational_parties_keep_to_a_menu_with_a_margin() -> None:
    problem = SCENARIOS["big_firm_cooperation"].problem()
    menu = slack_menu(problem, 1.0)
    behavior = logit_behavior(problem, menu.contributions, menu.rewards, 200.0)
    assert behavior.participation == pytest.approx(1.0, abs=1e-12)
    assert behavior.expected_accuracy == pytest.approx(menu.expected_accuracy, abs=1e-12)
    np.testing.assert_allclose(behavior.delivered, behavior.promised, rtol=1e-12)


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_margin_is_the_optimal_contract(name: str) -> None:
    problem = SCENARIOS[name].problem()
    menu, contract = slack_menu(problem, 0.0), solve(problem)
    assert menu.expected_accuracy == pytest.approx(contract.expected_accuracy, abs=1e-9)
    assert menu.gap <= 1e-7


def test_a_pooling_menu_with_a_margin_in_closed_form() -> None:
    """All give m with v(a(N m)) - c_1 m = margin: the outside options are nothing."""
    problem = SCENARIOS["small_party_teamwork"].problem()
    cost = problem.costs.max()
    closed = brentq(lambda m: problem.model_value(10 * m) - cost * m - 2.0, 40.0, 100.0, xtol=1e-12)
    menu = slack_menu(problem, 2.0)
    np.testing.assert_allclose(menu.contributions, closed, rtol=1e-7)
    assert menu.gap <= 1e-9


# Book: def-margin, prop-margin
@pytest.mark.parametrize("seed", range(4))
def test_margins_hold_and_no_menu_with_them_beats_the_bound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = Problem(
        int(rng.integers(4, 12)),
        rng.dirichlet([2, 2, 2]),
        np.sort(rng.uniform(0.02, 0.3, 3)),
        GeneralizationBound(),
        LinearValuation(100.0),
    )
    margin = float(rng.uniform(0.1, 1.0))
    menu = slack_menu(problem, margin)
    m, t = menu.contributions, menu.rewards
    gains = t - problem.costs[:, None] * m
    mine = np.diag(gains)
    assert np.all(mine - problem.outside_options >= margin - 1e-6)
    other = np.abs(np.subtract.outer(m, m)) > 1e-6 * m.max()
    assert np.all(((mine[:, None] - gains) >= margin - 1e-6) | ~other)
    assert menu.gap <= 1e-6
    # The best contract's data, scaled down, with pooled rewards: feasible menus with the margin.
    for pooled in np.linspace(0.1, 1.5, 200) * m.mean():
        reward = problem.model_value(problem.n_parties * pooled)
        if np.all(reward - problem.costs * pooled >= problem.outside_options + margin):
            accuracy = problem.accuracy(problem.n_parties * pooled)
            assert accuracy <= menu.upper_bound + 1e-12


def test_who_minds_spread_prefers_less_of_it() -> None:
    contract = solve(SCENARIOS["big_and_small_collaboration"].problem())
    ways = capped_rewards, proportional_rewards, lottery_rewards, all_or_nothing_rewards
    worth = np.array([certainty_equivalents(way(contract), 0.05) for way in ways])
    assert np.all(np.diff(worth, axis=0) <= 1e-9)
    assert np.all(worth <= contract.rewards + 1e-9)
    nearly = certainty_equivalents(proportional_rewards(contract), 1e-9)
    np.testing.assert_allclose(nearly, contract.rewards, rtol=1e-6)


# --- spread ----------------------------------------------------------------------------------


def by_hand(way, mean, worth, seen):
    """Values and probabilities of a reward with this mean, the limit found by root finding."""
    share = mean / (seen @ worth)
    if way is Assignment.PROPORTIONAL:
        return share * worth, seen
    if way is Assignment.LOTTERY:
        return np.concatenate([worth, 0 * worth]), np.concatenate(
            [share * seen, (1 - share) * seen]
        )
    limit = brentq(lambda tau: seen @ np.minimum(worth, tau) - mean, 0, worth.max(), xtol=1e-13)
    return np.minimum(worth, limit), seen


# Book: def-aversion, def-foresight
@pytest.mark.parametrize("aversion", [0.0, 0.03])
@pytest.mark.parametrize("way", Assignment)
@pytest.mark.parametrize("anticipating", [False, True])
def test_averse_parties_party_by_party(way, aversion: float, anticipating: bool) -> None:
    """Choices are logit in certainty equivalents, which are added up over named parties."""
    behavior = logit_behavior(
        TWO, *MENU, 0.2, anticipating=anticipating, aversion=aversion, assignment=way
    )
    assert behavior.settled
    m = np.append(behavior.contributions, 0.0)
    ways = list(product(range(3), repeat=3))
    worth = TWO.model_value(np.array([m[list(one)].sum() for one in ways]))

    def seen(odds, j):
        chance = np.array([np.prod(odds[list(one)]) * (j in one) for one in ways])
        return chance / chance.sum()

    planned, now = np.append(TWO.probabilities, 0.0), TWO.probabilities @ behavior.choices
    gains = np.empty(2)
    for j in range(2):
        mean = MENU[1][j]
        values, _ = by_hand(way, mean, worth, seen(planned, j))
        share = mean / (seen(planned, j) @ worth)
        chances = seen(now if anticipating else planned, j)
        if way is Assignment.LOTTERY:
            chances = np.concatenate([share * chances, (1 - share) * chances])
        gains[j] = chances @ values
        if aversion:
            gains[j] = -np.log(chances @ np.exp(-aversion * values)) / aversion
    options = np.hstack([gains - TWO.costs[:, None] * m[:-1], TWO.outside_options[:, None]])
    odds = np.exp(0.2 * options)
    np.testing.assert_allclose(behavior.choices, odds / odds.sum(axis=1, keepdims=True), rtol=1e-9)


def test_a_lottery_in_closed_form() -> None:
    """All pool, so that the best model never varies: only the lot does."""
    contract = solve(SCENARIOS["small_party_teamwork"].problem())
    best, aversion = contract.problem.model_value(10 * contract.contributions[0]), 0.04
    share = contract.rewards / best
    closed = -np.log(1 - share + share * np.exp(-aversion * best)) / aversion
    np.testing.assert_allclose(
        certainty_equivalents(lottery_rewards(contract), aversion), closed, rtol=1e-9
    )


def test_capped_rewards_keep_a_menu_from_unraveling() -> None:
    """A cap is nearer to a fixed promise than a share: who leaves takes less from the others."""
    contract = solve(SCENARIOS["big_and_small_collaboration"].problem())
    menu = contract.contributions, contract.rewards
    share, cap = (
        logit_behavior(contract.problem, *menu, 10.0, anticipating=True, assignment=it)
        for it in (Assignment.PROPORTIONAL, Assignment.CAPPED)
    )
    assert share.settled
    assert cap.settled
    assert share.participation < 1e-9
    assert cap.participation == pytest.approx(0.4, abs=0.01)  # types 4 and 5
    assert cap.expected_accuracy > 0.75


@pytest.mark.parametrize("seed", range(3))
def test_no_menu_of_two_types_on_a_grid_beats_a_menu_with_a_margin(seed: int) -> None:
    """Least rewards for contributions on a grid, separate or shared options, against the bound."""
    rng = np.random.default_rng(seed)
    high = rng.uniform(0.2, 0.6)
    share, margin = rng.uniform(0.3, 0.7), rng.uniform(0.2, 1.5)
    problem = Problem(5, [share, 1 - share], [high, high * rng.uniform(0.2, 0.7)], TWO.accuracy)
    menu = slack_menu(problem, margin)
    (c1, c2), (f1, f2), p = problem.costs, problem.outside_options, problem.probabilities
    a = np.linspace(0, 1.5 * menu.contributions[0], 301)[:, None]
    b = np.linspace(0.5 * menu.contributions[1], 1.5 * menu.contributions[1], 301)[None, :]
    u1, u2 = f1 + margin, f2 + margin
    for _ in range(2):
        u2 = np.maximum(u2, u1 + (c1 - c2) * a + margin)
        u1 = np.maximum(u1, u2 - (c1 - c2) * b + margin)
    chance = stats.binom.pmf(np.arange(6), 5, p[1])
    totals = (5 - np.arange(6))[:, None, None] * a + np.arange(6)[:, None, None] * b
    worth = problem.model_value(totals)
    cap1 = np.tensordot(chance[:5], worth[:5], 1) / chance[:5].sum()
    cap2 = np.tensordot(chance[1:], worth[1:], 1) / chance[1:].sum()
    good = (u1 + c1 * a <= cap1) & (u2 + c2 * b <= cap2) & (u2 >= u1 + (c1 - c2) * a + margin)
    reached = np.where(good, np.tensordot(chance, problem.accuracy(totals), 1), 0).max()
    shared = np.linspace(0, 500, 20_001)
    reward = np.maximum(f1 + c1 * shared, f2 + c2 * shared) + margin
    together = shared[reward <= problem.model_value(5 * shared)]
    reached = max(reached, problem.accuracy(5 * together.max()) if together.size else 0.0)
    assert reached <= menu.upper_bound
    assert reached == pytest.approx(menu.expected_accuracy, abs=2e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: logit_choices([1.0], -1.0), "rationality must be >= 0; got -1.0"),
        (lambda: logit_behavior(TWO, [1.0], [1.0], 1.0), "must have an entry per type, 2"),
        (lambda: slack_menu(TWO, -1.0), "margin must be >= 0 and finite; got -1.0"),
        (lambda: slack_menu(TWO, np.inf), "margin must be >= 0 and finite; got inf"),
        (lambda: slack_menu(TWO, 99.0), "margin must leave a menu"),
        (
            lambda: slack_menu(Problem(3, [0.5, 0.5], [1.0, 1.0], Arctan()), 0.0),
            r"unlike types; got 3 parties and costs \[1.0, 1.0\]",
        ),
        (
            lambda: certainty_equivalents(proportional_rewards(solve(TWO)), -0.5),
            "aversion must be >= 0 and finite; got -0.5",
        ),
    ],
)
def test_bad_input(call, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", "\\(")):
        call()


@pytest.mark.parametrize("aversion", [1e-9, 0.01, 0.4, 0.45, 0.5, 5.0, 1e3])
def test_certainty_equivalents_are_right_however_averse(aversion):
    contract = solve(Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()))
    rewards = proportional_rewards(contract)
    found = certainty_equivalents(rewards, aversion)
    lost = -aversion * rewards.values
    exact = -logsumexp(lost, axis=0, b=rewards.probabilities) / aversion
    np.testing.assert_allclose(found, exact, rtol=1e-6 if aversion < 1e-6 else 1e-12)
    assert np.all(found <= certainty_equivalents(rewards, 0.0))
    chosen = logit_behavior(
        contract.problem, contract.contributions, contract.rewards, 1.0, aversion=aversion
    )
    assert np.isfinite(chosen.choices).all()


@pytest.mark.parametrize("rationality", [0.0, 1.0, np.inf])
@pytest.mark.parametrize("gains", [[np.nan, 1], [-np.inf, -np.inf], [np.inf, 1], [], 1.0])
def test_gains_that_nobody_can_choose_by_are_refused(gains, rationality):
    with np.errstate(all="raise"), pytest.raises(ValueError, match=r"^gains must"):
        logit_choices(gains, rationality)


@pytest.mark.parametrize("rationality", [1e-3, 1.0, 1e308, np.inf])
def test_what_is_far_behind_is_not_chosen(rationality):
    with np.errstate(all="raise", under="ignore"):
        assert logit_choices([1e308, -1e308, -np.inf], rationality).tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"assignment": "CAPPED"}, "assignment must be an Assignment; got 'CAPPED'"),
        ({"assignment": None}, "assignment must be an Assignment"),
        ({"aversion": True}, "aversion must be a number >= 0"),
        ({"aversion": "1"}, "aversion must be a number >= 0"),
        ({"contributions": [-1.0, 1.0]}, "contributions must be >= 0 and finite"),
        ({"contributions": [np.nan, 1.0]}, "contributions must not be NaN"),
        ({"rewards": [np.inf, 1.0]}, "rewards must be >= 0 and finite"),
        ({"opting_out": "no"}, "opting_out must be True or False"),
        ({"anticipating": 1}, "anticipating must be True or False"),
    ],
)
def test_what_behavior_is_asked_for_is_named(given, message):
    menu = {"contributions": [100.0, 200.0], "rewards": [50.0, 60.0], "rationality": 1.0}
    with pytest.raises(ValueError, match=message):
        logit_behavior(TWO, **(menu | given))
