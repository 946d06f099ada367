"""``pwm report``: the best contract of a consortium as one HTML file that needs nothing else."""

import argparse
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from paid_with_models import (
    Arctan,
    Contract,
    Curve,
    GeneralizationBound,
    PowerLaw,
    Problem,
    Saturating,
    Status,
    audit,
    autarky,
    solve,
    solve_many,
)
from paid_with_models.accuracy import FloatArray

from .consortium import Consortium, read_consortium
from .contracts import InputError, describe_audit

#: Outcomes drawn for the distributions of rewards, and where the draws start.
DRAWS, SEED = 20_000, 1

#: Shown of a distribution: these shares lie below.
LEVELS = (0.05, 0.25, 0.75, 0.95)

#: Sensitivity: costs and number of parties up and down by this; the best accuracy down by that.
STEP, WORSE = 0.2, 0.05


def add_report(commands: Any) -> None:
    """Add ``report`` to the commands of ``pwm``."""
    command = commands.add_parser(
        "report",
        help="design a contract for a consortium",
        description="Find the best contract for the consortium in FILE (YAML) and write a report: "
        "who takes part, the menu, gains over going alone, rewards, proof, sensitivity.",
    )
    command.add_argument("file", type=Path, metavar="FILE")
    command.add_argument("--output", type=Path, required=True, metavar="OUT.html")
    command.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> None:
    if not options.output.parent.is_dir():
        raise InputError(f"--output: there is no folder {options.output.parent}")
    if options.output.is_dir():
        raise InputError(f"--output: {options.output} is a folder")
    consortium = read_consortium(options.file)
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            page = render(consortium)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        raise InputError(f"{options.file}: cannot be computed with: {error}") from None
    write_whole(options.output, page)
    print(options.output)


def write_whole(path: Path, text: str) -> None:
    """Write a file aside, then give it its name: it is never there by half."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@dataclass(frozen=True, eq=False)
class Spread:
    """Values of the models that each type gets, by the proportional assignment, in draws.

    Attributes
    ----------
    levels : (I, 4) ndarray
        Values below which the shares `LEVELS` of the draws lie.
    means : (I,) ndarray
        Of the draws.
    """

    levels: FloatArray
    means: FloatArray


def reward_spread(contract: Contract, draws: int = DRAWS) -> Spread:
    """Draw who turns up, and say how the value of each type's model varies.

    Parameters
    ----------
    contract : Contract
    draws : int >= 1

    Returns
    -------
    Spread

    Examples
    --------
    >>> contract = solve(Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound()))
    >>> bool(np.all(np.abs(reward_spread(contract).means - contract.rewards) < 0.5))
    True
    """
    problem = contract.problem
    others = np.random.default_rng(SEED).multinomial(
        problem.n_parties - 1, problem.probabilities, size=draws
    )
    levels, means = [], []
    for i, cap in enumerate(contract.reward_caps):
        worth = problem.model_value((others @ contract.contributions) + contract.contributions[i])
        values = worth * (contract.rewards[i] / cap if cap > 0 else 0.0)
        # Given n_i >= 1 an outcome is 1 / n_i times as likely as to a party that knows its type.
        weights = 1 / (others[:, i] + 1.0) if problem.beliefs == "paper" else np.ones(draws)
        order = np.argsort(values)
        below = np.cumsum(weights[order]) / weights.sum()
        at = np.minimum(np.searchsorted(below, LEVELS), draws - 1)
        levels.append(values[order][at])
        means.append(np.average(values, weights=weights))
    return Spread(np.array(levels), np.array(means))


def variants(problem: Problem) -> dict[str, Problem]:
    """Return the same problem with one assumption changed at a time."""
    n, p, costs = problem.n_parties, problem.probabilities, problem.costs
    by = f"{STEP * 100:.0f} %"
    fewer, more = max(1, round(n * (1 - STEP))), max(n + 1, round(n * (1 + STEP)))
    cheapest, dearest = int(np.argmin(costs)), int(np.argmax(costs))
    tilts = {
        f"The cheapest type {by} more likely": p * (1 + STEP * (np.arange(p.size) == cheapest)),
        f"The costliest type {by} more likely": p * (1 + STEP * (np.arange(p.size) == dearest)),
    }
    return {
        f"Costs {by} lower": _changed(problem, costs=costs * (1 - STEP)),
        f"Costs {by} higher": _changed(problem, costs=costs * (1 + STEP)),
        f"{fewer} parties": _changed(problem, n_parties=fewer),
        f"{more} parties": _changed(problem, n_parties=more),
        **{name: _changed(problem, probabilities=q / q.sum()) for name, q in tilts.items()},
        f"Best accuracy {WORSE * 100:.0f} % lower": _changed(
            problem, accuracy=_lower(problem.accuracy)
        ),
    }


def _changed(problem: Problem, **changes: Any) -> Problem:
    """Change a problem; outside options stay, but are at least what each type reaches alone."""
    stated = {
        name: getattr(problem, name)
        for name in ("n_parties", "probabilities", "costs", "accuracy", "valuation", "beliefs")
    } | changes
    changed = Problem(**stated)
    if problem.reservation_utilities is None:
        return changed
    outside = np.maximum(problem.reservation_utilities, autarky(changed).utilities)
    return Problem(**stated, reservation_utilities=outside)


def _lower(curve: Curve) -> Curve:
    """Return a curve of lower best accuracy; the way there scales too, but in the bound."""
    kept = 1 - WORSE
    match curve:
        case Saturating():
            return replace(curve, weights=tuple(kept * w for w in curve.weights))
        case PowerLaw():
            return replace(curve, optimum=kept * curve.optimum, scale=kept * curve.scale)
        case GeneralizationBound() | Arctan():
            return replace(curve, optimum=kept * curve.optimum)
    raise ValueError(f"accuracy must be a curve of the library; got {curve!r}")


def render(consortium: Consortium) -> str:
    """Return the report as HTML; everything from the file is escaped."""
    contract = solve(consortium.problem)
    sections = [
        _parties(consortium, contract),
        _menu(consortium, contract),
        _gains(consortium, contract),
        _rewards(consortium, contract),
        _certificate(contract),
        _present(consortium),
        _sensitivity(contract),
        _assumptions(consortium),
    ]
    title = escape(consortium.title)
    style = files("companion").joinpath("report.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}: the best contract</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{title}: the best contract</h1>\n"
        + "\n".join(section for section in sections if section)
        + "\n</main>\n</body>\n</html>\n"
    )


def _parties(consortium: Consortium, contract: Contract) -> str:
    problem, takes_part = consortium.problem, contract.participates
    inside = [name for name, yes in zip(consortium.names, takes_part, strict=True) if yes]
    outside = [name for name, yes in zip(consortium.names, takes_part, strict=True) if not yes]
    said = f"Of the {len(takes_part)} types, {len(inside)} take part"
    said += f": {', '.join(map(escape, inside))}." if inside else "."
    if outside:
        said += f" Left out: {', '.join(map(escape, outside))}; they keep what they have outside."
    accuracy, worth = contract.expected_accuracy, contract.expected_value
    said += (
        f" There are {problem.n_parties} parties. The collective model reaches an accuracy of"
        f" {accuracy:.4g} on average, worth {worth:.4g} {escape(consortium.value_unit)}."
    )
    return _section("Who takes part", f"<p>{said}</p>")


def _menu(consortium: Consortium, contract: Contract) -> str:
    items = []
    data, value = escape(consortium.data_unit), escape(consortium.value_unit)
    options = zip(
        consortium.names, contract.participates, contract.contributions, contract.rewards,
        contract.reward_caps, strict=True,
    )  # fmt: skip
    for name, yes, m, t, cap in options:
        said = f"<strong>{escape(name)}</strong>: "
        if not yes:
            said += "stays out."
        elif cap <= 0:
            said += "contributes nothing and gets nothing."
        else:
            share = f", {t / cap:.1%} of the best one's" if t < cap * (1 - 1e-9) else ", the best"
            said += f"contributes {m:.5g} {data} and gets a model of mean value {t:.4g} {value}"
            said += f"{share}."
        items.append(f"<li>{said}</li>")
    shared = [
        f"<p>One option for: {', '.join(escape(consortium.names[k]) for k in bunch)}.</p>"
        for bunch in contract.bunches
    ]
    lead = "<p>Each party picks an option; each type does best by the one with its name.</p>"
    return _section("The menu", lead + f"<ul>{''.join(items)}</ul>" + "".join(shared))


def _gains(consortium: Consortium, contract: Contract) -> str:
    problem = consortium.problem
    alone = autarky(problem)
    table = _table(
        f"Value in {consortium.value_unit}, data in {consortium.data_unit}",
        ["Type", "Probability", "Cost", "Data alone", "Net value alone", "Outside option",
         "Net value in the scheme", "Gain over going alone"],
        zip(
            consortium.names, problem.probabilities, problem.costs, alone.contributions,
            alone.utilities, contract.reservation_utilities, contract.utilities,
            contract.utilities - alone.utilities, strict=True,
        ),
    )  # fmt: skip
    lead = "<p>Net value is the value of the model less the cost of the data.</p>"
    return _section("What each type gains", lead + table)


def _rewards(consortium: Consortium, contract: Contract) -> str:
    spread = reward_spread(contract)
    # What varies little beside its size is seen: the axis spans what is drawn.
    bottom, top = float(spread.levels.min()), float(spread.levels.max())
    top = max(top, bottom + 1e-3 * max(abs(bottom), 1.0))
    left, right, row = 12, 388, 58
    height = row * len(consortium.names) + 34

    def x(value: float) -> float:
        return round(left + (right - left) * (value - bottom) / (top - bottom), 1)

    parts, told = [], []
    for i, name in enumerate(consortium.names):
        (low, first, third, high), mean, y = spread.levels[i], spread.means[i], row * i + 38
        parts.append(
            f'<text x="{left}" y="{y - 16}">{escape(name)}</text>'
            f'<line class="range" x1="{x(low)}" x2="{x(high)}" y1="{y}" y2="{y}"/>'
            f'<rect class="box" x="{x(first)}" y="{y - 7}" height="14"'
            f' width="{round(max(x(third) - x(first), 1), 1)}"/>'
            f'<circle class="mean" cx="{x(mean)}" cy="{y}" r="4"/>'
        )
        told.append((name, mean, low, first, third, high))
    base = height - 22
    parts.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{base}" y2="{base}"/>')
    for value, anchor in ((bottom, "start"), ((bottom + top) / 2, "middle"), (top, "end")):
        text = f'<text x="{x(value)}" y="{base + 17}" text-anchor="{anchor}">{value:.4g}</text>'
        parts.append(text)
    label = (
        "For each type, the value of the model that it gets: a line from the 5 to the 95 percent"
        " point, a box from the 25 to the 75 percent point, a dot at the mean. The axis need not"
        " start at 0. The numbers are in the table below."
    )
    drawing = (
        f'<svg viewBox="0 0 400 {height}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    )
    lead = (
        f"<p>The value of a model depends on who turns up. In {DRAWS} draws of the other parties,"
        " rewards by the proportional assignment, the middle 90 and 50 percent and the mean (the"
        " axis need not start at 0):</p>"
    )
    table = _table(
        f"Value of the model, in {consortium.value_unit}",
        ["Type", "Mean", "5 %", "25 %", "75 %", "95 %"],
        told,
    )
    return _section("How rewards vary", lead + drawing + table)


def _certificate(contract: Contract) -> str:
    reached, bound, gap = contract.expected_accuracy, contract.upper_bound, contract.gap
    proved = (
        "This contract is proved optimal:"
        if contract.status is Status.OPTIMAL
        else "This contract satisfies every constraint, but is not proved optimal:"
    )
    return _section(
        "How good it is",
        f"<p>{proved} it reaches an expected accuracy of {reached:.9g}, and no menu at all can"
        f" exceed {bound:.9g}. The gap is {gap:.1e}.</p>",
    )


def _present(consortium: Consortium) -> str:
    if consortium.present is None:
        return ""
    contributions, rewards = consortium.present
    found = audit(consortium.problem, contributions, rewards)
    verdict = describe_audit(found, consortium.problem).splitlines()[0]
    lead = (
        f"<p>{escape(verdict[0].upper() + verdict[1:])}. Types are counted from 1, in the order of"
        f" the table. If all took part as meant, its expected accuracy would be"
        f" {found.expected_accuracy:.6g}; the best contract reaches {found.best_accuracy:.6g}.</p>"
    )
    table = _table(
        f"Value in {consortium.value_unit}, data in {consortium.data_unit}; negative: violated",
        ["Type", "Contribution", "Reward", "Over its outside option", "Gain by another option",
         "Room under what can be paid", "Takes part"],
        zip(
            consortium.names, contributions, rewards, found.individual_rationality,
            found.deviation_gain, found.caps,
            ["yes" if yes else "no" for yes in found.participates], strict=True,
        ),
    )  # fmt: skip
    return _section("The scheme in use", lead + table)


def _sensitivity(contract: Contract) -> str:
    changed = variants(contract.problem)
    contracts = {"As stated": contract} | dict(
        zip(changed, solve_many(list(changed.values())), strict=True)
    )
    rows = [
        (
            name,
            it.expected_accuracy,
            it.expected_accuracy - contract.expected_accuracy,
            f"{int(it.participates.sum())} of {it.participates.size}",
            f"{it.gap:.1e}",
        )
        for name, it in contracts.items()
    ]
    table = _table(
        "The best contract with one assumption changed at a time",
        ["Assumption", "Expected accuracy", "Change", "Types that take part", "Gap"],
        rows,
    )
    return _section("If an assumption is wrong", table)


def _assumptions(consortium: Consortium) -> str:
    problem = consortium.problem
    name = type(problem.accuracy).__name__
    said = f"<p>Accuracy curve: {name}, best accuracy {problem.accuracy.optimum:.4g}."
    if consortium.measured is not None:
        data, accuracy = consortium.measured.T
        off = float(np.abs(problem.accuracy(data) - accuracy).max())
        said += (
            f" It was fitted to {data.size} measured points, from {data.min():.6g} to"
            f" {data.max():.6g} {escape(consortium.data_unit)}, as a concave sum of exponentials"
            f" that starts at 0; the largest deviation is {off:.2g}."
            " Beyond the measured points it extrapolates."
        )
    said += (
        f" Valuation: {type(problem.valuation).__name__}; beliefs: {problem.beliefs}."
        " Probabilities of a table of parties are the shares of their types; each party is taken"
        " to be of a type by chance, independently of the others.</p>"
    )
    return _section("What was assumed", said)


def _section(heading: str, body: str) -> str:
    return f"<section>\n<h2>{heading}</h2>\n{body}\n</section>"


def _table(caption: str, heads: Sequence[str], rows: Any) -> str:
    """Return a table that scrolls on its own where it is too wide; all cells are escaped."""
    name = escape(caption)
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in heads)
    body = "".join(f"<tr>{''.join(_row(row))}</tr>" for row in rows)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{name}">'
        f"<table><caption>{name}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(row: Sequence[Any]) -> Iterator[str]:
    yield f'<th scope="row">{escape(str(row[0]))}</th>'
    for cell in row[1:]:
        text = cell if isinstance(cell, str) else f"{0.0 if abs(cell) < 5e-10 else cell:.5g}"
        yield f"<td>{escape(text)}</td>"
