r"""Valuations: what a model of accuracy r is worth to a party.

A valuation :math:`v` is continuous and strictly increasing with :math:`v(0) = 0`. Contracts are
written in its units: a cost is *value per unit of data*, a reward is *value*. Data and value meet
in :class:`ModelValue`, the curve :math:`v(a(S))`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .accuracy import Curve, FloatArray
from .arguments import real_field, reals
from .texts import brief

__all__ = ["ExponentialValuation", "LinearValuation", "ModelValue", "PowerValuation", "Valuation"]

#: ROUNDING: by which accuracies and values, as shares of the best, may lie outside their range.
ROUNDING = 1e-9


class Valuation(ABC):
    """What all valuations share. Subclasses give :meth:`evaluate` and :meth:`inverse`.

    One of your own must be hashable, such as a frozen dataclass;
    :class:`~paid_with_models.problem.Problem` checks that it increases from 0.
    """

    @abstractmethod
    def evaluate(self, accuracy: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Value, first and second derivative at ``accuracy`` (any shape, in [0, 1])."""

    @abstractmethod
    def inverse(self, value: npt.ArrayLike) -> FloatArray:
        """The accuracy that is worth ``value``, of 0 to the value of a perfect model.

        Raises
        ------
        ValueError
            If a value is outside this range by more than rounding.
        """

    def __call__(self, accuracy: npt.ArrayLike) -> FloatArray:
        """Value of a model of this accuracy, same shape."""
        return self.evaluate(_accuracies(accuracy))[0]

    def derivative(self, accuracy: npt.ArrayLike) -> FloatArray:
        """Marginal value v'(r)."""
        return self.evaluate(_accuracies(accuracy))[1]

    def second_derivative(self, accuracy: npt.ArrayLike) -> FloatArray:
        """Curvature v''(r)."""
        return self.evaluate(_accuracies(accuracy))[2]


def _accuracies(accuracy: npt.ArrayLike) -> FloatArray:
    r = reals("accuracy", accuracy)
    if np.any((r < 0) | (r > 1 + ROUNDING)):
        raise ValueError(f"accuracy must lie in [0, 1]; got {brief(r.tolist())}")
    return r


def _shares_of(scale: float, value: npt.ArrayLike) -> FloatArray:
    """Values over that of a perfect model, in [0, 1]; what is outside by rounding is at its end."""
    shares = reals("value", value) / scale
    if not np.all((shares >= -ROUNDING) & (shares <= 1 + ROUNDING)):
        raise ValueError(f"value must lie in [0, {scale:g}]; got {brief(value)}")
    return np.clip(shares, 0.0, 1.0)


@dataclass(frozen=True)
class LinearValuation(Valuation):
    """The valuation of the paper's experiments, v(r) = scale · r.

    Parameters
    ----------
    scale : float > 0
        Value of a perfect model.

    Raises
    ------
    ValueError
        If ``scale`` is not a positive number.

    Examples
    --------
    >>> float(LinearValuation(100.0)(0.5))
    50.0
    """

    scale: float = 100.0

    def __post_init__(self) -> None:
        real_field(self, "scale", "> 0 and finite", lambda it: 0 < it < np.inf)

    def evaluate(self, accuracy: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        r = np.asarray(accuracy, dtype=float)
        return self.scale * r, np.full(r.shape, self.scale), np.zeros(r.shape)

    def inverse(self, value: npt.ArrayLike) -> FloatArray:
        return _shares_of(self.scale, value)


@dataclass(frozen=True)
class PowerValuation(Valuation):
    """A convex valuation, v(r) = scale · r^exponent: the last points of accuracy matter most.

    Parameters
    ----------
    scale : float > 0
        Value of a perfect model.
    exponent : float >= 1
        Curvature; 1 is the linear valuation. (Below 1 marginal value at 0 would be infinite;
        for a concave valuation see :class:`ExponentialValuation`.)

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Examples
    --------
    >>> v = PowerValuation(100.0, 2.0)
    >>> float(v(0.5)), float(v.inverse(25.0))
    (25.0, 0.5)
    """

    scale: float = 100.0
    exponent: float = 2.0

    def __post_init__(self) -> None:
        real_field(self, "scale", "> 0 and finite", lambda it: 0 < it < np.inf)
        real_field(self, "exponent", ">= 1 and finite", lambda it: 1 <= it < np.inf)

    def evaluate(self, accuracy: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        r = np.asarray(accuracy, dtype=float)
        b = self.exponent
        # v'' is infinite at 0 for exponents between 1 and 2; nobody needs it there.
        second = b * (b - 1) * np.where(r > 0, r, 1.0) ** (b - 2)
        return (
            self.scale * r**b,
            self.scale * b * r ** (b - 1),
            self.scale * np.where(r > 0, second, b * (b - 1) * (b == 2)),
        )

    def inverse(self, value: npt.ArrayLike) -> FloatArray:
        return np.asarray(_shares_of(self.scale, value) ** (1 / self.exponent))


@dataclass(frozen=True)
class ExponentialValuation(Valuation):
    r"""A concave valuation, :math:`v(r) = w\,(1 - e^{-\rho r})/(1 - e^{-\rho})`.

    Parameters
    ----------
    scale : float > 0
        Value w of a perfect model.
    aversion : float > 0
        Curvature :math:`\rho`: a party with this valuation dislikes a spread of accuracies.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Examples
    --------
    >>> v = ExponentialValuation(100.0, 2.0)
    >>> round(float(v(0.5)), 3), round(float(v.inverse(v(0.5))), 12)
    (73.106, 0.5)
    """

    scale: float = 100.0
    aversion: float = 1.0

    def __post_init__(self) -> None:
        real_field(self, "scale", "> 0 and finite", lambda it: 0 < it < np.inf)
        real_field(self, "aversion", "> 0 and at most 500", lambda it: 0 < it <= 500)

    def evaluate(self, accuracy: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        r = np.asarray(accuracy, dtype=float)
        height = self.scale / -np.expm1(-self.aversion)
        first = height * self.aversion * np.exp(-self.aversion * r)
        return -height * np.expm1(-self.aversion * r), first, -self.aversion * first

    def inverse(self, value: npt.ArrayLike) -> FloatArray:
        share = _shares_of(self.scale, value) * -np.expm1(-self.aversion)
        return np.asarray(-np.log1p(-share) / self.aversion)


@dataclass(frozen=True)
class ModelValue(Curve):
    """The value of the model trained on S units of data, the curve v(a(S)).

    Parameters
    ----------
    accuracy : Curve
    valuation : Valuation

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> value = ModelValue(GeneralizationBound(), LinearValuation(100.0))
    >>> value.optimum
    100.0
    """

    accuracy: Curve
    valuation: Valuation

    def __post_init__(self) -> None:
        for name, kind in (("accuracy", Curve), ("valuation", Valuation)):
            if not isinstance(thing := getattr(self, name), kind):
                raise ValueError(f"{name} must be a {kind.__name__}; got {brief(thing)}")

    @cached_property
    def optimum(self) -> float:  # type: ignore[override]
        """Value of the best possible model."""
        return float(self.valuation(self.accuracy.optimum))

    @property
    def smooth_from(self) -> float:
        """That of the accuracy curve."""
        return self.accuracy.smooth_from

    def evaluate(self, data: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        a, a1, a2 = self.accuracy.evaluate(data)
        v, v1, v2 = self.valuation.evaluate(a)
        return v, v1 * a1, v2 * a1 * a1 + v1 * a2
