"""Figures of the chapter on models as rewards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..attendance import enumerate_outcomes, outcome_probabilities
from ..contract import Contract
from . import style
from .parts import merge_atoms

__all__ = ["deterministic_promise"]


@style.drawing
def deterministic_promise(contract: Contract) -> tuple[Figure, pd.DataFrame]:
    r"""What promising a fixed accuracy would risk, or waste, with the contract's contributions.

    Exact, over all outcomes n: the probability :math:`P(a(S) < r)` that a promised accuracy r
    cannot be kept (insolvency), and the value :math:`E[(v(a(S)) - v(r))^+]` of the collective
    model that a kept promise leaves unused. The table has a row for each accuracy that can be
    realized, and one below and above.
    """
    problem = contract.problem
    counts = enumerate_outcomes(problem.n_parties, problem.n_types)
    weights = outcome_probabilities(counts, problem.probabilities)
    atoms, chances = merge_atoms(problem.accuracy(counts @ contract.contributions), weights)
    worth = problem.valuation(atoms)
    span = max(float(np.ptp(atoms)), 0.02 * problem.accuracy.optimum)
    first = max(float(atoms[0]) - 0.06 * span, 0.0)
    last = min(float(atoms[-1]) + 0.06 * span, problem.accuracy.optimum)
    promises = np.union1d([first, last], atoms)
    promised = problem.valuation(promises)
    table = pd.DataFrame(
        {
            "promise": promises,
            "insolvency_probability": [min(float(chances[atoms < r].sum()), 1.0) for r in promises],
            "unused_value": [float(chances @ np.maximum(worth - p, 0)) for p in promised],
        }
    )
    mean = float(problem.valuation.inverse(chances @ worth))
    figure, (upper, lower) = style.new_panels(5.4, 2, 1, sharex=True)
    upper.step(
        promises, table["insolvency_probability"], where="pre", color=style.ALARM, linewidth=2.2
    )
    fine = np.union1d(promises, np.linspace(first, last, 400))
    spare = np.maximum(worth[None, :] - problem.valuation(fine)[:, None], 0) @ chances
    lower.plot(fine, spare, color=style.CAP, linewidth=2.2)
    safe_look: dict[str, Any] = {"color": style.INK, "linewidth": 1.1, "linestyle": (0, (4, 2))}
    mean_look: dict[str, Any] = {"color": style.MUTED, "linewidth": 1.1, "linestyle": (0, (1, 1.6))}
    for ax in (upper, lower):
        ax.axvline(atoms[0], **safe_look)
        ax.axvline(mean, **mean_look)
        ax.grid(axis="y")
        ax.margins(x=0)
    upper.set(ylim=(-0.02, 1.02), xlim=(first, last))
    upper.set_title("Probability that the promise cannot be kept")
    lower.set_title("Value of the collective model left unused")
    lower.set_xlabel("promised accuracy r")
    lower.set_ylim(bottom=0, top=max(1.08 * float(spare.max()), 1e-3 * problem.model_value.optimum))
    of_mean = f"promise of mean value, v(r) = E[v(a(S))]: r = {mean:.4g}"
    handles = [
        Line2D([], [], **safe_look, label=f"safe promise, min a(S) = {atoms[0]:.4g}"),
        Line2D([], [], **mean_look, label=of_mean),
    ]
    style.legend_below(figure, handles, columns=1)
    return figure, table
