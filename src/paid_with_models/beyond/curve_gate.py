"""The gate between data and proof: what a contract's proof does not say, and whether it matters.

A contract is proved optimal for the curve that it was designed with. If that curve was fitted to
measurements, the proof is worth what the fit is worth where the menu uses it. The gate says whether
the menu stays within the measured sizes, on either side, whether the fit misses what was measured,
and what becomes of the menu at either edge of the band.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..accuracy import FloatArray
from ..contract import Contract
from ..curves import Saturating
from ..problem import Problem, autarky
from ..solver.routes import solve
from .curve_tables import read_curve_table
from .findings import Finding, amount
from .lcdb import select_curves, typical_curve
from .measured_curves import BEYOND, LearningCurve, learning_curve
from .pilot import Meeting, meet
from .turnout import draw_parties, stated_law

__all__ = ["Gate", "curve_from", "gate"]

#: DRAWS, SEED: of who turns up, for what is given together.
DRAWS, SEED = 20_000, 1

#: POINTS: quantiles of what is given together at which the band is looked at.
POINTS = 200

#: SAME: a difference below this share of the best model's value is none.
SAME = 1e-6

#: OUTSIDE: probability of leaving the measured sizes from which the gate is closed.
OUTSIDE = 0.05

#: PROVED: what a report says first, whatever was measured.
PROVED = (
    "“Proved” speaks of the optimization: no contract is better for the fitted curve. Whether the"
    " curve is right is a matter of the data."
)

#: FIELDS, LIKE: what `accuracy` of a consortium file may state besides `measured` or `like`.
FIELDS = ("columns", "percent", "decimal", "baseline")
LIKE = ("dataset", "learner", "classes", "features", "instances")


def curve_from(stated: Mapping[str, Any], folder: Path) -> LearningCurve:
    """The curve of a consortium file that states measurements or what its task is like.

    ``{measured: points.csv, columns: {…}, percent: true, decimal: ",", baseline: 0.6}``, or
    ``{like: {dataset: letter, learner: SVC_rbf}, baseline: 0.1}``, or a class of tasks,
    ``{like: {learner: RandomForestClassifier, classes: [2, 2], instances: [1000, 9000]},
    baseline: 0.6}``, which is the median over its data sets with the band over them. ``csv`` is
    another name of ``measured``.

    Parameters
    ----------
    stated : mapping
        The field ``accuracy``.
    folder : Path
        To which the path of the file is relative.

    Returns
    -------
    LearningCurve

    Raises
    ------
    ValueError
        With the field where it is not that of the file.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> fit = curve_from({"like": {"dataset": 6, "learner": "SVC_rbf"}}, Path())
    >>> fit.findings[0].text[:60]
    'Nothing was measured here: the curve is that of data set 6, '
    """
    kind = next((name for name in ("measured", "csv") if name in stated), "like")
    known = (kind, "baseline") if kind == "like" else (kind, *FIELDS)
    if unknown := [name for name in stated if name not in known]:
        raise ValueError(f"{unknown[0]} does not go with {kind}; known are {', '.join(known[1:])}")
    if kind == "like":
        return _like(stated["like"], stated.get("baseline"))
    table = read_curve_table(
        folder / stated[kind],
        columns=stated.get("columns"),
        percent=stated.get("percent"),
        decimal=stated.get("decimal"),
    )
    fit = learning_curve(
        table.sizes,
        table.accuracies,
        table.errors,
        baseline=stated.get("baseline"),
        percent=table.percent,
    )
    return fit.with_findings(*(Finding("table", text, False) for text in table.said))


def _like(like: Mapping[str, Any], baseline: float | None) -> LearningCurve:
    if unknown := [name for name in like if name not in LIKE]:
        raise ValueError(f"like.{unknown[0]} is not known; known are {', '.join(LIKE)}")
    limits: dict[str, Any] = {name: _limits(name, like[name]) for name in LIKE[2:] if name in like}
    curves = select_curves(dataset=like.get("dataset"), learner=like.get("learner"), **limits)
    if not curves:
        raise ValueError("like must leave some curve with eight sizes or more; it leaves none")
    if "dataset" in like and len(curves) > 1:
        found = ", ".join(f"{c.dataset} with {c.learner}" for c in curves[:4])
        raise ValueError(f"like must name one data set, by its id, and one learner; got {found}, …")
    if len(curves) == 1:
        (curve,) = curves
        return curve.fit(baseline).with_findings(
            Finding(
                "elsewhere",
                f"Nothing was measured here: the curve is that of data set {curve.dataset},"
                f" {curve.name or 'without a name'}, and of the learner {curve.learner}, in the"
                " Learning Curve Database. The band does not say how yours differs.",
                True,
            )
        )
    if baseline is None:
        raise ValueError("baseline must be stated with a class of tasks: it is that of your task")
    return typical_curve(curves, baseline)


def _limits(name: str, stated: Any) -> tuple[int, int]:
    ends = [stated, stated] if isinstance(stated, int) else stated
    whole = isinstance(ends, list) and all(type(end) is int for end in ends)
    if not whole or len(ends) != 2 or ends[0] > ends[1]:
        raise ValueError(f"like.{name} must be a whole number, or the least and the largest one")
    return ends[0], ends[1]


@dataclass(frozen=True, eq=False)
class Gate:
    """What stands between the data and the proof.

    Attributes
    ----------
    open : bool
        Whether the proof can be taken as it is: the menu stays within what was measured, and
        nothing puts the curve in doubt.
    lines : tuple of str
        What a report says beside the word "proved", the gravest first; plain text.
    below, inside, above : float
        Probability that what all give together lies below, within and above the measured sizes.
    accuracy, lowest, highest : float
        Expected accuracy of the joint model, baseline included: by the fit, and by the lower and
        the upper end of the band.
    at_low, at_high : Meeting
        What becomes of the menu under the lowest and under the highest curve of the band.
    """

    open: bool
    lines: tuple[str, ...]
    below: float
    inside: float
    above: float
    accuracy: float
    lowest: float
    highest: float
    at_low: Meeting
    at_high: Meeting


def gate(
    contract: Contract,
    fit: LearningCurve,
    *,
    names: Sequence[str] | None = None,
    data_unit: str = "units of data",
    value_unit: str = "units of value",
    level: float = 0.9,
) -> Gate:
    """Say what the proof of a contract does not say.

    Parameters
    ----------
    contract : Contract
        Designed with ``fit.curve``.
    fit : LearningCurve
    names : sequence of str, optional
        Of the types.
    data_unit, value_unit : str
    level : float in (0, 1)
        Of the band.

    Returns
    -------
    Gate

    Raises
    ------
    ValueError
        If the contract was designed with another curve.

    Examples
    --------
    >>> fit = learning_curve([640, 1300, 2600], [0.08, 0.97, 0.98])
    >>> found = gate(solve(Problem(3, [0.5, 0.5], [0.05, 0.02], fit.curve)), fit)
    >>> found.open
    False
    """
    problem = contract.problem
    if problem.accuracy != fit.curve:
        raise ValueError("contract must be designed with the curve of the fit")
    called = list(names) if names else [f"type {k + 1}" for k in range(problem.n_types)]
    rng = np.random.default_rng(SEED)
    totals = draw_parties(problem, DRAWS, rng) @ contract.contributions
    low, high = fit.measured_range
    given = totals[totals > 0]
    below, above = (float(np.sum(where) / DRAWS) for where in (given < low, given > high))
    points = np.quantile(totals, (np.arange(POINTS) + 0.5) / POINTS)
    lowest, highest = (float(end.mean()) for end in fit.band(points, level))
    beyond = max(BEYOND, float(totals.max()) / high)
    meetings = [_under(contract, edge) for edge in fit.edges(level, beyond)]
    accuracy = fit.baseline + contract.expected_accuracy
    outside = _outside(contract, fit, called, totals, data_unit)
    consequences = _consequences(meetings, called, contract, value_unit)
    said = (
        f"Expected accuracy is {100 * accuracy:.1f} % by the fitted curve; the"
        f" {100 * level:g} % band is {100 * min(lowest, accuracy):.1f} to"
        f" {100 * max(highest, accuracy):.1f} %."
    )
    lines = (PROVED, *fit.warnings, *outside, said, *consequences)
    return Gate(
        open=not fit.warnings and below + above < OUTSIDE and not outside,
        lines=lines,
        below=below,
        inside=float(np.mean(fit.inside(totals))),
        above=above,
        accuracy=accuracy,
        lowest=min(lowest, accuracy),
        highest=max(highest, accuracy),
        at_low=meetings[0],
        at_high=meetings[1],
    )


def _under(contract: Contract, edge: Saturating) -> Meeting:
    problem = contract.problem
    stated = stated_law(problem) | {
        "costs": problem.costs, "accuracy": edge, "valuation": problem.valuation,
        "beliefs": problem.beliefs, "max_data": problem.max_data,
    }  # fmt: skip
    world = Problem(**stated)
    if problem.reservation_utilities is not None:
        outside = np.maximum(problem.reservation_utilities, autarky(world).utilities)
        world = Problem(**stated, reservation_utilities=outside)
    return meet(contract, solve(world, max_nodes=1))


def _outside(
    contract: Contract, fit: LearningCurve, names: Sequence[str], totals: FloatArray, unit: str
) -> list[str]:
    """What is asked for, or would be used alone, outside the measured sizes."""
    low, high = fit.measured_range
    found = []
    given = totals[totals > 0]
    for where, side, size in (
        (given > high, "more than the largest", high),
        (given < low, "less than the smallest", low),
    ):
        share = float(np.sum(where)) / totals.size
        if share >= OUTSIDE:
            typical = float(np.median(given[where]))
            found.append(
                f"In {100 * share:.0f} of 100 cases all give {side} size measured: typically"
                f" {amount(typical)} against {amount(size)} {unit}. There the curve is a guess."
            )
    alone = autarky(contract.problem).contributions
    for where, side, size in (
        ((alone > 0) & (alone < low), "less than the smallest", low),
        (alone > high, "more than the largest", high),
    ):
        if where.any():
            who = _joined([names[k] for k in np.flatnonzero(where).tolist()])
            it = "it" if where.sum() == 1 else "they"
            found.append(
                f"Alone, {who} would use {side} size measured, {amount(size)} {unit}: what {it} can"
                " have outside is a guess."
            )
    return found


def _consequences(
    meetings: Sequence[Meeting], names: Sequence[str], contract: Contract, unit: str
) -> list[str]:
    allowed = SAME * contract.problem.model_value.optimum
    found = []
    low, high = meetings
    for edge, slacks, said in (
        ("lowest", low.cap_slacks, "would get less than promised"),
        ("lowest", low.ir_slacks, "would be better off outside"),
        ("highest", high.ir_slacks, "would be better off outside"),
    ):
        hit = np.flatnonzero(slacks < -allowed).tolist()
        if hit:
            who = _joined([names[k] for k in hit])
            found.append(
                f"If the curve is the {edge} of the band, {who} {said}, by up to"
                f" {-float(slacks.min()):,.3g} {unit}."
            )
    if not found:
        found.append("At either edge of the band the menu keeps what it promises.")
    return found


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
