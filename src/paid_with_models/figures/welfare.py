"""What schemes leave to the parties, in the chapter that sets the scenarios side by side."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..paper.scenarios import SCENARIOS
from ..solver.routes import solve_many
from ..welfare import compare_schemes
from . import style

__all__ = ["surplus_bars", "surplus_by_scheme"]

#: By scheme: its name at the axis, and the color of its bar; from the top.
SCHEMES = {
    "free_riding": ("free-riding", style.ALARM),
    "contract": ("contract", style.CAP),
    "complete": ("types seen", style.MUTED),
    "surplus": ("largest surplus", style.INK),
}


@style.drawing
def surplus_bars(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """What the parties gain together by each scheme, with the accuracy of the model at the bar.

    Takes what :func:`surplus_by_scheme` returns: a panel a scenario.
    """
    panels = dict(list(table.groupby("scenario", sort=False)))
    figure, axes = style.new_panels(1.25 * len(panels) + 0.9, len(panels), 1, squeeze=False)
    numbers: dict[str, float | str] = {}
    for k, (ax, (title, rows)) in enumerate(zip(axes[:, 0], panels.items(), strict=True), start=1):
        names, colors = zip(*(SCHEMES[scheme] for scheme in rows["scheme"]), strict=True)
        places = np.arange(len(rows))
        ax.barh(places, rows["surplus"], color=colors, height=0.7)
        ax.axvline(rows["alone"].iloc[0], color=style.INK, linewidth=1.1, linestyle=(0, (4, 2)))
        reach = float(rows[["surplus", "alone"]].to_numpy().max())
        for place, surplus, accuracy in zip(places, rows["surplus"], rows["accuracy"], strict=True):
            ax.annotate(
                f"{accuracy:.3f}", (surplus, place), (4, 0), textcoords="offset points",
                va="center", size=style.SMALL, zorder=4,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1},
            )  # fmt: skip
            numbers[f"surplus_{k}_{place + 1}"] = surplus
        ax.set_yticks(places, names)
        ax.set_xlim(0, 1.12 * reach)
        ax.invert_yaxis()
        ax.grid(axis="x")
        ax.set_title(title)
    axes[-1, 0].set_xlabel("joint gain of the parties (units of value)")
    alone = Line2D([], [], color=style.INK, linestyle=(0, (4, 2)), label="what they gain alone")
    figure.legend(handles=[alone], loc="outside upper center", borderaxespad=0.0)
    return figure, style.with_numbers(table, **numbers)


def surplus_by_scheme() -> pd.DataFrame:
    """What four schemes collect, reach and leave to the parties in the three scenarios.

    Returns
    -------
    DataFrame
        A row for each scenario and scheme of :func:`~paid_with_models.welfare.compare_schemes`:
        scenario, scheme, total (units of data), accuracy, surplus (joint gain of the parties,
        value), alone (what they would gain alone, in sum).

    Examples
    --------
    >>> table = surplus_by_scheme().set_index(["scenario", "scheme"])
    >>> table["surplus"].loc["Small-party teamwork"].round().astype(int).to_dict()
    {'free_riding': 0, 'contract': 207, 'complete': 0, 'surplus': 435}
    """
    contracts = solve_many(scenario.problem() for scenario in SCENARIOS.values())
    frames = []
    for scenario, contract in zip(SCENARIOS.values(), contracts, strict=True):
        alone = float(contract.problem.mean_counts @ contract.reservation_utilities)
        schemes = compare_schemes(contract).rename_axis("scheme").reset_index()
        frames.append(schemes.assign(alone=alone).assign(scenario=scenario.title))
    columns = ["scenario", "scheme", "total", "accuracy", "surplus", "alone"]
    return pd.concat(frames, ignore_index=True)[columns]
