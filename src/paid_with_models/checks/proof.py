r"""Proofs that need no trust in the solver: certificates that anybody can check.

:func:`prove` turns a contract into a certificate: a menu that satisfies every constraint for
certain, and prices from which it follows that no menu reaches more. Everything in it is exact, and
:mod:`~paid_with_models.checks.proof_checker` confirms it from the problem alone, in ball
arithmetic. What is done here need not be trusted: a certificate that is wrong is refused.

**Menu.** The solver's menu is right to rounding, so constraints that bind may be violated by a part
in 1e16. Contributions are changed by as little as is needed (:data:`CHANGES`), and rewards are the
least that they allow, in exact numbers.

**Prices.** Those of the solver, rounded to decimals. Where accuracy is not concave they leave a
gap; there, for outcomes that can be enumerated, boxes of contributions are halved until the bound
of each is low enough. A bound is that of a linear program on planes above the expectations
(Kelley's cutting planes), whose dual prices go into the certificate.

**Which numbers are meant.** A float stands for the shortest decimal that reads as it: 0.2 is 1/5.
Probabilities are these numbers divided by their sum.
"""

from __future__ import annotations

import itertools
import json
import math
import operator
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from scipy.optimize import linprog

from ..accuracy import Curve, FloatArray
from ..arguments import real, whole
from ..contract import Contract, check_contract
from ..problem import Problem, autarky
from ..texts import brief

try:
    import flint
    from flint import arb
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        "proofs need python-flint: install it with pip install 'paid-with-models[proof]'"
    ) from None

from .proof_checker import (
    FORMAT,
    MOST_OUTCOMES,
    Model,
    RefusedError,
    Views,
    digest,
    enumeration,
    facts,
    precision,
    summation,
    upper_bound,
)
from .proof_search import GOOD_ENOUGH, exact_box, searched
from .proof_witnesses import fitted, near, outward, shapes, stated_claims, text_of

__all__ = ["Proof", "RefusedError", "prove", "stated_problem"]

#: CHANGES: relative changes of contributions that are tried until a menu is feasible for certain;
#: the smallest is the rounding of the solver, the largest would cost accuracy that can be seen.
CHANGES = (1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9)

#: FINITE: relative step of finite differences, large against rounding, small against the curve.
FINITE = 1e-6

#: PLACES: decimals of contributions and prices that are rounded, beyond a float's precision.
PLACES = 24

#: OUTCOMES_LIKE_A_SUM: from so many outcomes on an exponential sum is proved sooner; AFFORDABLE: so
#: many are enumerated where sums leave a gap.
OUTCOMES_LIKE_A_SUM, AFFORDABLE = 3_000, 100_000


@dataclass(frozen=True, eq=False)
class Proof:
    """A certificate and what it shows.

    Attributes
    ----------
    certificate : dict
        Plain strings, numbers and lists: what goes into a JSON file.
    findings : dict
        The balls behind its claims.
    """

    certificate: dict[str, Any]
    findings: dict[str, Any]

    @property
    def expected_accuracy(self) -> tuple[str, str]:
        """Decimals between which the feasible menu's E[a(S)] lies."""
        low, high = self.certificate["claims"]["menu"]["expected_accuracy"]
        return low, high

    @property
    def upper_bound(self) -> str:
        """The decimal that no menu exceeds."""
        return str(self.certificate["claims"]["upper_bound"])

    @property
    def gap(self) -> float:
        """How much better than the feasible menu any other can be at most."""
        return float(Fraction(self.upper_bound) - Fraction(self.expected_accuracy[0]))

    @property
    def shortfalls(self) -> list[tuple[Fraction, Fraction]]:
        """At least and at most how far the other menus' expected accuracies are below the best."""
        reached, bound = Fraction(self.expected_accuracy[0]), Fraction(self.upper_bound)
        ends = [other["expected_accuracy"] for other in self.certificate["claims"]["others"]]
        return [(reached - Fraction(high), bound - Fraction(low)) for low, high in ends]

    @property
    def width(self) -> float:
        """Of the widest interval that is claimed of the menus, in accuracy or value."""
        claims = self.certificate["claims"]
        ends = [pair for menu in (claims["menu"], *claims["others"]) for pair in menu.values()]
        return float(max(Fraction(high) - Fraction(low) for low, high in ends))

    @property
    def vague(self) -> float:
        """The larger of gap and width: what the certificate leaves open."""
        return max(self.gap, self.width)

    def as_found(self) -> Proof:
        """With the claims that the checker's own findings allow, which may be closer."""
        return replace(
            self, certificate={**self.certificate, "claims": stated_claims(self.findings)}
        )

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the certificate as JSON."""
        text = json.dumps(self.certificate, indent=1) + "\n"
        Path(path).write_text(text, encoding="utf-8")


def prove(
    contract: Contract,
    *,
    others: Iterable[Sequence[Sequence[Any]]] = (),
    tolerance: float = 1e-9,
    max_boxes: int = 2_000,
) -> Proof:
    """Make a certificate for a contract.

    Parameters
    ----------
    contract : Contract
        Of a problem with a curve and a valuation of the library.
    others : iterable of (contributions, rewards) or (contributions, rewards, left_out)
        Other menus of the same problem, (I,) sequences and the types without an option; the
        certificate encloses what they reach, by how much they violate constraints, and how far they
        fall short.
    tolerance : float > 0
        Gap at which no more boxes are halved; where exponential sums leave more of it, or wider
        intervals, outcomes are enumerated if that is affordable.
    max_boxes : int >= 1
        Most boxes; the certificate says what is proved then.

    Returns
    -------
    Proof

    Raises
    ------
    ValueError
        For an argument that is not as above.
    RefusedError
        Where nothing can be proved: for curves whose shape no inequality shows, one party, too many
        outcomes, or a menu that small changes do not make feasible.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound, Problem, solve
    >>> problem = Problem(10, [0.2] * 5, [1.0, 0.85, 0.7, 0.55, 0.4], GeneralizationBound())
    >>> proof = prove(solve(problem))
    >>> proof.expected_accuracy[0][:14], proof.upper_bound[:14], proof.gap < 1e-12
    ('0.690532528490', '0.690532528490', True)
    """
    check_contract(contract)
    problem = contract.problem
    if problem.n_parties < 2:
        raise RefusedError(
            "n_parties must be at least 2: the only menu of one party is what it does alone, an"
            " irrational number, so that no menu in exact numbers satisfies all constraints"
        )
    tolerance, max_boxes = real("tolerance", tolerance), whole("max_boxes", max_boxes, least=1)
    if not 0 < tolerance < math.inf:
        raise ValueError(f"tolerance must be > 0 and finite; got {tolerance!r}")
    stated_others = _stated(others, problem.n_types)
    try:
        return _proof(contract, stated_others, tolerance, max_boxes)
    except (ArithmeticError, ValueError) as error:
        reason = f"numbers are too large, too small or too far apart to be proved ({error})"
        raise RefusedError(reason) from None


def _stated(others: Any, n_types: int) -> list[dict[str, Any]]:
    """Other menus in text, if they are menus."""
    rule = f"others must be menus: (contributions, rewards), each of {n_types} numbers >= 0"
    rule += ", and (contributions, rewards, left_out)"
    found = []
    try:
        for m, t, *out in others:
            numbers = [[text_of(x) for x in part] for part in (m, t)]
            left_out = [operator.index(k) for part in out for k in part]
            sizes_fit = all(len(part) == n_types for part in numbers) and len(out) <= 1
            positive = all(Fraction(x) >= 0 for part in numbers for x in part)
            if not sizes_fit or not positive or not set(left_out) <= set(range(n_types)):
                raise ValueError
            if any(Fraction(part[k]) for part in numbers for k in left_out):
                raise ValueError
            found.append({
                "contributions": numbers[0], "rewards": numbers[1], "left_out": left_out,
            })  # fmt: skip
    except (TypeError, ValueError, ArithmeticError):
        raise ValueError(f"{rule} and types without an option; got {brief(others)}") from None
    return found


def _proof(
    contract: Contract, stated_others: list[dict[str, Any]], tolerance: float, max_boxes: int
) -> Proof:
    """The best certificate of those that the ways of taking expectations give."""
    problem = contract.problem
    proof, reason = None, RefusedError("the outcomes are too many to enumerate")
    with precision():
        statement = stated_problem(problem)
        curves = shapes(statement, problem.accuracy.smooth_from)
        model = Model(statement, curves)
        for way, expectations in ways(model, problem):
            try:
                menu, found = feasible(model, expectations, contract)
                tree, bound = priced(
                    model,
                    expectations,
                    contract,
                    float(found["expected_accuracy"]),
                    tolerance,
                    0 if "sums" in way else max_boxes,
                )
                findings = {
                    "menu": found,
                    "others": [facts(model, expectations, other) for other in stated_others],
                    "upper_bound": bound,
                }
                claims = stated_claims(findings)
            except RefusedError as refused:
                reason = refused
                continue
            certificate = {
                "format": FORMAT,
                "made_with": {
                    "numpy": np.__version__,
                    "python-flint": flint.__version__,
                    "scipy": scipy.__version__,
                },
                "problem": statement,
                "curves": curves,
                "expectations": way,
                "menu": menu,
                "others": stated_others,
                "bound": tree,
                "claims": claims,
            }
            certificate["sha256"] = digest(certificate)
            another = Proof(certificate, findings)
            proof = another if proof is None or another.vague < proof.vague else proof
            if proof.vague <= tolerance:
                break
    if proof is None:
        raise reason
    return proof


# --- exact numbers --------------------------------------------------------------------------------


def rounded(number: float | Fraction, *, up: bool = False) -> Fraction:
    """A number with PLACES decimals, the next one or that before."""
    units = Fraction(number) * 10**PLACES
    return Fraction(math.ceil(units) if up else math.floor(units), 10**PLACES)


def meant(numbers: Iterable[float]) -> list[Fraction]:
    """The decimals that floats stand for."""
    return [Fraction(repr(float(x))) for x in numbers]


def stated_problem(problem: Problem) -> dict[str, Any]:
    """A problem in exact decimals, as certificates state it.

    Raises
    ------
    RefusedError
        For a curve or valuation of your own, or another law of who turns up.

    Examples
    --------
    >>> from paid_with_models import Arctan
    >>> stated_problem(Problem(2, [0.5, 0.5], [0.2, 0.1], Arctan()))["accuracy"]
    {'name': 'Arctan', 'parameters': {'optimum': '1.0', 'rate': '0.01'}}
    """

    def named(thing: Any) -> dict[str, Any]:
        if not is_dataclass(thing):
            raise RefusedError(f"no proof is known for {type(thing).__name__}")
        parameters = {field.name: getattr(thing, field.name) for field in fields(thing)}
        return {
            "name": type(thing).__name__,
            "parameters": {
                name: [text_of(x) for x in value] if isinstance(value, tuple) else text_of(value)
                for name, value in parameters.items()
            },
        }

    if problem.attendance is not None:
        raise RefusedError(
            "attendance must be that of independent draws, as for n_parties and probabilities: no"
            f" proof is known for {type(problem.attendance).__name__}, of whose outcomes the"
            " checker knows no law"
        )
    pairs = zip(problem.outside_options.tolist(), problem.better_outside.tolist(), strict=True)
    return {
        "n_parties": problem.n_parties,
        "probabilities": [text_of(x) for x in problem.probabilities.tolist()],
        "costs": [text_of(x) for x in problem.costs.tolist()],
        "accuracy": named(problem.accuracy),
        "valuation": named(problem.valuation),
        "beliefs": problem.beliefs,
        # What the library holds autarky to be worth is a float near it: autarky is meant.
        "reservation_utilities": [text_of(x) if better else None for x, better in pairs],
        "max_data": [None if math.isinf(x) else text_of(x) for x in problem.capacities.tolist()],
    }


# --- expectations ---------------------------------------------------------------------------------


def ways(model: Model, problem: Problem) -> Iterator[tuple[dict[str, Any], Views]]:
    """How expectations can be taken, as certificates state it: what is cheaper first."""
    outcomes = math.comb(model.n + len(model.types) - 1, model.n)
    sums = outcomes > OUTCOMES_LIKE_A_SUM
    if sums:
        start = model.curves[0].start
        reach = max(float(arb(max(model.top))) * model.n, 2 * float(arb(start)))
        high = 2.0 ** math.ceil(math.log2(reach) + 0.01)
        curves: tuple[Curve, ...] = problem.accuracy, problem.model_value
        try:
            pairs = zip(curves, model.curves, strict=False)
            way = {"high": text_of(high),
                   "sums": [fitted(curve, exact, high) for curve, exact in pairs]}  # fmt: skip
            yield way, summation(model, near(high), way["sums"])
        except RefusedError:  # curves that admit no sums, such as arctangents
            sums = False
    if outcomes <= (AFFORDABLE if sums else MOST_OUTCOMES):
        yield {"method": "enumeration"}, enumeration(model)


# --- a menu that is feasible for certain ----------------------------------------------------------


def feasible(model: Model, expectations: Views, contract: Contract) -> tuple[dict[str, Any], Any]:
    """The contract's menu, changed as little as is needed, and what is true of it."""
    problem = contract.problem
    out = [i for i, inside in enumerate(contract.participates.tolist())
           if not inside and model.optional[i]]  # fmt: skip
    own = contract.contributions

    def directions() -> Iterator[FloatArray]:
        """Less data make rewards easier to keep, or what parties do alone; or what is sure to."""
        yield -own
        yield np.where(np.isin(np.arange(own.size), out), 0.0, autarky(problem).contributions) - own
        yield inward(model, expectations, contract, out)

    for direction in directions():
        # Where nobody is to contribute, what little the solver leaves is dropped.
        idle = contract.expected_accuracy <= float(problem.accuracy(0.0)) + GOOD_ENOUGH
        for change in (1.0, *CHANGES) if idle else CHANGES:
            menu = least_menu(model, contract, own + change * direction, out)
            found = facts(model, expectations, menu)
            if all(x >= 0 for name, x in found.items() if name != "expected_accuracy"):
                return menu, found
    raise RefusedError("no menu close to the contract's is feasible for certain")


def inward(model: Model, expectations: Views, contract: Contract, out: list[int]) -> FloatArray:
    """The direction in which the least slack of caps and of staying out grows fastest.

    A linear program in the change of contributions, each by up to its own size, in utilities, and
    in that slack; caps change as finite differences say.
    """
    m, costs = np.maximum(contract.contributions, 0.0), contract.problem.costs
    count, unit = m.size, contract.problem.model_value.optimum
    types = [i for i in range(count) if i not in out]

    def caps(menu: FloatArray) -> FloatArray:
        exact = [near(x) for x in menu.tolist()]
        return np.array([float(x) for x, _ in expectations(exact, exact, exact)[:-1]])

    level, steps = caps(m), np.diag(FINITE * m)
    slopes = np.column_stack([(caps(m + step) - level) / FINITE for step in steps]) / unit
    rows, sides = [], []

    def require(row: dict[int, float], least: float) -> None:  # in changes, utilities, slack
        rows.append([-row.get(k, 0.0) for k in range(2 * count + 1)])
        sides.append(-least)

    reach = contract.problem.capacities
    for i in types:
        per_unit = {j: slopes[i, j] - (i == j) * costs[i] * m[i] / unit for j in range(count)}
        cap = (level[i] - costs[i] * m[i]) / unit
        require({**per_unit, count + i: -1.0, 2 * count: -1.0}, -cap)
        for j in np.flatnonzero(m[i] <= reach).tolist():
            gain = (costs[i] - costs[j]) / unit * m[i]  # of type j over i, in the option of i
            if j in out:
                f = float(model.outside[j]) / unit
                require({i: -gain, count + i: -1.0, 2 * count: -1.0}, gain - f)
            elif j != i:
                require({i: -gain, count + i: -1.0, count + j: 1.0}, gain)
    bounds: list[tuple[float | None, float | None]] = [(-1.0, 1.0)] * count
    bounds += [(float(f) / unit, None) for f in model.outside] + [(None, None)]
    objective = np.append(np.zeros(2 * count), -1.0)
    solved = linprog(objective, np.array(rows), np.array(sides), bounds=bounds, method="highs")
    return m * solved.x[:count] if solved.x is not None else -m


def least_menu(
    model: Model, contract: Contract, contributions: FloatArray, out: list[int]
) -> dict[str, Any]:
    """A menu with about these contributions and the least rewards for which IR and IC hold."""
    costs = meant(contract.problem.costs)
    limits = [Fraction(int(x.p), int(x.q)) for x in model.limits]
    order = [int(i) for i in np.argsort(-contract.problem.costs, kind="stable") if i not in out]
    exact = [max(rounded(x), Fraction(0)) for x in contributions.tolist()]
    m = [min(x, most) for x, most in zip(exact, limits, strict=True)]
    for before, i in itertools.pairwise(order):
        if costs[i] < costs[before]:  # cheaper types contribute no less, if they have as much
            m[i] = max([m[i], *(m[k] for k in order[: order.index(i)] if m[k] <= limits[i])])
    u = [rounded(Fraction(outward(option)[1]), up=True) for option in model.outside]
    # Longest paths: what a type must get so that it takes no option within its reach.
    for _ in order:
        for i, j in itertools.permutations(order, 2):
            if m[j] <= limits[i]:
                u[i] = max(u[i], u[j] + (costs[j] - costs[i]) * m[j])
    t = [Fraction(0) if i in out else u[i] + costs[i] * m[i] for i in range(len(m))]
    return {"contributions": [text_of(x) for x in m], "rewards": [text_of(x) for x in t],
            "left_out": out}  # fmt: skip


# --- prices ---------------------------------------------------------------------------------------


def priced(
    model: Model,
    expectations: Views,
    contract: Contract,
    reached: float,
    tolerance: float,
    max_boxes: int,
) -> tuple[dict[str, Any], arb]:
    """A tree of boxes with prices, and the bound that the checker makes of it."""

    def bounded(tree: dict[str, Any]) -> tuple[dict[str, Any], arb]:
        return tree, upper_bound(model, expectations, tree)

    found = []
    if not any(model.optional) and contract.problem.max_data is None:
        found.append(bounded(solver_prices(contract)))
        if float(found[0][1].upper()) <= reached + GOOD_ENOUGH:
            return found[0]
    found.append(bounded(searched(model, expectations, contract, reached, tolerance, max_boxes)))
    return min(found, key=lambda pair: float(pair[1].upper()))


def solver_prices(contract: Contract) -> dict[str, Any]:
    """One box with one plane, at the contract, and the solver's prices."""
    prices = contract.multipliers
    order = np.argsort(-contract.problem.costs, kind="stable").tolist()
    incentives = {}
    for before, i in itertools.pairwise(order):
        incentives[i, before] = float(prices.downward[i])
        incentives[before, i] = float(prices.upward[before])
    at = np.maximum(contract.contributions, 0.0)
    return exact_box([(at, 1.0, prices.caps)], incentives, contract.problem.costs)
