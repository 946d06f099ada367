r"""The screening problem for general solvers: what a user would write instead of the library.

The problem as it is stated, in contributions m and rewards t, types costliest first. Of the
incentive constraints those between neighbors are enough: both together put contributions in order,
and then imply all others.

.. math::

   \max_{m, t \ge 0} E[a(n \cdot m)] \quad \text{s.t.} \quad
   & t_i - c_i m_i \ge f_i, \quad t_i \le E[v(a(n \cdot m)) \mid n_i \ge 1], \\
   & t_i - c_i m_i \ge t_j - c_i m_j, \quad |i - j| = 1 .

Variables are scaled: :math:`z = (m_i / M_i, t_i / V)` with V the value of the best model and
:math:`M_i = (V - f_i) / c_i` the most that a type can contribute. All start from nine tenths
of what the costliest type can contribute, the same for each, and rewards above IR.

Expectations are sums over all outcomes, as matrix products; with too many types for that the
exponential sums of the library are all there is (``"sums"``). Of the library nothing else is taken
than outcomes, autarky, and the weights and rates of those sums. Each function ``by_...`` prepares
a solver for problems of a shape (compiles, builds graphs, which takes it up to seconds) and returns
what solves one of them. Accuracy is the generalization bound, its value is linear.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import LinearConstraint, NonlinearConstraint, minimize

from paid_with_models import GeneralizationBound, LinearValuation, Problem, autarky, conic_program
from paid_with_models.attendance import enumerate_outcomes, log_orders
from paid_with_models.solver.sums import fit_exponential_sum

FloatArray = npt.NDArray[np.float64]
Form = Literal["outcomes", "sums"]
Menu = tuple[FloatArray, FloatArray]
Solver = Callable[[Problem], Menu]

#: TOLERANCE: asked of every solver that takes one; with TRUST_TOLERANCES ``trust-constr`` comes as
#: near as it can. FEW_STEPS, MANY_STEPS: limits that no solver should need.
TOLERANCE = 1e-13
TRUST_TOLERANCES = {"gtol": 1e-10, "xtol": 1e-14, "barrier_tol": 1e-11}
FEW_STEPS, MANY_STEPS = 200, 2000

#: LEAST: what is taken for zero where a logarithm follows.
LEAST = 1e-300

#: NOT_NEGLIGIBLE: terms of a sum that stay below this at the start of its range are dropped.
NOT_NEGLIGIBLE = 1e-18


@dataclass(frozen=True, eq=False)
class Scaled:
    """The numbers of a problem, costliest type first, money in values of the best model.

    Attributes
    ----------
    order : (I,) ndarray of int
    p, c, f, most : (I,) ndarray
        Probabilities, costs, outside options, and the most that each type can contribute.
    rows, least : (3I - 2, 2I), (3I - 2,) ndarray
        IR, downward and upward IC: rows @ z >= least.
    start : (2I,) ndarray
    """

    order: npt.NDArray[np.intp]
    p: FloatArray
    c: FloatArray
    f: FloatArray
    most: FloatArray
    rows: FloatArray
    least: FloatArray
    start: FloatArray

    @classmethod
    def of(cls, problem: Problem) -> Scaled:
        """Of a problem with the paper's curves."""
        unit = value_of_best(problem)
        order = np.argsort(-problem.costs, kind="stable")
        c, f = problem.costs[order] / unit, autarky(problem).utilities[order] / unit
        most, n = (1 - f) / c, c.size
        here, next_to = np.arange(n), np.arange(n - 1)
        options = np.zeros((n, n, 2 * n))  # what option j is worth to type i, as a function of z
        options[:, here, here] = -c[:, None] * most
        options[:, here, n + here] = 1.0
        own = options[here, here]
        rows = np.vstack(
            [
                own,
                own[1:] - options[next_to + 1, next_to],
                own[:-1] - options[next_to, next_to + 1],
            ]
        )
        m = np.full(n, 0.9 * most.min())
        start = np.append(m / most, np.minimum(f.max() + c * m, 1.0))
        least = np.append(f, np.zeros(2 * (n - 1)))
        return cls(order, problem.probabilities[order], c, f, most, rows, least, start)

    def menu(self, z: npt.ArrayLike, unit: float) -> Menu:
        """Contributions and rewards in the order of the problem."""
        m, t = np.split(np.array(z, dtype=float).ravel(), 2)
        found = np.empty_like(m), np.empty_like(t)
        found[0][self.order], found[1][self.order] = m * self.most, t * unit
        return found


def value_of_best(problem: Problem) -> float:
    """Value of the best possible model; refuses curves that are not the paper's."""
    curve, valuation = problem.accuracy, problem.valuation
    if not (isinstance(curve, GeneralizationBound) and isinstance(valuation, LinearValuation)):
        raise ValueError(f"curves must be the paper's; got {curve!r}, {valuation!r}")
    return float(valuation(curve.optimum))


def bound(curve: GeneralizationBound, S: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Accuracy with its first and second derivative, over the best, (K,)."""
    k = curve.complexity
    x = np.maximum(S, curve.zero_until)
    s, root = np.sqrt(2 * k * (2 + np.log(x / k))), 1 / np.sqrt(x)
    live = x > curve.zero_until
    value = np.where(live, curve.optimum - (s + 4) * root, 0.0)
    first = np.where(live, ((s + 4) / 2 - k / s) * root**3, 0.0)
    second = np.where(live, (-3 - 0.75 * s + 2 * k / s + k * k / s**3) * root**5, 0.0)
    return value / curve.optimum, first / curve.optimum, second / curve.optimum


class Outcomes:
    """E[a] and the caps of a problem with their derivatives, over all outcomes, in z.

    What optimizers ask for at one point is computed once.
    """

    def __init__(self, problem: Problem, counts: FloatArray, orders: FloatArray) -> None:
        self.scaled = Scaled.of(problem)
        self.curve, self.counts = problem.accuracy, counts * self.scaled.most
        p = self.scaled.p
        weights = np.exp(orders + counts @ np.log(p))
        seen = (counts.T > 0) * weights / -np.expm1(problem.n_parties * np.log1p(-p))[:, None]
        self.weights = np.vstack([weights, seen])  # of the objective, then of each type
        self.at: bytes | None = None

    def _evaluate(self, z: FloatArray) -> None:
        if self.at != z.tobytes():
            self.at = z.tobytes()
            value, self.first, self.second = bound(self.curve, self.counts @ z[: z.size // 2])
            self.means = self.weights @ value
            self.slopes = (self.weights * self.first) @ self.counts

    def objective(self, z: FloatArray) -> float:
        """-E[a]."""
        self._evaluate(z)
        return -float(self.means[0])

    def gradient(self, z: FloatArray) -> FloatArray:
        """Its gradient."""
        self._evaluate(z)
        return np.append(-self.slopes[0], np.zeros(z.size // 2))

    def caps(self, z: FloatArray) -> FloatArray:
        """T - t."""
        self._evaluate(z)
        return np.asarray(self.means[1:] - z[z.size // 2 :])

    def jacobian(self, z: FloatArray) -> FloatArray:
        """Theirs."""
        self._evaluate(z)
        return np.hstack([self.slopes[1:], -np.eye(z.size // 2)])

    def hessian(self, z: FloatArray, prices: FloatArray) -> FloatArray:
        """Of prices (1 + I,) times E[a] and caps."""
        self._evaluate(z)
        of_m = (self.counts.T * ((prices @ self.weights) * self.second)) @ self.counts
        return np.pad(of_m, (0, z.size // 2))


def table_of(problem: Problem) -> tuple[FloatArray, FloatArray]:
    """Outcomes (K, I), and the logarithms of their multinomial coefficients."""
    counts = enumerate_outcomes(problem.n_parties, problem.n_types)
    return counts.astype(float), log_orders(counts)


def by_slsqp(problem: Problem, form: Form) -> Solver:
    """SciPy's sequential least-squares programming, with right first derivatives."""
    _only_outcomes(form)
    table = table_of(problem)

    def solve(problem: Problem) -> Menu:
        functions = Outcomes(problem, *table)
        scaled = functions.scaled
        result = minimize(
            functions.objective,
            scaled.start,
            method="SLSQP",
            jac=functions.gradient,
            bounds=[(0, 1)] * scaled.start.size,
            constraints=[
                {
                    "type": "ineq",
                    "fun": lambda z: scaled.rows @ z - scaled.least,
                    "jac": lambda z: scaled.rows,
                },
                {"type": "ineq", "fun": functions.caps, "jac": functions.jacobian},
            ],
            options={"ftol": TOLERANCE, "maxiter": FEW_STEPS},
        )
        return scaled.menu(result.x, value_of_best(problem))

    return solve


def by_trust_constr(problem: Problem, form: Form) -> Solver:
    """SciPy's trust-region interior point, with right first and second derivatives."""
    _only_outcomes(form)
    table = table_of(problem)

    def solve(problem: Problem) -> Menu:
        functions = Outcomes(problem, *table)
        scaled = functions.scaled
        n = scaled.c.size
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of singular Jacobians, which it repairs
            result = minimize(
                functions.objective,
                scaled.start,
                method="trust-constr",
                jac=functions.gradient,
                hess=lambda z: functions.hessian(z, -np.eye(1 + n)[0]),
                bounds=[(0, 1)] * (2 * n),
                constraints=[
                    LinearConstraint(scaled.rows, scaled.least, np.inf),
                    NonlinearConstraint(
                        functions.caps,
                        0,
                        np.inf,
                        jac=functions.jacobian,
                        hess=lambda z, prices: functions.hessian(z, np.append(0.0, prices)),
                    ),
                ],
                options={**TRUST_TOLERANCES, "maxiter": MANY_STEPS},
            )
        return scaled.menu(result.x, value_of_best(problem))

    return solve


def by_clarabel(problem: Problem, form: Form) -> Solver:
    """Clarabel, a conic interior point, through CVXPY: the library's own cone program."""
    if form != "sums":
        raise ValueError("the cone program is made of exponential sums")
    conic_program(problem)  # imports CVXPY, fits the sums

    def solve(problem: Problem) -> Menu:
        solution = conic_program(problem).solve()
        return solution.contributions, solution.rewards

    return solve


def by_ipopt(problem: Problem, form: Form) -> Solver:
    """IPOPT, an interior point with a line search, through CasADi, which differentiates exactly."""
    import casadi

    n, parties = problem.n_types, problem.n_parties
    z, p, most = (casadi.MX.sym(name, size) for name, size in (("z", 2 * n), ("p", n), ("most", n)))
    rows = casadi.MX.sym("rows", 3 * n - 2, 2 * n)
    m, t = most * z[:n], z[n:]
    present = -casadi.expm1(parties * casadi.log1p(-p))
    if form == "outcomes":
        counts, orders = table_of(problem)
        best, k = problem.accuracy.optimum, problem.accuracy.complexity
        weights = casadi.exp(orders + casadi.mtimes(counts, casadi.log(p)))
        x = casadi.fmax(casadi.mtimes(counts, m), problem.accuracy.zero_until)
        s = casadi.sqrt(2 * k * (2 + casadi.log(x / k)))
        value = (1 - (s + 4) / (best * casadi.sqrt(x))) * weights
        mean = casadi.sum1(value)
        means = casadi.mtimes(casadi.DM((counts.T > 0).astype(float)), value) / present
    else:
        weights, rates = _sum_of(problem)
        q = casadi.repmat(p.T, rates.size) * casadi.exp(-casadi.mtimes(rates, m.T))
        total = casadi.fmax(casadi.sum2(q), LEAST)
        power = casadi.exp(parties * casadi.log(total))
        others = casadi.fmax(casadi.repmat(total, 1, n) - q, LEAST)
        absent = casadi.exp(parties * casadi.log(others))
        mean = 1 - casadi.dot(weights, power)
        seen = casadi.mtimes(casadi.DM(weights).T, casadi.repmat(power, 1, n) - absent).T
        means = 1 - seen / present
    nlp = {
        "x": z,
        "p": casadi.vertcat(p, most, casadi.vec(rows)),
        "f": -mean,
        "g": casadi.vertcat(casadi.mtimes(rows, z), means - t),
    }
    options = {
        "print_level": 0,
        "sb": "yes",
        "tol": TOLERANCE,
        "bound_relax_factor": 0.0,  # else constraints may be violated by 1e-8
        "max_iter": FEW_STEPS,
    }
    solver = casadi.nlpsol("solver", "ipopt", nlp, {"print_time": False, "ipopt": options})

    def solve(problem: Problem) -> Menu:
        scaled = Scaled.of(problem)
        result = solver(
            x0=scaled.start,
            p=np.concatenate([scaled.p, scaled.most, scaled.rows.ravel(order="F")]),
            lbx=0,
            ubx=1,
            lbg=np.append(scaled.least, np.zeros(n)),
            ubg=np.inf,
        )
        return scaled.menu(result["x"], value_of_best(problem))

    return solve


def by_jax(problem: Problem, form: Form) -> Solver:
    """Mehrotra's interior point in JAX: derivatives and all iterations in one compiled program."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jnp, parties, n = jax.numpy, problem.n_parties, problem.n_types
    if form == "outcomes":
        counts, orders = map(jnp.asarray, table_of(problem))
        best, k, zero = (
            problem.accuracy.optimum, problem.accuracy.complexity, problem.accuracy.zero_until,
        )  # fmt: skip

        def accuracy(S: Any) -> Any:
            x = jnp.maximum(S, zero)
            return 1 - (jnp.sqrt(2 * k * (2 + jnp.log(x / k))) + 4) / (best * jnp.sqrt(x))

        def means(m: Any, p: Any) -> Any:
            weights = jnp.exp(orders + counts @ jnp.log(p)) * jax.vmap(accuracy)(counts @ m)
            present = -jnp.expm1(parties * jnp.log1p(-p))
            return jnp.append(weights.sum(), weights @ (counts > 0) / present)
    else:
        sum_weights, rates = map(jnp.asarray, _sum_of(problem))

        def means(m: Any, p: Any) -> Any:
            q = p * jnp.exp(-jnp.outer(rates, m))
            total = jnp.maximum(q.sum(axis=1), LEAST)
            power = total**parties
            absent = jnp.maximum(total[:, None] - q, LEAST) ** parties
            present = -jnp.expm1(parties * jnp.log1p(-p))
            seen = sum_weights @ (power[:, None] - absent) / present
            return 1 - jnp.append(sum_weights @ power, seen)

    def interior_point(p: Any, most: Any, rows: Any, least: Any, start: Any) -> Any:
        def constraints(z: Any) -> Any:
            caps = means(most * z[:n], p)[1:] - z[n:]
            return jnp.concatenate([rows @ z - least, caps, z])

        def lagrangian(z: Any, prices: Any) -> Any:
            return -means(most * z[:n], p)[0] - prices @ constraints(z)

        def residuals(z: Any, s: Any, prices: Any) -> Any:
            return jax.grad(lagrangian)(z, prices), constraints(z) - s

        def step(state: Any) -> Any:
            z, s, prices, count, _ = state
            slope, miss = residuals(z, s, prices)
            J, H = jax.jacfwd(constraints)(z), jax.hessian(lagrangian)(z, prices)
            matrix = H + (J.T * (prices / s)) @ J + 1e-13 * jnp.eye(2 * n)
            factor = jax.scipy.linalg.lu_factor(matrix)

            def direction(products: Any) -> Any:
                side = J.T @ ((products - prices * miss) / s) - slope
                dz = jax.scipy.linalg.lu_solve(factor, side)
                ds = J @ dz + miss
                return dz, ds, (products - prices * ds) / s

            def length(x: Any, dx: Any) -> Any:
                return jnp.minimum(1.0, 0.995 * jnp.min(jnp.where(dx < 0, -x / dx, jnp.inf)))

            mu = s @ prices / s.size
            _, ds, dp = direction(-s * prices)
            reached = (s + length(s, ds) * ds) @ (prices + length(prices, dp) * dp) / s.size
            dz, ds, dp = direction((reached / mu) ** 3 * mu - s * prices - ds * dp)
            primal, dual = length(s, ds), length(prices, dp)
            z, s, prices = z + primal * dz, s + primal * ds, prices + dual * dp
            slope, miss = residuals(z, s, prices)
            wrong = jnp.max(jnp.abs(slope)), jnp.max(jnp.abs(miss)), jnp.max(s * prices)
            return z, s, prices, count + 1, jnp.max(jnp.array(wrong))

        def goes_on(state: Any) -> Any:
            return (state[4] > TOLERANCE) & (state[3] < FEW_STEPS)

        s = jnp.maximum(constraints(start), 0.05)
        state = start, s, jnp.full(s.shape, 0.1), 0, jnp.inf
        return jax.lax.while_loop(goes_on, step, state)[0]

    compiled = jax.jit(interior_point)

    def solve(problem: Problem) -> Menu:
        scaled = Scaled.of(problem)
        z = compiled(scaled.p, scaled.most, scaled.rows, scaled.least, scaled.start)
        return scaled.menu(z, value_of_best(problem))

    solve(problem)  # compiles
    return solve


def _sum_of(problem: Problem) -> tuple[FloatArray, FloatArray]:
    """Weights, over the best accuracy, and rates of the sum on all data that can be collected."""
    curve = problem.accuracy
    most = problem.n_parties * Scaled.of(problem).most.max()
    low, high = problem.accuracy.smooth_from, float(16.0 ** np.ceil(np.log(most) / np.log(16)))
    fit = fit_exponential_sum(curve, low, high)
    counts = fit.weights * np.exp(-fit.rates * low) > NOT_NEGLIGIBLE
    return fit.weights[counts] / curve.optimum, fit.rates[counts]


def _only_outcomes(form: Form) -> None:
    if form != "outcomes":
        raise ValueError("stated with outcomes only")


#: What is compared, in the order of the tables: what prepares it, in which form.
SOLVERS: dict[str, tuple[Callable[..., Solver], Form]] = {
    "SLSQP": (by_slsqp, "outcomes"),
    "trust-constr": (by_trust_constr, "outcomes"),
    "IPOPT": (by_ipopt, "outcomes"),
    "IPOPT, sums": (by_ipopt, "sums"),
    "JAX": (by_jax, "outcomes"),
    "JAX, sums": (by_jax, "sums"),
    "Clarabel, sums": (by_clarabel, "sums"),
}
