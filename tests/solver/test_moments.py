import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from paid_with_models import (
    GeneralizationBound,
    LinearValuation,
    ModelValue,
    PowerValuation,
    Saturating,
    attendance,
    conditional_probabilities,
    enumerate_outcomes,
    outcome_probabilities,
)
from paid_with_models.solver.moments import BLOCK, Blocks, Enumeration, linear_factor


# Book: def-outcome
@pytest.mark.parametrize(("n_parties", "n_types"), [(1, 1), (1, 4), (5, 1), (4, 3), (7, 4), (0, 3)])
def test_outcomes_are_all_the_ways_once(n_parties, n_types):
    counts = enumerate_outcomes(n_parties, n_types)
    everything = {
        ways
        for ways in itertools.product(range(n_parties + 1), repeat=n_types)
        if sum(ways) == n_parties
    }
    assert {tuple(row) for row in counts.tolist()} == everything
    assert len(counts) == len(everything)


# Book: def-outcome
def test_probabilities_are_the_multinomials():
    counts, p = enumerate_outcomes(12, 3), [0.2, 0.7999, 0.0001]
    exact = stats.multinomial(12, p).pmf(counts)
    assert outcome_probabilities(counts, p) == pytest.approx(exact, rel=1e-11)
    assert outcome_probabilities(counts, p).sum() == pytest.approx(1, abs=1e-13)


# Book: def-beliefs, prop-own-beliefs
@pytest.mark.parametrize("p", [[0.3, 0.7], [1e-9, 1 - 1e-9], [1e-6, 0.5, 0.499999]])
def test_conditional_probabilities(p):
    counts = enumerate_outcomes(6, len(p))
    weights = outcome_probabilities(counts, p)
    paper = conditional_probabilities(counts, p)
    own = conditional_probabilities(counts, p, "own")
    assert paper.sum(axis=0) == pytest.approx(1, abs=1e-12)
    assert own.sum(axis=0) == pytest.approx(1, abs=1e-12)
    for i in range(len(p)):
        present = counts[:, i] >= 1
        assert np.all(paper[~present, i] == 0)
        assert paper[present, i] == pytest.approx(
            weights[present] / weights[present].sum(), rel=1e-9
        )
        others = counts[present].copy()
        others[:, i] -= 1  # the party itself stands apart; the rest are N - 1 draws
        assert own[present, i] == pytest.approx(outcome_probabilities(others, p), rel=1e-11)


def test_a_single_type_is_there_for_sure():
    assert conditional_probabilities([[3]], [1.0]).tolist() == [[1.0]]
    above = [1.0 + 2**-52]  # by rounding, where probabilities were added up
    assert conditional_probabilities([[3]], above)[0, 0] == pytest.approx(1.0, rel=1e-14)


def test_too_large_an_enumeration_says_what_it_would_need_before_allocating():
    message = (
        rf"^n_parties = 100 and n_types = 12 have {math.comb(111, 11):.4g} outcomes; enumerating"
        rf" them would take {8 * 42 * math.comb(111, 11) / 1024**3:.3g} GiB, more than the limit"
        r" of 2 GiB$"
    )
    with pytest.raises(ValueError, match=message.replace("+", r"\+")):
        enumerate_outcomes(100, 12)


def test_an_enumeration_of_just_the_largest_size_is_made(monkeypatch):
    """Three outcomes of two types: 3 (3 * 2 + 6) numbers of eight bytes."""
    monkeypatch.setattr(attendance, "ENUMERATION_LIMIT", 288)
    assert attendance.enumerable(2, 2)
    assert not attendance.enumerable(3, 2)
    assert not attendance.enumerable(2, 3)
    assert enumerate_outcomes(2, 2).shape == (3, 2)
    monkeypatch.setattr(attendance, "ENUMERATION_LIMIT", 287)
    assert not attendance.enumerable(2, 2)
    with pytest.raises(ValueError, match="have 3 outcomes"):
        enumerate_outcomes(2, 2)


def test_numbers_of_any_kind_are_made_floats():
    counts, half = np.array([[0, 2], [1, 1], [2, 0]], dtype=object), [Fraction(1, 2)] * 2
    assert outcome_probabilities(counts, half) == pytest.approx([0.25, 0.5, 0.25])
    own, paper = (conditional_probabilities(counts, half, it) for it in ("own", "paper"))
    assert own.dtype == paper.dtype == float
    assert own[:, 0] == pytest.approx([0, 0.5, 0.5])


def test_moments_are_sums_over_ordered_draws():
    """An independent route: all I^N ordered draws of types, each with its own probability."""
    p, m, n_parties = np.array([0.5, 0.3, 0.2]), np.array([30.0, 80.0, 200.0]), 4
    accuracy = GeneralizationBound()
    value = ModelValue(accuracy, PowerValuation(100.0, 1.5))
    mean = mean_value = 0.0
    paper, own = np.zeros(3), np.zeros(3)
    for draw in itertools.product(range(3), repeat=n_parties):
        chance, total = p[list(draw)].prod(), m[list(draw)].sum()
        mean += chance * float(accuracy(total))
        mean_value += chance * float(value(total))
        for i in range(3):
            if i in draw:
                paper[i] += chance * float(value(total)) / (1 - (1 - p[i]) ** n_parties)
            if draw[0] == i:  # by symmetry any party may be the one that knows itself
                own[i] += chance * float(value(total)) / p[i]
    for beliefs, by_type in (("paper", paper), ("own", own)):
        moments = Enumeration.of(n_parties, p[None], beliefs).moments(accuracy, value, m[None])
        assert moments.accuracy[0] == pytest.approx(mean, rel=1e-13)
        assert moments.value[0] == pytest.approx(mean_value, rel=1e-13)
        assert moments.values[0] == pytest.approx(by_type, rel=1e-12)


# Book: prop-caps-move
@pytest.mark.parametrize("seed", range(6))
def test_own_beliefs_lower_the_first_cap_and_raise_the_last(seed):
    rng = np.random.default_rng(seed)
    n_parties, p = int(rng.integers(2, 9)), rng.dirichlet(np.ones(3))[None]
    m = np.sort(rng.uniform(60, 600, (1, 3)), axis=1)
    value = ModelValue(GeneralizationBound(), LinearValuation(100.0))
    paper, own = (
        Enumeration.of(n_parties, p, beliefs).moments(value, value, m).values[0]
        for beliefs in ("paper", "own")
    )
    assert own[0] < paper[0]
    assert own[2] > paper[2]
    same = [
        Enumeration.of(n_parties, p, beliefs).moments(value, value, np.full((1, 3), 90.0)).values[0]
        for beliefs in ("paper", "own")
    ]
    assert same[0] == pytest.approx(same[1], rel=1e-12)


@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_gradients_and_curvature_against_finite_differences(beliefs):
    rng = np.random.default_rng(1)
    p, m = rng.dirichlet(np.ones(3), size=2), rng.uniform(150, 900, size=(2, 3))
    prices = rng.uniform(0, 2, size=(2, 3))
    curves = GeneralizationBound(), ModelValue(GeneralizationBound(), LinearValuation(3.0))
    outcomes = Enumeration.of(5, p, beliefs)
    here, step = outcomes.moments(*curves, m), 1e-3
    for j in range(3):
        move = np.zeros(3)
        move[j] = step
        up, down = (outcomes.moments(*curves, m + sign * move) for sign in (1, -1))
        assert here.accuracy_gradient[:, j] == pytest.approx(
            (up.accuracy - down.accuracy) / (2 * step), rel=1e-6
        )
        assert here.value_jacobian[:, :, j] == pytest.approx(
            (up.values - down.values) / (2 * step), rel=1e-6, abs=1e-10
        )
        slope_up, slope_down = (
            moments.accuracy_gradient + np.einsum("bi,bij->bj", prices, moments.value_jacobian)
            for moments in (up, down)
        )
        assert here.curvature(prices)[:, :, j] == pytest.approx(
            (slope_up - slope_down) / (2 * step), rel=1e-5, abs=1e-11
        )


def test_curvature_is_never_positive_even_where_the_curve_is_convex():
    value = ModelValue(GeneralizationBound(), PowerValuation(100.0, 4.0))
    m = np.array([[40.0, 41.0]])  # totals just above the kink, where v(a) is convex
    moments = Enumeration.of(2, np.array([[0.5, 0.5]]), "paper").moments(value, value, m)
    assert float(value.second_derivative(81.0)) > 0
    assert np.linalg.eigvalsh(moments.curvature(np.ones((1, 2)))).max() <= 1e-18


def test_the_promised_rounding_error_holds():
    outcomes = Enumeration.of(60, np.array([[0.3, 0.7]]), "paper")
    exact = [math.comb(60, k) * 0.3**k * 0.7 ** (60 - k) for k in range(61)]
    error = np.abs(outcomes.weights[0] / exact - 1).max()
    assert error <= outcomes.relative_error
    assert outcomes.relative_error < 1e-12


def test_an_average_does_not_pass_the_optimum_of_the_curve():
    # Where all outcomes are worth the optimum, only the rounding of their weights is left.
    curve = Saturating(weights=(0.5, 0.4), rates=(0.1, 0.003))
    outcomes = Enumeration.of(6, np.array([[0.5, 0.5], [1 / 101, 100 / 101]]), "paper")
    assert np.any(outcomes.weights.sum(axis=1) > 1)
    moments = outcomes.moments(curve, curve, np.full((2, 2), 1e5))
    assert moments.accuracy.tolist() == [curve.optimum, curve.optimum]


def test_a_party_of_each_type_believes_in_one_way_or_the_other():
    with pytest.raises(ValueError, match=r"^beliefs must be 'paper' or 'own'; got 'none'$"):
        conditional_probabilities([[0, 1], [1, 0]], [0.5, 0.5], "none")
    counts, p = enumerate_outcomes(3, 2), [0.3, 0.7]
    default, paper = (
        conditional_probabilities(counts, p),
        conditional_probabilities(counts, p, "paper"),
    )
    assert default.tolist() == paper.tolist()


def test_weighted_gradient_by_hand():
    rng = np.random.default_rng(2)
    accuracy = GeneralizationBound()
    value = ModelValue(accuracy, PowerValuation(100.0, 1.5))
    outcomes = Enumeration.of(4, rng.dirichlet(np.ones(3), size=2), "paper")
    moments = outcomes.moments(accuracy, value, rng.uniform(100, 300, size=(2, 3)))
    prices = rng.uniform(1, 2, size=(2, 3))
    gradient = moments.weighted_gradient(prices)
    for b in range(2):
        for j in range(3):
            by_hand = moments.accuracy_gradient[b, j] + sum(
                prices[b, i] * moments.value_jacobian[b, i, j] for i in range(3)
            )
            assert gradient[b, j] == pytest.approx(by_hand, rel=1e-13)


def test_what_enumeration_may_be_wrong_by_is_rounding():
    outcomes = Enumeration.of(4, np.array([[0.5, 0.5], [0.1, 0.9]]), "paper")
    curve = GeneralizationBound(optimum=0.5)
    value = ModelValue(curve, LinearValuation(80.0))
    wrong = outcomes.uncertainty(curve, value, np.ones((2, 2)))
    error = np.finfo(float).eps * (16 + 8 * math.log(24) + 5 + 5 / 64)  # of five outcomes
    assert outcomes.relative_error == pytest.approx(error, rel=1e-12)
    assert wrong.accuracy == pytest.approx(np.full(2, 0.5 * error), rel=1e-12, abs=0)
    assert wrong.values == pytest.approx(np.full((2, 2), 40.0 * error), rel=1e-12, abs=0)
    assert wrong.relative_slope == pytest.approx(
        outcomes.relative_error + 5 / 64 * np.finfo(float).eps, rel=1e-12
    )
    assert wrong.accuracy_slope.tolist() == [0.0, 0.0]
    assert wrong.value_slopes.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_some_problems_of_a_batch():
    p = np.array([[0.5, 0.5], [0.1, 0.9], [0.3, 0.7]])
    some, alone = (
        Enumeration.of(4, p, "own").take(np.array([2, 0])),
        Enumeration.of(4, p[2:], "own"),
    )
    assert some.counts.tolist() == alone.counts.tolist()
    assert some.weights.shape == (2, 5)
    assert some.weights[0].tolist() == alone.weights[0].tolist()
    assert some.conditional.shape == (2, 2, 5)
    assert some.conditional[0].tolist() == alone.conditional[0].tolist()


def test_little_data_is_little_data_and_less_than_none_is_none():
    curve = Saturating(weights=(0.5, 0.4), rates=(0.1, 0.003))
    outcomes = Enumeration.of(2, np.array([[0.5, 0.5]]), "paper")
    reached = [
        outcomes.moments(curve, curve, np.array([menu])).accuracy[0]
        for menu in ([0.01, 0.01], [0.0, 0.0], [-3.0, -1.0])
    ]
    assert reached[0] == pytest.approx(float(curve(0.02)), rel=1e-12)
    assert reached[1:] == [float(curve(0.0))] * 2


def test_a_linear_valuation_is_alinear_factor(monkeypatch):
    """Then the value need not be evaluated, nor where both are replaced by their envelopes."""
    curve = GeneralizationBound()
    linear = ModelValue(curve, LinearValuation(80.0))
    assert linear_factor(curve, linear) == 80.0
    assert linear_factor(curve.envelope(), linear.envelope()) == 80.0
    for accuracy, value in (
        (GeneralizationBound(0.9), linear),
        (GeneralizationBound(0.9).envelope(), linear.envelope()),
        (curve, linear.envelope()),
        (curve.envelope(), linear),
        (curve, ModelValue(curve, PowerValuation(80.0, 2.0))),
        (curve, curve),
    ):
        assert linear_factor(accuracy, value) is None
    outcomes, m = Enumeration.of(3, np.array([[0.4, 0.6]]), "paper"), np.array([[90.0, 200.0]])
    evaluated = outcomes.moments(curve, ModelValue(curve, PowerValuation(80.0, 1.0)), m)
    monkeypatch.setattr(ModelValue, "evaluate", None)
    factored = outcomes.moments(curve, linear, m)
    assert factored.value == pytest.approx(80.0 * factored.accuracy, rel=1e-14)
    for name in ("value", "values", "value_jacobian"):
        assert getattr(factored, name) == pytest.approx(getattr(evaluated, name), rel=1e-12)
    prices = np.ones((1, 2))
    assert factored.curvature(prices) == pytest.approx(evaluated.curvature(prices), rel=1e-12)


def test_errors_of_sums_over_many_outcomes_are_within_what_is_claimed():
    """Eleven thousand outcomes of very unequal chances, against exact sums."""
    rng = np.random.default_rng(0)
    curve, worst = GeneralizationBound(0.9, 0.5), 0.0
    value = ModelValue(curve, LinearValuation(100.0))
    for spread in (9, 3, 0):
        p = 10 ** rng.uniform(-spread, 0, 150)
        outcomes = Enumeration.of(2, (p / p.sum())[None], "paper")
        m = rng.uniform(20, 400, (1, 150))
        moments = outcomes.moments(curve, value, m)
        wrong = outcomes.uncertainty(curve, value, m)
        totals = outcomes.counts @ m[0]
        exact = math.fsum(outcomes.weights[0] * curve(totals))
        worst = max(worst, abs(float(moments.accuracy[0]) - exact) / float(wrong.accuracy[0]))
        steps = outcomes.weights[0] * curve.derivative(totals)
        for i in (0, 149):
            exact = math.fsum(outcomes.conditional[0, i] * value(totals))
            worst = max(worst, abs(moments.values[0, i] - exact) / wrong.values[0, i])
            exact = math.fsum(steps * outcomes.counts[:, i])
            off = abs(moments.accuracy_gradient[0, i] - exact)
            worst = max(worst, off / (wrong.relative_slope * exact))
    assert worst < 0.5  # what is left is for the chances themselves


def test_blocks_of_a_long_table_add_up_with_few_roundings():
    """Half a million terms: added one after the other, or block after block, they would miss it."""
    n = 500_017
    table = Blocks.of(np.full((n, 2), 1 / 3))
    exact = math.fsum(np.full(n, 1 / 3))
    bound = (BLOCK + 24 + math.log2(n / BLOCK / 128)) * np.finfo(float).eps
    assert table.added(np.ones((1, n)))[0, 0] == pytest.approx(exact, rel=bound)
