"""Newton's system of the small solver's interior-point method."""

import math
from dataclasses import dataclass

from .scheme import Scheme
from .sums import Moments

__all__ = ["Newton", "Step", "newton_system"]

#: LIFT: added to the scaled matrix's diagonal, so that no pivot is lost to rounding.
LIFT = 1e-15

#: POSITIVE: the least that a diagonal entry counts as.
POSITIVE = 1e-300


@dataclass(frozen=True, eq=False)
class Step:
    """A direction in increments, their prices, slacks and the constraints' prices."""

    x: list[float]
    z: list[float]
    w: list[float]
    y: list[float]


@dataclass(frozen=True, eq=False)
class Newton:
    """The optimality conditions linearized: a symmetric quasi-definite system, scaled, factored.

    In dx and -dy:  (-H + Z/X) dx - J' dy = g + t/x,   J dx + (W/Y) dy = t/y - (slack - w).
    """

    x: list[float]
    z: list[float]
    w: list[float]
    y: list[float]
    rows: list[list[float]]
    gap: list[float]
    gradient: list[float]
    scale: list[float]
    matrix: list[float]
    factor: list[float]

    def direction(
        self,
        target: float,
        corrected: bool,
        dx: list[float],
        dz: list[float],
        dw: list[float],
        dy: list[float],
    ) -> Step:
        """The step toward products that all equal the target, corrected for a step before."""
        x, z, w, y = self.x, self.z, self.w, self.y
        n, k = len(x), len(w)
        d = n + k
        to_x, to_w = [0.0] * n, [0.0] * k
        for c in range(n):
            to_x[c] = target - x[c] * z[c]
            if corrected:
                to_x[c] -= dx[c] * dz[c]
        for r in range(k):
            to_w[r] = target - w[r] * y[r]
            if corrected:
                to_w[r] -= dw[r] * dy[r]
        side = [0.0] * d
        for c in range(n):
            side[c] = (self.gradient[c] + to_x[c] / x[c]) * self.scale[c]
        for r in range(k):
            side[n + r] = (to_w[r] / y[r] - self.gap[r]) * self.scale[n + r]
        step = _solved(self.factor, side, d)
        # One refinement.
        rest = [0.0] * d
        for a in range(d):
            total = side[a]
            for b in range(a + 1):
                total -= self.matrix[a * d + b] * step[b]
            for b in range(a + 1, d):
                total -= self.matrix[b * d + a] * step[b]
            rest[a] = total
        more = _solved(self.factor, rest, d)
        new_x, new_z, new_w, new_y = [0.0] * n, [0.0] * n, [0.0] * k, [0.0] * k
        for c in range(n):
            new_x[c] = (step[c] + more[c]) * self.scale[c]
            new_z[c] = (to_x[c] - z[c] * new_x[c]) / x[c]
        for r in range(k):
            new_y[r] = -(step[n + r] + more[n + r]) * self.scale[n + r]
            new_w[r] = self.gap[r]
            for c in range(n):
                new_w[r] += self.rows[r][c] * new_x[c]
        return Step(new_x, new_z, new_w, new_y)


def newton_system(
    scheme: Scheme,
    moments: Moments,
    rows: list[list[float]],
    gradient: list[float],
    gap: list[float],
    x: list[float],
    z: list[float],
    w: list[float],
    y: list[float],
) -> Newton:
    """Newton's system at a point."""
    n, k, size = len(x), len(w), len(scheme.cost)
    d = n + k
    matrix = [0.0] * (d * d)
    bent = [0.0] * (size * n)
    hessian = moments.hessian
    for i in range(size):
        for c in range(n):
            total = 0.0
            for h in range(size):
                total += hessian[i * size + h] * scheme.m_rows[h][c]
            bent[i * n + c] = total
    for a in range(n):
        for b in range(a + 1):
            total = 0.0
            for i in range(size):
                total -= scheme.m_rows[i][a] * bent[i * n + b]
            matrix[a * d + b] = total
        matrix[a * d + a] += z[a] / x[a]
    for r in range(k):
        for c in range(n):
            matrix[(n + r) * d + c] = rows[r][c]
        matrix[(n + r) * d + n + r] = -w[r] / y[r]
    scale = [0.0] * d
    for a in range(n):
        scale[a] = 1 / math.sqrt(max(matrix[a * d + a], POSITIVE))
    for r in range(k):
        total = w[r] / y[r]
        for c in range(n):
            entry = matrix[(n + r) * d + c] * scale[c]
            total += entry * entry
        scale[n + r] = 1 / math.sqrt(total)
    for a in range(d):
        for b in range(a + 1):
            matrix[a * d + b] *= scale[a] * scale[b]
        matrix[a * d + a] += LIFT if a < n else -LIFT
    pull = [0.0] * n
    for c in range(n):
        pull[c] = gradient[c] + z[c]
    return Newton(x, z, w, y, rows, gap, pull, scale, matrix, _factored(matrix, d))


def _factored(matrix: list[float], d: int) -> list[float]:
    """L below the diagonal and D on it, of a symmetric quasi-definite matrix given below it."""
    factor = matrix[:]
    for a in range(d):
        for b in range(a):
            total = factor[a * d + b]
            for c in range(b):
                total -= factor[a * d + c] * factor[b * d + c]
            factor[a * d + b] = total  # this is L D
        pivot = factor[a * d + a]
        for b in range(a):
            part = factor[a * d + b] / factor[b * d + b]
            pivot -= part * factor[a * d + b]
            factor[a * d + b] = part
        factor[a * d + a] = pivot
    return factor


def _solved(factor: list[float], side: list[float], d: int) -> list[float]:
    v = side[:]
    for a in range(d):
        total = v[a]
        for b in range(a):
            total -= factor[a * d + b] * v[b]
        v[a] = total
    for a in range(d):
        v[a] /= factor[a * d + a]
    for a in range(d - 1, -1, -1):
        total = v[a]
        for b in range(a + 1, d):
            total -= factor[b * d + a] * v[b]
        v[a] = total
    return v
