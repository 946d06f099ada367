"""Surfaces that a reader can turn, for where looking from one side is not enough.

Plotly draws them in the page. Its script is not part of a figure: the site has it once, and
pages that have such a figure load it when the figure is near (``turn.js``, which also lets the
arrow keys turn them). A notebook opened in JupyterLab draws them by itself.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from paid_with_models.figures.style import CAP, INK, type_colors
from paid_with_models.figures.two_types import ALIKE, BOTH
from paid_with_models.paper.two_types import surfaces

#: Plotly's script runs where it stands. In a page it waits until its figure is near (turn.js).
RUNS, WAITS = re.compile("<script[^>]*>"), '<script type="text/plain">'
#: Digits that a screen can show; more make the page larger.
DIGITS = 5


@dataclass(frozen=True)
class Turnable:
    """A Plotly figure, and what the page needs to know about it.

    Attributes
    ----------
    figure
        The figure.
    name
        The name of its place in the page; unique in the page, the same at each run.
    description
        For readers who do not see it.
    """

    figure: go.Figure
    name: str
    description: str

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        drawing = self.figure.to_html(
            full_html=False,
            include_plotlyjs=False,
            include_mathjax=False,
            div_id=self.name,
            config={"displayModeBar": False, "responsive": True, "scrollZoom": False},
        )
        label = html.escape(self.description, quote=True)
        page = (
            f'<div class="plotly-figure" role="group" tabindex="0" aria-label="{label}">'
            f"{RUNS.sub(WAITS, drawing)}</div>"
        )
        plain = json.loads(self.figure.to_json())
        return {"text/html": page, "application/vnd.plotly.v1+json": plain}


def two_type_surfaces(
    results: pd.DataFrame, quantity: str, title: str, name: str, description: str
) -> Turnable:
    """Draw one quantity of the two-type experiment over the grid of (p_1, N), to be turned.

    Parameters
    ----------
    results
        What `paid_with_models.paper.two_types.two_type_experiment` returns, on a grid of at least
        two sizes and two probabilities.
    quantity
        One of its columns.
    title
        What the vertical axis shows.
    name, description
        See `Turnable`.

    Raises
    ------
    ValueError
        If the results have no such quantity.
    """
    values = surfaces(results, quantity)
    layers = [(title, CAP, values[0].to_numpy())]
    if len(values) > 1:
        costs = results.drop_duplicates("type")["cost"]
        names = [f"type {i}, cost {cost:g}" for i, cost in enumerate(costs, start=1)]
        layers = _told_apart(names, type_colors(costs), [it.to_numpy() for it in values])
    sizes, shares = values[0].index.to_numpy(), values[0].columns.to_numpy()
    figure = go.Figure(
        [
            go.Surface(
                x=_rounded(shares),
                y=sizes.tolist(),
                z=_rounded(surface),
                name=label,
                showlegend=len(layers) > 1,
                colorscale=[[0, color], [1, color]],
                showscale=False,
                opacity=0.9,
                hovertemplate="p₁ %{x:.2f}, N %{y}: %{z:,.2f}",
                contours={"x": _lines(shares), "y": _lines(sizes)},
                lighting={"ambient": 0.7, "diffuse": 0.5, "specular": 0.05},
            )
            for label, color, surface in layers
        ],
        layout={
            "template": "none",
            "font": {"family": "system-ui, sans-serif", "color": INK, "size": 12},
            "height": 400,
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "legend": {"orientation": "h", "y": 1.0, "x": 0.5, "xanchor": "center"},
            "scene": {
                "xaxis": {"title": {"text": "p₁"}},
                "yaxis": {"title": {"text": "N"}},
                "zaxis": {"title": {"text": title}},
                "aspectratio": {"x": 1, "y": 1, "z": 0.8},
                "camera": {"eye": {"x": -1.2, "y": -1.5, "z": 0.85}},
            },
        },
    )
    return Turnable(figure, name, description)


def _told_apart(
    names: Sequence[str], colors: Sequence[str], values: Sequence[npt.NDArray[np.float64]]
) -> list[tuple[str, str, npt.NDArray[np.float64]]]:
    """The surfaces of two types where they part, and one for both where they do not."""
    one, two = values
    near = np.abs(one - two) <= ALIKE * (max(one.max(), two.max()) - min(one.min(), two.min()))
    alike = near[:-1, :-1] & near[:-1, 1:] & near[1:, :-1] & near[1:, 1:]  # the cells

    def corners(cells: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        padded = np.pad(cells, 1)
        return padded[:-1, :-1] | padded[:-1, 1:] | padded[1:, :-1] | padded[1:, 1:]

    layers = [
        (name, color, np.where(corners(~alike), surface, np.nan))
        for name, color, surface in zip(names, colors, values, strict=True)
    ]
    if alike.any():
        layers.append(("both alike", BOTH, np.where(corners(alike), one, np.nan)))
    return layers


def _rounded(values: npt.NDArray[np.float64]) -> Any:
    digits = [float(f"{value:.{DIGITS}g}") for value in values.ravel()]
    return np.reshape(digits, values.shape).tolist()


def _lines(axis: npt.NDArray[Any]) -> dict[str, Any]:
    """A mesh that helps to see the shape."""
    low, high = float(axis[0]), float(axis[-1])
    step = (high - low) / 12
    return {
        "show": True, "start": low, "end": high, "size": step, "color": "white", "width": 1,
        "highlight": False,
    }  # fmt: skip
