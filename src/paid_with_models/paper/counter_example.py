"""The paper's counter-example on related work."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["CounterExample"]


@dataclass(frozen=True)
class CounterExample:
    r"""Appendix A.1: more data expected is not a better model expected.

    Two parties, each of type 1 with probability q and of type 2 otherwise, contribute
    :math:`m_1` and :math:`m_2 = M - m_1`. The expected total

    .. math:: f(m_1) = E[S] = 2 q m_1 + 2 (1 - q)(M - m_1)

    is largest at an end of the interval; the expectation of the concave :math:`\sqrt S`

    .. math:: g(m_1) = E[\sqrt S] = q^2 \sqrt{2 m_1} + 2 q (1 - q) \sqrt{M}
              + (1 - q)^2 \sqrt{2 (M - m_1)}

    inside it: a coordinator that maximizes the expected amount of data does not maximize the
    expected accuracy. With q = .6 and M = 5 these are the appendix's
    :math:`0.4 m + 4` and :math:`0.36 \sqrt{2m} + 0.48 \sqrt 5 + 0.16 \sqrt{10 - 2m}`.

    Parameters
    ----------
    budget : float > 0
        M, units of data.
    probability : float in (0, 1)
        q.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Examples
    --------
    >>> example = CounterExample()
    >>> example.best_total, round(example.best_root - 405 / 97, 12)
    (5.0, 0.0)
    """

    budget: float = 5.0
    probability: float = 0.6

    def __post_init__(self) -> None:
        if not 0 < self.budget < np.inf:
            raise ValueError(f"budget must be > 0 and finite; got {self.budget!r}")
        if not 0 < self.probability < 1:
            raise ValueError(f"probability must be in (0, 1); got {self.probability!r}")

    def expected_total(self, contribution: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """f, the expected total contribution; any shape, in [0, budget]."""
        m, q = np.asarray(contribution, dtype=float), self.probability
        return np.asarray(2 * q * m + 2 * (1 - q) * (self.budget - m))

    def expected_root(self, contribution: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """g, the expected square root of the total contribution; any shape, in [0, budget]."""
        m, q = np.asarray(contribution, dtype=float), self.probability
        return np.asarray(
            q**2 * np.sqrt(2 * m)
            + 2 * q * (1 - q) * np.sqrt(self.budget)
            + (1 - q) ** 2 * np.sqrt(2 * (self.budget - m))
        )

    @property
    def best_total(self) -> float:
        """The m_1 in [0, budget] that maximizes f; both ends do if types are equally likely."""
        return self.budget if self.probability >= 0.5 else 0.0

    @property
    def best_root(self) -> float:
        """The m_1 in [0, budget] that maximizes g: there q^2 sqrt(M - m) = (1 - q)^2 sqrt(m)."""
        return self.budget / (1 + ((1 - self.probability) / self.probability) ** 4)
