"""Figures of the chapter on behavior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..beyond.behavior import Assignment, Behavior, certainty_equivalents, logit_behavior
from ..beyond.margins import SlackMenu, slack_menu
from ..paper.scenarios import SCENARIOS, scenario_contracts, scenario_problem
from ..rewards import capped_rewards, lottery_rewards, proportional_rewards
from .style import (
    ALARM,
    CAP,
    INK,
    MUTED,
    TYPE_PATH,
    laid_out,
    legend_from_axes,
    new_figure,
    style,
    with_numbers,
)

__all__ = [
    "aversion_figure",
    "aversion_lines",
    "logit_figure",
    "logit_lines",
    "margin_figure",
    "margin_lines",
]


def logit_figure(
    lines: Mapping[str, Mapping[str, Sequence[tuple[float, Behavior]]]],
) -> tuple[Figure, pd.DataFrame]:
    """Expected accuracy and participation against how rational parties are, by scenario.

    Parameters
    ----------
    lines : mapping
        By title and case, at most five: rationalities and what parties do
        (:func:`paid_with_models.figures.behavior.logit_lines`).

    Returns
    -------
    Figure, DataFrame
        Columns scenario, case, rationality, expected_accuracy, participation.

    Examples
    --------
    >>> from paid_with_models.figures.behavior import logit_lines
    >>> lines = logit_lines(rationalities=[0.1, 1.0], scenarios=["big_firm_cooperation"])
    >>> len(logit_figure(lines)[1])
    10
    """
    rows = [
        {
            "scenario": title,
            "case": case,
            "rationality": rationality,
            "expected_accuracy": behavior.expected_accuracy,
            "participation": behavior.participation,
        }
        for title, cases in lines.items()
        for case, found in cases.items()
        for rationality, behavior in found
    ]
    table = pd.DataFrame(rows)
    looks = [
        (MUTED, "--"),
        (TYPE_PATH[0], "-."),
        (ALARM, "-"),
        (TYPE_PATH[3], ":"),
        (CAP, (0, (6, 1.5))),
    ]
    with style():
        figure = new_figure(2.1 * len(lines) + 0.9)
        axes = figure.subplots(len(lines), 2, sharex=True, sharey="col", squeeze=False)
        for pair, (title, cases) in zip(axes, lines.items(), strict=True):
            for case, (color, dashes) in zip(cases, looks, strict=False):
                here = table[(table["scenario"] == title) & (table["case"] == case)]
                for ax, name in zip(pair, ("expected_accuracy", "participation"), strict=True):
                    ax.plot(
                        here["rationality"], here[name], color=color, linestyle=dashes, label=case
                    )
            pair[0].set_title(title, loc="left")
            pair[0].set(xscale="log", ylabel="accuracy", ylim=(-0.03, 1.03))
            pair[1].set(ylabel="take part", ylim=(-0.03, 1.03))
        for ax in axes[-1]:
            ax.set_xlabel("rationality $\\lambda$")
        legend_from_axes(figure, [axes[0, 0]], columns=2)
        return laid_out(figure), table


def margin_figure(
    lines: Mapping[str, Sequence[tuple[SlackMenu, Mapping[float, Behavior]]]],
) -> tuple[Figure, pd.DataFrame]:
    """What a margin in every constraint costs, and what it is good for, by scenario.

    Parameters
    ----------
    lines : mapping
        By title: menus with their margins and, by rationality (at most three), what parties do
        (:func:`paid_with_models.figures.behavior.margin_lines`).

    Returns
    -------
    Figure, DataFrame
        Columns scenario, margin, expected_accuracy, upper_bound, rationality, foreseen,
        participation.

    Examples
    --------
    >>> from paid_with_models.figures.behavior import margin_lines
    >>> lines = margin_lines([0.0, 1.0], [1.0, 3.0], ["big_firm_cooperation"])
    >>> len(margin_figure(lines)[1])
    4
    """
    table = pd.DataFrame(
        [
            {
                "scenario": title,
                "margin": menu.margin,
                "expected_accuracy": menu.expected_accuracy,
                "upper_bound": menu.upper_bound,
                "rationality": rationality,
                "foreseen": behavior.expected_accuracy,
                "participation": behavior.participation,
            }
            for title, menus in lines.items()
            for menu, behaviors in menus
            for rationality, behavior in behaviors.items()
        ]
    )
    best = table["scenario"].map(table.groupby("scenario")["upper_bound"].max())
    losses = {name: best - table[name] for name in ("expected_accuracy", "foreseen")}
    with style():
        figure = new_figure(1.9 * len(lines) + 0.9)
        axes = figure.subplots(len(lines), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        for ax, title in zip(axes, lines, strict=True):
            here = table[(table["scenario"] == title) & (table["margin"] > 0)]
            once = here.drop_duplicates("margin").index
            ax.plot(
                table.loc[once, "margin"], losses["expected_accuracy"][once], color=INK,
                label="every party rational",
            )  # fmt: skip
            looks = zip((ALARM, CAP, TYPE_PATH[3]), "so^", strict=True)
            every = table[table["scenario"] == title].groupby("rationality")
            for (rationality, group), (color, marker) in zip(every, looks, strict=False):
                ax.plot(
                    group["margin"], losses["foreseen"][group.index], color=color, marker=marker,
                    markersize=5, linestyle="--",
                    label=f"foresight, $\\lambda$ = {rationality:g}",
                )  # fmt: skip
            ax.set_title(title, loc="left")
            ax.set(yscale="log", ylabel="accuracy lost", ylim=(2e-4, 2))
            ax.grid(axis="y")
        axes[-1].set_xlabel("margin $\\varepsilon$ in every constraint (units of value)")
        legend_from_axes(figure, [axes[0]], columns=2)
        return laid_out(figure), table


def aversion_figure(
    lines: Mapping[str, Mapping[Assignment, Sequence[tuple[float, float, Behavior]]]],
) -> tuple[Figure, pd.DataFrame]:
    """What aversion to the spread of rewards does under three assignments, a row a scenario.

    Parameters
    ----------
    lines : mapping
        By title and assignment (:func:`paid_with_models.figures.behavior.aversion_lines`).

    Returns
    -------
    Figure, DataFrame
        Columns scenario, assignment, aversion, premium, foreseen, participation.

    Examples
    --------
    >>> from paid_with_models.figures.behavior import aversion_lines
    >>> lines = aversion_lines(aversions=[0.01, 0.1], scenarios=["big_firm_cooperation"])
    >>> len(aversion_figure(lines)[1])
    6
    """
    table = pd.DataFrame(
        [
            {
                "scenario": title,
                "assignment": assignment.name.lower(),
                "aversion": aversion,
                "premium": max(premium, 0.0),
                "foreseen": behavior.expected_accuracy,
                "participation": behavior.participation,
            }
            for title, ways in lines.items()
            for assignment, found in ways.items()
            for aversion, premium, behavior in found
        ]
    )
    looks = {
        "capped": (CAP, "-", "o"),
        "proportional": (TYPE_PATH[3], "--", "^"),
        "lottery": (ALARM, "-.", "s"),
    }
    with style():
        figure = new_figure(2.3 * len(lines) + 0.8)
        axes = figure.subplots(len(lines), 2, sharex=True, sharey="col", squeeze=False)
        for (left, right), title in zip(axes, lines, strict=True):
            here = table[table["scenario"] == title]
            for name, (color, dashes, marker) in looks.items():
                group = here[here["assignment"] == name]
                for ax, what in ((left, "premium"), (right, "participation")):
                    seen = group[what].where(group[what] > LEAST_PREMIUM)
                    ax.plot(
                        group["aversion"], seen, color=color, linestyle=dashes, marker=marker,
                        markersize=4, label=name,
                    )  # fmt: skip
            left.set_title(title, loc="left")
            left.set(xscale="log", yscale="log", ylabel="cost of chance")
            left.set_ylim(LEAST_PREMIUM, 200)
            left.grid(axis="y")
            right.set(ylabel="take part", ylim=(-0.03, 1.03))
        for ax in axes[-1]:
            ax.set_xlabel("aversion $\\alpha$")
        legend_from_axes(figure, [axes[0, 0]], columns=3)
        return laid_out(figure), with_numbers(table, least=f"{LEAST_PREMIUM:g}")


#: What chance costs below this, in units of value, is not drawn.
LEAST_PREMIUM = 1e-4


def logit_lines(
    margin: float = 2.0,
    rationalities: Sequence[float] = tuple(np.geomspace(0.03, 30, 31)),
    scenarios: Sequence[str] = tuple(SCENARIOS),
) -> dict[str, dict[str, list[tuple[float, Behavior]]]]:
    """Logit choice in the paper's scenarios: from the optimal contract and from one with a margin.

    Parameters
    ----------
    margin : float >= 0
        Units of value.
    rationalities : sequence of float >= 0
        Per unit of value.
    scenarios : sequence of str
        As for :func:`scenario_problem`.

    Returns
    -------
    dict
        By title of the scenario, then by case: "nobody may stay out", "the promise is believed",
        "what comes is foreseen", "foreseen, rewards capped" and "foreseen, with a margin"; pairs of
        rationality and behavior.

    Raises
    ------
    ValueError
        If there is no such scenario.

    Examples
    --------
    >>> lines = logit_lines(rationalities=[1.0], scenarios=["small_party_teamwork"])
    >>> round(lines["Small-party teamwork"]["what comes is foreseen"][0][1].expected_accuracy, 3)
    0.654
    """
    lines = {}
    for title, contract in scenario_contracts(scenarios).items():
        problem = contract.problem
        slack = slack_menu(problem, margin)
        best, robust = ((it.contributions, it.rewards) for it in (contract, slack))
        share, cap = Assignment.PROPORTIONAL, Assignment.CAPPED
        cases = {
            "nobody may stay out": (best, False, False, share),
            "the promise is believed": (best, True, False, share),
            "what comes is foreseen": (best, True, True, share),
            "foreseen, rewards capped": (best, True, True, cap),
            "foreseen, with a margin": (robust, True, True, share),
        }
        lines[title] = {
            case: [
                (
                    float(it),
                    logit_behavior(
                        problem,
                        *menu,
                        float(it),
                        opting_out=out,
                        anticipating=foreseen,
                        assignment=assignment,
                    ),
                )
                for it in rationalities
            ]
            for case, (menu, out, foreseen, assignment) in cases.items()
        }
    return lines


def margin_lines(
    margins: Sequence[float] = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0),
    rationalities: Sequence[float] = (1.0, 3.0),
    scenarios: Sequence[str] = tuple(SCENARIOS),
) -> dict[str, list[tuple[SlackMenu, dict[float, Behavior]]]]:
    """The best menus with ever larger margins, and what foresighted parties do with them.

    Parameters
    ----------
    margins : sequence of float >= 0
        Units of value.
    rationalities : sequence of float >= 0
        Per unit of value.
    scenarios : sequence of str
        As for :func:`scenario_problem`.

    Returns
    -------
    dict
        By title of the scenario, for each margin, the menu and the behavior by rationality.

    Raises
    ------
    ValueError
        If there is no such scenario, or no menu with such a margin.

    Examples
    --------
    >>> lines = margin_lines([0.0, 2.0], [3.0], ["small_party_teamwork"])
    >>> none, two = lines["Small-party teamwork"]
    >>> none[0].expected_accuracy > two[0].expected_accuracy
    True
    >>> none[1][3.0].expected_accuracy < two[1][3.0].expected_accuracy
    True
    """
    lines = {}
    for name in scenarios:
        problem = scenario_problem(name)
        lines[SCENARIOS[name].title] = [
            (
                menu,
                {
                    rationality: logit_behavior(
                        problem, menu.contributions, menu.rewards, rationality, anticipating=True
                    )
                    for rationality in rationalities
                },
            )
            for menu in (slack_menu(problem, margin) for margin in margins)
        ]
    return lines


def aversion_lines(
    margin: float = 2.0,
    rationality: float = 3.0,
    aversions: Sequence[float] = tuple(np.geomspace(0.002, 0.2, 13)),
    scenarios: Sequence[str] = ("big_firm_cooperation", "big_and_small_collaboration"),
) -> dict[str, dict[Assignment, list[tuple[float, float, Behavior]]]]:
    """Aversion to the spread of rewards, under three ways of handing out the same means.

    Parameters
    ----------
    margin : float >= 0
        Of the menu, units of value.
    rationality : float >= 0
        Per unit of value.
    aversions : sequence of float >= 0
        Per unit of value.
    scenarios : sequence of str
        As for :func:`scenario_problem`. (In small-party teamwork nothing varies.)

    Returns
    -------
    dict
        By title of the scenario and assignment, for each aversion: the aversion; the most that
        chance costs a type under the optimal contract, units of value; what foresighted parties
        do with the menu that has the margin.

    Raises
    ------
    ValueError
        If there is no such scenario.

    Examples
    --------
    >>> lines = aversion_lines(aversions=[0.05], scenarios=["big_firm_cooperation"])
    >>> found = lines["Big-firm cooperation"]
    >>> found[Assignment.CAPPED][0][1] < found[Assignment.LOTTERY][0][1]
    True
    """
    hand_out = {
        Assignment.CAPPED: capped_rewards,
        Assignment.PROPORTIONAL: proportional_rewards,
        Assignment.LOTTERY: lottery_rewards,
    }
    lines = {}
    for title, contract in scenario_contracts(scenarios).items():
        menu = slack_menu(contract.problem, margin)
        lines[title] = {
            assignment: [
                (
                    float(aversion),
                    float(np.max(contract.rewards - certainty_equivalents(rewards, aversion))),
                    logit_behavior(
                        contract.problem,
                        menu.contributions,
                        menu.rewards,
                        rationality,
                        anticipating=True,
                        aversion=float(aversion),
                        assignment=assignment,
                    ),
                )
                for aversion in aversions
            ]
            for assignment, rewards in ((it, way(contract)) for it, way in hand_out.items())
        }
    return lines
