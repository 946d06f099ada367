"""Figures of the scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from ..accuracy import FloatArray
from ..contract import Contract
from ..paper.scenarios import options, types_by_number
from ..rewards import RewardDistribution, proportional_rewards
from . import style
from .parts import (
    draw_option,
    draw_shared_option,
    kinks,
    merge_atoms,
    number_text,
    type_legend,
    useful_data,
)

__all__ = ["contributions", "graphical_illustration", "reward_distributions", "scenario_panel"]


@style.drawing
def reward_distributions(contract: Contract) -> tuple[Figure, pd.DataFrame]:
    r"""Distribution of each type's reward under proportional assignment, exact, given n_i >= 1.

    Heights are relative to a type's most likely value. Types whose rewards take few values have
    a bar at each; otherwise probabilities are summed in bins. The axis never spans less than one
    percent of the value of the best possible model, so that equal rewards look equal.
    """
    table = _reward_table(contract)
    n_types = contract.problem.n_types
    figure, ax = style.new_panels(1.5 + 0.62 * n_types)
    _draw_rewards(ax, contract, table)
    ax.set_xlabel("value of the reward, v(r)")
    _legend(figure, [_moment_handle()], contract)
    return figure, style.with_numbers(table, **_menu_numbers(contract))


@style.drawing
def contributions(contract: Contract) -> tuple[Figure, pd.DataFrame]:
    """Contributions split into what a type would give anyway, what is added, what is given up."""
    table = _contribution_table(contract)
    figure, ax = style.new_panels(1.6 + 0.5 * contract.problem.n_types)
    _draw_contributions(ax, contract, table)
    ax.set_xlabel("contribution (units of data)")
    _legend(figure, _part_handles(table), contract)
    return figure, style.with_numbers(table, **_menu_numbers(contract))


@style.drawing
def scenario_panel(contracts: Mapping[str, Contract]) -> tuple[Figure, pd.DataFrame]:
    """Reward distributions beside contributions, one row a contract."""
    if not contracts:
        raise ValueError("contracts must not be empty")
    heights = [1.15 + 0.42 * contract.problem.n_types for contract in contracts.values()]
    tables: list[pd.DataFrame] = []
    spans: dict[str, float] = {}
    figure = style.new_figure(sum(heights) + 1.0)
    axes = figure.subplots(
        len(contracts), 2, squeeze=False,
        gridspec_kw={"width_ratios": [1.25, 1], "height_ratios": heights},
    )  # fmt: skip
    for row, (title, contract) in zip(axes, contracts.items(), strict=True):
        rewards, parts = _reward_table(contract), _contribution_table(contract)
        _draw_rewards(row[0], contract, rewards, numbers=False)
        _draw_contributions(row[1], contract, parts, labels=False)
        row[0].set_title(title)
        spans[f"reward_span_{len(spans) + 1}"] = float(np.ptp(row[0].get_xlim()))
        parts.insert(0, "scenario", title)
        parts["first_moment"] = contract.rewards
        tables.append(parts)
    axes[-1, 0].set_xlabel("value of the reward, v(r)")
    axes[-1, 1].set_xlabel("contribution (units of data)")
    every = pd.concat(tables, ignore_index=True)
    _legend(figure, [_moment_handle(), *_part_handles(every)], *contracts.values())
    return figure, style.with_numbers(every, **spans)


@style.drawing
def graphical_illustration(contract: Contract) -> tuple[Figure, pd.DataFrame]:
    r"""The contract in the plane of contributions and rewards, and a closer look at its options.

    The curve v(a(m)) is what data are worth alone: reservation lines :math:`t - c_i m = f_i`
    touch it at the reservation contributions. Lines :math:`t - c_i m = u_i` pass
    through the options; no type sees another option above its own line. No reward exceeds
    :math:`t_{max}`, the largest of the caps :math:`T_i(m)`.
    """
    problem = contract.problem
    option = np.empty(problem.n_types, dtype=object)
    for members in options(contract):
        option[list(members)] = types_by_number(members)
    table = pd.DataFrame(
        {
            "type": np.arange(1, problem.n_types + 1),
            "cost": problem.costs,
            "contribution": contract.contributions,
            "reward": contract.rewards,
            "utility": contract.utilities,
            "reservation_contribution": contract.reservation_contributions,
            "reservation_value": problem.model_value(contract.reservation_contributions),
            "reservation_utility": contract.reservation_utilities,
            "reward_cap": contract.reward_caps,
            "option": option,
        }
    )
    limits = _plane_limits(contract)
    zoom = _zoom_limits(contract, limits)
    figure, (upper, lower) = style.new_panels(
        7.6 + 0.22 * ((problem.n_types - 1) // 5), 2, 1, gridspec_kw={"height_ratios": [1.1, 1]}
    )
    _draw_plane(upper, contract, limits)
    _draw_plane(lower, contract, zoom, closer=True)
    (x0, x1), (y0, y1) = zoom
    upper.add_patch(
        Rectangle(
            (x0, y0),
            x1 - x0,
            y1 - y0,
            facecolor="none",
            edgecolor=style.INK,
            linewidth=1.0,
            zorder=8,
        )
    )
    upper.set_title("Contributions and rewards")
    lower.set_title("A closer look at the frame")
    lower.set_xlabel("contribution m (units of data)")
    for ax in (upper, lower):
        ax.set_ylabel("reward, in value")
    grey = style.MUTED
    handles = [
        Line2D([], [], color=style.INK, linewidth=2.4, label="$v(a(m))$, alone"),
        Line2D([], [], color=style.CAP, linewidth=2.2, label="largest cap $t_{max}$"),
        style.marker_handle("o", grey, "option ($m_i$, $t_i$)", 8),
        style.marker_handle("o", grey, "reservation contribution", 8, hollow=True),
        Line2D([], [], color=grey, linewidth=1.5, label="its own line, $t - c_i m = u_i$"),
        Line2D(
            [], [], color=grey, linewidth=1.3, linestyle=(0, (4, 2.5)),
            label="reservation, $t - c_i m = f_i$",
        ),
    ]  # fmt: skip
    style.legend_below(figure, handles, columns=2)
    type_legend(figure, problem)
    return figure, style.with_numbers(table, **_menu_numbers(contract))


def _moment_handle() -> Line2D:
    return style.marker_handle("^", style.INK, "mean reward $t_i$", 8)


def _legend(figure: Figure, handles: Sequence[Patch | Line2D], *contracts: Contract) -> None:
    """Key below the panels; types in gray are explained where there are any."""
    grey = Line2D(
        [], [], marker=r"$\mathit{Type}$", linestyle="", color=style.FAINT, markersize=24,
        markeredgewidth=0, label="would train nothing alone",
    )  # fmt: skip
    some_grey = any(_stays_out_alone(contract).any() for contract in contracts)
    if keys := [*handles, *([grey] if some_grey else [])]:
        style.legend_below(figure, keys, columns=2)


def _menu_numbers(contract: Contract) -> dict[str, float]:
    """m_i, t_i and the reservation contributions, as ``m_1``, ``t_1``, ``alone_1``, ..."""
    columns = contract.contributions, contract.rewards, contract.reservation_contributions
    return {
        f"{name}_{i}": float(value)
        for name, values in zip(("m", "t", "alone"), columns, strict=True)
        for i, value in enumerate(values, start=1)
    }


def _stays_out_alone(contract: Contract) -> npt.NDArray[np.bool_]:
    return np.asarray(contract.reservation_utilities <= 0)


#: With at most this many values a type's reward is drawn as bars at each of them.
FEW_ATOMS = 40

#: ON_THE_EDGE: part of a bin by which values are moved, so that one that lies on the edge of two
#: bins counts to the upper one, however it was rounded.
ON_THE_EDGE = 1e-9


def _reward_table(contract: Contract) -> pd.DataFrame:
    rewards: RewardDistribution = proportional_rewards(contract)
    atoms = []
    for i in range(contract.problem.n_types):
        seen = rewards.probabilities[:, i] > 0
        worth = rewards.values[seen, i]  # noqa: PD011
        atoms.append(merge_atoms(worth, rewards.probabilities[seen, i]))
    low, high = _reward_limits(contract, atoms)
    width = (high - low) / 110
    frames = []
    for i, (values, chances) in enumerate(atoms):
        if max(v.size for v, _ in atoms) <= FEW_ATOMS:
            bins = np.zeros(values.size)
        else:
            slots = np.floor((values - low) / width + ON_THE_EDGE).astype(int)
            numbers, index = np.unique(slots, return_inverse=True)
            values = low + (numbers + 0.5) * width
            chances = np.bincount(index, chances).astype(float)
            bins = np.full(values.size, width)
        frames.append(
            pd.DataFrame(
                {
                    "type": i + 1,
                    "value": values,
                    "width": bins,
                    "probability": chances,
                    "first_moment": contract.rewards[i],
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _reward_limits(
    contract: Contract, atoms: Sequence[tuple[FloatArray, FloatArray]]
) -> tuple[float, float]:
    """From the 1st to the 999th permille of all types, at least 1 % of the best model's value."""
    ends = []
    for values, chances in atoms:
        below = np.cumsum(chances)
        first = min(int(np.searchsorted(below, 1e-3)), values.size - 1)
        last = min(int(np.searchsorted(below, 1 - 1e-3)), values.size - 1)
        ends += [float(values[first]), float(values[last])]
    low, high = min(*ends, *contract.rewards), max(*ends, *contract.rewards)
    span = max(1.1 * (high - low), 0.01 * contract.problem.model_value.optimum)
    left = max(0.5 * (low + high - span), -0.04 * span)  # nothing is worth less than 0
    return left, left + span


def _draw_rewards(ax: Axes, contract: Contract, table: pd.DataFrame, numbers: bool = True) -> None:
    """One ridge a type, type 1 on top."""
    n_types = contract.problem.n_types
    colors = style.type_colors(contract.problem.costs)
    atoms = [(g["value"].to_numpy(), g["probability"].to_numpy()) for _, g in table.groupby("type")]
    low, high = _reward_limits(contract, atoms)
    for i, group in table.groupby("type"):
        row = n_types - int(i)
        color = colors[int(i) - 1]
        heights = 0.74 * group["probability"] / group["probability"].max()
        ax.axhline(row, color=style.GRID, linewidth=1, zorder=1)
        if (group["width"] == 0).all():
            ax.vlines(group["value"], row, row + heights, color=color, linewidth=2.6, zorder=2)
        else:
            edges = np.column_stack(
                [group["value"] - group["width"] / 2, group["value"] + group["width"] / 2]
            )
            x = np.column_stack([edges[:, 0], edges[:, 0], edges[:, 1], edges[:, 1]]).ravel()
            zero = np.zeros(heights.size)
            y = row + np.column_stack([zero, heights, heights, zero]).ravel()
            ax.fill_between(x, row, y, color=color, linewidth=0, zorder=2)
        mean = float(group["first_moment"].iloc[0])
        ax.plot(
            mean, row - 0.1, "^", color=style.INK, markersize=8, markeredgecolor="white", zorder=4
        )
        if numbers:
            ax.annotate(
                f"$t_{{{i}}}$ = {mean:.2f}", (1.01, row + 0.12), xycoords=("axes fraction", "data"),
                annotation_clip=False, va="center", size=style.SMALL,
            )  # fmt: skip
    ax.set(xlim=(low, high), ylim=(-0.35, n_types - 0.1))
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.grid(axis="x")
    _type_ticks(ax, contract)


def _type_ticks(ax: Axes, contract: Contract, labels: bool = True) -> None:
    n_types = contract.problem.n_types
    names = [f"Type {i + 1}" if labels else "" for i in range(n_types)]
    ax.set_yticks(np.arange(n_types)[::-1], names)
    ax.tick_params(axis="y", length=0)
    for text, out in zip(ax.get_yticklabels(), _stays_out_alone(contract), strict=True):
        if out:
            text.set(color=style.FAINT, style="italic")
    ax.spines["left"].set_visible(False)


def _contribution_table(contract: Contract) -> pd.DataFrame:
    m, alone = contract.contributions, contract.reservation_contributions
    return pd.DataFrame(
        {
            "type": np.arange(1, m.size + 1),
            "contribution": m,
            "reservation_contribution": alone,
            "base": np.minimum(m, alone),
            "added": np.maximum(m - alone, 0.0),
            "reduced": np.maximum(alone - m, 0.0),
        }
    )


def _draw_contributions(
    ax: Axes, contract: Contract, table: pd.DataFrame, labels: bool = True
) -> None:
    colors = style.type_colors(contract.problem.costs)
    n_types = contract.problem.n_types
    ends = (table["base"] + table["added"] + table["reduced"]).to_numpy()
    longest = float(ends.max()) if ends.max() > 0 else 1.0
    for i, part in table.iterrows():
        row = n_types - 1 - int(str(i))
        color = colors[n_types - 1 - row]
        bar: dict[str, Any] = {"height": 0.62, "linewidth": 1.0}
        ax.barh(row, part["base"], color=color, edgecolor=color, **bar)
        ax.barh(
            row, part["added"], left=part["base"], color=style.tint(color), edgecolor=color, **bar
        )
        ax.barh(
            row, part["reduced"], left=part["base"], color="white", edgecolor=color,
            hatch="////", **bar,
        )  # fmt: skip
        ax.annotate(
            number_text(part["contribution"]), (ends[int(str(i))], row), (4, 0),
            textcoords="offset points", va="center", size=style.SMALL,
        )  # fmt: skip
    ax.set(xlim=(0, 1.3 * longest), ylim=(-0.5, n_types - 0.45))
    ax.xaxis.set_major_locator(MaxNLocator(4 if labels else 3))
    style.thousands_separated(ax.xaxis)
    ax.grid(axis="x")
    _type_ticks(ax, contract, labels)


def _part_handles(table: pd.DataFrame) -> list[Patch]:
    grey = style.MUTED
    looks: dict[str, dict[str, Any]] = {
        "base": {"facecolor": grey, "label": "given alone as well"},
        "added": {"facecolor": style.tint(grey), "label": "added by the contract"},
        "reduced": {"facecolor": "white", "hatch": "////", "label": "spared by the contract"},
    }
    return [
        Patch(edgecolor=grey, **look) for part, look in looks.items() if (table[part] > 0).any()
    ]


Limits = tuple[tuple[float, float], tuple[float, float]]


def _plane_limits(contract: Contract) -> Limits:
    problem = contract.problem
    most = max(float(contract.contributions.max()), float(contract.reservation_contributions.max()))
    kink = max(kinks(problem, np.inf), default=0.0)
    right = 1.15 * max(most, 1.25 * kink)
    if right <= 0:
        right = 3 * useful_data(problem)
    top = max(float(contract.reward_caps.max()), float(problem.model_value(right)))
    return (0.0, right), (0.0, 1.15 * top if top > 0 else problem.model_value.optimum)


def _zoom_limits(contract: Contract, limits: Limits) -> Limits:
    """A frame around all options, or around the lower ones if they are far apart."""
    (_, right), (_, top) = limits
    m, t = contract.contributions, contract.rewards
    ceiling = float(contract.reward_caps.max())
    near = m < 0.4 * right
    if np.ptp(m) > 0.4 * right and np.any(m[near] > 0.01 * right):
        alone = contract.reservation_contributions[near]
        worth = contract.problem.model_value(alone[alone > 0])
        bottom = min([*t[near].tolist(), *worth.tolist()])
        most = max(float(m[near].max()), float(alone.max()))
        return (0.0, 1.15 * most), (0.85 * bottom, 1.06 * ceiling)
    center = 0.5 * (m.min() + m.max()), 0.5 * (t.min() + t.max())
    half_x = max(0.66 * float(np.ptp(m)), 0.02 * right)
    half_y = max(0.75 * float(np.ptp(t)), 0.012 * top)
    y0, y1 = center[1] - half_y, center[1] + half_y
    if ceiling - y1 < 0.5 * (y1 - y0):  # the ceiling is near: show it
        y1 = max(y1, ceiling + 0.12 * (y1 - y0))
    return (max(center[0] - half_x, 0.0), center[0] + half_x), (max(y0, 0.0), y1)


def _draw_plane(ax: Axes, contract: Contract, limits: Limits, closer: bool = False) -> None:
    problem = contract.problem
    (x0, x1), (y0, y1) = limits
    ends = np.array([x0, x1])
    data = np.union1d(np.linspace(x0, x1, 601), [k for k in kinks(problem, x1) if k > x0])
    worth = problem.model_value(data)
    ax.plot(data, worth, color=style.INK, linewidth=2.4, zorder=2)
    ax.axhline(float(contract.reward_caps.max()), color=style.CAP, linewidth=2.2, zorder=2)
    colors = style.type_colors(problem.costs)
    for i, (cost, color) in enumerate(zip(problem.costs, colors, strict=True)):
        ax.plot(
            ends, contract.reservation_utilities[i] + cost * ends, color=color, linewidth=1.3,
            linestyle=(0, (4, 2.5)), zorder=1.8,
        )  # fmt: skip
        ax.plot(ends, contract.utilities[i] + cost * ends, color=color, linewidth=1.5, zorder=1.9)
    ax.set(xlim=(x0, x1), ylim=(y0, y1))
    style.thousands_separated(ax.xaxis)
    for i, color in enumerate(colors):
        m = float(contract.reservation_contributions[i])
        if m > 0 and x0 <= m <= x1 and y0 <= float(problem.model_value(m)) <= y1:
            draw_option(ax, m, float(problem.model_value(m)), color, hollow=True)
    for members in options(contract):
        face = colors[members[0]] if len(members) == 1 else style.INK
        m, t = float(contract.contributions[members[0]]), float(contract.rewards[members[0]])
        if not (x0 <= m <= x1 and y0 <= t <= y1):
            continue
        draw_shared_option(ax, m, t, [colors[i] for i in members])
        late, low = m > x0 + 0.75 * (x1 - x0), t < y0 + 0.12 * (y1 - y0)
        if closer:
            ax.annotate(
                types_by_number(members), (m, t), (-9 if late else 9, 9 if late or low else -9),
                textcoords="offset points", ha="right" if late else "left",
                va="bottom" if late or low else "top", weight="bold", color=face, zorder=7,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5},
            )  # fmt: skip
