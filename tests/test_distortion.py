import numpy as np
import pytest

from paid_with_models import GeneralizationBound, Problem, solve
from paid_with_models.distortion import contributions_without_incentives
from paid_with_models.solver.expectations import moments_at


@pytest.mark.parametrize("beliefs", ["paper", "own"])
@pytest.mark.parametrize("limited", [False, True])
def test_without_incentive_constraints_no_menu_asks_more_of_anybody(beliefs, limited):
    limits = [40.0, np.inf, 300.0] if limited else None
    problem = Problem(
        6,
        [0.5, 0.3, 0.2],
        [0.3, 0.15, 0.06],
        GeneralizationBound(),
        beliefs=beliefs,
        max_data=limits,
    )
    most = contributions_without_incentives(problem)
    accuracy, caps = moments_at(problem, most)
    f, c = problem.outside_options, problem.costs
    at_limit = most == problem.capacities
    np.testing.assert_allclose((f + c * most)[~at_limit], caps[~at_limit], rtol=1e-10)
    assert np.all(f + c * most <= caps * (1 + 1e-12))
    assert at_limit.any() == limited
    assert accuracy > solve(problem).expected_accuracy
    rng = np.random.default_rng(1)
    kept = 0
    for _ in range(300):
        other = np.minimum(most * rng.uniform(0.3, 1.5, 3), problem.capacities)
        if np.all(f + c * other <= moments_at(problem, other)[1]):
            kept += 1
            assert np.all(other <= most * (1 + 1e-9))
    assert kept > 20


def test_without_incentive_constraints_nobody_joins_where_no_total_pays():
    problem = Problem(10, [1.0], [5.0], GeneralizationBound())
    assert contributions_without_incentives(problem).tolist() == [0.0]
