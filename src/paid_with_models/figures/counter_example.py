"""Figures of the counter-example."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..paper.counter_example import CounterExample
from . import style

__all__ = ["counter_example"]


@style.drawing
def counter_example(example: CounterExample = CounterExample()) -> tuple[Figure, pd.DataFrame]:
    """Appendix A.1: the expected amount of data and the expected root peak at different places."""
    m = np.union1d(np.linspace(0, example.budget, 401), [example.best_total, example.best_root])
    table = pd.DataFrame(
        {
            "contribution": m,
            "expected_total": example.expected_total(m),
            "expected_root": example.expected_root(m),
        }
    )
    figure, axes = style.new_panels(3.4, 1, 2)
    best_total, best_root = example.best_total, example.best_root
    for ax, column, best, title, color in (
        (axes[0], "expected_total", best_total, "$f$: expected data, $E[S]$", style.MUTED),
        (axes[1], "expected_root", best_root, r"$g$: expected root, $E[\sqrt{S}]$", style.CAP),
    ):
        ax.plot(m, table[column], color=color, linewidth=2.4)
        top, low = float(table[column].max()), float(table[column].min())
        pad = 0.1 * (top - low) if top > low else 0.1 * top
        ax.set(
            xlim=(0, 1.04 * example.budget), ylim=(low - 0.3 * pad, top + 1.8 * pad),
            xlabel="contribution $m_1$",
        )  # fmt: skip
        ax.set_title(title, weight="normal")
        ax.vlines(
            best, low - 0.3 * pad, top, color=style.ALARM, linestyle=(0, (4, 2)), linewidth=1.3
        )
        ax.plot(best, top, "o", color=style.ALARM, markersize=8, clip_on=False, zorder=5)
        ax.annotate(
            f"largest at\n$m_1$ = {best:.4g}", (best, top), (-10, 10),
            textcoords="offset points", ha="right" if best > 0.3 * example.budget else "left",
            va="center", color=style.ALARM,
        )  # fmt: skip
        ax.grid(axis="y")
    return figure, style.with_numbers(
        table, budget=example.budget, best_total=best_total, best_root=best_root
    )
