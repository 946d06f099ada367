"""Menus of one or two options for many types and few parties."""

import numpy as np
import pytest

from paid_with_models import GeneralizationBound, Problem, menu_residuals, solve


@pytest.mark.parametrize("beliefs", ["paper", "own"])
def test_dear_types_are_left_at_nothing(beliefs):
    """One option for the cheapest six types is feasible and trains a model; so must the answer."""
    costs, shares = np.geomspace(8, 0.3, 20), np.full(20, 0.05)
    problem = Problem(10, shares, costs, GeneralizationBound(), beliefs=beliefs)
    one_option = np.where(np.arange(20) >= 14, 60.335, 0.0)
    counts = np.random.default_rng(0).multinomial(10, shares, size=100_000)
    reached = GeneralizationBound()(counts @ one_option).mean()
    contract = solve(problem)
    assert contract.expected_accuracy >= (reached - 0.005 if beliefs == "paper" else 0.0)
    residuals = menu_residuals(problem, contract.contributions, contract.rewards)
    assert residuals.largest <= 1e-9
    counted = GeneralizationBound()(counts @ contract.contributions)
    error = 5 * counted.std() / np.sqrt(len(counts))
    assert contract.expected_accuracy <= counted.mean() + error
    assert contract.upper_bound >= contract.expected_accuracy
