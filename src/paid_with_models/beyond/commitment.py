r"""What responding is worth, and what it takes: commitment, and shares that were misjudged.

A party learns its quota after all have chosen. Some then would rather leave: :func:`regret` says
how often and how much. What an agreement made for one guess of the shares of types does under
others says :func:`misjudged`. :func:`value_of_response` puts together what a consortium may want to
know before it asks for quotas that respond.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..accuracy import FloatArray
from ..arguments import ReadOnly, reals
from ..contract import Contract, Status, check_contract
from ..problem import Problem
from ..solver.routes import solve
from .joining import law_of, problem_of
from .quotas import FixedQuotas
from .responsive import ResponsiveContract, solve_responsive

__all__ = [
    "Misjudged",
    "Regret",
    "ResponseValue",
    "as_responsive",
    "misjudged",
    "regret",
    "rewards_above_own_data",
    "value_of_response",
]

#: ROUNDING: relative to the best model's value, a loss no larger than this is none.
ROUNDING = 1e-9

#: MOST_DATA: more than any consortium has.
MOST_DATA = 1e18

#: NOTHING: expected accuracy below which a menu collects nothing of use.
NOTHING = 1e-9

#: WORTH_SAYING: gain in accuracy below which a report says that there is none, 0.01 points.
WORTH_SAYING = 1e-4

FIXED_OR_NOT = (
    "The contract above fixes what each type contributes before it is known who joins. Quotas may "
    "respond instead: all choose a type first, and are told then how much to give."
)


def as_responsive(menu: Contract) -> ResponsiveContract:
    """A menu as a mechanism whose quotas happen not to respond, to be compared with others.

    Parameters
    ----------
    menu : Contract

    Returns
    -------
    ResponsiveContract
        With the menu's own bound, which holds for menus.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> menu = solve(Problem(3, [0.5, 0.5], [0.2, 0.05], GeneralizationBound()))
    >>> as_responsive(menu).responds_to
    'nothing'
    """
    check_contract(menu)
    return ResponsiveContract(
        problem=menu.problem,
        responds_to="nothing",
        joining=1.0,
        quotas=FixedQuotas(menu.contributions),
        contributions=menu.contributions,
        rewards=menu.rewards,
        utilities=menu.utilities,
        reservation_utilities=menu.reservation_utilities,
        reward_caps=menu.reward_caps,
        participates=menu.participates,
        certain_rewards=_safe(menu),
        expected_accuracy=menu.expected_accuracy,
        upper_bound=menu.upper_bound,
        gap=menu.gap,
        status=menu.status,
    )


def _safe(menu: Contract) -> npt.NDArray[np.bool_]:
    """Which rewards are paid even if all others are of the type that contributes least."""
    problem, m = menu.problem, menu.contributions
    least = m + (problem.n_parties - 1) * m.min()
    return np.asarray(problem.model_value(least) >= menu.rewards)


@dataclass(frozen=True, eq=False)
class Regret(ReadOnly):
    """What parties would give to leave once they know their quota; one entry per type.

    Attributes
    ----------
    probability : (I,) ndarray
        That a party of the type, once told its quota and its model, would rather have stayed out.
    worst : (I,) ndarray >= 0
        The most that it can then be worse off, units of value.
    largest_quota : (I,) ndarray
        The most data that it may have to give.
    """

    probability: FloatArray
    worst: FloatArray
    largest_quota: FloatArray


def regret(contract: ResponsiveContract) -> Regret:
    """How often parties would rather leave once they know their quota, and by how much.

    Rewards are certain where they can be, and otherwise a share of the collective model's value.

    Parameters
    ----------
    contract : ResponsiveContract

    Returns
    -------
    Regret

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> problem = Problem(3, [0.5, 0.5], [0.2, 0.05], GeneralizationBound(), beliefs="own")
    >>> regret(solve_responsive(problem)).probability.round(2).tolist()
    [0.5, 0.25]
    """
    problem = problem_of(contract)
    law = law_of(problem, contract.joining)
    quotas = contract.quotas.quotas(law.counts)
    chance = contract.quotas.chance(law.counts)[:, None]
    received = _received(contract, _worth(contract, law.counts, quotas))
    there = (law.counts > 0) & contract.participates
    # Where a lottery calls the scheme off, a party has lost its outside option for nothing.
    off = np.where(contract.certain_rewards, contract.rewards, 0.0)
    gain = np.where(there, received - problem.costs * quotas - contract.reservation_utilities, 0.0)
    gain_off = np.where(there, off - contract.reservation_utilities, 0.0)
    small = ROUNDING * problem.model_value.optimum
    sorry = chance * (gain < -small) + (1 - chance) * (gain_off < -small)
    lost = np.where(chance < 1, np.minimum(gain, gain_off), gain)
    return Regret(
        probability=np.einsum("ki,ki->i", law.seen, sorry),
        worst=np.maximum(-lost.min(axis=0), 0.0),
        largest_quota=quotas.max(axis=0),
    )


def _worth(
    contract: ResponsiveContract, counts: npt.NDArray[np.int64], quotas: FloatArray
) -> FloatArray:
    """Value of the collective model in each outcome, if the scheme is carried out, (K,)."""
    return contract.problem.model_value((counts * quotas).sum(axis=1))


def _received(contract: ResponsiveContract, worth: FloatArray) -> FloatArray:
    """Value of each type's model in each outcome: certain, or its share of the collective one."""
    caps = contract.reward_caps
    share = np.divide(contract.rewards, caps, out=np.zeros(caps.size), where=caps > 0)
    return np.where(contract.certain_rewards, contract.rewards, worth[:, None] * share)


def rewards_above_own_data(contract: ResponsiveContract) -> FloatArray:
    """Rewards with the same means that never pay less than the model of a party's own quota.

    A party still has the data that it gave, and could train on them. Its reward here is the value
    of that model and a share of what the collective model is worth beyond it. Such a share exists
    because no type does better alone, whatever it contributes, than its outside option. The price:
    these rewards are not certain.

    Parameters
    ----------
    contract : ResponsiveContract
        Carried out in every outcome.

    Returns
    -------
    (K, I) ndarray
        v(r_i(n)) in units of value, for the outcomes of :func:`~.joining.law_of`; 0 where no party
        of the type is there.

    Raises
    ------
    ValueError
        If the outcomes are too many to enumerate, or the scheme may be called off.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> problem = Problem(3, [0.5, 0.5], [0.2, 0.05], GeneralizationBound(), beliefs="own")
    >>> rewards = rewards_above_own_data(solve_responsive(problem))
    >>> rewards.shape, bool(rewards[0, 1] <= 100)
    ((4, 2), True)
    """
    problem = problem_of(contract)
    law = law_of(problem, contract.joining)
    if np.any(contract.quotas.chance(law.counts) < 1):
        raise ValueError("contract must be carried out in every outcome; a lottery calls it off")
    quotas = contract.quotas.quotas(law.counts)
    there = (law.counts > 0) & contract.participates
    own = np.where(there, problem.model_value(quotas), 0.0)
    beyond = np.where(there, _worth(contract, law.counts, quotas)[:, None] - own, 0.0)
    least, most = (np.einsum("ki,ki->i", law.seen, some) for some in (own, beyond))
    share = np.divide(contract.rewards - least, most, out=np.zeros(most.size), where=most > 0)
    return np.asarray(own + np.clip(share, 0.0, 1.0) * beyond)


@dataclass(frozen=True, eq=False)
class Misjudged(ReadOnly):
    """What an agreement does when types have other shares than was thought.

    Attributes
    ----------
    probabilities : (I,) ndarray
        The shares in truth.
    expected_accuracy : float
        E[a(S)].
    spread : float
        Standard deviation of a(S).
    contributions, rewards, utilities : (I,) ndarray
        Means as each type expects them, knowing the truth.
    broken : float
        Probability that a certain reward cannot be paid.
    participation : float
        The most that a type falls short of its outside option, units of value, >= 0.
    envy : float
        The most that a type would gain by another's option, units of value, >= 0.
    """

    probabilities: FloatArray
    expected_accuracy: float
    spread: float
    contributions: FloatArray
    rewards: FloatArray
    utilities: FloatArray
    broken: float
    participation: float
    envy: float


def misjudged(contract: ResponsiveContract, probabilities: npt.ArrayLike) -> Misjudged:
    """What an agreement does if types have other shares than it was made for.

    Everybody sticks to it. Certain rewards are paid where they can be; the others are the shares of
    the collective model's value that were agreed on.

    Parameters
    ----------
    contract : ResponsiveContract
        :func:`as_responsive` makes one of a menu.
    probabilities : (I,) array_like > 0, sum 1
        The shares in truth.

    Returns
    -------
    Misjudged

    Raises
    ------
    ValueError
        If probabilities are out of their range, or outcomes too many to enumerate.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> problem = Problem(10, [0.5, 0.5], [0.2, 0.05], GeneralizationBound(), beliefs="own")
    >>> steady = solve_responsive(problem, total="constant")
    >>> round(misjudged(steady, [0.6, 0.4]).expected_accuracy - steady.expected_accuracy, 9)
    0.0
    """
    problem = problem_of(contract)
    truth = replace(problem, probabilities=reals("probabilities", probabilities))
    law = law_of(truth, contract.joining)
    quotas = contract.quotas.quotas(law.counts)
    chance = contract.quotas.chance(law.counts)
    worth = _worth(contract, law.counts, quotas)
    accuracy = problem.accuracy((law.counts * quotas).sum(axis=1))
    promised = _received(contract, worth)
    small = ROUNDING * problem.model_value.optimum
    short = (promised > worth[:, None] + small) & (law.counts > 0) & contract.participates
    received = np.minimum(promised, worth[:, None])
    weights = law.seen * chance[:, None]
    means, rewards = (np.einsum("ki,ki->i", weights, some) for some in (quotas, received))
    inside = contract.participates
    utilities = np.where(inside, rewards - problem.costs * means, contract.reservation_utilities)
    options = rewards[inside] - np.outer(problem.costs, means[inside])
    nothing = float(problem.accuracy(0.0))
    mean = float(law.probabilities @ (chance * accuracy + (1 - chance) * nothing))
    about = chance * (accuracy - mean) ** 2 + (1 - chance) * (nothing - mean) ** 2
    return Misjudged(
        probabilities=truth.probabilities,
        expected_accuracy=mean,
        spread=float(np.sqrt(law.probabilities @ about)),
        contributions=means,
        rewards=rewards,
        utilities=utilities,
        broken=float(law.probabilities @ short.any(axis=1)),
        participation=float(
            np.maximum(contract.reservation_utilities - utilities, 0.0).max(initial=0.0)
        ),
        envy=float(np.maximum(options - utilities[:, None], 0.0).max(initial=0.0)),
    )


@dataclass(frozen=True, eq=False)
class ResponseValue:
    """What quotas that respond would add to a menu.

    Attributes
    ----------
    menu : Contract
    best : ResponsiveContract
        Under the menu's own beliefs.
    steady : ResponsiveContract
        The same total whoever joins, under own beliefs.
    own_menu : float
        Expected accuracy of the best menu under own beliefs.
    own_best : ResponsiveContract
        The best mechanism under own beliefs.
    """

    menu: Contract
    best: ResponsiveContract
    steady: ResponsiveContract
    own_menu: float
    own_best: ResponsiveContract

    @property
    def gain(self) -> float:
        """Expected accuracy that responding adds at least."""
        return self.best.expected_accuracy - self.menu.upper_bound

    @property
    def own_gain(self) -> float:
        """The same under own beliefs: what is left of it if no artifact of beliefs counts."""
        return self.own_best.expected_accuracy - self.own_menu

    @property
    def more_data(self) -> float:
        """How much more data the responding accuracy takes than the menu's, as a share of those.

        Infinite where the menu collects nothing of use.
        """
        problem = self.menu.problem
        if self.own_menu <= NOTHING:
            return np.inf
        less, more = (
            _data_for(problem, accuracy)
            for accuracy in (self.own_menu, self.own_best.expected_accuracy)
        )
        return more / less - 1

    def sentences(self, *, baseline: float = 0.0, data_unit: str = "units of data") -> list[str]:
        """The findings in plain words, for a report.

        Parameters
        ----------
        baseline : float in [0, 1)
            To be added to accuracies, where the curve is that of a gain.
        data_unit : str
        """
        n, own = self.menu.problem.n_parties, self.own_best
        if n == 1:
            return ["A party on its own has nobody to respond to."]
        found = [FIXED_OR_NOT]
        possible = own.upper_bound - self.own_menu
        if possible <= WORTH_SAYING:
            found.append(
                f"For these {n} parties, each of which knows its own type, that adds next to "
                f"nothing: less than {WORTH_SAYING * 100:g} points of accuracy."
            )
        elif self.own_gain <= WORTH_SAYING:
            found.append(
                f"For these {n} parties, each of which knows its own type, no such mechanism was "
                f"found that reaches more; none can add more than {possible * 100:.2g} points of "
                "accuracy."
            )
        else:
            found.append(
                f"For these {n} parties, each of which knows its own type, the best such mechanism "
                f"that was found reaches an expected accuracy of "
                f"{(baseline + own.expected_accuracy) * 100:.2f} % (proved: none exceeds "
                f"{(baseline + own.upper_bound) * 100:.2f} %), and the best fixed contract "
                f"{(baseline + self.own_menu) * 100:.2f} %. {self._worth_of_data()}"
            )
        apart = self.gain - self.own_gain > WORTH_SAYING
        if self.menu.problem.beliefs == "paper" and self.best.status is Status.OPTIMAL and apart:
            found.append(
                "Under the beliefs of the contract above, which only condition on the type being "
                f"present, it would add {max(self.gain, 0.0) * 100:.2f} points. What exceeds "
                f"{max(self.own_gain, 0.0) * 100:.2f} points of it is an artifact of these "
                "beliefs, which count a quota the same however many parties have to give it."
            )
        if self.own_gain <= WORTH_SAYING:
            return found
        steady = self.steady
        if steady.certain_rewards.all() and steady.expected_accuracy > self.own_menu:
            total = self.menu.problem.n_parties * self.menu.problem.probabilities
            found.append(
                f"One total of {total @ steady.contributions:,.0f} {data_unit} whoever joins "
                f"reaches {(baseline + steady.expected_accuracy) * 100:.2f} %. Then every party "
                "knows beforehand what model it gets, and no promise can be broken."
            )
        found.append(
            "The price is commitment: a party learns its quota after it has agreed, and has to "
            f"give it even where it is large{self._largest(data_unit)}. And all must trust the "
            "count of who joined."
        )
        return found

    def _worth_of_data(self) -> str:
        if not np.isfinite(self.more_data):
            return "Without responding nobody would collaborate."
        return f"That is worth {self.more_data * 100:.1f} % more data."

    def _largest(self, unit: str) -> str:
        problem = self.own_best.problem
        try:
            law = law_of(problem)
        except ValueError:  # too many outcomes to look at
            return ""
        largest = float(self.own_best.quotas.quotas(law.counts).max())
        fixed = float(self.menu.contributions.max())
        return f" (up to {largest:,.0f} {unit}; the fixed contract asks for {fixed:,.0f})"


def _data_for(problem: Problem, accuracy: float) -> float:
    """The data that a model of this accuracy takes, by bisection; infinite if none is enough."""
    low, high = 0.0, 1.0
    while float(problem.accuracy(high)) < accuracy:
        high *= 2
        if high > MOST_DATA:
            return np.inf
    for _ in range(100):
        middle = 0.5 * (low + high)
        if float(problem.accuracy(middle)) < accuracy:
            low = middle
        else:
            high = middle
    return high


def value_of_response(menu: Contract) -> ResponseValue:
    """What quotas that respond to who joins would add to a menu.

    Parameters
    ----------
    menu : Contract

    Returns
    -------
    ResponseValue
        With :meth:`~ResponseValue.sentences` for a report.

    Raises
    ------
    ValueError
        If types have outside options better than autarky, and outcomes are too many to enumerate
        or the types too many.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> menu = solve(Problem(4, [0.5, 0.5], [0.2, 0.05], GeneralizationBound()))
    >>> value = value_of_response(menu)
    >>> bool(value.gain > value.own_gain > 0.005)
    True
    """
    check_contract(menu)
    problem = menu.problem
    best = solve_responsive(problem)
    own = problem if problem.beliefs == "own" else replace(problem, beliefs="own")
    own_best = best if own is problem else solve_responsive(own)
    own_menu = menu if own is problem else solve(own)
    steady = own_best
    if not problem.better_outside.any():
        steady = solve_responsive(own, total="constant")
    return ResponseValue(menu, best, steady, own_menu.expected_accuracy, own_best)
