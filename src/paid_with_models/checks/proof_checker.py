r"""The checker of proofs: recomputes what a certificate claims, and refuses what it cannot confirm.

It uses Python, python-flint's balls and two modules, ``checks.proof_curves`` and
``checks.proof_expectations``: nothing of the solver, and no trust in whoever made the certificate.
All three together are 800 lines of code without their comments, so that they stay three files, each
to be read on its own: the shape of four curves and three valuations, expectations in two ways, and
here the argument itself. Nothing may be stated that is not used: fields that are not known are
refused.

**Menu.** Its contributions and rewards are exact, so individual rationality and incentive
compatibility are comparisons of exact numbers with enclosures of the outside options f_i, and caps
with enclosures of :math:`T_i(m) = E_i[v(a(S))]`.

**Upper bound.** In a box of contributions an outcome n collects between :math:`n \cdot l` and
:math:`n \cdot h`. Lines above the curves there make :math:`E[a(S)]` and the caps at most *linear*
functions of the contributions m'. So, with any prices :math:`\lambda, \nu \ge 0` of caps and of
incentive constraints, every menu in the box, with utilities u', has

.. math::

   E[a(S)] \le \ell(m') + \sum_i \lambda_i \bigl(\ell_i(m') - u'_i - c_i m'_i\bigr)
   + \sum_{ij} \nu_{ij} \bigl(u'_i - u'_j - (c_j - c_i) m'_j\bigr) + \sum_i \mu_i (u'_i - f_i) ,

where :math:`\mu_i \ge 0` is what makes the coefficient of :math:`u'_i` vanish. What is left is
linear in m', and largest at an end of the box. Boxes are the leaves of a tree whose root holds
every menu and whose nodes halve: they cover by construction. A type whose outside option is better
than autarky may be left out: other nodes decide that. Of those left out it is only used that they
contribute nothing and want no option of the others.

Run it with ``python -m paid_with_models.checks.proof_checker CERTIFICATE.json``.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flint import arb, fmpq

from .proof_curves import (
    RefusedError,
    accuracy_curve,
    alone,
    confirm,
    confirm_fields,
    exact,
    outward,
    precision,
    rational,
    rationals,
    value_curve,
)
from .proof_expectations import Enumeration, Expectations, Menu, Model, Sums

__all__ = [
    "FORMAT",
    "Facts",
    "Findings",
    "RefusedError",
    "check",
    "digest",
    "recomputed",
    "upper_bound",
]

#: FORMAT: what the field ``format`` of a certificate says.
FORMAT = "paid-with-models proof 1"

#: FIELDS: of a certificate, no more and no less.
FIELDS = ("bound", "claims", "expectations", "format", "made_with", "menu", "others", "problem",
          "sha256")  # fmt: skip

#: PROBLEM, MENU: fields of a problem, and of a menu.
PROBLEM = ("n_parties", "probabilities", "costs", "accuracy", "valuation", "beliefs",
           "reservation_utilities")  # fmt: skip
MENU = ("contributions", "rewards", "left_out")

IN, OUT, UNDECIDED = "in", "out", "undecided"


@dataclass(frozen=True, eq=False)
class Facts:
    """What is true of a menu; slacks in units of value, negative where a constraint is violated.

    Attributes
    ----------
    expected_accuracy : arb
        E[a(S)].
    individual_rationality : list of arb or None
        None for types without an option.
    incentive_compatibility : list of lists of arb or None
        [i][j]: what type i loses by taking the option of j; None where j has none.
    caps : list of arb or None
        T_i - t_i.
    """

    expected_accuracy: arb
    individual_rationality: list[arb | None]
    incentive_compatibility: list[list[arb | None]]
    caps: list[arb | None]

    def slacks(self) -> list[arb]:
        """All of them."""
        rows = [self.individual_rationality, self.caps, *self.incentive_compatibility]
        return [slack for row in rows for slack in row if slack is not None]

    def claims(self) -> dict[str, Any]:
        """Decimal intervals that contain them."""

        def stated(slacks: list[arb | None]) -> list[list[str] | None]:
            return [None if slack is None else outward(slack) for slack in slacks]

        return {
            "expected_accuracy": outward(self.expected_accuracy),
            "individual_rationality": stated(self.individual_rationality),
            "incentive_compatibility": [stated(row) for row in self.incentive_compatibility],
            "caps": stated(self.caps),
        }


@dataclass(frozen=True, eq=False)
class Findings:
    """What follows from a problem, a menu, other menus and prices, whatever is claimed.

    Attributes
    ----------
    outside_options : list of arb
    menu : Facts
    upper_bound : arb
        Its upper end is exceeded by no menu.
    others : list of Facts
    """

    outside_options: list[arb]
    menu: Facts
    upper_bound: arb
    others: list[Facts]

    def shortfall(self, other: Facts) -> arb:
        """By how much another menu's expected accuracy lies below that of the best menu."""
        best = self.menu.expected_accuracy.lower().union(self.upper_bound.upper())
        return best - other.expected_accuracy

    def claims(self) -> dict[str, Any]:
        """All of it in decimal intervals, and the bound as a number."""
        with precision():
            return {
                "outside_options": [outward(option) for option in self.outside_options],
                **self.menu.claims(),
                "upper_bound": outward(self.upper_bound)[1],
                "others": [
                    {**other.claims(), "shortfall": outward(self.shortfall(other))}
                    for other in self.others
                ],
            }


def check(certificate: Any) -> Findings:
    """Recompute a certificate and confirm all it claims.

    Parameters
    ----------
    certificate : mapping
        As read from JSON.

    Returns
    -------
    Findings
        What was found; everything claimed contains it.

    Raises
    ------
    RefusedError
        Saying what could not be confirmed.
    ValueError
        If this is no certificate at all.

    Examples
    --------
    >>> check({"format": "something else"})
    Traceback (most recent call last):
    ValueError: format must be 'paid-with-models proof 1'; got 'something else'
    """
    if not isinstance(certificate, Mapping) or certificate.get("format") != FORMAT:
        stated = certificate.get("format") if isinstance(certificate, Mapping) else certificate
        raise ValueError(f"format must be {FORMAT!r}; got {stated!r:.60}")
    try:
        confirm(sorted(certificate) == list(FIELDS), f"the fields must be {', '.join(FIELDS)}")
        confirm(certificate["sha256"] == digest(certificate), "the content does not fit sha256")
        found = recomputed(certificate)
        with precision():
            confirm(all(slack >= 0 for slack in found.menu.slacks()), "the menu is not feasible")
            compare(found, certificate["claims"])
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as e:
        # Whatever a malformed certificate makes Python stumble over, it is not confirmed.
        raise RefusedError(f"malformed: {type(e).__name__}: {e}") from None
    return found


def digest(certificate: Mapping[str, Any]) -> str:
    """The fingerprint of everything in a certificate but the fingerprint.

    Examples
    --------
    >>> digest({"menu": 1, "sha256": ""}) == digest({"menu": 1})
    True
    """
    rest = {name: value for name, value in certificate.items() if name != "sha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def compare(found: Findings, claims: Mapping[str, Any]) -> None:
    """Refuse unless every claimed interval contains what was found."""

    def contains(claimed: Any, own: Any, what: str) -> None:
        if isinstance(own, dict):
            confirm(
                isinstance(claimed, dict) and claimed.keys() == own.keys(), f"{what}: its fields"
            )
            for name, part in own.items():
                contains(claimed[name], part, f"{what}.{name}")
        elif isinstance(own, list) and not (own and isinstance(own[0], str)):
            confirm(isinstance(claimed, list) and len(claimed) == len(own), f"{what}: its length")
            for k, (part, other) in enumerate(zip(claimed, own, strict=True)):
                contains(part, other, f"{what}[{k}]")
        elif isinstance(own, list):
            confirm(isinstance(claimed, list) and len(claimed) == 2, f"{what}: no interval")
            low, high = rational(claimed[0]), rational(claimed[1])
            inside = low <= rational(own[0]) and rational(own[1]) <= high
            confirm(
                inside, f"{what} is in [{own[0]}, {own[1]}], not in [{claimed[0]}, {claimed[1]}]"
            )
        elif own is None:
            confirm(claimed is None, f"{what}: there is no such option")
        else:
            confirm(rational(own) <= rational(claimed), f"{what}: only {own} is proved")

    contains(claims, found.claims(), "claims")


def recomputed(certificate: Mapping[str, Any]) -> Findings:
    """What follows from problem, menus and prices of a certificate, whatever it claims.

    Parameters
    ----------
    certificate : mapping
        Of which ``problem``, ``expectations``, ``menu``, ``others`` and ``bound`` are read.

    Returns
    -------
    Findings

    Raises
    ------
    RefusedError
        Where something cannot be enclosed, or prices are none.
    """
    with precision():
        model = read_problem(certificate["problem"])
        expectations = read_expectations(model, certificate["expectations"])
        return Findings(
            model.outside,
            facts(model, expectations, certificate["menu"]),
            upper_bound(model, expectations, certificate["bound"]),
            [facts(model, expectations, menu) for menu in certificate["others"]],
        )


def read_problem(stated: Mapping[str, Any]) -> Model:
    """The problem that a certificate is about; probabilities are divided by their sum."""
    confirm_fields(stated, *PROBLEM)
    n_parties, count = stated["n_parties"], len(stated["costs"])
    confirm(type(n_parties) is int and n_parties >= 2, "n_parties must be a whole number >= 2")
    costs, p = (rationals(stated[name], count) for name in ("costs", "probabilities"))
    confirm(count > 0 and all(x > 0 for x in costs + p), "costs, probabilities must be positive")
    confirm(stated["beliefs"] in ("paper", "own"), "beliefs must be 'paper' or 'own'")
    accuracy, bend = accuracy_curve(stated["accuracy"])
    value, scale = value_curve(accuracy, bend, stated["valuation"])
    given = stated["reservation_utilities"]
    confirm(isinstance(given, list) and len(given) == count, "one outside option per cost")
    outside, optional = [], []
    for cost, text in zip(costs, given, strict=True):
        option = alone(value, cost)
        # By the theorem that nobody need be left out, types with autarky outside are in.
        optional.append(text is not None and not arb(rational(text)) <= option)
        outside.append(option if text is None else option.max(arb(rational(text))))
    tops = [((value.limit - f) / c).upper() for f, c in zip(outside, costs, strict=True)]
    total = sum(p, fmpq(0))
    return Model(
        n_parties=n_parties,
        p=[x / total for x in p],
        costs=costs,
        own=stated["beliefs"] == "own",
        accuracy=accuracy,
        value=value,
        scale=scale,
        outside=outside,
        optional=optional,
        top=[max(exact(top), fmpq(0)) for top in tops],
    )


def read_expectations(model: Model, stated: Mapping[str, Any]) -> Expectations:
    """How a certificate takes expectations."""
    confirm(stated["method"] in ("enumeration", "sums"), "method must be 'enumeration' or 'sums'")
    if stated["method"] == "enumeration":
        confirm_fields(stated, "method")
        return Enumeration(model)
    confirm_fields(
        stated, "method", "high", "accuracy", *(["value"] if model.scale is None else [])
    )
    return Sums(model, stated)


def facts(model: Model, expectations: Expectations, stated: Mapping[str, Any]) -> Facts:
    """What is true of a menu of a certificate."""
    confirm_fields(stated, *MENU)
    count, out = len(model.costs), stated["left_out"]
    m, t = (rationals(stated[name], count) for name in ("contributions", "rewards"))
    confirm(isinstance(out, list) and all(type(k) is int and 0 <= k < count for k in out),
            "left_out must be types")  # fmt: skip
    confirm(all(m[k] == 0 == t[k] for k in out), "types left out have no option")
    mean, caps = expectations.means(m)
    rationality: list[arb | None] = []
    compatibility: list[list[arb | None]] = []
    for i, cost in enumerate(model.costs):
        own = model.outside[i] if i in out else arb(t[i] - cost * m[i])
        rationality.append(None if i in out else own - model.outside[i])
        compatibility.append(
            # Exact differences where both options are: t_i - t_j - c_i (m_i - m_j).
            [None if j in out else own - (t[j] - cost * m[j]) if i in out
             else arb(t[i] - t[j] - cost * (m[i] - m[j])) for j in range(count)]
        )  # fmt: skip
    slacks = [None if i in out else caps[i] - t[i] for i in range(count)]
    return Facts(mean, rationality, compatibility, slacks)


# --- the upper bound ------------------------------------------------------------------------------


def upper_bound(model: Model, expectations: Expectations, tree: Mapping[str, Any]) -> arb:
    """A number that no menu's expected accuracy exceeds, from a tree of boxes and their prices."""
    low = [fmpq(0) for _ in model.costs]
    states = [UNDECIDED if optional else IN for optional in model.optional]
    bound = branch(model, expectations, tree, low, list(model.top), states)
    return bound.min(model.accuracy.limit)


def branch(
    model: Model,
    expectations: Expectations,
    node: Mapping[str, Any],
    low: Menu,
    high: Menu,
    states: list[str],
) -> arb:
    """The bound for menus with contributions between low and high, by types' states."""
    if "split" not in node and "decide" not in node:
        return leaf(model, expectations, node, low, high, states)
    i = node["split" if "split" in node else "decide"]
    confirm(type(i) is int and 0 <= i < len(low), "a node must split on a type")
    confirm_fields(node, *(("split", "at", "below", "above") if "split" in node
                           else ("decide", IN, OUT)))  # fmt: skip
    if "split" in node:  # less than at, or more
        at = rational(node["at"])
        confirm(low[i] <= at <= high[i], "a box must be split within it")
        below = branch(model, expectations, node["below"], low, replaced(high, i, at), states)
        above = branch(model, expectations, node["above"], replaced(low, i, at), high, states)
        return below.max(above)
    confirm(states[i] == UNDECIDED, "only types with a better outside option may be left out")
    taken = branch(model, expectations, node[IN], low, high, replaced(states, i, IN))
    nothing = replaced(low, i, fmpq(0)), replaced(high, i, fmpq(0))
    return taken.max(branch(model, expectations, node[OUT], *nothing, replaced(states, i, OUT)))


def replaced(values: list[Any], i: int, value: Any) -> list[Any]:
    """A list with another entry."""
    return [*values[:i], value, *values[i + 1 :]]


def leaf(
    model: Model,
    expectations: Expectations,
    node: Mapping[str, Any],
    low: Menu,
    high: Menu,
    states: list[str],
) -> arb:
    """The bound in one box: see the formula at the top of this file."""
    costs, count = model.costs, len(low)
    constant, gradient = arb(0), [arb(0) for _ in costs]
    shares, prices = fmpq(0), [fmpq(0) for _ in costs]
    confirm_fields(node, "planes", "incentives")
    for plane in node["planes"]:
        confirm_fields(plane, "at", "share", "caps")
        share, of_caps = rational(plane["share"]), rationals(plane["caps"], count)
        confirm(share >= 0, "shares of planes must be >= 0")
        at = rationals(plane["at"], count)
        offset, slopes = expectations.plane(at, low, high, share, of_caps)
        constant += offset
        gradient = [x + y for x, y in zip(gradient, slopes, strict=True)]
        shares, prices = shares + share, [x + y for x, y in zip(prices, of_caps, strict=True)]
    confirm(shares == 1, "shares of planes must add up to 1")
    confirm(all(s == IN or x == 0 for s, x in zip(states, prices, strict=True)),
            "only the caps of types that are in have prices")  # fmt: skip
    gradient = [g - x * c for g, x, c in zip(gradient, prices, costs, strict=True)]
    rational_prices = list(prices)  # of individual rationality: what lets utilities cancel
    for i, j, text in node["incentives"]:
        price = rational(text)
        confirm(type(i) is int and type(j) is int and 0 <= i < count and 0 <= j < count and i != j,
                "incentives are between two types")  # fmt: skip
        confirm(
            price >= 0 and states[i] != UNDECIDED and states[j] == IN, "no such incentive price"
        )
        gradient[j] -= price * (costs[j] - costs[i])
        rational_prices[j] += price
        if states[i] == IN:
            rational_prices[i] -= price
        else:  # staying out: f_i >= t_j - c_i m_j
            constant += price * model.outside[i]
    confirm(all(x >= 0 for x in rational_prices), "prices of individual rationality must be >= 0")
    for x, option, state in zip(rational_prices, model.outside, states, strict=True):
        if state == IN:
            constant -= x * option
    for slope, least, most in zip(gradient, low, high, strict=True):
        constant += (slope * least).max(slope * most)
    return constant


def main(path: str) -> int:
    """Check a file; 0 confirmed, 1 refused, 2 no certificate."""
    try:
        found = check(json.loads(Path(path).read_text(encoding="utf-8")))
    except RefusedError as reason:
        print(f"refused: {reason}")
        return 1
    except (OSError, ValueError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 2
    claims = found.claims()
    print(f"confirmed: the menu reaches {claims['expected_accuracy'][0]},")
    print(f"and no menu exceeds          {claims['upper_bound']}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
