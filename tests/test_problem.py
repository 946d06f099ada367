import dataclasses
import warnings

import numpy as np
import pytest

from paid_with_models import (
    Arctan,
    Curve,
    ExponentialValuation,
    GeneralizationBound,
    LinearValuation,
    PowerLaw,
    PowerValuation,
    Problem,
    Saturating,
    Shape,
    Valuation,
    audit,
    autarky,
    solve,
    solve_complete_information,
)

GOOD = {"n_parties": 10, "probabilities": [0.5, 0.5], "costs": [0.2, 0.1]}


def make(**changes):
    arguments = {"accuracy": GeneralizationBound(), "valuation": LinearValuation(), **GOOD}
    return Problem(**{**arguments, **changes})


@pytest.mark.parametrize(
    ("argument", "value", "rule"),
    [
        ("costs", [0.2, 0.0], "costs must all be positive"),
        ("costs", [0.2, -0.1], "costs must all be positive"),
        ("costs", [0.2, float("nan")], "costs must not be NaN"),
        ("costs", [0.2, float("inf")], "costs must all be positive and at most 1e290"),
        ("costs", [1e308, 0.1], "costs must all be positive and at most 1e290"),
        ("costs", [1e-60, 1e-61], "costs must not be that small"),
        ("probabilities", [1.0, 1e-320], "probabilities must all be positive, not below 1e-300"),
        ("costs", [], "costs must be a non-empty list"),
        ("costs", [[0.2, 0.1]], "costs must be a non-empty list"),
        ("costs", ["a", "b"], "costs must be numbers"),
        ("costs", 0.2, "costs must be a non-empty list"),
        ("probabilities", [1.5, -0.5], "probabilities must all be positive"),
        ("probabilities", [1.0, 0.0], "probabilities must all be positive"),
        ("probabilities", [0.5, 0.4], "probabilities must sum to 1; they sum to 0.9"),
        ("probabilities", [0.3, 0.3, 0.4], "probabilities must have one entry per cost, 2; got 3"),
        ("probabilities", [0.5, float("nan")], "probabilities must not be NaN"),
        ("n_parties", 0, "n_parties must be an integer >= 1"),
        ("n_parties", -3, "n_parties must be an integer >= 1"),
        ("n_parties", 2.5, "n_parties must be an integer"),
        ("n_parties", True, "n_parties must be an integer >= 1"),
        ("n_parties", "10", "n_parties must be an integer"),
        ("beliefs", "mine", "beliefs must be 'paper' or 'own'"),
        ("accuracy", 0.9, "accuracy must be a Curve"),
        ("valuation", 100.0, "valuation must be a Valuation"),
    ],
)
def test_bad_input_names_the_argument_and_the_rule(argument, value, rule):
    with pytest.raises(ValueError, match=r"^" + rule.replace("(", r"\(")):
        make(**{argument: value})


@pytest.mark.parametrize(
    "curve",
    [
        lambda: PowerLaw(1.0, 1e200, 0.5),
        lambda: PowerLaw(1.0, 1.0, 1e-300),
        lambda: PowerLaw(1.0, 1.0, 0.5, 1e300),
        lambda: Saturating((0.5,), (1e300,)),
        lambda: Arctan(1.0, 1e300),
    ],
)
def test_curves_beyond_all_numbers_are_refused_without_a_warning(curve):
    with warnings.catch_warnings(action="error"), pytest.raises(ValueError, match=" must "):
        make(accuracy=curve())


@pytest.mark.parametrize(
    "changes",
    [
        {"costs": [1e289, 0.1]},
        {"costs": [1e-35, 2e-36]},
        {"probabilities": [1.0, 1e-300]},
        {"accuracy": Saturating((1e-300,), (1.0,))},
        {"accuracy": GeneralizationBound(1.0, 1e-300)},
        {"accuracy": Arctan(1.0, 1e-300)},
        {"max_data": [1e-300, 1.0]},
        {"max_data": [1e300, 1.0]},
    ],
    ids=str,
)
def test_numbers_far_from_one_are_solved_without_a_warning(changes):
    with warnings.catch_warnings(action="error"):
        contract = solve(make(**changes, n_parties=3))
    assert audit(contract).satisfied


class UserCurve(Curve):
    """A sound curve, to be spoilt in one way at a time."""

    optimum = 1.0

    def evaluate(self, data):
        x = np.asarray(data, dtype=float)
        return x / (x + 100), 100 / (x + 100) ** 2, -200 / (x + 100) ** 3


def test_a_curve_of_the_users_own_is_accepted():
    assert make(accuracy=UserCurve()).model_value(100.0) == 50


def spoilt(function):
    class Spoilt(UserCurve):
        def evaluate(self, data):
            x = np.asarray(data, dtype=float)
            return function(x, *super().evaluate(x))

    return Spoilt()


# Book: asm-curves
@pytest.mark.parametrize(
    ("function", "rule"),
    [
        (lambda x, a, a1, a2: (np.where(x > 50, np.nan, a), a1, a2), "must be finite"),
        (lambda x, a, a1, a2: (a, np.where(x > 50, np.inf, a1), a2), "must be finite"),
        (lambda x, a, a1, a2: (0.9 - 0.5 * a, -0.5 * a1, -0.5 * a2), "must be increasing"),
        (lambda x, a, a1, a2: (0.5 + 0 * a, 0 * a1, 0 * a2), "must rise"),
        (lambda x, a, a1, a2: (2 * a, 2 * a1, 2 * a2), "must rise"),
        (lambda x, a, a1, a2: (a, 2 * a1, a2), "must state its own derivative"),
        (lambda x, a, a1, a2: (a, a1, -a2), "must be S-shaped"),
    ],
)
def test_a_bad_accuracy_is_refused(function, rule):
    with pytest.raises(ValueError, match=f"^accuracy {rule}"):
        make(accuracy=spoilt(function))


@pytest.mark.parametrize(
    ("function", "rule"),
    [
        (lambda r: (-r, -np.ones_like(r), 0 * r), "strictly increasing"),
        (lambda r: (r + 1, np.ones_like(r), 0 * r), "0 at accuracy 0"),
        (lambda r: (r * np.nan, np.ones_like(r), 0 * r), "finite"),
        (lambda r: (np.minimum(r, 0.5), np.ones_like(r), 0 * r), "strictly increasing"),
    ],
)
def test_a_bad_valuation_is_refused(function, rule):
    class Bad(Valuation):
        def evaluate(self, accuracy):
            return function(np.asarray(accuracy, dtype=float))

        def inverse(self, value):
            return value

    with pytest.raises(ValueError, match=f"^valuation must be {rule}"):
        make(valuation=Bad())


@pytest.mark.parametrize("power", [1.0, 0.8])
def test_a_curve_without_a_derivative_at_nothing_is_refused(power):
    """Written the usual way, 0 / 0: nothing would be worth its price."""

    @dataclasses.dataclass(frozen=True)
    class Hill(Curve):
        optimum: float = 0.9

        def evaluate(self, data):
            x = np.asarray(data, dtype=float) / 100.0
            with np.errstate(all="ignore"):
                y = x**power
                first = self.optimum * power * y / (x * (1 + y) ** 2) / 100.0
                second = first / 100.0 / x * (power - 1 - (power + 1) * y) / (1 + y)
            return self.optimum * y / (1 + y), first, second

    with pytest.raises(ValueError, match="accuracy must be finite, derivatives included"):
        make(accuracy=Hill())


@pytest.mark.parametrize(
    ("inverse", "message"),
    [
        (lambda value: value, "gives accuracies back; that of .* does not"),
        (lambda value: 0.3 + 0 * value, "gives accuracies back; that of .* does not"),
        (lambda value: value * np.nan, "gives accuracies back; that of .* does not"),
        (lambda value: value[:3], "gives accuracies back; that of .* does not"),
        (lambda value: {}["x"], "gives accuracies back; that of .* fails: KeyError"),
    ],
)
def test_a_wrong_inverse_is_refused(inverse, message):
    class Own(Valuation):
        def evaluate(self, accuracy):
            accuracy = np.asarray(accuracy, dtype=float)
            return 100 * accuracy, 100 + 0 * accuracy, 0 * accuracy

        def inverse(self, value):
            return inverse(value)

    with pytest.raises(ValueError, match=message):
        make(valuation=Own())


def test_a_valuation_without_a_derivative_is_refused():
    class Root(Valuation):
        def evaluate(self, accuracy):
            r = np.asarray(accuracy, dtype=float)
            with np.errstate(all="ignore"):
                return 100 * np.sqrt(r), np.where(r > 0, 50 / np.sqrt(r), np.nan), -25 * r**-1.5

        def inverse(self, value):
            return (np.asarray(value) / 100) ** 2

    with pytest.raises(ValueError, match="valuation must have a derivative everywhere"):
        make(valuation=Root())


def test_problems_are_immutable_and_can_be_varied():
    problem = make()
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.n_parties = 3
    with pytest.raises(ValueError, match="read-only"):
        problem.costs[0] = 1.0
    assert dataclasses.replace(problem, n_parties=3).n_parties == 3


def test_probabilities_are_normalised_within_rounding_only():
    assert make(probabilities=[0.5, 0.5 + 4e-10]).probabilities.sum() == pytest.approx(1, abs=1e-16)


def test_autarky_of_the_published_settings():
    """Printed by the paper's authors; their contributions carry their optimiser's tolerance."""
    alone = autarky(make(probabilities=[0.2] * 5, costs=[0.2, 0.16, 0.12, 0.08, 0.04]))
    assert alone.contributions == pytest.approx(
        [148.06003631, 172.54378373, 210.15472005, 277.41393038, 445.70238734], rel=3e-5
    )
    assert alone.utilities == pytest.approx(
        [6.77009678, 13.15161373, 20.74508109, 30.34425719, 44.1605214], abs=2e-8
    )


# Book: def-autarky, prop-alone
@pytest.mark.parametrize("cost", [0.001, 0.05, 0.4, 0.49, 0.51, 0.58, 0.7, 3.0])
def test_autarky_against_a_fine_grid(cost):
    problem = make(costs=[cost], probabilities=[1.0])
    alone = autarky(problem)
    grid = np.concatenate([[0.0], np.geomspace(1, 1e6, 400_001)])
    profit = problem.model_value(grid) - cost * grid
    assert alone.utilities[0] == pytest.approx(profit.max(), abs=1e-6)
    assert alone.utilities[0] >= profit.max() - 1e-12
    gain = problem.model_value(alone.contributions) - cost * alone.contributions
    assert alone.utilities[0] == max(0.0, gain[0])


def test_autarky_when_a_model_comes_free():
    """With accuracy above zero without data, staying out is worth that."""

    class HeadStart(UserCurve):
        def evaluate(self, data):
            a, a1, a2 = super().evaluate(data)
            return 0.25 + 0.75 * a, 0.75 * a1, 0.75 * a2

    alone = autarky(make(accuracy=HeadStart(), costs=[5.0, 0.1]))
    assert alone.contributions[0] == 0
    assert alone.utilities[0] == 25.0
    assert alone.utilities[1] > 25.0


def test_data_so_dear_that_nothing_can_ever_be_trained_are_a_problem_like_any_other():
    problem = make(n_parties=2, costs=[10.0, 9.0])
    assert autarky(problem).contributions.tolist() == [0.0, 0.0]
    assert solve(problem).shape is Shape.NO_COLLABORATION


def test_what_is_given_is_kept():
    valuation = PowerValuation(80.0, 2.0)
    problem = make(n_parties=1, valuation=valuation, beliefs="own")
    assert (problem.n_parties, problem.valuation, problem.beliefs) == (1, valuation, "own")
    assert problem.reservation_utilities is None
    assert problem.outside_options.tolist() == autarky(problem).utilities.tolist()
    for array in (problem.costs, problem.probabilities):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.5


def test_outside_options_are_at_least_autarky():
    alone = autarky(make()).utilities
    assert alone.min() > 5
    better = make(reservation_utilities=[9.0, alone[1] - 1e-8])
    assert better.reservation_utilities.tolist() == [9.0, alone[1]]
    assert better.outside_options.tolist() == [9.0, alone[1]]
    assert better.better_outside.tolist() == [True, False]
    with pytest.raises(ValueError, match="read-only"):
        better.reservation_utilities[0] = 6.0
    for bad, message in (
        ([9.0], r"reservation_utilities must have one entry per cost, 2; got 1$"),
        ([9.0, np.inf], r"reservation_utilities must be finite; got \[9.0, inf\]$"),
        ([9.0, np.nan], r"reservation_utilities must not be NaN; got \[9.0, nan\]$"),
    ):
        with pytest.raises(ValueError, match=f"^{message}"):
            make(reservation_utilities=bad)
    low = [9.0, float(alone[1]) - 1e-6]
    with pytest.raises(ValueError, match="each type reaches alone") as error:
        make(reservation_utilities=low)
    assert str(error.value) == (
        f"reservation_utilities must be at least what each type reaches alone, {alone.tolist()};"
        f" got {low}"
    )


def test_costs_so_small_that_nothing_limits_data_are_refused():
    with pytest.raises(ValueError, match=r"^costs must not be that small; got \[0.2, 1e-310\]$"):
        make(costs=[0.2, 1e-310])


def test_alone_a_type_does_what_is_best_for_it():
    """Against a fine grid of data; the costlier type stays out."""
    problem = make(costs=[0.5, 0.05])
    alone = autarky(problem)
    data = np.linspace(0, 2000, 200_001)
    for i, cost in enumerate(problem.costs):
        gain = problem.model_value(data) - cost * data
        assert alone.utilities[i] == pytest.approx(gain.max(), abs=1e-6)
        assert alone.contributions[i] == pytest.approx(data[np.argmax(gain)], abs=0.5)
        accuracy = float(problem.accuracy(alone.contributions[i]))
        assert alone.accuracies[i] == pytest.approx(accuracy, abs=1e-12)
    assert (alone.contributions[0], alone.accuracies[0], alone.utilities[0]) == (0.0, 0.0, 0.0)


def test_outside_options_that_exceed_autarky_by_rounding_are_autarky():
    alone = autarky(Problem(1, [1.0], [0.2], GeneralizationBound()))
    for excess in (1e-15, 1e-13):
        problem = Problem(
            1, [1.0], [0.2], GeneralizationBound(),
            reservation_utilities=alone.utilities * (1 + excess),
        )  # fmt: skip
        assert not problem.better_outside.any()
        assert solve(problem).expected_accuracy == alone.accuracies[0]


def test_one_party_that_is_indifferent_takes_part():
    """The cost is the slope to the tangent point, exact in binary: 2 units, worth 50."""
    problem = Problem(1, [1.0], [25.0], PowerLaw(1.0, 1.0, 1.0))
    assert autarky(problem).contributions == pytest.approx([2.0])
    assert solve(problem).expected_accuracy == pytest.approx(0.5)
    assert solve_complete_information(problem).totals == pytest.approx([2.0])


class Step(Curve):
    """A smooth step, 1e-4 wide, between two of the points at which curves are checked."""

    optimum = 0.9

    def __init__(self, at):
        self.at = at

    def evaluate(self, data):
        s, width = np.asarray(data, dtype=float), 1e-4 * self.at
        left, z = np.exp(-s / 100), np.clip((s - self.at) / width, -700, 700)
        g = 1 / (1 + np.exp(-z))
        slope = g * (1 - g) / width
        return (
            0.5 * (1 - left) + 0.4 * g,
            0.005 * left + 0.4 * slope,
            -0.00005 * left + 0.4 * slope * (1 - 2 * g) / width,
        )


@pytest.mark.parametrize("at", [600.0, 605.0, 610.0, 900.0])
def test_a_step_between_the_points_of_the_check_is_seen_by_its_chord(at):
    """Its derivatives are flat at all points; but the curve rises by .4 between two of them."""
    grid = np.geomspace(1e-9, 1, 2001) * 2.0 ** np.ceil(np.log2(3 * 90 / 0.35))
    i = np.searchsorted(grid, at)
    with pytest.raises(ValueError, match="accuracy must be S-shaped"):
        Problem(3, [1.0], [0.35], Step(float(np.sqrt(grid[i] * grid[i + 1]))))


def test_what_bounds_rest_on_is_said_of_curves_that_are_not_the_librarys():
    class Stated(UserCurve):
        inflection = 0.0

    class Same(PowerLaw):
        """May do anything."""

    class Own(LinearValuation):
        """May do anything."""

    stated = 3, [0.5, 0.5], [0.2, 0.1]
    for curve, valuation, words in (
        (GeneralizationBound(), LinearValuation(), []),
        (UserCurve(), LinearValuation(), ["UserCurve being S-shaped also between"]),
        (Same(0.9, 1.0, 0.5), LinearValuation(), ["Same being S-shaped also between"]),
        (Stated(), LinearValuation(), ["Stated being convex up to S = 0 and concave"]),
        (GeneralizationBound(), Own(), ["Own of accuracy being S-shaped also between"]),
    ):
        contract = solve(Problem(*stated, curve, valuation))
        assert len(contract.rests_on) == len(words)
        for basis, word in zip(contract.rests_on, words, strict=True):
            assert basis.startswith(word)
            for text in (str(contract), repr(contract), contract._repr_html_()):
                assert f"given {basis}" in text


def test_a_stated_inflection_is_checked():
    class Wrong(UserCurve):
        inflection = 50.0  # it is concave before

    class Right(GeneralizationBound):
        inflection = 55.81

    Problem(3, [1.0], [0.2], Right())
    assert make(accuracy=Right()).accuracy.inflection == 55.81
    early = type("Early", (Right,), {"inflection": 300.0})
    for curve in (early(),):
        with pytest.raises(ValueError, match="accuracy must bend where it states its inflection"):
            make(accuracy=curve)
    with pytest.raises(ValueError, match="accuracy must bend where it states its inflection"):
        make(accuracy=Wrong())


def test_what_is_kept_of_a_problem_is_read_only():
    problem = Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    other = Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound(), max_data=[50, 90])
    better = Problem(
        10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound(), reservation_utilities=[10, 30]
    )
    names = ("outside_options", "mean_counts", "capacities", "better_outside", "costliest_first")
    for it in (problem, other, better):
        for name in names:
            with pytest.raises(ValueError, match="read-only"):
                getattr(it, name)[0] = 1


def test_a_curve_that_gives_single_numbers_is_refused_by_name():
    @dataclasses.dataclass(frozen=True)
    class Constant(Curve):
        optimum: float = 0.9

        def evaluate(self, data):
            return 1.0, 1.0, 1.0

    with pytest.raises(ValueError, match=r"in the shape of data, \(1001,\); Constant gives"):
        Problem(10, [0.5, 0.5], [0.2, 0.1], Constant())


def test_underflow_where_a_curve_is_flat_is_no_error():
    problem = Problem(10, [0.5, 0.5], [1e12, 1e-12], Saturating((0.9,), (0.011,)))
    with np.errstate(all="raise"):
        assert problem.outside_options.round(6).tolist() == [0.0, 90.0]


@pytest.mark.parametrize("probabilities", [[np.inf, 0.5], [1e308, 1e308], [np.inf, np.inf]])
def test_endless_probabilities_are_refused_without_a_warning(probabilities):
    with (
        warnings.catch_warnings(action="error"),
        pytest.raises(ValueError, match=r"^probabilities"),
    ):
        Problem(5, probabilities, [0.2, 0.1], GeneralizationBound())


def changed(change, **stated):
    """A curve whose parts are changed."""

    @dataclasses.dataclass(frozen=True)
    class Changed(Curve):
        optimum = stated.get("optimum", 0.9)
        inflection = stated.get("inflection")

        def evaluate(self, data):
            return change(PowerLaw(0.9, 0.9, 0.5, 1.0).evaluate(data))

    return Changed()


def valued(change):
    """A valuation whose parts are changed."""

    @dataclasses.dataclass(frozen=True)
    class Changed(Valuation):
        def evaluate(self, accuracy):
            return change(ExponentialValuation().evaluate(accuracy))

        def inverse(self, value):
            return ExponentialValuation().inverse(value)

    return Changed()


CHANGES = [
    (lambda parts: None, "evaluate to a tuple of its value, first and second derivative"),
    (lambda parts: 0.5, "evaluate to a tuple .* gives a float"),
    (lambda parts: parts[:1], "evaluate to a tuple .* gives a tuple of 1"),
    (lambda parts: tuple(part.tolist() for part in parts), "evaluate to three arrays"),
    (lambda parts: (0.5, 0.5, 0.5), "evaluate to arrays in the shape of"),
    (lambda parts: tuple(map(np.ma.asarray, parts)), "evaluate to three arrays"),
    (lambda parts: tuple(part.astype(object) for part in parts), "evaluate to real numbers"),
    (lambda parts: tuple(part.astype(str) for part in parts), "evaluate to real numbers"),
    (lambda parts: tuple(part + 0j for part in parts), "evaluate to real numbers"),
    (lambda parts: tuple(part.T.copy() for part in parts), "evaluate to arrays in the shape of"),
    (lambda parts: tuple(part.ravel() for part in parts), "evaluate to arrays in the shape of"),
    (lambda parts: (*parts[:2], 5 * parts[2]), "state its second derivative"),
    (lambda parts: (*parts[:2], 0 * parts[2]), "state its second derivative"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_what_curves_and_valuations_of_ones_own_evaluate_to_is_checked(change, message):
    own = {"accuracy": changed(change)}, {"accuracy": Arctan(), "valuation": valued(change)}
    for given, name in zip(own, ("accuracy", "valuation"), strict=True):
        with pytest.raises(ValueError, match=f"^{name} must {message}"):
            Problem(5, [0.5, 0.5], [0.2, 0.1], **given)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        *(({"inflection": it}, "must have an inflection >= 0") for it in (np.nan, "x", -1, True)),
        *(({"optimum": it}, r"must have an optimum in \(0, 1\]") for it in
          ("x", None, np.nan, np.array([0.9, 0.9]))),
    ],
)  # fmt: skip
def test_what_a_curve_of_ones_own_states_is_checked(stated, message):
    with pytest.raises(ValueError, match=message):
        Problem(5, [0.5, 0.5], [0.2, 0.1], changed(lambda parts: parts, **stated))
    assert Problem(5, [0.5, 0.5], [0.2, 0.1], changed(lambda parts: parts, inflection=0)).n_types
