"""What the parameters of the book's notebooks may be, checked before a notebook runs.

Each function takes all parameters of one notebook, whose front matter names it, raises `ValueError`
with the parameter, its value and the rule, and returns the files that the notebook is going to
read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paid_with_models.attendance import enumerable, n_outcomes
from paid_with_models.curves import GeneralizationBound
from paid_with_models.problem import Problem
from paid_with_models.valuation import LinearValuation

from ..consortium.file import read_consortium

#: The two-type experiment looks closely at ten parties, and its outcomes are enumerated.
TWO_TYPES = (10, 1000)

#: The chapter on behavior draws lines through so many points.
POINTS = (2, 200)

#: It says what these margins do, the larger of which is the largest that it looks at.
MARGINS = (2.0, 4.0)

#: So many samples drawn again of each curve are in ``measurements/real_models.json``.
REFITS = (2, 40)

#: How often to train, at most: more would take long.
TRAININGS = (10, 10_000)


def scenario(
    *,
    scenario: str,
    n_parties: int,
    probabilities: Sequence[float],
    costs: Sequence[float],
    optimum: float,
    complexity: float,
    value_scale: float,
) -> tuple[Path, ...]:
    """Check the parameters of ``experiments/scenario.md``.

    Parameters
    ----------
    scenario
        Any name; that of a scenario of the paper for a comparison with what was published.
    n_parties, probabilities, costs
        See `paid_with_models.Problem`.
    optimum, complexity
        See `paid_with_models.GeneralizationBound`.
    value_scale
        Value of a perfect model, above 0.

    Raises
    ------
    ValueError
        If a value is out of its range, or outcomes are too many to be enumerated.

    Examples
    --------
    >>> setting = dict(scenario="mine", n_parties=3, probabilities=[0.5, 0.5], optimum=1.0)
    >>> scenario(**setting, costs=[0.2, 0.1], complexity=1.0, value_scale=100.0)
    ()
    """
    problem = Problem(
        n_parties=n_parties,
        probabilities=probabilities,
        costs=costs,
        accuracy=GeneralizationBound(optimum, complexity),
        valuation=LinearValuation(value_scale),
    )
    if not enumerable(problem.n_parties, problem.n_types):
        number = n_outcomes(problem.n_parties, problem.n_types)
        raise ValueError(
            f"n_parties = {n_parties} with {problem.n_types} types has {number:.4g} outcomes, "
            "too many to solve each with complete information"
        )
    return ()


def two_types(*, largest: int) -> tuple[Path, ...]:
    """Check the parameter of ``experiments/two_types.md``: the largest number of parties.

    Raises
    ------
    ValueError
        If it is out of range.

    Examples
    --------
    >>> two_types(largest=100)
    ()
    """
    _check_within("largest", largest, TWO_TYPES)
    return ()


def behavior(*, rationalities: int, margins: Sequence[float], aversions: int) -> tuple[Path, ...]:
    """Check the parameters of ``beyond/behavior.md``: numbers of points, and the margins.

    Raises
    ------
    ValueError
        If one is out of range.

    Examples
    --------
    >>> behavior(rationalities=31, margins=[0.0, 2.0, 4.0], aversions=13)
    ()
    """
    _check_within("rationalities", rationalities, POINTS)
    _check_within("aversions", aversions, POINTS)
    shown, largest = MARGINS
    within = all(0 <= margin <= largest for margin in margins)
    if not within or not {shown, largest} <= set(margins):
        raise ValueError(
            f"margins must be from 0 to {largest:g}, {shown:g} and {largest:g} among them; "
            f"got {margins}"
        )
    return ()


def real_models(*, refits: int, trainings: int) -> tuple[Path, ...]:
    """Check the parameters of ``beyond/real_models.md``: how many samples to fit, and to train on.

    Raises
    ------
    ValueError
        If one is out of range.

    Examples
    --------
    >>> real_models(refits=40, trainings=400)
    ()
    """
    _check_within("refits", refits, REFITS)
    _check_within("trainings", trainings, TRAININGS)
    return ()


def consortium(*, consortium: str) -> tuple[Path, ...]:
    """Check the parameter of ``beyond/design_your_own.md``: the path of a consortium file.

    An empty text stands for the example.

    Raises
    ------
    ValueError
        If the path holds what no path can; `pwm_companion.errors.BookError` with line and field if
        the file cannot be read or is not as it must be.

    Examples
    --------
    >>> consortium(consortium="")
    ()
    """
    if not consortium:
        return ()
    path = Path(consortium)
    return read_consortium(path).files


def _check_within(name: str, value: int, limits: tuple[int, int]) -> None:
    least, most = limits
    if not least <= value <= most:
        raise ValueError(f"{name} must be from {least} to {most}; got {value}")
