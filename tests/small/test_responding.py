"""A total whoever joins, for two types: against the library, and its translation against it."""

import json
import math

import numpy as np
import pytest

from paid_with_models import GeneralizationBound, Problem
from paid_with_models.beyond.quotas import ConstantQuotas
from paid_with_models.beyond.responsive import solve_responsive
from paid_with_models.small import generalization_bound
from paid_with_models.small.responding import constant_total, quotas
from pwm_companion.explorables.directive import OWN, sources
from pwm_companion.explorables.to_javascript import translate

from .test_explorable import HOME, NODE, printed

VALUE = 100.0
CURVE = generalization_bound(1.0, 1.0)


def problems():
    """Random problems of two types, the costlier first."""
    rng = np.random.default_rng(11)
    for _ in range(150):
        costs = np.sort(np.exp(rng.uniform(math.log(0.005), math.log(1.5), 2)))[::-1]
        p = float(rng.uniform(0.05, 0.95))
        n = int(rng.choice([2, 3, 5, 10, 20, 40]))
        yield Problem(n, [1 - p, p], costs, GeneralizationBound(), beliefs="own")


def arguments(problem):
    costs, outside = problem.costs / VALUE, problem.outside_options / VALUE
    return float(problem.probabilities[1]), costs.tolist(), outside.tolist()


def found_for(problem):
    p, costs, outside = arguments(problem)
    return constant_total(problem.n_parties, CURVE, p, costs, outside)


def test_the_total_is_the_one_that_the_library_finds():
    seen = {"total": 0, "tiers": 0, "none": 0}
    for problem in problems():
        there, here = solve_responsive(problem, total="constant"), found_for(problem)
        rule = there.quotas
        if not isinstance(rule, ConstantQuotas) or rule.carried_out < 1:
            # A menu is better, or the total is small and at stake in a lottery.
            seen["none"] += 1
            assert here.accuracy <= there.expected_accuracy + 1e-8
            continue
        seen["total"] += 1
        assert here.accuracy == pytest.approx(there.expected_accuracy, abs=1e-8)
        none = 1e-7 * here.total
        np.testing.assert_allclose(here.means, there.contributions, rtol=1e-5, atol=none)
        n = problem.n_parties
        seen["tiers"] += here.ratio == math.inf
        for low in range(n + 1):
            expected = rule.quotas([n - low, low])
            present = np.array([low < n, low > 0])
            if not expected.any():  # so rare that the library collects nothing then
                assert problem.probabilities[0] ** n < 1e-9
                continue
            np.testing.assert_allclose(
                np.array(quotas(here, n, low))[present], expected[present], rtol=2e-4, atol=none
            )
    assert seen["total"] > 60
    assert min(seen.values()) > 3


def test_quotas_add_up_and_have_their_means():
    for problem in problems():
        found, n = found_for(problem), problem.n_parties
        if found.total == 0:
            continue
        p = problem.probabilities[1]
        means = np.zeros(2)
        for low in range(n + 1):
            give = quotas(found, n, low)
            assert (n - low) * give[0] + low * give[1] == pytest.approx(found.total)
            chance = math.comb(n, low) * p**low * (1 - p) ** (n - low)
            means += chance * np.array([n - low, low]) * give / (n * problem.probabilities)
        np.testing.assert_allclose(means, found.means, rtol=1e-6, atol=1e-9 * found.total)


def test_everybody_is_willing():
    for problem in problems():
        _, costs, outside = arguments(problem)
        found = found_for(problem)
        if found.total == 0:
            continue
        given = np.outer(costs, found.means)  # [i][j]: what j's quota costs type i
        rewards = [given[0, 0] + outside[0], max(
            given[1, 1] + outside[1], given[1, 1] + outside[0] + given[0, 0] - given[1, 0]
        )]  # fmt: skip
        assert max(rewards) <= found.accuracy * (1 + 1e-9)
        assert rewards[1] - given[0, 1] <= rewards[0] - given[0, 0] + 1e-9


@pytest.mark.skipif(NODE is None, reason="left out: no Node on this machine to run JavaScript")
def test_the_translation_agrees_with_the_python():
    cases = [(p.n_parties, *arguments(p)) for p in problems()]
    function, modules = OWN["responding"]
    script = f"""
      {translate(function, sources(HOME, modules))}
      const C = {function}(), curve = C.generalization_bound(1, 1);
      console.log(JSON.stringify({json.dumps(cases)}.map(([n, p, c, f]) => {{
        const found = C.constant_total(n, curve, p, c, f);
        return [found.total, found.accuracy, ...found.means, ...C.quotas(found, n, 1)];
      }})));
    """
    for (n, *case), page in zip(cases, printed(script), strict=True):
        found = constant_total(n, CURVE, *case)
        here = [found.total, found.accuracy, *found.means, *quotas(found, n, 1)]
        np.testing.assert_allclose(page, here, rtol=1e-9, atol=1e-9)
