"""Figures of the chapter on the screening problem."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..complete_information import solve_complete_information
from ..curves import GeneralizationBound
from ..problem import Problem
from ..solver.routes import solve
from . import style

__all__ = ["constraint_menus", "menu_planes"]


@style.drawing
def menu_planes(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Menus in the plane of contributions and rewards, a panel each.

    Takes what :func:`constraint_menus` returns. Dots are options, dashed lines what a type needs
    in order to join, full lines what it gets by its best choice; the thick line is what the model
    is worth that the choices train.
    """
    menus = list(table["menu"].unique())
    figure, axes = style.new_panels(6.9, 2, (len(menus) + 1) // 2, sharex=True, sharey=True)
    right = 1.08 * float(table["contribution"].max())
    top = 1.15 * float(table[["reward", "model"]].max().max())
    ends = np.array([0.0, right])
    colors = style.type_colors(table["cost"].unique())
    for ax, menu in zip(axes.flat, menus, strict=True):
        rows = table[table["menu"] == menu]
        model = float(rows["model"].iloc[0])
        ax.axhline(model, color=style.CAP, linewidth=2.6, zorder=2)
        for row, color in zip(rows.itertuples(), colors, strict=True):
            ax.plot(
                ends, row.reservation_utility + row.cost * ends, color=color, linewidth=1.4,
                linestyle=(0, (4, 2.5)), zorder=2.5,
            )  # fmt: skip
            if row.utility > row.reservation_utility + 1e-6 * top:
                ax.plot(ends, row.utility + row.cost * ends, color=color, linewidth=1.6, zorder=2.6)
        for place, group in rows.groupby(["contribution", "reward"], sort=False):
            alone = len(group) == 1
            face = colors[int(group["type"].iloc[0]) - 1] if alone else style.INK
            name = f"{group['type'].iloc[0]}" if alone else "1 and 2"
            ax.plot(*place, "o", color=face, markersize=9, markeredgecolor="white", zorder=5)
            # Lines run to the upper right and the lower left, so that its name stands below it.
            late = place[0] > 0.6 * right
            ax.annotate(
                name, place, (0 if late else 7, -7), textcoords="offset points", size=style.SMALL,
                color=face, ha="right" if late else "left", va="top", zorder=6,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1},
            )  # fmt: skip
        ax.set_title(menu)
        ax.set(xlim=(0, right), ylim=(0, top))
        ax.grid()
        style.thousands_separated(ax.xaxis)
    for ax in axes[-1]:
        ax.set_xlabel("contribution m (units)")
    for ax in axes[:, 0]:
        ax.set_ylabel("reward t, in value")
    handles = [
        Line2D([], [], color=style.CAP, linewidth=2.6, label="what the model is worth"),
        Line2D(
            [], [], color=style.MUTED, linewidth=1.4, linestyle=(0, (4, 2.5)),
            label="needs at least this to join",
        ),
        Line2D([], [], color=style.MUTED, linewidth=1.6, label="best attainable gain"),
        *(
            style.marker_handle("s", color, f"type {i}", 10)
            for i, color in enumerate(colors, start=1)
        ),
    ]  # fmt: skip
    style.legend_below(figure, handles, columns=2)
    numbers = {
        f"{name}_{k}_{row.type}": float(getattr(row, name))
        for k, menu in enumerate(menus, start=1)
        for row in table[table["menu"] == menu].itertuples()
        for name in ("contribution", "reward")
    }
    numbers |= {
        f"model_{k}": float(table.loc[table["menu"] == menu, "model"].iloc[0])
        for k, menu in enumerate(menus, start=1)
    }
    return figure, style.with_numbers(table, **numbers)


def constraint_menus(
    n_parties: int = 10,
    shares: Sequence[float] = (0.5, 0.5),
    costs: Sequence[float] = (0.2, 0.05),
    asked: float = 2000.0,
) -> pd.DataFrame:
    """Menus that leave out a constraint each, and the optimal one, for two types.

    Without individual rationality everybody is asked for the same and returned the collective
    model. Without incentive compatibility the menu is the average of what complete information
    asks. Without feasibility everyone is promised a perfect model for what type 1 would give.

    Parameters
    ----------
    n_parties : int >= 1
    shares : (I,) sequence of floats > 0
        Probabilities of the types.
    costs : (I,) sequence of floats > 0
        Value per unit of data, from the costliest type.
    asked : float > 0
        Units of data that the menu without individual rationality asks for.

    Returns
    -------
    DataFrame
        A row for each menu and type: menu, type, cost, contribution, reward, utility (what the type
        gains by its best choice, or by its own option where it would stay out),
        reservation_utility, model (what the model is worth that these choices train, in the mean).

    Examples
    --------
    >>> menus = constraint_menus()
    >>> menus.groupby("menu", sort=False)["model"].first().round(1).tolist()
    [93.7, 86.7, 87.4, 88.7]
    """
    problem = Problem(n_parties, shares, costs, GeneralizationBound())
    contract = solve(problem)
    outside = contract.reservation_utilities
    seen = solve_complete_information(problem)
    perfect = problem.model_value.optimum
    alike = np.ones(problem.n_types)
    worth = float(problem.model_value(n_parties * asked))
    empty = (perfect - outside[0]) / problem.costs[0]
    menus = {
        "Without IR": (asked * alike, worth * alike),
        "Without IC": (seen.contributions, seen.rewards),
        "Without feasibility": (empty * alike, perfect * alike),
        "Optimal": (contract.contributions, contract.rewards),
    }
    frames = []
    for menu, (m, t) in menus.items():
        gains = t - problem.costs[:, None] * m
        if menu == "Optimal":  # indifferent types take their own option
            best, model = contract.utilities, contract.expected_value
        elif menu == "Without IR":
            best, model = gains.max(axis=1), worth
        else:
            best = gains.max(axis=1)
            model = float(problem.model_value(n_parties * m[gains.argmax(axis=1)].mean()))
        frames.append(
            pd.DataFrame(
                {
                    "menu": menu, "type": np.arange(1, problem.n_types + 1), "cost": problem.costs,
                    "contribution": m, "reward": t, "utility": best,
                    "reservation_utility": outside, "model": model,
                }
            )
        )  # fmt: skip
    return pd.concat(frames, ignore_index=True)
