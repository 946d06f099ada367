r"""Other forms of learning curves, to compare with: power laws, MMF and a single exponential.

All are :math:`a_\text{opt} - b\,\varphi(S)` with a falling :math:`\varphi` (Viering and Loog 2023):

========  ==========================================  ==============================
``pow3``  :math:`\varphi = S^{-\beta}`                power law
``pow4``  :math:`\varphi = (S + d)^{-\beta}`          with an offset d
``mmf``   :math:`\varphi = 1 / (1 + (S/d)^\beta)`     Morgan, Mercer and Flodin (1975)
``exp3``  :math:`\varphi = e^{-S/d}`                  one saturating exponential
========  ==========================================  ==============================

For each exponent and scale on a grid, the best :math:`a_\text{opt} \le 1` and :math:`b \ge 0` have
a closed form; the grid is refined around the best. No start to choose, no failure to converge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..accuracy import FloatArray
from ..arguments import reals

__all__ = ["FORMS", "FormFit", "fit_form"]

#: FORMS: their names.
FORMS = ("pow3", "pow4", "mmf", "exp3")

#: EXPONENTS: of power laws and of MMF. Beyond 5 a curve is a step.
EXPONENTS = (0.02, 5.0)

#: GRID, REFINEMENTS: points in each direction, and how often the grid is drawn closer, by 4.
GRID, REFINEMENTS = 16, 5


@dataclass(frozen=True)
class FormFit:
    """A form with its parameters.

    Attributes
    ----------
    form : str
    optimum, drop : float
        a_opt in [0, 1] and b >= 0.
    exponent, scale : float
        beta, and d in units of data; what a form does not have is 1.
    """

    form: str
    optimum: float
    drop: float
    exponent: float
    scale: float

    def __call__(self, data: npt.ArrayLike) -> FloatArray:
        """Accuracy at ``data`` > 0, not below 0, same shape."""
        phi = _shape(self.form, np.asarray(data, dtype=float), self.exponent, self.scale)
        return np.maximum(self.optimum - self.drop * phi, 0.0)


def fit_form(
    form: str,
    sizes: npt.ArrayLike,
    accuracies: npt.ArrayLike,
    errors: npt.ArrayLike | None = None,
) -> FormFit:
    """Fit one of the forms by weighted least squares.

    Parameters
    ----------
    form : {"pow3", "pow4", "mmf", "exp3"}
    sizes : (K,) array_like > 0
    accuracies : (K,) array_like in [0, 1]
    errors : (K,) array_like > 0, optional
        In units of which misses count.

    Returns
    -------
    FormFit

    Raises
    ------
    ValueError
        If the form is unknown or sizes are not positive.

    Examples
    --------
    >>> sizes = np.geomspace(10, 5000, 12)
    >>> fit = fit_form("pow4", sizes, 0.95 - 2.0 * (sizes + 5) ** -0.6)
    >>> bool(np.abs(fit(sizes) - 0.95 + 2.0 * (sizes + 5) ** -0.6).max() < 1e-3)
    True
    """
    if form not in FORMS:
        raise ValueError(f"form must be one of {', '.join(FORMS)}; got {form!r}")
    n, a = reals("sizes", sizes), reals("accuracies", accuracies)
    if not np.all(n > 0):
        raise ValueError(f"sizes must be positive; got {n.tolist()}")
    weight = np.ones_like(a) if errors is None else reals("errors", errors) ** -2.0
    has_exponent, has_scale = form != "exp3", form != "pow3"
    center = np.array([0.5 * np.log(EXPONENTS).sum(), np.log(np.sqrt(n.min() * n.max()))])
    half = np.array([0.5 * np.diff(np.log(EXPONENTS))[0], 0.5 * np.log(n.max() / n.min()) + 3.0])
    steps = np.linspace(-1, 1, GRID)
    best = (np.inf, 1.0, 1.0, 0.0, 0.0)
    for _ in range(REFINEMENTS):
        at = np.log(np.clip(np.exp(center[0] + half[0] * steps), *EXPONENTS))
        exponents = np.exp(at) if has_exponent else np.ones(1)
        scales = np.exp(center[1] + half[1] * steps) if has_scale else np.ones(1)
        beta, d = (grid.reshape(-1, 1) for grid in np.meshgrid(exponents, scales, indexing="ij"))
        missed, optimum, drop = _linear(_shape(form, n, beta, d), a, weight)
        k = int(missed.argmin())
        if missed[k] < best[0]:
            best = (missed[k], float(beta[k, 0]), float(d[k, 0]), optimum[k], drop[k])
        center, half = np.log([best[1], best[2]]), half / 4
    _, exponent, scale, top, fall = best
    return FormFit(form, float(top), float(fall), exponent, scale)


def _shape(
    form: str, data: FloatArray, exponent: float | FloatArray, scale: float | FloatArray
) -> FloatArray:
    if form == "pow3":
        return np.asarray(data**-exponent)
    if form == "pow4":
        return np.asarray((data + scale) ** -exponent)
    if form == "mmf":
        return np.asarray(1 / (1 + (data / scale) ** exponent))
    return np.asarray(np.exp(-data / scale))


def _linear(
    phi: FloatArray, a: FloatArray, weight: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Best optimum <= 1 and drop >= 0 for each row of shapes (G, K), and the squares missed."""
    total = weight.sum()
    mean_phi, mean_a = phi @ weight / total, float(a @ weight / total)
    side = (phi - mean_phi[:, None]) * weight
    square = np.einsum("gk,gk->g", side, phi)
    tiny = np.finfo(float).tiny
    drop = np.maximum(-(side @ a) / np.maximum(square, tiny), 0.0)
    optimum = mean_a + drop * mean_phi
    over = optimum > 1
    held = np.maximum(
        np.einsum("gk,k->g", phi * weight, 1 - a)
        / np.maximum(np.einsum("gk,gk->g", phi * weight, phi), tiny),
        0.0,
    )
    drop, optimum = np.where(over, held, drop), np.where(over, 1.0, optimum)
    missed = (optimum[:, None] - drop[:, None] * phi - a) ** 2 @ weight
    return missed, optimum, drop
