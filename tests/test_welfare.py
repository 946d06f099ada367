import numpy as np
import pytest

from paid_with_models import (
    Arctan,
    GeneralizationBound,
    Problem,
    autarky,
    free_riding,
    information_cost,
    information_rents,
    solve,
    solve_complete_information,
)


# Book: cor-no-rent
def test_rents_are_what_is_kept_beyond_the_outside_option():
    problem = Problem(10, [0.5, 0.5], [0.02, 0.01], GeneralizationBound())
    contract, complete = solve(problem), solve_complete_information(problem)
    rents = information_rents(contract, complete)
    assert rents == pytest.approx(contract.utilities - contract.reservation_utilities)
    assert np.all(rents >= 0)
    gap = complete.expected_value - contract.expected_value
    assert information_cost(contract, complete) == pytest.approx(-gap)
    assert gap > 0


# Book: obs-not-a-bound
def test_information_cost_can_be_of_either_sign_but_rents_cannot():
    """Complete information asks IR in every outcome, the menu only on average."""
    problem = Problem(3, [0.9097, 0.0903], [0.7539, 0.0419], GeneralizationBound())
    contract, complete = solve(problem), solve_complete_information(problem)
    assert information_cost(contract, complete) > 30
    assert np.all(information_rents(contract, complete) >= 0)


# Book: def-free-riding, prop-free-riding
@pytest.mark.parametrize("accuracy", [GeneralizationBound(), Arctan(rate=0.01)])
def test_nobody_gains_by_deviating_from_the_free_riding_equilibrium(accuracy):
    problem = Problem(10, [0.2, 0.3, 0.5], [0.3, 0.1, 0.05], accuracy)
    equilibrium = free_riding(problem, [2, 3, 0])
    assert np.isnan(equilibrium.contributions[2])
    assert equilibrium.contributions[0] == 0
    assert equilibrium.total == pytest.approx(3 * equilibrium.contributions[1])
    for i in range(2):
        own = equilibrium.contributions[i]
        deviations = np.linspace(0, 4000, 400_001)
        gain = problem.model_value(equilibrium.total - own + deviations)
        gain = gain - problem.costs[i] * deviations
        assert gain.max() <= equilibrium.utilities[i] + 1e-7


# Book: prop-free-riding
def test_collaboration_trains_no_better_a_model_than_its_cheapest_member_alone():
    problem = Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    alone = autarky(problem)
    assert free_riding(problem, [5, 5]).accuracy == pytest.approx(alone.accuracies[1])
    assert free_riding(problem, [10, 0]).accuracy == pytest.approx(alone.accuracies[0])


# Book: prop-coordination
def test_nobody_contributes_where_nobody_would_alone():
    problem = Problem(10, [0.5, 0.5], [1.0, 0.7], GeneralizationBound())
    equilibrium = free_riding(problem, [5, 5])
    assert equilibrium.total == 0
    assert equilibrium.utilities.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("counts", [[5], [5, -1], [0, 0], [[1, 1]]])
def test_bad_counts_are_refused(counts):
    problem = Problem(10, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    with pytest.raises(ValueError, match="counts must be 2 non-negative numbers of parties"):
        free_riding(problem, counts)
