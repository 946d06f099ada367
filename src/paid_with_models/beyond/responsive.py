r"""Contributions that respond: the best mechanism in which quotas, too, depend on who joins.

A menu fixes what a party contributes before it is known who else comes; only rewards respond. By
the revelation principle every mechanism is as good as a direct one, in which both may depend on
all reports: the contribution :math:`m_i(n)`, the *quota*, as well as the model :math:`r_i(n)`.
Parties choose first, are told their quotas then, and are bound to them. :func:`solve_responsive`
finds the best of these mechanisms, with individual rationality and incentive compatibility in the
mean as for a menu, and proves how good it is.

Where outcomes can be enumerated the convex program is solved over all of them
(:mod:`~paid_with_models.beyond.response_program`). Elsewhere one total in every outcome comes
close, with a bound that needs no outcome (:mod:`~paid_with_models.beyond.constant_total`).

In between lie quotas that see only how many joined, quotas of at most so much, and quotas in whole
samples (:func:`whole_quotas`).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from ..accuracy import BoolArray, FloatArray, IntArray
from ..arguments import ReadOnly, one_of, real, reals
from ..contract import Contract, Status
from ..problem import Problem, autarky, check_problem
from ..solver.chain import least_utilities
from ..solver.routes import solve
from ..texts import brief
from .constant_total import (
    ConstantTotal,
    bound_without_outcomes,
    constant_total,
    hall_slack,
    mean_shares,
    share_weights,
)
from .joining import KEPT, KeptConstraints, Law, law_of
from .quotas import ConstantQuotas, FixedQuotas, QuotaTable, ShareRule, whole_quotas
from .response_program import Incentives, Outcomes, maximize_response, response_bound

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ConstantQuotas",
    "FixedQuotas",
    "QuotaTable",
    "RespondsTo",
    "ResponsiveContract",
    "solve_responsive",
    "whole_quotas",
]

#: PROVED: gap, in units of accuracy, up to which a mechanism is called optimal. The program is
#: solved to about 1e-9.
PROVED = 1e-7

#: ENTRIES: outcomes times squared types up to which the program is solved over all outcomes: some
#: seconds and half a gigabyte.
ENTRIES = 1_000_000

#: CHOICES: types with outside options better than autarky up to which all selections are tried.
CHOICES = 6

#: ELSEWHERE: price of value from elsewhere where nobody knows whether outside options can be met,
#: in accuracy per value of the best model. Prices of caps are below 1 in all problems seen.
ELSEWHERE = 1e3

RespondsTo = Literal["types", "number", "nothing"]

#: Columns of :meth:`ResponsiveContract.to_frame` with their units.
UNITS = {
    "cost": "value per unit of data",
    "probability": "",
    "contributions": "units of data",
    "rewards": "value",
    "utilities": "value",
    "reservation_utilities": "value",
    "reward_caps": "value",
    "participates": "",
    "certain_rewards": "",
}


@dataclass(frozen=True, eq=False, repr=False)
class ResponsiveContract(ReadOnly):
    """A mechanism with quotas that respond, and its proof; types in the order of the problem.

    Attributes
    ----------
    problem : Problem
    responds_to : {"types", "number", "nothing"}
        What quotas may depend on.
    joining : float
        Probability that each of the N parties joins.
    quotas : QuotaTable, ConstantQuotas or FixedQuotas
        Who gives how much: ``contract.quotas.quotas(counts)``.
    contributions : (I,) ndarray
        Mean quota as each type expects it, units of data.
    rewards, utilities : (I,) ndarray
        t_i = E[v(r_i)] and u_i = t_i - c_i times the mean quota, units of value.
    reservation_utilities : (I,) ndarray
    reward_caps : (I,) ndarray
        E[v(a(S))] as each type expects it, the most that t_i could be; 0 for a type left out.
    participates : (I,) ndarray of bool
        False for a type that keeps its outside option.
    certain_rewards : (I,) ndarray of bool
        Whether a model worth t_i can be promised for certain, since none of the collective models
        that a party of the type may see is worth less.
    expected_accuracy : float
        E[a(S)].
    upper_bound, gap : float
        No mechanism whose quotas respond to no more than this reaches more than ``upper_bound``.
    status : Status
        OPTIMAL if the gap is at most 1e-7.
    """

    problem: Problem
    responds_to: RespondsTo
    joining: float
    quotas: QuotaTable | ConstantQuotas | FixedQuotas
    contributions: FloatArray
    rewards: FloatArray
    utilities: FloatArray
    reservation_utilities: FloatArray
    reward_caps: FloatArray
    participates: BoolArray
    certain_rewards: BoolArray
    expected_accuracy: float
    upper_bound: float
    gap: float
    status: Status

    def __repr__(self) -> str:
        n_parties, n_types = self.problem.n_parties, self.problem.n_types
        return (
            f"<ResponsiveContract of {n_parties} parties, {n_types} types, responds to"
            f" {self.responds_to}: expected accuracy {self.expected_accuracy:.6g},"
            f" {self.status.name.lower()}, gap {self.gap:.2g}>"
        )

    def to_frame(self) -> pd.DataFrame:
        """The means that each type expects as a pandas table, a row a type.

        Returns
        -------
        DataFrame
            Columns are named as the attributes are; ``attrs["units"]`` has their units.

        Examples
        --------
        >>> from paid_with_models import GeneralizationBound
        >>> problem = Problem(4, [0.5, 0.5], [0.2, 0.05], GeneralizationBound(), beliefs="own")
        >>> solve_responsive(problem).to_frame()["contributions"].round(1).to_dict()
        {'type 1': 221.8, 'type 2': 839.1}
        """
        import pandas as pd

        columns = {"cost": self.problem.costs, "probability": self.problem.probabilities}
        columns |= {name: getattr(self, name) for name in UNITS if name not in columns}
        index = [f"type {i + 1}" for i in range(self.problem.n_types)]
        frame = pd.DataFrame(columns, index=index)
        frame.attrs["units"] = dict(UNITS)
        return frame

    @property
    def promised_accuracies(self) -> FloatArray:
        """Accuracy of a model worth t_i, (I,): what each type gets where its reward is certain."""
        return self.problem.valuation.inverse(self.rewards)


def solve_responsive(
    problem: Problem,
    *,
    responds_to: RespondsTo = "types",
    total: Literal["free", "constant"] = "free",
    joining: float = 1.0,
    largest_quota: npt.ArrayLike | None = None,
) -> ResponsiveContract:
    """The best mechanism with quotas that respond to who joins, with a proof of how good it is.

    Parameters
    ----------
    problem : Problem
        If ``max_data`` limits quotas, then those of all types alike.
    responds_to : {"types", "number", "nothing"}
        Quotas may depend on how many of each type joined, on how many joined in all, or on
        nothing (a menu; with ``joining`` 1 see :func:`~paid_with_models.solve`).
    total : {"free", "constant"}
        "constant" asks for the same total whoever joins, under own beliefs: a rule of one number
        a type, and certain rewards. Its bound holds for free totals as well.
    joining : float in (0, 1]
        Probability that each of the N parties joins; the others contribute and get nothing. With
        less than 1 the number that joined is random.
    largest_quota : float or (I,) array_like > 0, optional
        The most data that a party (of each type) can be asked for.

    Returns
    -------
    ResponsiveContract

    Raises
    ------
    ValueError
        If an argument is out of its range; or if outcomes are too many to enumerate and the
        arguments ask for more than a constant total can give.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> problem = Problem(10, [0.5, 0.5], [0.2, 0.05], GeneralizationBound(), beliefs="own")
    >>> contract = solve_responsive(problem)
    >>> round(contract.expected_accuracy, 6), contract.status.name
    (0.888573, 'OPTIMAL')
    >>> steady = solve_responsive(problem, total="constant")
    >>> steady.quotas.quotas([5, 5]).round(1).tolist(), steady.certain_rewards.tolist()
    ([196.2, 1002.0], [True, True])
    """
    check_problem(problem)
    problem.check_draws()
    joining = real("joining", joining)
    most = _checked(problem, responds_to, total, joining, largest_quota)
    n = problem.n_parties
    if n == 1:
        return _alone(problem, responds_to)
    columns = problem.n_types + (joining < 1)
    outcomes = min(math.comb(n + columns - 1, columns - 1), 10**300)
    if total == "constant" or outcomes * problem.n_types**2 > ENTRIES:
        if joining < 1 or responds_to != "types" or np.isfinite(most).any():
            raise ValueError(
                f"n_parties = {n} and n_types = {problem.n_types} have {outcomes:.4g} outcomes,"
                " more than can be enumerated: joining must be 1, responds_to 'types', quotas free"
            )
        if problem.better_outside.any():
            raise ValueError(
                "reservation_utilities must be those of autarky for a constant total; got"
                f" {problem.outside_options.tolist()}"
            )
        return _without_outcomes(problem)
    return _over_outcomes(problem, responds_to, joining, most)


def _checked(
    problem: Problem,
    responds_to: str,
    total: str,
    joining: float,
    largest_quota: npt.ArrayLike | None,
) -> FloatArray:
    """The largest quota of each type, with all arguments checked."""
    one_of("responds_to", responds_to, ("types", "number", "nothing"))
    one_of("total", total, ("free", "constant"))
    if not 0 < joining <= 1:
        raise ValueError(f"joining must be in (0, 1]; got {joining!r}")
    if total == "constant" and (problem.beliefs != "own" or responds_to != "types" or joining < 1):
        raise ValueError(
            "total must be 'free' unless beliefs are 'own', responds_to is 'types' and joining 1;"
            f" got {total!r}"
        )
    if np.any((limits := problem.capacities) != problem.capacities[0]):
        raise ValueError(
            "max_data must be the same for all types here; or leave it out and state largest_quota:"
            f" then nobody gains by passing for another, even if it cannot; got {limits.tolist()}"
        )
    if largest_quota is None:
        return limits
    most = reals("largest_quota", largest_quota)
    if most.shape not in ((), (problem.n_types,)) or not np.all(most > 0):
        raise ValueError(
            "largest_quota must be one positive number, or one per cost,"
            f" {problem.n_types}; got {brief(most.tolist())}"
        )
    if np.any(most < (alone := autarky(problem).contributions)):
        raise ValueError(
            "largest_quota must be at least what each type trains on alone,"
            f" {alone.tolist()}; got {most.tolist()}"
        )
    return np.asarray(np.minimum(np.broadcast_to(most, alone.shape), limits))


def _alone(problem: Problem, responds_to: RespondsTo) -> ResponsiveContract:
    """One party: autarky is the only mechanism, and the outside option if that is better."""
    contract = solve(problem)
    quotas = FixedQuotas(contract.contributions)
    return _contract(
        problem, responds_to, 1.0, quotas, contract.contributions, contract.utilities,
        contract.reward_caps, contract.participates, contract.participates,
        contract.expected_accuracy, contract.upper_bound,
    )  # fmt: skip


def _contract(
    problem: Problem,
    responds_to: RespondsTo,
    joining: float,
    quotas: QuotaTable | ConstantQuotas | FixedQuotas,
    contributions: FloatArray,
    utilities: FloatArray,
    caps: FloatArray,
    participates: BoolArray,
    certain: BoolArray,
    accuracy: float,
    bound: float,
) -> ResponsiveContract:
    gap = max(min(bound, problem.accuracy.optimum) - accuracy, 0.0)
    rewards = np.where(participates, utilities + problem.costs * contributions, 0.0)
    return ResponsiveContract(
        problem=problem,
        responds_to=responds_to,
        joining=joining,
        quotas=quotas,
        contributions=contributions,
        rewards=rewards,
        utilities=utilities,
        reservation_utilities=problem.outside_options.copy(),
        reward_caps=caps,
        participates=participates,
        certain_rewards=certain,
        expected_accuracy=accuracy,
        upper_bound=accuracy + gap,
        gap=gap,
        status=Status.OPTIMAL if gap <= PROVED else Status.FEASIBLE,
    )


def _over_outcomes(
    problem: Problem, responds_to: RespondsTo, joining: float, most: FloatArray
) -> ResponsiveContract:
    """The best mechanism over all outcomes, and over who takes part."""
    better = np.flatnonzero(problem.better_outside)
    if better.size > CHOICES:
        raise ValueError(
            f"reservation_utilities must exceed autarky for at most {CHOICES} types; they do for"
            f" {better.size}"
        )
    law = law_of(problem, joining)
    found = [
        _of_selection(problem, responds_to, law, most, np.array(out, dtype=np.intp))
        for k in range(better.size + 1)
        for out in itertools.combinations(better.tolist(), k)
    ]
    best = max(found, key=lambda contract: contract.expected_accuracy)
    bound = max(contract.upper_bound for contract in found)
    if responds_to == "types" and joining == 1 and not np.isfinite(most).any():
        menu = solve(problem)
        if menu.expected_accuracy > best.expected_accuracy:
            return _from_menu(menu, bound)
    gap = bound - best.expected_accuracy
    status = Status.OPTIMAL if gap <= PROVED else Status.FEASIBLE
    return replace(best, upper_bound=bound, gap=gap, status=status)


def _of_selection(
    problem: Problem, responds_to: RespondsTo, law: Law, most: FloatArray, out: IntArray
) -> ResponsiveContract:
    """The best mechanism that leaves given types out."""
    order = np.argsort(-problem.costs, kind="stable")
    inside = order[~np.isin(order, out)]
    nobody = np.zeros(problem.n_types)
    if inside.size == 0:
        return _nobody(problem, responds_to, law, float(problem.accuracy(0.0)))
    unit = problem.model_value.optimum
    costs, outside = problem.costs / unit, problem.outside_options / unit
    counts = law.counts[:, inside].astype(float)
    classes = {
        "types": np.arange(len(counts)),
        "number": law.counts.sum(axis=1),
        "nothing": np.zeros(len(counts), dtype=np.intp),
    }[responds_to]
    outcomes, sorting = Outcomes.of(counts, law.probabilities, law.seen[:, inside], classes)
    rows = Incentives.of(
        costs[inside],
        outside[inside],
        list(zip(costs[out], outside[out], strict=True)),
        ELSEWHERE if problem.better_outside.any() else 0.0,
    )
    curves = (problem.accuracy.envelope(), problem.model_value.envelope(), unit)
    limit = most[inside] * costs[inside]
    response = maximize_response(outcomes, rows, costs[inside], curves, limit)
    bound = response_bound(outcomes, rows, costs[inside], curves, limit, response)
    quotas = outcomes.spread(response.contributions)[np.argsort(sorting)] / costs[inside]

    program = KeptConstraints(problem, law, inside, out, most[inside], responds_to == "types")
    kept = program.kept(quotas)
    if kept is None:
        return _nobody(problem, responds_to, law, bound)
    table = np.zeros(law.counts.shape)
    table[:, inside] = np.where(counts > 0, kept.quotas, 0.0)
    means, utilities, caps = nobody.copy(), problem.outside_options.copy(), nobody.copy()
    means[inside], utilities[inside], caps[inside] = kept.means, kept.utilities, kept.caps
    takes_part, certain = nobody.astype(bool), nobody.astype(bool)
    takes_part[inside] = True
    # A lottery over whether the scheme is carried out is no certain reward.
    sure = np.where(kept.carried_out < 1, 0.0, kept.worth)[:, None]
    least = np.where(counts > 0, sure, np.inf).min(axis=0)
    rewards = kept.utilities + problem.costs[inside] * kept.means
    certain[inside] = least + KEPT * unit >= rewards
    return _contract(
        problem, responds_to, law.joining, QuotaTable(law.counts, table, kept.carried_out), means,
        utilities, caps, takes_part, certain, kept.accuracy, bound,
    )  # fmt: skip


def _nobody(
    problem: Problem, responds_to: RespondsTo, law: Law, bound: float
) -> ResponsiveContract:
    """Nobody takes part."""
    none, out = np.zeros(problem.n_types), np.zeros(problem.n_types, dtype=bool)
    return _contract(
        problem, responds_to, law.joining, FixedQuotas(none), none,
        problem.outside_options.copy(), none, out, out, float(problem.accuracy(0.0)), bound,
    )  # fmt: skip


def _from_menu(menu: Contract, bound: float) -> ResponsiveContract:
    """The best menu as a mechanism, where nothing better is known."""
    return _contract(
        menu.problem, "types", 1.0, FixedQuotas(menu.contributions), menu.contributions,
        menu.utilities, menu.reward_caps, menu.participates,
        ~menu.participates, menu.expected_accuracy, max(bound, menu.expected_accuracy),
    )  # fmt: skip


@np.errstate(all="ignore")  # what overflows on the way is no answer
def _without_outcomes(problem: Problem) -> ResponsiveContract:
    """One total in every outcome, or the best menu if that is better; a bound for all."""
    unit, n = problem.model_value.optimum, problem.n_parties
    # Under own beliefs types of equal cost are one type; under the paper's the bound takes them so.
    costs, where = np.unique(-problem.costs / unit, return_inverse=True)
    costs, p = -costs, np.bincount(where, problem.probabilities).astype(float)
    outside = np.zeros(costs.size)
    np.maximum.at(outside, where, problem.outside_options / unit)
    curves = (problem.accuracy.envelope(), problem.model_value.envelope(), unit)
    relaxed = constant_total(costs, p, outside, n, curves, transport=False)
    bound = problem.accuracy.optimum
    if relaxed is not None:
        least = bound_without_outcomes(costs, p, outside, n, curves, relaxed, problem.beliefs)
        bound = min(bound, least)
    found = None
    if problem.beliefs == "own" and relaxed is not None:
        slack = hall_slack(relaxed.means, relaxed.total, p, n)
        carried = slack.min() >= -KEPT * relaxed.total
        found = relaxed if carried else constant_total(costs, p, outside, n, curves)
    steady = None if found is None else _steady(problem, costs, p, where, found, bound)
    if steady is not None and steady.gap <= PROVED:
        return steady
    menu = solve(problem)
    if steady is None or menu.expected_accuracy > steady.expected_accuracy:
        return _from_menu(menu, bound)
    return steady


def _steady(
    problem: Problem,
    costs: FloatArray,
    p: FloatArray,
    where: IntArray,
    found: ConstantTotal,
    bound: float,
) -> ResponsiveContract | None:
    """The mechanism of a constant total; None if its quotas miss the means that it needs."""
    value, n = problem.model_value, problem.n_parties
    enough = max(value.envelope().tangent_point, problem.accuracy.envelope().tangent_point)
    chance = min(1.0, found.total / enough) if enough > 0 else 1.0
    rule = share_weights(found.means, found.total, p, n)
    means = found.total * mean_shares(rule, p, n)
    unit, outside = value.optimum, np.zeros(costs.size)
    np.maximum.at(outside, where, problem.outside_options / unit)
    utilities = least_utilities(np.maximum.accumulate(means), costs, outside)
    # Nothing is collected if only types come that give nothing; a party that gives is there.
    silent = float(p[rule.weights == 0].sum())
    others = np.where(rule.weights > 0, 1.0, 1 - silent ** (n - 1))
    total = found.total / chance
    caps = chance * others * float(value(total)) / unit
    rewards = utilities + costs * means
    if np.any(rewards > caps + KEPT):
        return None
    given = (1 - silent**n) * chance  # that the total is collected
    accuracy = given * float(problem.accuracy(total)) + (1 - given) * problem.accuracy.start
    certain = (chance == 1) & (others == 1) | (rewards <= 0)
    # A tie keeps its place in the caller's order.
    types = ShareRule(rule.weights[where], rule.tiers[where])
    return _contract(
        problem, "types", 1.0, ConstantQuotas(total, types, chance), means[where],
        utilities[where] * unit, caps[where] * unit, np.ones(problem.n_types, dtype=bool),
        certain[where], accuracy, bound,
    )  # fmt: skip
