"""Expectations of a menu for some types, where parties of others turn up and contribute nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..accuracy import Curve, FloatArray, IntArray
from .moments import Expectation, MomentsLike, Uncertainty

__all__ = ["WithoutFirst", "WithoutOutsiders"]


@dataclass(frozen=True, eq=False)
class WithoutFirst:
    """Moments of types 2 to n; type 1 stands for all parties outside and is hidden."""

    moments: MomentsLike

    @property
    def accuracy(self) -> FloatArray:
        return self.moments.accuracy

    @property
    def accuracy_gradient(self) -> FloatArray:
        return self.moments.accuracy_gradient[:, 1:]

    @property
    def value(self) -> FloatArray:
        return self.moments.value

    @property
    def values(self) -> FloatArray:
        return self.moments.values[:, 1:]

    @property
    def value_jacobian(self) -> FloatArray:
        return self.moments.value_jacobian[:, 1:, 1:]

    def weighted_gradient(self, prices: FloatArray) -> FloatArray:
        return self.moments.weighted_gradient(_led_by_0(prices))[:, 1:]

    def curvature(self, prices: FloatArray) -> FloatArray:
        return self.moments.curvature(_led_by_0(prices))[:, 1:, 1:]


@dataclass(frozen=True, eq=False)
class WithoutOutsiders:
    """Expectations where the first type contributes nothing and is hidden.

    It stands for all parties that take no part: they are counted among those that turn up.

    Attributes
    ----------
    whole : Expectation
        With that type.
    """

    whole: Expectation

    def take(self, rows: IntArray) -> WithoutOutsiders:
        return WithoutOutsiders(self.whole.take(rows))

    def moments(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> WithoutFirst:
        return WithoutFirst(self.whole.moments(accuracy, value, _led_by_0(contributions)))

    def uncertainty(self, accuracy: Curve, value: Curve, contributions: FloatArray) -> Uncertainty:
        wrong = self.whole.uncertainty(accuracy, value, _led_by_0(contributions))
        return replace(wrong, values=wrong.values[:, 1:], value_slopes=wrong.value_slopes[:, 1:])


def _led_by_0(rows: FloatArray) -> FloatArray:
    return np.hstack([np.zeros((len(rows), 1)), rows])
