r"""The primitives: parties, their cost types, accuracy and valuation; and what a party does alone.

A party of type i bears :math:`c_i` per unit of data it contributes and gains :math:`v(r)` from a
model of accuracy r. There are N parties; each is of type i with probability :math:`p_i`,
independently, so that the numbers of parties of each type are Multinomial(N, p). Other laws of who
turns up are in :mod:`paid_with_models.laws`.

**Autarky** is the outside option: alone, type i trains on the m that maximizes
:math:`v(a(m)) - c_i m`, or stays out. A party may have something better outside the scheme, worth
:math:`f_i` (``reservation_utilities``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .accuracy import BoolArray, Curve, FloatArray, IntArray
from .arguments import ReadOnly, freeze, frozen, reals, resolution, shares, whole
from .attendance import Attendance, Outcomes, check_beliefs, n_outcomes
from .laws import UnlikeParties
from .shapes import check_hashable, check_shape, check_values, rests_on
from .texts import brief
from .valuation import LinearValuation, ModelValue, Valuation

__all__ = ["Autarky", "Problem", "autarky"]


def check_problem(problem: object) -> None:
    """Refuse what is no problem, and say what takes several, or the contract for one.

    Raises
    ------
    ValueError
        Naming the argument.
    """
    if isinstance(problem, Problem):
        return
    hint = ""
    if isinstance(problem, list | tuple) and any(isinstance(it, Problem) for it in problem):
        hint = "; solve_many and solve_complete_information_many take several"
    elif isinstance(getattr(problem, "problem", None), Problem):
        hint = "; a contract's is contract.problem"
    elif isinstance(problem, dict):
        hint = "; files.problem_from_dict makes one of a mapping"
    raise ValueError(f"problem must be a Problem; got {brief(problem)}{hint}")


def checked_problems(problems: Iterable[Problem]) -> list[Problem]:
    """A list of problems; refuse what is none, as `check_problem`."""
    try:
        found = list(problems)
    except TypeError:
        raise ValueError(f"problems must be a list of problems; got {brief(problems)}") from None
    for problem in found:
        check_problem(problem)
    return found


def checked_menu(name: str, values: npt.ArrayLike, problem: Problem) -> FloatArray:
    array = checked_vector(name, values)
    if array.shape != problem.costs.shape:
        raise ValueError(
            f"{name} must have one entry per type, {problem.n_types}; got {array.size}"
        )
    if not np.all((array >= 0) & (array < np.inf)):
        raise ValueError(f"{name} must be non-negative and finite; got {brief(array.tolist())}")
    times = max(float(problem.costs.max()), problem.n_parties if name == "contributions" else 1.0)
    if math.isinf(float(array.max()) * times):
        raise ValueError(f"{name} must add up to numbers; got {brief(array.tolist())}")
    return array


#: SUM_TOLERANCE: by which probabilities may miss 1: rounding of a few hundred decimal fractions.
SUM_TOLERANCE = 1e-9

#: MOST_PARTIES: whole numbers beyond it are no floats.
MOST_PARTIES = 2**53

#: ROUNDING: outside options that exceed autarky by less than this share of the best model's value
#: are autarky: it is what rounding of the two can differ by, and as much as menus may violate IR.
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Problem:
    r"""A collaboration to be designed.

    Parameters
    ----------
    n_parties : int >= 1
        Number of parties N in the scheme. With ``attendance`` it is not given, and is the most
        that turn up.
    probabilities : (I,) array_like > 0, sum 1
        Probability :math:`p_i` that a party is of type i. With ``attendance`` they are not given,
        and are the expected shares of the types.
    costs : (I,) array_like > 0
        Cost :math:`c_i`, in value per unit of data. Any order, equal costs allowed; results come
        in the same order.
    accuracy : Curve
        Accuracy a(S) of a model trained on S units of data.
    valuation : Valuation
        Value v(r) of a model of accuracy r to a party.
    beliefs : {"paper", "own"}
        What a party of type i thinks of the others: the paper conditions on :math:`n_i \ge 1`; a
        party that counts itself in holds the others to be Multinomial(N - 1, p).
    reservation_utilities : (I,) array_like, optional
        Outside options :math:`f_i`, in value, at least what each type reaches in autarky (the
        default). Where they are more, it can be best to leave types out: see
        :mod:`paid_with_models.solver.selection`.
    attendance : Attendance, optional
        Another law of who turns up, such as :class:`paid_with_models.laws.PoissonParties`,
        with a type for each cost. By default ``n_parties`` independent draws.
    max_data : (I,) array_like > 0, optional
        Most data that a party of each type has, infinite where there is no limit. Nobody can pass
        for a type whose option asks for more: see :mod:`paid_with_models.solver.capacities`.

    Raises
    ------
    ValueError
        Naming the argument, its value and the rule, for anything outside these ranges; for an
        accuracy or valuation that is not increasing, not finite, or not S-shaped; or for one
        whose stated derivative is not that of its values.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, LinearValuation
    >>> problem = Problem(n_parties=10, probabilities=[0.5, 0.5], costs=[0.2, 0.1],
    ...                   accuracy=GeneralizationBound(), valuation=LinearValuation(100.0))
    >>> problem.n_types
    2
    >>> from paid_with_models import KnownParties
    >>> three_hospitals = Problem(costs=[0.4, 0.3, 0.15], accuracy=GeneralizationBound(),
    ...                           attendance=KnownParties([1, 1, 1]))
    >>> three_hospitals.n_parties
    3
    """

    n_parties: int
    probabilities: FloatArray
    costs: FloatArray
    accuracy: Curve
    valuation: Valuation = LinearValuation()
    beliefs: Literal["paper", "own"] = "paper"
    reservation_utilities: FloatArray | None = None
    attendance: Attendance | None = None
    max_data: FloatArray | None = None

    def __init__(
        self,
        n_parties: int | None = None,
        probabilities: npt.ArrayLike | None = None,
        costs: npt.ArrayLike | None = None,
        accuracy: Curve | None = None,
        valuation: Valuation = LinearValuation(),
        beliefs: Literal["paper", "own"] = "paper",
        reservation_utilities: npt.ArrayLike | None = None,
        attendance: Attendance | None = None,
        max_data: npt.ArrayLike | None = None,
    ) -> None:
        costs_ = checked_vector("costs", costs)
        if not np.all((costs_ > 0) & (costs_ <= 1e290)):
            free = " (data that cost nothing would be given without end)" if 0 in costs_ else ""
            rule = "must all be positive and at most 1e290"
            raise ValueError(f"costs {rule}; got {brief(costs_.tolist())}{free}")
        if attendance is None:
            chances, most = _shares(probabilities, costs_), whole("n_parties", n_parties, least=1)
            if most > MOST_PARTIES:
                raise ValueError(f"n_parties must be at most {MOST_PARTIES}; got {brief(most)}")
        else:
            chances, most = _of_law(attendance, costs_, n_parties, probabilities)
        check_beliefs(beliefs)
        if not isinstance(accuracy, Curve):
            raise ValueError(f"accuracy must be a Curve; got {brief(accuracy)}")
        if not isinstance(valuation, Valuation):
            raise ValueError(f"valuation must be a Valuation; got {brief(valuation)}")
        for name, thing in (("accuracy", accuracy), ("valuation", valuation)):
            check_hashable(name, thing)
        costs_.flags.writeable = chances.flags.writeable = False
        set_field = object.__setattr__  # the dataclass is frozen
        set_field(self, "n_parties", most)
        set_field(self, "probabilities", chances)
        set_field(self, "costs", costs_)
        set_field(self, "accuracy", accuracy)
        set_field(self, "valuation", valuation)
        set_field(self, "beliefs", beliefs)
        set_field(self, "attendance", attendance)
        check_values(valuation, accuracy)
        if not self.most_data <= 1e40:  # squares and reciprocals stay numbers
            raise ValueError(f"costs must not be that small; got {brief(costs_.tolist())}")
        check_shape(accuracy, valuation, math.ceil(math.log2(self.most_data)))
        limits = None if max_data is None else checked_vector("max_data", max_data)
        if limits is not None:
            if limits.shape != costs_.shape or not np.all(limits > 0):
                raise ValueError(
                    f"max_data must be a number > 0 per cost, {costs_.size};"
                    f" got {brief(limits.tolist())}"
                )
            limits.flags.writeable = False
        set_field(self, "max_data", limits)
        outside = None
        if reservation_utilities is not None:
            outside = self._outside(checked_vector("reservation_utilities", reservation_utilities))
        set_field(self, "reservation_utilities", outside)

    def _outside(self, utilities: FloatArray) -> FloatArray:
        """Outside options, checked; what falls short of autarky by rounding is autarky."""
        name = "reservation_utilities"
        if utilities.shape != self.costs.shape:
            raise ValueError(
                f"{name} must have one entry per cost, {self.n_types}; got {utilities.size}"
            )
        if not np.all(np.isfinite(utilities)):
            raise ValueError(f"{name} must be finite; got {brief(utilities.tolist())}")
        alone = autarky(self).utilities
        if np.any(utilities < alone - SUM_TOLERANCE * self.model_value.optimum):
            raise ValueError(
                f"{name} must be at least what each type reaches alone, {brief(alone.tolist())};"
                f" got {brief(utilities.tolist())}"
            )
        equal = utilities <= alone + ROUNDING * self.model_value.optimum
        outside = np.where(equal, alone, utilities)
        outside.flags.writeable = False
        return outside

    def _key(self) -> tuple[object, ...]:
        """What two problems that are equal agree in."""
        values = (getattr(self, field.name) for field in fields(self))
        return tuple(
            (it.shape, it.tobytes()) if isinstance(it, np.ndarray) else it for it in values
        )

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Problem) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        freeze(self)

    def __repr__(self) -> str:
        stated = []
        for field in fields(self):
            value, default = getattr(self, field.name), field.default
            if isinstance(value, np.ndarray):
                shown = [f"{x:.6g}" for x in value[:6]] + ["…"] * (value.size > 6)
                stated.append(f"{field.name}=[{', '.join(shown)}]")
            elif value != default:
                stated.append(f"{field.name}={value!r}")
        return f"Problem({', '.join(stated)})"

    @property
    def n_types(self) -> int:
        """Number of types I."""
        return int(self.costs.size)

    @cached_property
    def outside_options(self) -> FloatArray:
        """The reservation utilities :math:`f_i` in force, (I,), units of value."""
        if self.reservation_utilities is not None:
            return self.reservation_utilities
        return frozen(autarky(self).utilities)

    @cached_property
    def capacities(self) -> FloatArray:
        """Most data that a party of each type has, (I,); infinite where there is no limit."""
        if self.max_data is None:
            return frozen(np.full(self.n_types, np.inf))
        return self.max_data

    def check_unlimited_data(self) -> None:
        """Refuse limits of data, where nothing is made for them.

        Raises
        ------
        ValueError
            If ``max_data`` is given.
        """
        if self.max_data is not None:
            rule = "must be left out here (solve, audit, prove and sweep take it)"
            raise ValueError(f"max_data {rule}; got {brief(self.max_data.tolist())}")

    @cached_property
    def better_outside(self) -> BoolArray:
        """Which types have something better than autarky outside the scheme, (I,)."""
        if self.reservation_utilities is None:
            return frozen(np.zeros(self.n_types, dtype=bool))
        return frozen(np.asarray(self.reservation_utilities > autarky(self).utilities))

    @cached_property
    def model_value(self) -> ModelValue:
        """The curve v(a(S)), in units of value."""
        return ModelValue(self.accuracy, self.valuation)

    @property
    def rests_on(self) -> tuple[str, ...]:
        """What bounds rest on that is not shown: see ``Contract.rests_on``."""
        return rests_on(self.accuracy, self.valuation)

    @cached_property
    def law(self) -> Attendance:
        """Who turns up: ``attendance``, or the law of ``n_parties`` independent draws."""
        return self.attendance or UnlikeParties([self.n_parties], [self.probabilities])

    def outcomes(self) -> Outcomes:
        """All outcomes, with their probabilities and as each type sees them.

        Raises
        ------
        ValueError
            If they are too many to enumerate.
        """
        if self.attendance is None:
            return Outcomes.drawn(self.n_parties, self.probabilities, self.beliefs)
        return Outcomes.of(self.attendance, self.beliefs)

    @property
    def types_are_known(self) -> bool:
        """Whether the coordinator knows every party's type."""
        return self.attendance is not None and self.attendance.types_are_known

    @cached_property
    def mean_counts(self) -> FloatArray:
        """How many parties of each type are expected, (I,)."""
        if self.attendance is None:
            return frozen(self.n_parties * self.probabilities)
        return frozen(self.attendance.mean_counts)

    @cached_property
    def n_outcomes(self) -> int:
        """How many outcomes there are."""
        if self.attendance is None:
            return n_outcomes(self.n_parties, self.n_types)
        return self.attendance.n_outcomes

    def check_draws(self) -> None:
        """Refuse another law of who turns up, where nothing is made for it.

        Raises
        ------
        ValueError
            If ``attendance`` is given.
        """
        if self.attendance is not None:
            raise ValueError(
                f"attendance must be left out here, for n_parties independent draws;"
                f" got {self.attendance!r}"
            )

    def check_independent_draws(self) -> None:
        """Refuse another law of who turns up, and limits of data, where nothing is made for them.

        Raises
        ------
        ValueError
            If ``attendance`` or ``max_data`` is given.
        """
        self.check_draws()
        self.check_unlimited_data()

    @cached_property
    def costliest_first(self) -> IntArray:
        """The types in the order of the theory, (I,): highest costs first, equal ones as given."""
        return frozen(np.argsort(-self.costs, kind="stable"))

    @cached_property
    def most_data(self) -> float:
        """No menu collects more data: everybody gives all that the best model is worth."""
        return self.n_parties * self.model_value.optimum / float(self.costs.min())


@dataclass(frozen=True, eq=False)
class Autarky(ReadOnly):
    """What each type does alone.

    Attributes
    ----------
    contributions : (I,) ndarray
        Reservation contributions, units of data; 0 for a type that stays out.
    accuracies : (I,) ndarray
        Accuracy of the model each trains.
    utilities : (I,) ndarray
        What that is worth, units of value, >= 0: the reservation utilities :math:`f_i` unless
        the problem states better outside options.
    """

    contributions: FloatArray
    accuracies: FloatArray
    utilities: FloatArray


def autarky(problem: Problem) -> Autarky:
    r"""Solve :math:`\max_{m \ge 0} v(a(m)) - c_i m` for every type.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    Autarky
        Exact to rounding: the first-order condition is solved on the concave part of
        :math:`v(a(\cdot))`, beyond the tangent point of its concave envelope. A type whose cost
        exceeds the slope of the envelope stays out.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, LinearValuation
    >>> alone = autarky(Problem(10, [0.5, 0.5], [1.0, 0.2], GeneralizationBound()))
    >>> alone.contributions.round(2).tolist(), alone.utilities.round(2).tolist()
    ([0.0, 148.06], [0.0, 6.77])
    """
    check_problem(problem)
    return autarky_at(problem.model_value, problem.costs, problem.max_data)


def autarky_at(value: ModelValue, costs: FloatArray, max_data: FloatArray | None = None) -> Autarky:
    """Autarky for costs of any shape, which is then the shape of the results."""
    contributions = value.data_at_slope(costs)
    if max_data is not None:  # below the optimum, the more the better, or nothing
        contributions = np.minimum(contributions, max_data)
    accuracies = value.accuracy.evaluate(contributions)[0]
    worth, nothing = value.valuation.evaluate(accuracies)[0], value.start
    gain = worth - costs * contributions
    # Who is indifferent but for rounding takes part: the coordinator has the better model.
    stays_out = (contributions == 0) | (gain < nothing - 8 * np.finfo(float).eps * worth)
    if stays_out.any():
        contributions = np.where(stays_out, 0.0, contributions)
        accuracies = np.where(stays_out, value.accuracy.start, accuracies)
        gain = np.where(stays_out, nothing, gain)
    return Autarky(contributions, accuracies, utilities=np.maximum(gain, nothing))


def checked_vector(name: str, values: npt.ArrayLike | None) -> FloatArray:
    """Real numbers, one or more, (I,)."""
    array = reals(name, values)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be a non-empty list of numbers; got {brief(values)}")
    if np.isnan(array).any():
        raise ValueError(f"{name} must not be NaN; got {brief(array.tolist())}")
    return array


def _shares(probabilities: npt.ArrayLike | None, costs: FloatArray) -> FloatArray:
    chances = checked_vector("probabilities", probabilities)
    if chances.shape != costs.shape:
        raise ValueError(
            f"probabilities must have one entry per cost, {costs.size}; got {chances.size}"
        )
    if not np.all((chances >= 1e-300) & (chances <= 1e300)):
        rule = "must all be positive, not below 1e-300 nor above 1e300"
        raise ValueError(f"probabilities {rule}; got {brief(chances.tolist())}")
    tolerance = max(SUM_TOLERANCE, chances.size * resolution(probabilities))
    if not abs(chances.sum() - 1) <= tolerance:
        better = [float(f"{p / chances.sum():.10g}") for p in chances]
        raise ValueError(
            f"probabilities must sum to 1; they sum to {chances.sum():.12g}: in these proportions"
            f" they would be {brief(better)}"
        )
    return shares(chances)


def _of_law(
    law: Attendance, costs: FloatArray, n_parties: int | None, probabilities: npt.ArrayLike | None
) -> tuple[FloatArray, int]:
    """Expected shares of the types, and the most parties that turn up."""
    parts = ("mean_counts", "log_transform")
    if isinstance(law, type) or not all(hasattr(law, part) for part in parts):
        rule = "attendance must be a law such as PoissonParties(10, [0.5, 0.5])"
        raise ValueError(f"{rule}; got {brief(law)}")
    means = law.mean_counts
    if means.shape != costs.shape:
        raise ValueError(
            f"attendance must have one type per cost, {costs.size}; got {law!r} of {means.size}"
        )
    chances, most = means / means.sum(), law.most_parties
    # dataclasses.replace gives its own again; with another law they must be None there.
    rule, hint = "must not be given with attendance", " (where fields are replaced: None)"
    own = isinstance(n_parties, int | np.integer) and n_parties == most
    if n_parties is not None and not own:
        raise ValueError(f"n_parties {rule}; got {brief(n_parties)}{hint}")
    if probabilities is not None and not np.array_equal(
        chances, reals("probabilities", probabilities)
    ):
        raise ValueError(f"probabilities {rule}; got {brief(probabilities)}{hint}")
    return chances, most
