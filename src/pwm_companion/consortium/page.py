"""The page of ``pwm report``: one HTML file that asks for nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from html import escape
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import numpy as np

from paid_with_models import (
    Arctan,
    Contract,
    ExponentialValuation,
    GeneralizationBound,
    LinearValuation,
    PowerLaw,
    PowerValuation,
    Problem,
    Saturating,
    Status,
    audit,
    autarky,
    solve,
)
from paid_with_models.accuracy import FloatArray
from paid_with_models.audit import TOLERANCE, Audit
from paid_with_models.beyond.curve_gate import gate

from .file import Consortium
from .variants import BAND, DRAWS, Spread, audit_present, reward_spread, search_limit, variants

#: Longest name beside a drawing.
LONGEST = 44


#: Most marks on an axis of data, but for the first.
MARKS = 4


def render(consortium: Consortium) -> str:
    """Return the report as HTML; everything from the file is escaped."""
    contract = solve(consortium.problem, max_nodes=search_limit(consortium.problem))
    spread = reward_spread(contract)
    sections = [
        *_before(consortium, contract),
        _parties(consortium, contract),
        _menu(consortium, contract, spread),
        _gains(consortium, contract),
        _rewards(consortium, spread),
        _certificate(consortium, contract),
        _present(consortium, contract),
        _sensitivity(consortium, contract),
        _assumptions(consortium, contract),
    ]
    title = escape(consortium.title)
    style = files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}: the best contract</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n<h1><bdi>{title}</bdi>: the best contract</h1>\n"
        + "\n".join(section for section in sections if section)
        + f"\n</main>\n<footer>Made by paid-with-models {version('paid-with-models')}.</footer>"
        "\n</body>\n</html>\n"
    )


def _text(text: str) -> str:
    """Return text from the file, escaped, that does not turn the text around it."""
    return f"<bdi>{escape(text)}</bdi>"


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(_text, names))


def _number(value: float) -> str:
    """Return a number to four digits, without exponents unless it is tiny."""
    if abs(value) < 1e-6:
        return f"{value + 0.0:.4g}"  # adding 0 turns -0 into 0
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _without_noise(values: FloatArray, allowed: float) -> FloatArray:
    """Return values with 0 for those that are rounding errors, up to what is allowed."""
    return np.where(np.abs(values) <= allowed, 0.0, values)


def _percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:.{digits}f} %"


def _before(consortium: Consortium, contract: Contract) -> list[str]:
    """What comes first: in short, and what the proof does not say; ahead if that counts."""
    short = _short(consortium, contract)
    if consortium.fit is None or not contract.participates.any():
        return [short]
    found = gate(
        contract,
        consortium.fit,
        names=consortium.names,
        data_unit=consortium.data_unit,
        value_unit=consortium.value_unit,
        level=BAND,
    )
    items = f"<ul>{''.join(_item(escape(line)) for line in found.lines)}</ul>"
    if found.open:
        lead = "<p>What the menu asks for lies within what was measured, and the fit is close.</p>"
        return [short, _section("What the data support", lead + items)]
    lead = (
        "<p><strong>The data do not support this contract as it is.</strong> It is proved for a"
        " fitted curve; below is what puts the curve in doubt, and what becomes of the menu if it"
        " is wrong.</p>"
    )
    return [_section("Before you rely on this", lead + items), short]


def _short(consortium: Consortium, contract: Contract) -> str:
    base = consortium.baseline
    alone = autarky(consortium.problem)
    inside = int(contract.participates.sum())
    if inside == 0:
        said = "With these numbers no contract makes it worth anybody's while to join."
        return _section("In short", f"<p>{said}</p>")
    best_alone = base + float(consortium.problem.accuracy(alone.contributions).max())
    proved = contract.status is Status.OPTIMAL
    gains = _without_noise(contract.utilities - alone.utilities, _allowed(contract))
    gains, types = gains[contract.participates], contract.participates.size
    items = [
        f"{'All' if inside == types else f'{inside} of'} {types} types of party take"
        f" part in the best contract."
        if types > 1
        else "All parties take part in the best contract.",
        (
            f"The joint model has an accuracy of {_percent(base + contract.expected_accuracy)} on"
            " average;"
            f" the best that any party reaches alone is {_percent(best_alone)}."
        ),
        (
            f"Compared with going alone, a party that takes part gains from"
            f" {_number(gains.min())} to {_number(gains.max())} {_text(consortium.value_unit)}, by"
            " its type."
        ),
        _proved_best(consortium)
        if proved
        else (
            f"No other contract is more accurate by more than {_percent(contract.gap)}; but this"
            " one need not be the best."
        ),
    ]
    return _section("In short", f"<ul>{''.join(map(_item, items))}</ul>")


def _proved_best(consortium: Consortium) -> str:
    if consortium.fit is None:
        return "No other contract is better: that is proved, not estimated."
    return (
        "No other contract is better for the fitted curve: that is proved, not estimated. The curve"
        " itself is an estimate."
    )


def _parties(consortium: Consortium, contract: Contract) -> str:
    problem, takes_part = consortium.problem, contract.participates
    inside = [name for name, yes in zip(consortium.names, takes_part, strict=True) if yes]
    outside = [name for name, yes in zip(consortium.names, takes_part, strict=True) if not yes]
    said = f"Of the {len(takes_part)} types, {len(inside)} take part"
    said += f": {_list(inside)}." if inside else "."
    if outside:
        said += f" Left out: {_list(outside)}; they keep what they have outside."
    said += (
        f" There are {problem.n_parties} parties. The joint model reaches an accuracy of"
        f" {_percent(consortium.baseline + contract.expected_accuracy)} on average, worth"
        f" {_number(contract.expected_value)} {_text(consortium.value_unit)} to each who gets it"
        " in full."
    )
    heads = ["Type", "Takes part", "Chance that a party is of this type", "Parties, on average"]
    columns: list[Sequence[Any]] = [
        consortium.names,
        ["yes" if yes else "no" for yes in takes_part],
        [_percent(p, 1) for p in problem.probabilities],
        (problem.n_parties * problem.probabilities).tolist(),
    ]
    if any(consortium.members):
        heads.append("Listed")
        columns.append([", ".join(members) or "–" for members in consortium.members])
    listed = any(consortium.members)
    table = _table("Types of party", heads, zip(*columns, strict=True), words=listed)
    return _section("Who takes part", f"<p>{said}</p>{table}")


def _menu(consortium: Consortium, contract: Contract, spread: Spread) -> str:
    data, value = _text(consortium.data_unit), _text(consortium.value_unit)
    m = _without_noise(contract.contributions, TOLERANCE * contract.contributions.max())
    t, caps = contract.rewards, contract.reward_caps
    accuracies = consortium.baseline + spread.accuracies
    shared = {k: bunch for bunch in contract.bunches for k in bunch}
    items = []
    for k, name in enumerate(consortium.names):
        if not contract.participates[k]:
            items.append(f"<strong>{_text(name)}</strong> has no option, and stays out.")
            continue
        bunch = shared.get(k, (k,))
        if k != min(bunch):
            continue
        names = _list([consortium.names[j] for j in sorted(bunch)])
        share = t[k] / caps[k] if caps[k] > 0 else 0.0
        which = (
            "the full joint model"
            if share > 1 - 1e-9
            else f"a model of {_percent(min(share, 0.9999))} of the value of the full joint model"
        )
        items.append(
            f"<strong>{names}</strong>{' (one option for all of them)' if len(bunch) > 1 else ''}:"
            f" give {_number(m[k])} {data}, and get {which}, worth {_number(t[k])} {value} on"
            f" average, of accuracy {_percent(accuracies[k])}."
        )
    lead = (
        "<p>The coordinator publishes these options, and each party picks one. Nobody has to tell"
        " what its costs are: each type does best by the option with its name. A party that gets"
        " less than the full joint model gets a weakened copy of it.</p>"
    )
    rows = zip(
        consortium.names, m, contract.problem.costs * m, t, map(_percent, accuracies),
        [_percent(a / b) if b > 0 else "–" for a, b in zip(t, caps, strict=True)], strict=True,
    )  # fmt: skip
    table = _table(
        f"The menu in numbers; data in {consortium.data_unit}, values in {consortium.value_unit}",
        ["Type", "Data to give", "Their cost", "Mean value of the model", "Its mean accuracy",
         "Share of the full model's value"],
        rows,
    )  # fmt: skip
    return _section("The menu", f"{lead}<ul>{''.join(map(_item, items))}</ul>{table}")


def _item(text: str) -> str:
    return f"<li>{text}</li>"


def _gains(consortium: Consortium, contract: Contract) -> str:
    problem = consortium.problem
    alone, value = autarky(problem), _text(consortium.value_unit)
    gains = _without_noise(contract.utilities - alone.utilities, _allowed(contract))
    more = contract.utilities - contract.reservation_utilities
    said = []
    for k, name in enumerate(consortium.names):
        own, better = alone.utilities[k], contract.reservation_utilities[k]
        line = f"<strong>{_text(name)}</strong>: {_number(own)} {value} alone"
        if better > own + TOLERANCE * problem.model_value.optimum:
            line += f", {_number(better)} by what it has outside"
        if contract.participates[k]:
            line += f", {_number(contract.utilities[k])} in the scheme: it gains"
            line += f" {_number(gains[k])} over going alone."
        else:
            line += "; it stays out."
        said.append(_item(line))
    lead = (
        "<p>Net value is the value of the model that a party has, less what its data cost it."
        " A gain of 0 over the outside option means just as well off.</p>"
    )
    table = _table(
        f"Value in {consortium.value_unit}, data in {consortium.data_unit}",
        ["Type", "Cost of one more unit of data", "Data used alone", "Net value alone",
         "Outside option", "Net value in the scheme", "Gain over going alone",
         "Gain over the outside option"],
        zip(
            consortium.names, problem.costs, alone.contributions, alone.utilities,
            contract.reservation_utilities, contract.utilities, gains,
            _without_noise(more, _allowed(contract)), strict=True,
        ),
    )  # fmt: skip
    return _section("What each type gains", f"{lead}<ul>{''.join(said)}</ul>{table}")


def _rewards(consortium: Consortium, spread: Spread) -> str:
    # What varies little beside its size is seen: the axis spans what is drawn.
    bottom, top = float(spread.levels.min()), float(spread.levels.max())
    top = max(top, bottom + 1e-3 * max(abs(bottom), 1.0))
    left, right, row = 12, 388, 58
    height = row * len(consortium.names) + 56

    def x(value: float) -> float:
        return round(left + (right - left) * (value - bottom) / (top - bottom), 1)

    parts, told = [], []
    for i, name in enumerate(consortium.names):
        (low, first, third, high), mean, y = spread.levels[i], spread.means[i], row * i + 38
        parts.append(
            f'<text x="{left}" y="{y - 16}">{escape(_shortened(name))}</text>'
            f'<line class="range" x1="{x(low)}" x2="{x(high)}" y1="{y}" y2="{y}"/>'
            f'<rect class="box" x="{x(first)}" y="{y - 7}" height="14"'
            f' width="{round(max(x(third) - x(first), 1), 1)}"/>'
            f'<circle class="mean" cx="{x(mean)}" cy="{y}" r="4"/>'
        )
        told.append((name, mean, low, first, third, high))
    parts.append(
        _axis([bottom, (bottom + top) / 2, top], x, height - 44, "value of the model, in "
              + consortium.value_unit)
    )  # fmt: skip
    label = (
        "For each type, the value of the model that it gets: a line from the 5 to the 95 percent"
        " point, a box from the 25 to the 75 percent point, a dot at the mean. The axis need not"
        " start at 0. The numbers are in the table below."
    )
    lead = (
        f"<p>How good the joint model is depends on which types turn up. Drawn {DRAWS:,} times, the"
        " value of the model that each type gets lies on the line in 90 of 100 cases, and in the"
        " box in 50; the dot is the mean. (Each type gets the same share of the joint model's"
        " value whoever turns up. The axis need not start at 0.)</p>"
    )
    table = _table(
        f"Value of the model, in {consortium.value_unit}: mean, and what it is below in 5, 25, 75"
        " and 95 of 100 cases",
        ["Type", "Mean", "5 %", "25 %", "75 %", "95 %"],
        told,
    )
    return _section("How rewards vary", lead + _drawing(height, label, parts) + table)


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _drawing(height: float, label: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 400 {height}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def _axis(marks: Sequence[float], x: Callable[[float], float], y: float, label: str) -> str:
    """Return a horizontal axis with its numbers, and what it shows below."""
    ends = [x(mark) for mark in marks]
    parts = [f'<line class="axis" x1="{ends[0]}" x2="{ends[-1]}" y1="{y}" y2="{y}"/>']
    anchors = ["start", *["middle"] * (len(marks) - 2), "end"]
    for mark, at, anchor in zip(marks, ends, anchors, strict=True):
        text = f"{mark:,.4g}" if abs(mark) < 1e4 else f"{mark:,.0f}"
        parts.append(f'<text x="{at}" y="{y + 17}" text-anchor="{anchor}">{text}</text>')
    parts.append(
        f'<text class="label" x="{ends[0]}" y="{y + 36}">{escape(_shortened(label))}</text>'
    )
    return "".join(parts)


def _certificate(consortium: Consortium, contract: Contract) -> str:
    base, gap = consortium.baseline, contract.gap
    reached, bound = base + contract.expected_accuracy, base + contract.upper_bound
    for_curve = "" if consortium.fit is None else " for the fitted curve"
    proved = (
        f"This contract is proved optimal{for_curve}:"
        if contract.status is Status.OPTIMAL
        else "This contract satisfies every constraint, but is not proved optimal:"
    )
    found = _audit_of(contract, contract.problem, contract)
    off = np.eye(len(consortium.names), dtype=bool)
    allowed = _allowed(contract)
    rows = [
        ("No type is better off outside", found.individual_rationality.min()),
        (
            "No type does better by the option of another",
            found.incentive_compatibility[~off].min(initial=np.inf),
        ),
        ("Nothing is promised that cannot be delivered on average", found.caps.min()),
    ]
    table = _table(
        f"The contract checked anew, in {consortium.value_unit}; 0: it just holds",
        ["What must hold", "Room", "Holds"],
        [
            (name, "–" if room == np.inf else _number(0.0 if abs(room) <= allowed else room),
             "yes" if room >= -allowed else "no")
            for name, room in rows
        ],
    )  # fmt: skip
    return _section(
        "How good it is",
        f"<p>{proved} it reaches an expected accuracy of {reached:.9g}, and no menu at all can"
        f" exceed {bound:.9g}. The gap is {gap:.1e}. The bound is computed apart from the contract,"
        " for all menus that keep the three rules below.</p>" + table,
    )


def _allowed(contract: Contract) -> float:
    return TOLERANCE * contract.problem.model_value.optimum


def _audit_of(kept: Contract, problem: Problem, best: Contract) -> Audit:
    """The menu of one contract, kept in a world for which another is best."""
    return audit(
        problem,
        kept.contributions,
        kept.rewards,
        left_out=np.flatnonzero(~kept.participates).tolist(),
        best=best,
    )


def findings(found: Audit, names: Sequence[str], unit: str, allowed: float) -> list[str]:
    """Say in words, as HTML, whom a menu does not serve as it is meant to; empty if none.

    Parameters
    ----------
    found : Audit
    names : sequence of str
        Of the types.
    unit : str
        Of values.
    allowed : float
        Violations up to it do not count.
    """
    said, value = [], _text(unit)
    for i, name in enumerate(names):
        short, gain, room = -found.individual_rationality[i], found.deviation_gain[i], found.caps[i]
        other = int(found.best_option[i])
        if gain > allowed:
            said.append(
                f"{_text(name)} does better, by {_number(gain)} {value}, with the option meant for"
                f" {_text(names[other])}"
            )
        if not found.participates[i] and short > allowed:
            said.append(f"{_text(name)} is better off outside, by {_number(short)} {value}")
        if -room > allowed:
            said.append(
                f"{_text(name)} is promised {_number(-room)} {value} more than can be delivered"
                " on average"
            )
    return said


def _present(consortium: Consortium, contract: Contract) -> str:
    if consortium.present is None:
        return ""
    contributions, rewards = consortium.present
    found = audit_present(consortium, contract)
    allowed = _allowed(contract)
    said = findings(found, consortium.names, consortium.value_unit, allowed)
    verdict = (
        f"The scheme in use does not work as it is meant to.</p><ul>"
        f"{''.join(_item(line + '.') for line in said)}</ul><p>"
        if said
        else "The scheme in use works: all who have a part in it are at least as well off as"
        " outside, do best by the option meant for them, and get what they are promised. "
    )
    more, base = found.best_accuracy - found.expected_accuracy, consortium.baseline
    reached = (
        f"{'If all took part as meant, its' if said else 'Its'} expected accuracy"
        f" {'would be' if said else 'is'} {_percent(base + found.expected_accuracy)}; the best"
        f" contract reaches {_percent(base + found.best_accuracy)}, {abs(100 * more):.2f}"
        " percentage points"
        f" {'more' if more >= 0 else 'less, and keeps all rules'}."
    )
    table = _table(
        f"Value in {consortium.value_unit}, data in {consortium.data_unit}; a negative number in"
        " the fourth or sixth column breaks a rule",
        ["Type", "Data given", "Value of the model", "Gain over the outside option",
         "Gain by another's option", "Room below what can be delivered", "Takes part"],
        zip(
            consortium.names, contributions, rewards,
            _without_noise(found.individual_rationality, allowed),
            _without_noise(found.deviation_gain, allowed), _without_noise(found.caps, allowed),
            ["yes" if yes else "no" for yes in found.participates], strict=True,
        ),
    )  # fmt: skip
    return _section("The scheme in use", f"<p>{verdict}{reached}</p>{table}")


def _sensitivity(consortium: Consortium, contract: Contract) -> str:
    problem = contract.problem
    changed, base = variants(problem, consortium.fit), consortium.baseline
    solved = {
        n: solve(world, max_nodes=search_limit(world, variant=True)) for n, world in changed.items()
    }
    rows = [("As stated", _percent(base + contract.expected_accuracy), "0",
             _of(contract), f"{contract.gap:.1e}", "works")]  # fmt: skip
    for name, world in changed.items():
        best = solved[name]
        kept = _audit_of(contract, world, best)
        rows.append(
            (
                name,
                _percent(base + best.expected_accuracy),
                f"{100 * (best.expected_accuracy - contract.expected_accuracy):+.2f}",
                _of(best),
                f"{best.gap:.1e}",
                _kept(kept, consortium.names, _allowed(best)),
            )
        )
    table = _table(
        "One assumption changed at a time",
        ["Assumption", "Expected accuracy", "Change, percentage points", "Types that take part",
         "Gap", "If the menu stays"],
        rows,
        words=True,
    )  # fmt: skip
    lead = (
        "<p>The columns in the middle are for the best contract that is made for the changed world."
        " The last says what happens if the world is different and the menu above stays as it is."
        " A contract made to fit has no slack, so that small changes break it; to be safe against"
        " one, state it in the file.</p>"
    )
    return _section("If an assumption is wrong", lead + table)


def _of(contract: Contract) -> str:
    return f"{int(contract.participates.sum())} of {contract.participates.size}"


def _kept(found: Audit, names: Sequence[str], allowed: float) -> str:
    """Say in a few words what becomes of a menu."""
    leave = [n for n, stays, ir in zip(names, found.participates, found.individual_rationality,
             strict=True) if not stays and ir < -allowed]  # fmt: skip
    # Who stays out picks no other option, though another may be better than its own.
    others = [n for n, gain, ir in zip(names, found.deviation_gain, found.individual_rationality,
              strict=True) if gain > allowed and ir + gain >= -allowed]  # fmt: skip
    short = [n for n, room in zip(names, found.caps, strict=True) if room < -allowed]
    said = []
    for who, one, more in (
        (leave, "stays out", "stay out"),
        (others, "picks another option", "pick another option"),
        (short, "gets less than promised", "get less than promised"),
    ):
        if who:
            many = ", ".join(who) if len(who) <= 2 else f"{len(who)} types"
            said.append(f"{many} {one if len(who) == 1 else more}")
    return "; ".join(said) or "works"


#: Curves and valuations in words.
CURVES = {
    GeneralizationBound: "the generalization bound of the paper",
    PowerLaw: "a power law",
    Saturating: "a sum of exponentials that level off",
    Arctan: "an arc tangent",
}


VALUATIONS = {
    LinearValuation: "proportional to accuracy",
    PowerValuation: "a power of accuracy",
    ExponentialValuation: "exponential in accuracy",
}


BELIEFS = {
    "paper": "What a party reckons with: the others as they are given that its type is present"
    " (“paper”, as in the paper). The other way is the others as they are given that it is"
    " itself of its type (“own”).",
    "own": "What a party reckons with: the others as they are given that it is itself of its type"
    " (“own”). The other way is, as in the paper, given that its type is present (“paper”).",
}


def _assumptions(consortium: Consortium, contract: Contract) -> str:
    problem = consortium.problem
    curve, worth = problem.accuracy, problem.valuation
    data, value = _text(consortium.data_unit), _text(consortium.value_unit)
    base, fit = consortium.baseline, consortium.fit
    said = f"Accuracy grows with data{f' from {_percent(base)}' if base else ''} as"
    said += (
        f" {CURVES[type(curve)]}, up to {_percent(base + curve.optimum)} ({_parameters(curve)})."
    )
    if fit is not None:
        low, high = fit.measured_range
        said += (
            f" It was fitted to {fit.sizes.size} sizes, from {_number(low)} to {_number(high)}"
            f" {data}, and misses them by {_percent(fit.fit_error)} on average, by"
            f" {_percent(fit.largest_miss)} at most. Beyond the measured sizes it is a guess."
        )
        said += "".join(f" {escape(it.text)}" for it in fit.findings if not it.grave)
    worth_1 = _number(float(worth(1.0 - base)))
    what = "a model"
    if base:
        what = f"what a model adds to the baseline, {_percent(base)} of accuracy,"
    total = problem.n_parties * float(problem.probabilities @ contract.contributions)
    items = [
        said,
        (
            f"The value of {what} is {VALUATIONS[type(worth)]}; a model of full accuracy is worth"
            f" {worth_1} {value} ({_parameters(worth)}), the same to all."
        ),
        (
            f"There are {problem.n_parties} parties. Each is of a type by chance, independently of"
            " the others, with the chances in the first table; in a list of parties these are the"
            " shares of the types. Only the party knows its type."
        ),
        BELIEFS[problem.beliefs],
        (
            "All data are of equal quality, and what a party gives can be checked. The coordinator"
            " keeps to the menu. Nobody pays or is paid in money."
        ),
    ]
    label = (
        f"Accuracy by the amount of data, on a logarithmic axis: a curve that rises to"
        f" {_percent(base + curve.optimum)}"
        + ("." if fit is None else ", with the measured points and a band around it.")
    )
    drawing = _curve(consortium, total, label)
    note = (
        f"<p>Accuracy by data ({data}, on a logarithmic axis). The line across marks"
        f" what all parties give together on average, {_number(total)} {data}.</p>"
    )
    return _section(
        "What was assumed", f"<ul>{''.join(map(_item, items))}</ul>{note if total else ''}{drawing}"
    )


def _parameters(thing: Any) -> str:
    def plain(value: Any) -> str:
        return (
            f"[{', '.join(f'{it:.4g}' for it in value)}]"
            if isinstance(value, tuple)
            else f"{value:.4g}"
        )

    stated = ", ".join(
        f"{field.name} {plain(getattr(thing, field.name))}" for field in fields(thing)
    )
    return f"{type(thing).__name__}: {stated}"


def _curve(consortium: Consortium, total: float, label: str) -> str:
    """Draw the accuracy curve, the measured points, and what is given together."""
    curve, fit = consortium.problem.accuracy, consortium.fit
    marks = [total] if total > 0 else []
    marks += [] if fit is None else fit.measured_range
    if not marks:
        sizes = np.geomspace(1e-9, 1e18, 1001)
        marks = [float(sizes[np.argmax(curve(sizes) >= curve.optimum / 2)])]
    low, high = min(marks) / 10, max(marks) * 2
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    last += -(last - first) % -(-(last - first) // MARKS)  # a mark at the end
    left, right, top, bottom = 12, 388, 24, 190

    def x(data: float) -> float:
        return round(left + (right - left) * (math.log10(data) - first) / (last - first), 1)

    def y(accuracy: float) -> float:
        return round(bottom - (bottom - top) * accuracy, 1)

    sizes = np.geomspace(10.0**first, 10.0**last, 120)

    def points(accuracies: FloatArray) -> list[str]:
        return [f"{x(s)},{y(a)}" for s, a in zip(sizes, accuracies, strict=True)]

    line = " ".join(points(consortium.baseline + curve(sizes)))
    parts = [
        f'<line class="axis" x1="{left}" x2="{right}" y1="{top}" y2="{top}"/>',
        f'<text x="{left}" y="{top - 6}">accuracy 100 %</text>',
    ]
    if fit is not None:
        lower, upper = map(points, fit.band(sizes, BAND))
        parts.append(f'<polygon class="band" points="{" ".join(lower + upper[::-1])}"/>')
    parts.append(f'<polyline class="range" fill="none" points="{line}"/>')
    if total > 0:
        parts.append(
            f'<line class="axis" x1="{x(total)}" x2="{x(total)}" y1="{top}" y2="{bottom}"/>'
        )
    if fit is not None:
        positive = fit.sizes > 0
        for size, accuracy in zip(fit.sizes[positive], fit.accuracies[positive], strict=True):
            parts.append(f'<circle class="mean" cx="{x(size)}" cy="{y(accuracy)}" r="4"/>')
    step = -(-(last - first) // MARKS)
    ends = [10.0**k for k in range(first, last + 1, step)]
    parts.append(_axis(ends, x, bottom, consortium.data_unit))
    return _drawing(bottom + 46, label, parts)


def _section(heading: str, body: str) -> str:
    return f"<section>\n<h2>{heading}</h2>\n{body}\n</section>"


def _table(caption: str, heads: Sequence[str], rows: Any, *, words: bool = False) -> str:
    """Return a table that scrolls on its own where it is too wide; all cells are escaped.

    With `words` the last column is text, which may be long.
    """
    name, kind = escape(caption), ' class="words"' if words else ""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in heads)
    body = "".join(f"<tr>{''.join(_row(row))}</tr>" for row in rows)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{name}">'
        f"<table{kind}><caption>{name}</caption>"
        f"<thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(row: Sequence[Any]) -> Iterator[str]:
    yield f'<th scope="row">{_text(str(row[0]))}</th>'
    for cell in row[1:]:
        yield f"<td>{_text(cell if isinstance(cell, str) else _number(cell))}</td>"
