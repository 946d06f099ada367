"""Where everything is in the drawings of a report, on a canvas 400 wide."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from paid_with_models import Contract
from paid_with_models.accuracy import FloatArray

from .file import Consortium
from .variants import BAND, Spread

#: MARKS: most marks on an axis of data, but for the first.
MARKS = 4


def draw_rewards(consortium: Consortium, spread: Spread, means: FloatArray) -> dict[str, Any]:
    """Return the drawing of how rewards vary, with their exact means."""
    # What varies little beside its size is seen: the axis spans what is drawn.
    bottom, top = float(spread.levels.min()), float(spread.levels.max())
    top = max(top, bottom + 1e-3 * max(abs(bottom), 1.0))
    left, right, row = 12, 388, 58

    def x(value: float) -> float:
        return round(left + (right - left) * (value - bottom) / (top - bottom), 1)

    rows = []
    for i, name in enumerate(consortium.names):
        low, first, third, high = map(x, spread.levels[i])
        rows.append({
            "name": name, "y": row * i + 38, "low": low, "first": first, "high": high,
            "width": round(max(third - first, 1), 1), "mean": x(means[i]),
        })  # fmt: skip
    return {"left": left, "height": row * len(rows) + 56, "rows": rows,
            "marks": marks([bottom, (bottom + top) / 2, top], x)}  # fmt: skip


def marks(values: Sequence[float], x: Callable[[float], float]) -> list[dict[str, Any]]:
    """Return numbers on an axis and their places."""
    return [{"x": x(it), "text": f"{it:,.4g}" if abs(it) < 1e4 else f"{it:,.0f}"} for it in values]


def draw_curve(consortium: Consortium, contract: Contract) -> dict[str, Any]:
    """Return the drawing of the accuracy curve, the measured points, and what is given together."""
    problem, fit = contract.problem, consortium.fit
    accuracy = problem.accuracy
    total = float(problem.mean_counts @ contract.contributions)
    seen = ([total] if total > 0 else []) + ([] if fit is None else [*fit.measured_range])
    if not seen:
        sizes = np.geomspace(1e-9, 1e18, 1001)
        seen = [float(sizes[np.argmax(accuracy(sizes) >= accuracy.optimum / 2)])]
    first = math.floor(math.log10(min(seen) / 10))
    last = math.ceil(math.log10(max(seen) * 2))
    step = -(-(last - first) // MARKS)
    last += -(last - first) % step  # a mark at the end
    left, right, top, bottom = 12, 388, 24, 190

    def x(data: float) -> float:
        return round(left + (right - left) * (math.log10(data) - first) / (last - first), 1)

    def y(reached: float) -> float:
        return round(bottom - (bottom - top) * reached, 1)

    sizes = np.geomspace(10.0**first, 10.0**last, 120)

    def points(reached: FloatArray) -> list[str]:
        return [f"{x(s)},{y(a)}" for s, a in zip(sizes, reached, strict=True)]

    lower, upper = ([], []) if fit is None else map(points, fit.band(sizes, BAND))
    measured = [] if fit is None else zip(fit.sizes, fit.accuracies, strict=True)
    return {
        "total": total, "total_x": x(total) if total > 0 else None,
        "left": left, "right": right, "top": top, "bottom": bottom,
        "line": " ".join(points(consortium.baseline + accuracy(sizes))),
        "band": " ".join(lower + upper[::-1]),
        "measured": [(x(s), y(a)) for s, a in measured if s > 0],
        "marks": marks([10.0**k for k in range(first, last + 1, step)], x),
    }  # fmt: skip
