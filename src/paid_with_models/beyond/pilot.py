"""Contracts designed on what a pilot measured, and what they meet when the truth is known.

A pilot measures the learning curve up to some size; the contract asks for more. Three ways to
design it: with the *fitted* curve; with the *average* of curves across the band; or *robust*, with
reward caps of the lowest curve of the band and outside options of the highest. What comes of it is
seen under the true curve (:func:`meet`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..accuracy import FloatArray
from ..arguments import ReadOnly, instance, one_of
from ..audit import audit
from ..contract import Contract, check_contract
from ..problem import Problem, autarky
from .learning_curves import average_curve
from .measured_curves import BEYOND, LearningCurve

__all__ = ["DESIGNS", "Meeting", "cut_off", "meet", "pilot_problem"]

#: DESIGNS: the ways to design.
DESIGNS = ("fitted", "average", "robust")

#: ACROSS: levels of the bands whose edges, with the fit itself, are averaged.
ACROSS = (0.5, 0.9)


def pilot_problem(
    fit: LearningCurve,
    n_parties: int,
    probabilities: npt.ArrayLike,
    costs: npt.ArrayLike,
    *,
    design: str = "fitted",
    level: float = 0.9,
    beyond: float = BEYOND,
    **options: Any,
) -> Problem:
    """The problem whose contract is offered when a fit is all that is known.

    Parameters
    ----------
    fit : LearningCurve
        Of the pilot; contracts trade the gain over its baseline.
    n_parties : int
    probabilities, costs : (I,) array_like
        As for :class:`~paid_with_models.Problem`.
    design : {"fitted", "average", "robust"}
    level : float in (0, 1)
        Of the band against which ``robust`` guards.
    beyond : float >= 1
        Over the largest size measured, the size up to which it guards.
    **options
        ``valuation`` and ``beliefs`` of the problem.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError
        If the design is unknown, or as :class:`~paid_with_models.Problem` does.

    Examples
    --------
    >>> from paid_with_models import solve
    >>> from paid_with_models.beyond.measured_curves import learning_curve
    >>> sizes, measured = [50, 100, 200, 400, 800], [0.61, 0.70, 0.76, 0.80, 0.825]
    >>> fit = learning_curve(sizes, measured, baseline=0.5)
    >>> fitted, robust = (
    ...     solve(pilot_problem(fit, 4, [0.5, 0.5], [0.05, 0.02], design=name))
    ...     for name in ("fitted", "robust")
    ... )
    >>> robust.expected_accuracy < fitted.expected_accuracy  # by its own, lower curve
    True
    """
    instance("fit", fit, LearningCurve, "learning_curve")
    one_of("design", design, DESIGNS)
    if design == "fitted":
        return Problem(n_parties, probabilities, costs, fit.curve, **options)
    if design == "average":
        curves = [fit.curve, *(edge for band in ACROSS for edge in fit.edges(band, beyond))]
        return Problem(n_parties, probabilities, costs, average_curve(curves), **options)
    low, high = fit.edges(level, beyond)
    alone = [
        autarky(Problem(n_parties, probabilities, costs, edge, **options)).utilities
        for edge in (low, high)
    ]
    outside = np.maximum(*alone)
    return Problem(n_parties, probabilities, costs, low, reservation_utilities=outside, **options)


@dataclass(frozen=True, eq=False)
class Meeting(ReadOnly):
    """A menu that meets the true curve.

    Attributes
    ----------
    expected_accuracy : float
        Of the model trained on what the menu asks for; above the baseline, like the curve.
    best_accuracy : float
        What the best contract under the true curve reaches.
    cap_slacks : (I,) ndarray
        Value that can be delivered on average less what is promised.
    ir_slacks : (I,) ndarray
        Value that a type gets, as promised or as much as can be delivered, less its cost and what
        it could really have outside. 0 for a type that the menu leaves out.
    """

    expected_accuracy: float
    best_accuracy: float
    cap_slacks: FloatArray
    ir_slacks: FloatArray

    @property
    def lost(self) -> float:
        """Accuracy lost for want of knowing; negative where the menu asks for too much."""
        return self.best_accuracy - self.expected_accuracy


def meet(contract: Contract, best: Contract) -> Meeting:
    """See what a menu leads to in the true world, for which another contract is best.

    Parameters
    ----------
    contract : Contract
        Designed on what was known.
    best : Contract
        The best one of the problem with the true curve.

    Returns
    -------
    Meeting

    Examples
    --------
    >>> from paid_with_models import Saturating, solve
    >>> truth = solve(Problem(4, [0.5, 0.5], [0.05, 0.02], Saturating((0.4,), (0.005,))))
    >>> bool(np.all(meet(truth, truth).ir_slacks > -1e-6))
    True
    >>> too_good = solve(Problem(4, [0.5, 0.5], [0.05, 0.02], Saturating((0.6,), (0.005,))))
    >>> bool(meet(too_good, truth).cap_slacks.min() < 0)
    True
    """
    check_contract(contract)
    check_contract(best)
    out = np.flatnonzero(~contract.participates).tolist()
    found = audit(best.problem, contract.contributions, contract.rewards, left_out=out, best=best)
    received = found.individual_rationality + np.minimum(found.caps, 0.0)
    inside = contract.participates
    return Meeting(
        expected_accuracy=found.expected_accuracy,
        best_accuracy=best.expected_accuracy,
        cap_slacks=np.where(inside, found.caps, 0.0),
        ir_slacks=np.where(inside, received, 0.0),
    )


def cut_off(
    sizes: FloatArray, factor: float, *, side: str = "beyond", fewest: int = 5
) -> npt.NDArray[np.bool_] | None:
    """Which sizes a pilot has that stops at a share of the largest, or starts late.

    Parameters
    ----------
    sizes : (K,) ndarray > 0
        Rising.
    factor : float > 1
        How many times the largest size is the pilot's largest, at least (``beyond``), or the
        pilot's smallest the smallest (``before``).
    side : {"beyond", "before"}
    fewest : int
        Sizes that a pilot needs.

    Returns
    -------
    (K,) ndarray of bool, or None
        None if there are fewer.

    Examples
    --------
    >>> cut_off(np.array([16.0, 32, 64, 128, 256, 512]), 2.0).tolist()
    [True, True, True, True, True, False]
    """
    one_of("side", side, ("beyond", "before"))
    rounded = 1.01  # sizes are whole numbers of samples
    if side == "beyond":
        kept = sizes <= sizes[-1] / factor * rounded
    else:
        kept = sizes >= sizes[0] * factor / rounded
    return kept if kept.sum() >= fewest else None
