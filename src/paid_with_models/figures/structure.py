"""Figures of the chapter on the structure of optimal contracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..accuracy import GeneralizationBound
from ..contract import Contract
from ..paper.scenarios import options
from ..problem import Problem
from ..solver.routes import solve_many
from .style import laid_out, new_figure, style, thousands_separated, type_colors, with_numbers

__all__ = ["bunching", "bunching_lines"]


def bunching(
    lines: Mapping[str, Sequence[tuple[float, Contract]]],
) -> tuple[Figure, pd.DataFrame]:
    """How contributions join and part as one number of the problem changes.

    Each type is a line; where types share an option, the thinner lines run inside the wider ones,
    so that all of them are seen.

    Parameters
    ----------
    lines : mapping from str to sequence of (float, Contract)
        For each panel: what changes, as the label of its axis, and the contracts along it, all of
        the same number of types.

    Returns
    -------
    Figure, DataFrame
        Columns along, at, type, contribution, option (its number, by size of the contribution).

    Raises
    ------
    ValueError
        If there is no panel, a panel has fewer than two contracts, or the numbers of types differ.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, solve
    >>> curve = GeneralizationBound()
    >>> row = [(p, solve(Problem(9, [p, 1 - p], [0.2, 0.1], curve))) for p in (0.2, 0.8)]
    >>> bunching({"share of type 1": row})[1]["option"].tolist()
    [1, 2, 1, 1]
    """
    if not lines or any(len(row) < 2 for row in lines.values()):
        got = {title: len(row) for title, row in lines.items()}
        raise ValueError(f"lines must hold panels of at least two contracts each; got {got}")
    sizes = {contract.problem.n_types for row in lines.values() for _, contract in row}
    if len(sizes) > 1:
        raise ValueError(f"all contracts must have as many types; got {sorted(sizes)}")
    n_types = sizes.pop()
    records = [
        (along, at, i + 1, float(contract.contributions[i]), number)
        for along, row in lines.items()
        for at, contract in row
        for number, members in enumerate(options(contract), start=1)
        for i in members
    ]
    table = pd.DataFrame(records, columns=["along", "at", "type", "contribution", "option"])
    table = table.sort_values(["along", "at", "type"], kind="stable", ignore_index=True)
    colors = type_colors(np.arange(n_types, 0, -1))
    with style():
        figure = new_figure(3.7)
        axes = figure.subplots(1, len(lines), sharey=True, squeeze=False)[0]
        for ax, (along, row) in zip(axes, lines.items(), strict=True):
            at = [place for place, _ in row]
            for i in range(n_types):
                m = [contract.contributions[i] for _, contract in row]
                width = 1.6 + 3.2 * (n_types - 1 - i) / max(n_types - 1, 1)
                ax.plot(at, m, color=colors[i], linewidth=width, solid_capstyle="butt")
            ax.set_xlabel(along)
            ax.set_xlim(min(at), max(at))
            ax.set_ylim(bottom=0)
            ax.grid(axis="y")
            thousands_separated(ax.yaxis)
        axes[0].set_ylabel("contribution (units of data)")
        handles = [
            Line2D([], [], color=color, linewidth=3, label=f"type {i + 1}")
            for i, color in enumerate(colors)
        ]
        figure.legend(
            handles=handles, loc="outside upper center", ncols=min(n_types, 5), handlelength=1.4,
            borderaxespad=0.0,
        )  # fmt: skip
        return laid_out(figure), with_numbers(table, **_bunching_numbers(lines))


def _bunching_numbers(
    lines: Mapping[str, Sequence[tuple[float, Contract]]],
) -> dict[str, float | str]:
    """Of each panel: the costs where it ends, from where the first two types share, and all."""
    numbers: dict[str, float | str] = {}
    for k, row in enumerate(lines.values(), start=1):
        options_at = [(at, options(contract)) for at, contract in row]
        shared = [at for at, those in options_at if len(those[0]) > 1]
        pooled = [at for at, those in options_at if len(those) == 1]
        if shared:
            numbers[f"shared_{k}"] = min(shared)
        if pooled:
            numbers[f"pooled_{k}"] = min(pooled)
        numbers[f"costs_{k}"] = ", ".join(f"{cost:g}" for cost in row[-1][1].problem.costs)
    return numbers


def bunching_lines(
    n_parties: int = 10,
    costs: tuple[float, float, float] = (0.2, 0.1, 0.05),
    middle_costs: Sequence[float] = tuple(np.linspace(0.06, 0.19, 66)),
    shares: Sequence[float] = tuple(np.linspace(0.02, 0.98, 97)),
) -> dict[str, list[tuple[float, Contract]]]:
    """Contracts for three types along two lines: the cost of type 2, the probability of type 1.

    On the first line the types are equally likely, on the second types 2 and 3 are. The accuracy
    curve is the paper's.

    Parameters
    ----------
    n_parties : int >= 1
    costs : (3,) tuple of floats > 0
        Value per unit of data; on the first line that of type 2 is replaced.
    middle_costs : sequence of floats > 0
        Costs of type 2 on the first line.
    shares : sequence of floats in (0, 1)
        Probabilities of type 1 on the second line.

    Returns
    -------
    dict from str to list of (float, Contract)
        For each line, by what changes along it, the places and the contracts there.

    Examples
    --------
    >>> lines = bunching_lines(middle_costs=[0.1], shares=[0.9])
    >>> [[contract.shape.name for _, contract in line] for line in lines.values()]
    [['SEPARATING'], ['POOLING']]
    """
    high, middle, low = costs
    curve = GeneralizationBound()
    by_cost = solve_many(
        Problem(n_parties, [1 / 3] * 3, [high, c, low], curve) for c in middle_costs
    )
    by_share = solve_many(
        Problem(n_parties, [p, (1 - p) / 2, (1 - p) / 2], [high, middle, low], curve)
        for p in shares
    )
    return {
        "cost of type 2": list(zip(middle_costs, by_cost, strict=True)),
        "probability of type 1": list(zip(shares, by_share, strict=True)),
    }
