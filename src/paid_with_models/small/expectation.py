"""Expectations of the small solver over who turns up, with derivatives."""

import math

from .law import COUNTS, LOST, OPEN, Law
from .sums import Moments, no_moments, sum_moments

__all__ = ["moments"]


def moments(law: Law, m: list[float], prices: list[float], bend: bool) -> Moments:
    """All moments at contributions m of the types in.

    Parameters
    ----------
    law : Law
    m : list of float >= 0
    prices : list of float >= 0
        Of the types' values, for the Hessian.
    bend : bool
        Whether the Hessian is wanted.

    Returns
    -------
    Moments

    Examples
    --------
    >>> from .curve import generalization_bound
    >>> from .law import exponential_sum, outcomes
    >>> from .scheme import make_scheme
    >>> stated = [0.5, 0.5], [0.02, 0.01], [0.0, 0.0], [0.0, 0.0]
    >>> scheme = make_scheme(2, generalization_bound(1.0, 1.0), False, *stated, [True, True])
    >>> by = [moments(law, [400.0, 900.0], [0.0, 0.0], False)
    ...       for law in (outcomes(scheme), exponential_sum(scheme, 0, False))]
    >>> abs(by[0].accuracy - by[1].accuracy) < 1e-11
    True
    """
    size = len(m)
    if len(law.kinds) == size:
        return _moments(law, m, prices, bend)
    # Before the types in come the others, who contribute nothing; they are not shown.
    kinds = size + 1
    padded, priced = [0.0] * kinds, [0.0] * kinds
    for i in range(size):
        padded[i + 1] = m[i]
        priced[i + 1] = prices[i]
    all_ = _moments(law, padded, priced, bend)
    shown = no_moments(size)
    shown.accuracy = all_.accuracy
    shown.tail = all_.tail
    for i in range(size):
        shown.values[i] = all_.values[i + 1]
        shown.gradient[i] = all_.gradient[i + 1]
        shown.tails[i] = all_.tails[i + 1]
        for h in range(size):
            shown.jacobian[i * size + h] = all_.jacobian[(i + 1) * kinds + h + 1]
            shown.hessian[i * size + h] = all_.hessian[(i + 1) * kinds + h + 1]
    return shown


def _moments(law: Law, m: list[float], prices: list[float], bend: bool) -> Moments:
    """Moments of all kinds."""
    if len(law.chance) > 0:
        return _of_outcomes(law, m, prices, bend)
    return sum_moments(law, m, prices, bend)


def _of_outcomes(law: Law, m: list[float], prices: list[float], bend: bool) -> Moments:
    curve = law.scheme.curve
    if not curve.k > 0:  # whose expectations are sums
        raise ValueError("curve must be a generalization bound for a law of outcomes")
    counts, chances, views, status = law.counts, law.chance, law.views, law.status
    size = len(m)
    result = no_moments(size)
    values, gradient = result.values, result.gradient
    jacobian, hessian = result.jacobian, result.hessian
    top, k = curve.top, curve.k
    for o in range(len(chances)):
        mode = status[o]
        if mode == LOST:
            continue
        start = o * size
        data = 0.0
        for i in range(size):
            data += counts[start + i] * m[i]
        value, first, second = 0.0, 0.0, 0.0
        if data >= curve.touch or (mode != OPEN and data > curve.zero):
            inverse = 1 / data
            root = math.sqrt(inverse)
            s = math.sqrt(2 * k * (2 + math.log(data / k)))
            k_s = k / s
            value = top - (s + 4) * root
            first = (0.5 * s + 2 - k_s) * inverse * root
            second = (k_s * (2 + k_s / s) - 3 - 0.75 * s) * inverse * inverse * root
        elif mode == OPEN:
            first = curve.touch_slope
            value = first * data
        elif mode == COUNTS:
            first = curve.zero_slope
            value = first * (data - curve.zero)
        chance = chances[o]
        value *= chance
        first *= chance
        weight = 1.0
        result.accuracy += value
        for i in range(size):
            view = views[start + i]
            gradient[i] += first * counts[start + i]
            if view > 0:
                weight += prices[i] * view
                values[i] += value * view
                by = first * view
                row = i * size
                for h in range(size):
                    jacobian[row + h] += by * counts[start + h]
        if bend and second != 0:
            weight *= chance * second
            for i in range(size):
                by = weight * counts[start + i]
                for h in range(i + 1):
                    hessian[i * size + h] += by * counts[start + h]
    for i in range(size):
        for h in range(i + 1, size):
            hessian[i * size + h] = hessian[h * size + i]
    return result
