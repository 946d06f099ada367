"""The page of ``pwm report``: one HTML file that asks for nothing else.

What it says stands in ``report.html.jinja``; here is computed what that needs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from paid_with_models import (
    Audit,
    Contract,
    KnownParties,
    PoissonParties,
    Problem,
    Status,
    UnlikeParties,
    audit,
    autarky,
    solve,
)
from paid_with_models.accuracy import FloatArray
from paid_with_models.audit import TOLERANCE
from paid_with_models.beyond.curve_gate import gate

from .drawings import draw_curve, draw_rewards
from .file import Consortium
from .variants import (
    BAND,
    DRAWS,
    audit_present,
    responding,
    reward_spread,
    search_limit,
    variants,
)

#: LONGEST: longest name beside a drawing.
LONGEST = 44


def render(consortium: Consortium) -> str:
    """Return the report as HTML; everything from the file is escaped."""
    contract = solve(consortium.problem, max_nodes=search_limit(consortium.problem))
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": number, "own": own, "percent": percent, "short": shortened}
    package = files(__package__)
    template = package.joinpath("report.html.jinja").read_text(encoding="utf-8")
    style = Markup(package.joinpath("report.css").read_text(encoding="utf-8"))  # noqa: S704
    page = environment.from_string(template)
    return page.render(style=style, version=version("paid-with-models"), draws=DRAWS,
                       **context(consortium, contract)) + "\n"  # fmt: skip


def number(value: float) -> str:
    """Return a number to four digits, without exponents unless it is tiny.

    Raises
    ------
    ArithmeticError
        If it is none: what cannot be computed is not shown.
    """
    if not math.isfinite(value):
        raise ArithmeticError(f"numbers too large or too small to compute with ({value})")
    if abs(value) < 1e-6:
        return f"{value + 0.0:.4g}"  # adding 0 turns -0 into 0
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def own(text: str) -> Markup:
    """Return text from the file, escaped, that does not turn the text around it."""
    return Markup("<bdi>{}</bdi>").format(text)


def percent(share: float, digits: int = 2) -> str:
    """Return a share in percent, as `number`."""
    if not math.isfinite(share):
        raise ArithmeticError(f"numbers too large or too small to compute with ({share})")
    return f"{100 * share:.{digits}f} %"


def shortened(name: str) -> str:
    """Return a name that fits beside a drawing."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def context(consortium: Consortium, contract: Contract) -> dict[str, Any]:
    """Return all that the template names."""
    problem, fit, base = contract.problem, consortium.fit, consortium.baseline
    alone, takes_part = autarky(problem), contract.participates
    noise = allowed(contract)
    gains = without_noise(contract.utilities - alone.utilities, noise)
    spread = reward_spread(contract)
    if spread is None:  # each type's model is the same whatever happens
        accuracies = problem.valuation.inverse(contract.rewards)
    else:
        accuracies = spread.accuracies
    found = None
    if fit is not None and takes_part.any():
        found = gate(
            contract, fit, names=consortium.names, data_unit=consortium.data_unit,
            value_unit=consortium.value_unit, level=BAND,
        )  # fmt: skip
    named = list(zip(consortium.names, takes_part.tolist(), strict=True))
    return {
        "consortium": consortium, "contract": contract, "problem": problem, "gate": found,
        "base": base, "types": takes_part.size, "inside": int(takes_part.sum()),
        "proved": contract.status is Status.OPTIMAL,
        "reached": base + contract.expected_accuracy,
        "best_alone": base + float(problem.accuracy(alone.contributions).max()),
        "gains_inside": gains[takes_part],
        "names_inside": [name for name, yes in named if yes],
        "names_outside": [name for name, yes in named if not yes],
        "listed": any(consortium.members),
        "parties": parties(consortium, takes_part),
        "law": law(problem),
        "groups": groups(consortium),
        **menu(consortium, contract, base + accuracies),
        **gained(consortium, contract, gains),
        "boxes": None if spread is None else draw_rewards(consortium, spread, contract.rewards),
        "rewards": () if spread is None else zip(
            consortium.names, contract.rewards, *spread.levels.T, strict=True
        ),
        "rules": rules(consortium, contract),
        "present": None if consortium.present is None else present(consortium, contract),
        "changed": changed(consortium, contract),
        "response": responding(consortium, contract),
        "valuation": {
            "kind": type(problem.valuation).__name__,
            "parameters": parameters(problem.valuation),
            "of_full_accuracy": float(problem.valuation(1.0 - base)),
        },
        "curve": {
            "kind": type(problem.accuracy).__name__, "parameters": parameters(problem.accuracy),
            **draw_curve(consortium, contract),
        },
    }  # fmt: skip


def allowed(contract: Contract) -> float:
    """Return the difference in value that is none."""
    return TOLERANCE * contract.problem.model_value.optimum


def without_noise(values: FloatArray, noise: float) -> FloatArray:
    """Return values with 0 for those that are rounding errors, up to what is allowed."""
    return np.where(np.abs(values) <= noise, 0.0, values)


def yes(holds: Any) -> list[str]:
    """Return words for truth values."""
    return ["yes" if it else "no" for it in holds]


def law(problem: Problem) -> dict[str, Any]:
    """Return by which law parties turn up, and how many on average."""
    kinds = {PoissonParties: "poisson", UnlikeParties: "groups", KnownParties: "known"}
    kind = kinds.get(type(problem.attendance), "drawn")
    return {"kind": kind, "number": float(problem.mean_counts.sum())}


def groups(consortium: Consortium) -> list[list[Any]]:
    """Return the groups of parties with their numbers and mixes of types; none without groups."""
    match consortium.problem.attendance:
        case UnlikeParties(numbers=numbers, probabilities=mixes):
            rows = zip(consortium.groups, np.asarray(numbers), np.asarray(mixes), strict=True)
            return [[name, int(n), *(percent(x, 1) for x in mix)] for name, n, mix in rows]
    return []


def parties(consortium: Consortium, takes_part: Any) -> Any:
    """Return who there may be."""
    p, numbers = consortium.problem.probabilities, consortium.problem.mean_counts
    columns: list[Sequence[Any]] = [consortium.names, yes(takes_part)]
    if not consortium.problem.types_are_known:
        columns.append([percent(x, 1) for x in p])
    columns.append(numbers.tolist())
    if (limits := consortium.problem.max_data) is not None:
        columns.append([number(it) if np.isfinite(it) else "no limit" for it in limits])
    if any(consortium.members):
        columns.append([", ".join(members) or "–" for members in consortium.members])
    return zip(*columns, strict=True)


def menu(consortium: Consortium, contract: Contract, accuracies: FloatArray) -> dict[str, Any]:
    """Return the options in words and in numbers."""
    m = without_noise(contract.contributions, TOLERANCE * contract.contributions.max())
    t, caps = contract.rewards, contract.reward_caps
    shares = np.divide(t, caps, out=np.zeros_like(t), where=caps > 0)
    shared = {k: bunch for bunch in contract.bunches for k in bunch}
    options = []
    for k, name in enumerate(consortium.names):
        bunch = sorted(shared.get(k, (k,)))
        if not contract.participates[k]:
            options.append({"names": [name], "left_out": True})
        elif k == bunch[0]:
            options.append({
                "names": [consortium.names[j] for j in bunch], "left_out": False, "give": m[k],
                "full": shares[k] > 1 - 1e-9, "share": min(shares[k], 0.9999), "worth": t[k],
                "accuracy": accuracies[k],
            })  # fmt: skip
    of_full = [percent(x) if cap > 0 else "–" for x, cap in zip(shares, caps, strict=True)]
    rows = zip(
        consortium.names, m, contract.problem.costs * m, t, map(percent, accuracies), of_full,
        strict=True,
    )  # fmt: skip
    return {"options": options, "menu": rows}


def gained(consortium: Consortium, contract: Contract, gains: FloatArray) -> dict[str, Any]:
    """Return what each type gains, in words and in numbers."""
    problem, outside = contract.problem, contract.reservation_utilities
    alone = autarky(problem)
    told = [
        {
            "name": name, "alone": alone.utilities[k], "inside": contract.participates[k],
            "better": outside[k] if outside[k] > alone.utilities[k] + allowed(contract) else None,
            "scheme": contract.utilities[k], "gain": gains[k],
        } for k, name in enumerate(consortium.names)
    ]  # fmt: skip
    more = without_noise(contract.utilities - outside, allowed(contract))
    rows = zip(consortium.names, problem.costs, alone.contributions, alone.utilities, outside,
               contract.utilities, gains, more, strict=True)  # fmt: skip
    return {"gains": told, "gained": rows}


def rules(consortium: Consortium, contract: Contract) -> dict[str, tuple[str, str]]:
    """Return by how much what must hold does, and whether."""
    found, noise = audit_of(contract, contract.problem, contract), allowed(contract)
    others = found.incentive_compatibility[~np.eye(len(consortium.names), dtype=bool)]

    def told(room: float) -> tuple[str, str]:
        shown = "–" if room == np.inf else number(0.0 if abs(room) <= noise else room)
        return shown, "yes" if room >= -noise else "no"

    return {
        "outside": told(found.individual_rationality.min()),
        "options": told(others.min(initial=np.inf)),
        "promises": told(found.caps.min()),
    }


def audit_of(kept: Contract, problem: Problem, best: Contract) -> Audit:
    """Audit the menu of one contract, kept in a world for which another is best."""
    out = np.flatnonzero(~kept.participates).tolist()
    return audit(problem, kept.contributions, kept.rewards, left_out=out, best=best)


def present(consortium: Consortium, contract: Contract) -> dict[str, Any]:
    """Return what the scheme in use does, and whom it does not serve as it is meant to."""
    assert consortium.present is not None
    found, noise = audit_present(consortium, contract), allowed(contract)
    rationality, gain, room = (
        without_noise(it, noise)
        for it in (found.individual_rationality, found.deviation_gain, found.caps)
    )
    broken = [
        {
            "name": name, "other": consortium.names[found.best_option[k]],
            "gain": max(gain[k], 0.0), "lacking": max(-room[k], 0.0),
            "short": 0.0 if found.participates[k] else max(-rationality[k], 0.0),
            "asked": found.contributions[k] if found.beyond_capacity[k] else 0.0,
            "has": contract.problem.capacities[k],
        } for k, name in enumerate(consortium.names)
    ]  # fmt: skip
    rows = zip(consortium.names, *consortium.present, rationality, gain, room,
               yes(found.participates), strict=True)  # fmt: skip
    return {
        "broken": [
            it for it in broken if it["gain"] or it["short"] or it["lacking"] or it["asked"]
        ],
        "reaches": consortium.baseline + found.expected_accuracy,
        "best": consortium.baseline + found.best_accuracy,
        "rows": rows,
    }


def changed(consortium: Consortium, contract: Contract) -> Any:
    """Return what becomes of contract and menu if one assumption is wrong."""

    def row(name: str, best: Contract, more: str, then: str) -> tuple[str, ...]:
        inside = f"{int(best.participates.sum())} of {best.participates.size}"
        accuracy = percent(consortium.baseline + best.expected_accuracy)
        return name, accuracy, more, inside, f"{best.gap:.1e}", then

    rows = [row("As stated", contract, "0", "works")]
    for name, world in variants(contract.problem, consortium.fit, consortium.outside).items():
        try:
            best = solve(world, max_nodes=search_limit(world, variant=True))
        except ValueError:  # what turns up in it is too much to go through
            rows.append((name, "–", "–", "–", "–", "not worked out: too many outcomes"))
            continue
        more = f"{100 * (best.expected_accuracy - contract.expected_accuracy):+.2f}"
        found = audit_of(contract, world, best)
        rows.append(row(name, best, more, what_is_kept(found, consortium.names, allowed(best))))
    return rows


def what_is_kept(found: Audit, names: Sequence[str], noise: float) -> str:
    """Say in a few words what becomes of a menu."""
    rationality, gain = found.individual_rationality, found.deviation_gain
    said = []
    for who, one, more in (
        (~found.participates & (rationality < -noise), "stays out", "stay out"),
        # Who stays out picks no other option, though another may be better than its own.
        ((gain > noise) & (rationality + gain >= -noise), "picks another option",
         "pick another option"),
        (found.caps < -noise, "gets less than promised", "get less than promised"),
    ):  # fmt: skip
        if who.any():
            called = [names[k] for k in np.flatnonzero(who).tolist()]
            many = ", ".join(called) if len(called) <= 2 else f"{len(called)} types"
            said.append(f"{many} {one if len(called) == 1 else more}")
    return "; ".join(said) or "works"


def parameters(thing: Any) -> str:
    """Return a curve or a valuation with its parameters, to four digits."""

    def plain(value: Any) -> str:
        many = isinstance(value, tuple)
        return f"[{', '.join(f'{it:.4g}' for it in value)}]" if many else f"{value:.4g}"

    stated = ", ".join(f"{it.name} {plain(getattr(thing, it.name))}" for it in fields(thing))
    return f"{type(thing).__name__}: {stated}"
