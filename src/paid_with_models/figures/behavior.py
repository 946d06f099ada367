"""Figures of the chapter on behavior."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..beyond.behavior import Assignment, certainty_equivalents, logit_behavior
from ..beyond.margins import slack_menu
from ..paper.contracts import scenario_contracts
from ..paper.scenarios import SCENARIOS, scenario_problem
from ..rewards import capped_rewards, lottery_rewards, proportional_rewards
from . import style

__all__ = [
    "aversion_figure",
    "aversion_lines",
    "logit_figure",
    "logit_lines",
    "margin_figure",
    "margin_lines",
]


@style.drawing
def logit_figure(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Expected accuracy and participation against how rational parties are, by scenario.

    Takes what :func:`logit_lines` returns.
    """
    looks = [
        (style.MUTED, "--"),
        (style.TYPE_PATH[0], "-."),
        (style.ALARM, "-"),
        (style.TYPE_PATH[3], ":"),
        (style.CAP, (0, (6, 1.5))),
    ]
    lines = {
        case: {"color": color, "linestyle": dashes}
        for case, (color, dashes) in zip(table["case"].unique(), looks, strict=True)
    }
    titles = table["scenario"].unique()
    figure, axes = style.new_panels(
        2.1 * len(titles) + 0.9, len(titles), 2, sharex=True, squeeze=False
    )
    for (left, right), title in zip(axes, titles, strict=True):
        here = table[table["scenario"] == title]
        style.draw_lines(left, here, "rationality", "expected_accuracy", "case", lines)
        style.draw_lines(right, here, "rationality", "participation", "case", lines)
        left.set_title(title, loc="left")
        left.set(xscale="log", ylabel="accuracy")
        right.set(ylabel="take part", ylim=(-0.03, 1.03))
    for ax in axes[-1]:
        ax.set_xlabel("rationality $\\lambda$")
    style.legend_from_axes(figure, [axes[0, 0]], columns=2)
    return figure, table


@style.drawing
def margin_figure(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """What a margin in every constraint costs, and what it is good for, by scenario.

    Takes what :func:`margin_lines` returns, of at most three rationalities.
    """
    best = table["scenario"].map(table.groupby("scenario")["upper_bound"].max())
    lost = table.assign(
        lost=best - table["expected_accuracy"], lost_foreseen=best - table["foreseen"]
    )
    marks = zip((style.ALARM, style.CAP, style.TYPE_PATH[3]), "so^", strict=True)
    looks = {
        rationality: {
            "color": color, "marker": marker, "markersize": 5, "linestyle": "--",
            "label": f"foresight, $\\lambda$ = {rationality:g}",
        }
        for rationality, (color, marker) in zip(
            sorted(table["rationality"].unique()), marks, strict=False
        )
    }  # fmt: skip
    titles = table["scenario"].unique()
    figure, axes = style.new_panels(
        1.9 * len(titles) + 0.9, len(titles), 1, sharex=True, sharey=True, squeeze=False
    )
    for ax, title in zip(axes[:, 0], titles, strict=True):
        here = lost[lost["scenario"] == title]
        once = here[here["margin"] > 0].drop_duplicates("margin")
        ax.plot(once["margin"], once["lost"], color=style.INK, label="every party rational")
        style.draw_lines(ax, here, "margin", "lost_foreseen", "rationality", looks)
        ax.set_title(title, loc="left")
        ax.set(yscale="log", ylabel="accuracy lost", ylim=(2e-4, 2))
        ax.grid(axis="y")
    axes[-1, 0].set_xlabel("margin $\\varepsilon$ in every constraint (units of value)")
    style.legend_from_axes(figure, [axes[0, 0]], columns=2)
    return figure, table


#: What chance costs below this, in units of value, is not drawn.
LEAST_PREMIUM = 1e-4


@style.drawing
def aversion_figure(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """What aversion to the spread of rewards does under three assignments, a row a scenario.

    Takes what :func:`aversion_lines` returns.
    """
    marks = {"capped": (style.CAP, "-", "o"), "proportional": (style.TYPE_PATH[3], "--", "^")}
    marks["lottery"] = (style.ALARM, "-.", "s")
    looks = {
        name: {"color": color, "linestyle": dashes, "marker": marker, "markersize": 4}
        for name, (color, dashes, marker) in marks.items()
    }
    columns = ["premium", "participation"]
    seen = table.assign(**table[columns].where(table[columns] > LEAST_PREMIUM))
    titles = table["scenario"].unique()
    figure, axes = style.new_panels(
        2.3 * len(titles) + 0.8, len(titles), 2, sharex=True, sharey="col", squeeze=False
    )
    for (left, right), title in zip(axes, titles, strict=True):
        for ax, column in ((left, "premium"), (right, "participation")):
            style.draw_lines(
                ax, seen[seen["scenario"] == title], "aversion", column, "assignment", looks
            )
        left.set_title(title, loc="left")
        left.set(xscale="log", yscale="log", ylabel="cost of chance")
        left.set_ylim(LEAST_PREMIUM, 200)
        left.grid(axis="y")
        right.set(ylabel="take part", ylim=(-0.03, 1.03))
    for ax in axes[-1]:
        ax.set_xlabel("aversion $\\alpha$")
    style.legend_from_axes(figure, [axes[0, 0]], columns=3)
    return figure, style.with_numbers(table, least=f"{LEAST_PREMIUM:g}")


def logit_lines(
    margin: float = 2.0,
    rationalities: Sequence[float] = tuple(np.geomspace(0.03, 30, 31)),
    scenarios: Sequence[str] = tuple(SCENARIOS),
) -> pd.DataFrame:
    """Logit choice in the paper's scenarios: from the optimal contract and from one with a margin.

    Parameters
    ----------
    margin : float >= 0
        Units of value.
    rationalities : sequence of float >= 0
        Per unit of value.
    scenarios : sequence of str
        Names in :data:`~paid_with_models.paper.scenarios.SCENARIOS`.

    Returns
    -------
    DataFrame
        By scenario (its title) and case, "nobody may stay out", "the promise is believed",
        "parties foresee who stays", "foreseen, rewards capped" or "foreseen, with a margin":
        rationality, expected_accuracy, participation.

    Raises
    ------
    ValueError
        If there is no such scenario.

    Examples
    --------
    >>> lines = logit_lines(rationalities=[1.0], scenarios=["small_party_teamwork"])
    >>> accuracy = lines.set_index("case")["expected_accuracy"]["parties foresee who stays"]
    >>> round(float(accuracy), 3)
    0.654
    """
    rows = []
    for title, contract in scenario_contracts(scenarios).items():
        problem = contract.problem
        slack = slack_menu(problem, margin)
        best, robust = ((it.contributions, it.rewards) for it in (contract, slack))
        share, cap = Assignment.PROPORTIONAL, Assignment.CAPPED
        cases = {
            "nobody may stay out": (best, False, False, share),
            "the promise is believed": (best, True, False, share),
            "parties foresee who stays": (best, True, True, share),
            "foreseen, rewards capped": (best, True, True, cap),
            "foreseen, with a margin": (robust, True, True, share),
        }
        for case, (menu, out, foreseen, way) in cases.items():
            for rationality in map(float, rationalities):
                found = logit_behavior(
                    problem, *menu, rationality, opting_out=out, anticipating=foreseen,
                    assignment=way,
                )  # fmt: skip
                rows.append(
                    (title, case, rationality, found.expected_accuracy, found.participation)
                )
    columns = ["scenario", "case", "rationality", "expected_accuracy", "participation"]
    return pd.DataFrame(rows, columns=columns)


def margin_lines(
    margins: Sequence[float] = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0),
    rationalities: Sequence[float] = (1.0, 3.0),
    scenarios: Sequence[str] = tuple(SCENARIOS),
) -> pd.DataFrame:
    """The best menus with ever larger margins, and what foresighted parties do with them.

    Parameters
    ----------
    margins, rationalities, scenarios
        Sequences of what :func:`logit_lines` takes.

    Returns
    -------
    DataFrame
        By scenario (its title), margin and rationality: the menu's expected_accuracy and
        upper_bound, and the expected_accuracy (foreseen) and participation that come of it.

    Raises
    ------
    ValueError
        If there is no such scenario, or no menu with such a margin.

    Examples
    --------
    >>> lines = margin_lines([0.0, 2.0], [3.0], ["small_party_teamwork"])
    >>> none, two = lines.itertuples()
    >>> none.expected_accuracy > two.expected_accuracy, none.foreseen < two.foreseen
    (True, True)
    """
    rows = []
    for name in scenarios:
        problem = scenario_problem(name)
        for menu in (slack_menu(problem, margin) for margin in margins):
            for rationality in rationalities:
                found = logit_behavior(
                    problem, menu.contributions, menu.rewards, rationality, anticipating=True
                )
                promised = (menu.margin, menu.expected_accuracy, menu.upper_bound)
                came = (rationality, found.expected_accuracy, found.participation)
                rows.append((SCENARIOS[name].title, *promised, *came))
    columns = ["scenario", "margin", "expected_accuracy", "upper_bound"]
    return pd.DataFrame(rows, columns=[*columns, "rationality", "foreseen", "participation"])


def aversion_lines(
    margin: float = 2.0,
    rationality: float = 3.0,
    aversions: Sequence[float] = tuple(np.geomspace(0.002, 0.2, 13)),
    scenarios: Sequence[str] = ("big_firm_cooperation", "big_and_small_collaboration"),
) -> pd.DataFrame:
    """Aversion to the spread of rewards, under three ways of handing out the same means.

    Parameters
    ----------
    margin, rationality, scenarios
        As for :func:`logit_lines`. (In small-party teamwork nothing varies.)
    aversions : sequence of float >= 0
        Per unit of value.

    Returns
    -------
    DataFrame
        By scenario (its title), assignment ("capped", "proportional" or "lottery") and aversion:
        premium, the most that chance costs a type under the optimal contract, units of value, and
        the expected accuracy (foreseen) and participation with which foresighted parties answer
        the menu that has the margin.

    Raises
    ------
    ValueError
        If there is no such scenario.

    Examples
    --------
    >>> lines = aversion_lines(aversions=[0.05], scenarios=["big_firm_cooperation"])
    >>> lines.sort_values("premium")["assignment"].tolist()
    ['capped', 'proportional', 'lottery']
    """
    hand_out = {
        Assignment.CAPPED: capped_rewards,
        Assignment.PROPORTIONAL: proportional_rewards,
        Assignment.LOTTERY: lottery_rewards,
    }
    rows = []
    for title, contract in scenario_contracts(scenarios).items():
        menu = slack_menu(contract.problem, margin)
        for assignment, way in hand_out.items():
            rewards = way(contract)
            for aversion in map(float, aversions):
                lost = contract.rewards - certainty_equivalents(rewards, aversion)
                found = logit_behavior(
                    contract.problem, menu.contributions, menu.rewards, rationality,
                    anticipating=True, aversion=aversion, assignment=assignment,
                )  # fmt: skip
                premium = max(float(np.max(lost)), 0.0)
                came = (found.expected_accuracy, found.participation)
                rows.append((title, assignment.name.lower(), aversion, premium, *came))
    columns = ["scenario", "assignment", "aversion", "premium", "foreseen", "participation"]
    return pd.DataFrame(rows, columns=columns)
