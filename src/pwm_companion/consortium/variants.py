"""What a report says besides the contract: how rewards vary, and what assumptions matter."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from paid_with_models import (
    Arctan,
    Audit,
    Contract,
    Curve,
    GeneralizationBound,
    LinearValuation,
    PoissonParties,
    PowerLaw,
    PowerValuation,
    Problem,
    Saturating,
    UnlikeParties,
    audit,
    autarky,
)
from paid_with_models.accuracy import FloatArray
from paid_with_models.beyond.commitment import value_of_response
from paid_with_models.beyond.curve_forms import fit_form
from paid_with_models.beyond.measured_curves import LearningCurve
from paid_with_models.beyond.turnout import draw_others, stated_law
from paid_with_models.solver.capacities import MOST_BETTER
from paid_with_models.solver.selection import NODES

from .file import Consortium

#: Outcomes drawn for the distributions of rewards, and where the draws start.
DRAWS, SEED = 20_000, 1

#: Shown of a distribution: these shares lie below.
LEVELS = (0.05, 0.25, 0.75, 0.95)

#: Sensitivity: costs, number of parties, values and data needed change by this; the best accuracy
#: goes down by that, and outside options go up.
STEP, WORSE = 0.2, 0.05

#: Sensitivity to the kind of curve: a power law, of four parameters, fitted to so many points.
ENOUGH = 5

#: Sensitivity to the curve: that of the lower and upper edge of a band of this level.
BAND = 0.9


#: Sensitivity to a value proportional to accuracy: it grows as this power. Expectations then take
#: an enumeration of who may turn up: it is left out if there are more outcomes.
POWER, COUNTABLE = 1.5, 20_000

#: With up to so many types whose outside options are better than going alone the search for who
#: takes part is complete, in the contract and in its variants; with more it examines so many nodes.
COMPLETE, NODES_OF_MANY = (6, 4), 1


def search_limit(problem: Problem, *, variant: bool = False) -> int:
    """Return how many nodes the search for who takes part may examine in a report.

    A report is made in seconds: with many types that have something better outside it says how
    much better a contract could be, where `solve` would take minutes to find out.
    """
    many = int(problem.better_outside.sum()) > COMPLETE[variant]
    return NODES_OF_MANY if many else NODES


#: RESPONSES: who may join, times whose outside options are accepted, up to which a report works out
#: what responding is worth; that takes some seconds.
RESPONSES = 40_000


def responding(consortium: Consortium, contract: Contract) -> list[str]:
    """Say what contributions that respond to who joins would add, or why that is not known.

    Parameters
    ----------
    consortium : Consortium
    contract : Contract
        For its problem.
    """
    problem = contract.problem
    if problem.max_data is not None:
        return ["What that would add is not worked out where parties have only so much data."]
    if problem.attendance is not None:
        return ["What that would add is worked out for independent draws of the parties alone."]
    n, better = problem.n_parties, int(problem.better_outside.sum())
    outcomes = math.comb(n + problem.n_types - 1, n)
    if better and outcomes * 2**better > RESPONSES:
        ways = f"{outcomes * 2**better:,} ways"
        why = "who joins and who stays with something better outside can come about in"
        return [f"What that would add is not worked out here: {why} {ways}."]
    found = value_of_response(contract)
    return found.sentences(baseline=consortium.baseline, data_unit=consortium.data_unit)


@dataclass(frozen=True, eq=False)
class Spread:
    """Values of the models that each type gets, by the proportional assignment, in draws.

    Attributes
    ----------
    levels : (I, 4) ndarray
        Values below which the shares `LEVELS` of the draws lie.
    means : (I,) ndarray
        Of the draws.
    accuracies : (I,) ndarray
        Mean accuracy of each type's model.
    """

    levels: FloatArray
    means: FloatArray
    accuracies: FloatArray


def reward_spread(contract: Contract, draws: int = DRAWS) -> Spread | None:
    """Draw who turns up, and say how the value of each type's model varies; None if it does not.

    Parameters
    ----------
    contract : Contract
    draws : int >= 1

    Returns
    -------
    Spread

    Examples
    --------
    >>> from paid_with_models import solve
    >>> contract = solve(Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()))
    >>> bool(np.all(np.abs(reward_spread(contract).means - contract.rewards) < 0.5))
    True
    """
    problem = contract.problem
    if problem.types_are_known:
        return None
    every = draw_others(problem, draws, np.random.default_rng(SEED))
    levels, means, accuracies = [], [], []
    for i, (cap, others) in enumerate(zip(contract.reward_caps, every, strict=True)):
        worth = problem.model_value((others @ contract.contributions) + contract.contributions[i])
        values = worth * (contract.rewards[i] / cap if cap > 0 else 0.0)
        # Given n_i >= 1 an outcome is 1 / n_i times as likely as to a party that knows its type.
        weights = 1 / (others[:, i] + 1.0) if problem.beliefs == "paper" else np.ones(draws)
        order = np.argsort(values)
        below = np.cumsum(weights[order]) / weights.sum()
        at = np.minimum(np.searchsorted(below, LEVELS), draws - 1)
        levels.append(values[order][at])
        means.append(np.average(values, weights=weights))
        accuracies.append(np.average(problem.valuation.inverse(values), weights=weights))
    return Spread(np.array(levels), np.array(means), np.array(accuracies))


def audit_present(consortium: Consortium, best: Contract) -> Audit:
    """Audit the scheme in use; types that give nothing and get nothing are left out.

    Parameters
    ----------
    consortium : Consortium
    best : Contract
        For its problem.

    Returns
    -------
    Audit

    Raises
    ------
    ValueError
        If no scheme in use is stated.
    """
    if consortium.present is None:
        raise ValueError("consortium must state the scheme in use, present; got None")
    contributions, rewards = consortium.present
    out = np.flatnonzero((contributions == 0) & (rewards == 0)).tolist()
    return audit(consortium.problem, contributions, rewards, left_out=out, best=best)


def variants(
    problem: Problem, fit: LearningCurve | None = None, stated: FloatArray | None = None
) -> dict[str, Problem]:
    """Return the same problem with one assumption changed at a time.

    Parameters
    ----------
    problem : Problem
    fit : LearningCurve, optional
        The fit of its curve: a power law is fitted to the same points, and the edges of the band
        stand for the curve.
    stated : (I,) ndarray, optional
        What types are stated to have outside, as `Consortium` has it: it stays, but is at least
        what each type reaches alone. By default the problem's own outside options.
    """
    if stated is None:
        stated = problem.reservation_utilities

    def changed(**changes: Any) -> Problem:
        return _changed(problem, stated, **changes)

    costs, curve = problem.costs, problem.accuracy
    by = f"{STEP * 100:.0f} %"
    outside = autarky(problem).utilities
    if problem.reservation_utilities is not None:
        outside = np.maximum(problem.reservation_utilities, outside)
    found = {
        f"Costs {by} lower": changed(costs=costs * (1 - STEP)),
        f"Costs {by} higher": changed(costs=costs * (1 + STEP)),
    }
    found |= {name: changed(law=law) for name, law in _laws(problem).items()}
    if problem.max_data is None or problem.n_types <= MOST_BETTER:
        found[f"Outside options {WORSE * 100:.0f} % better"] = changed(
            reservation_utilities=outside * (1 + WORSE)
        )
    found[f"Best accuracy {WORSE * 100:.0f} % lower"] = changed(accuracy=_lower(curve))
    bound = isinstance(curve, GeneralizationBound)
    slower = f"Complexity {by} higher" if bound else f"{by} more data for the same accuracy"
    found[slower] = changed(accuracy=_slower(curve))
    if fit is not None:
        for edge, name in zip(fit.edges(BAND), ("lower", "upper"), strict=True):
            of_band = f"The {name} edge of the {BAND * 100:g} % band of the curve"
            found[of_band] = changed(accuracy=edge)
        if (power_law := _power_law(fit)) is not None:
            found["A power law through the measured points"] = changed(accuracy=power_law)
    for sign, name in ((-1, "lower"), (1, "higher")):
        worth: Any = problem.valuation  # those of the library have a scale
        worth = replace(worth, scale=worth.scale * (1 + sign * STEP))
        found[f"Models' value {by} {name}"] = changed(valuation=worth)
    if isinstance(problem.valuation, LinearValuation) and problem.n_outcomes <= COUNTABLE:
        worth = PowerValuation(problem.valuation.scale, POWER)
        # A power of a sum of exponentials need not be S-shaped: then it is left out.
        with suppress(ValueError):
            found[f"Value grows as accuracy to the power {POWER:g}"] = changed(valuation=worth)
    if problem.types_are_known:
        return found
    if problem.beliefs == "paper":
        found["Parties hold their own beliefs"] = changed(beliefs="own")
    else:
        found["Parties know that their type is present"] = changed(beliefs="paper")
    return found


def _laws(problem: Problem) -> dict[str, dict[str, Any]]:
    """Others may turn up, or more or fewer; where parties are known these are they."""
    p, costs = problem.probabilities, problem.costs
    tilts = {}
    for name, k in {"cheapest": np.argmin(costs), "costliest": np.argmax(costs)}.items():
        tilted = p * (1 + STEP * (np.arange(p.size) == k))
        if p.size > 1:
            tilts[f"The {name} type {STEP * 100:.0f} % more likely"] = tilted / tilted.sum()
    match problem.attendance:
        case None:
            n = problem.n_parties
            fewer, more = max(1, round(n * (1 - STEP))), max(n + 1, round(n * (1 + STEP)))
            numbers = [fewer, more] if fewer < n else [more]
            drawn = {f"{number} parties": (number, p) for number in numbers}
            drawn |= {name: (n, tilted) for name, tilted in tilts.items()}
            return {
                name: {"n_parties": number, "probabilities": shares}
                for name, (number, shares) in drawn.items()
            }
        case PoissonParties(mean=mean):
            means = [mean * (1 - STEP), mean * (1 + STEP)]
            laws = {f"{it:.4g} parties on average": PoissonParties(it, p) for it in means}
            laws |= {name: PoissonParties(mean, tilted) for name, tilted in tilts.items()}
            return {name: {"attendance": law} for name, law in laws.items()}
        case UnlikeParties(numbers=stated, probabilities=shares):
            of_group, mixes = np.asarray(stated), np.asarray(shares)
            largest = np.arange(of_group.size) == of_group.argmax()
            of_groups = {}
            for change in (-STEP, STEP):
                other = np.maximum(np.round(of_group * (1 + change)), 1.0)
                if np.array_equal(other, of_group):  # of small groups one party more, or less
                    other = np.maximum(of_group + largest * np.sign(change), 1.0)
                if not np.array_equal(other, of_group):
                    of_groups[f"{other.sum():.0f} parties"] = UnlikeParties(other, mixes)
            for name, tilted in tilts.items():
                leaning = mixes * tilted / p
                leaning /= leaning.sum(axis=1, keepdims=True)
                of_groups[name] = UnlikeParties(of_group, leaning)
            return {name: {"attendance": law} for name, law in of_groups.items()}
    return {}


def _power_law(fit: LearningCurve) -> PowerLaw | None:
    """A power law of the gain over the baseline; None for too few points, or for a flat one."""
    positive = fit.sizes > 0
    if positive.sum() < ENOUGH:
        return None
    gains = np.maximum(fit.accuracies - fit.baseline, 0.0)[positive]
    law = fit_form("pow4", fit.sizes[positive], gains)
    if not (law.drop > 0 and law.optimum > 0):
        return None
    return PowerLaw(law.optimum, law.drop, law.exponent, law.scale)


def _changed(problem: Problem, outside: FloatArray | None, **changes: Any) -> Problem:
    """Change a problem; outside options stay, but are at least what each type reaches alone."""
    fields = ("costs", "accuracy", "valuation", "beliefs", "max_data")
    stated = {name: changes.get(name, getattr(problem, name)) for name in fields}
    stated |= changes.get("law", stated_law(problem))
    changed = Problem(**stated)
    outside = changes.get("reservation_utilities", outside)
    if outside is None:
        return changed
    better = np.maximum(outside, autarky(changed).utilities)
    return Problem(**stated, reservation_utilities=better)


def _lower(curve: Curve) -> Curve:
    """Return a curve of lower best accuracy; the way there scales too, but in the bound."""
    kept = 1 - WORSE
    match curve:
        case Saturating():
            return replace(curve, weights=tuple(kept * w for w in curve.weights))
        case PowerLaw():
            return replace(curve, optimum=kept * curve.optimum, scale=kept * curve.scale)
        case GeneralizationBound() | Arctan():
            return replace(curve, optimum=kept * curve.optimum)
    raise ValueError(f"accuracy must be a curve of the library; got {curve!r}")


def _slower(curve: Curve) -> Curve:
    """Return the curve that needs more data, by `STEP`, for every accuracy.

    The generalization bound has no such; its complexity is raised.
    """
    more = 1 + STEP
    match curve:
        case Saturating():
            return replace(curve, rates=tuple(rate / more for rate in curve.rates))
        case PowerLaw():
            scale, offset = curve.scale * more**curve.exponent, curve.offset * more
            return replace(curve, scale=scale, offset=offset)
        case GeneralizationBound():
            return replace(curve, complexity=curve.complexity * more)
        case Arctan():
            return replace(curve, rate=curve.rate / more)
    raise ValueError(f"accuracy must be a curve of the library; got {curve!r}")
