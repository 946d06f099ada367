"""Try fits and contracts on thousands of real learning curves: ``make curves``.

Writes ``measurements/learning_curves.json``, which the chapter on pilots reads, and the quantiles
by which bands are widened outside the measured sizes, ``data/extrapolation.json`` of the package:
first how well each form of curve predicts what was cut off; then, for contracts designed on a
pilot, what comes of them under the whole curve.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from paid_with_models import (
    Contract,
    Problem,
    enumerate_outcomes,
    outcome_probabilities,
    solve,
)
from paid_with_models.beyond.curve_forms import FORMS, fit_form
from paid_with_models.beyond.extrapolation import FACTORS, LEVELS
from paid_with_models.beyond.lcdb import RealCurve, select_curves
from paid_with_models.beyond.measured_curves import LearningCurve, learning_curve
from paid_with_models.beyond.pilot import DESIGNS, cut_off, meet, pilot_problem

Json = dict[str, Any]

#: REPLICATES: of the bootstrap of each cut-off curve; fewer than the library's, to save time.
REPLICATES = 30

#: WORKERS: processes that share the work.
WORKERS = len(os.sched_getaffinity(0))

#: SHARES: of the curves, for quantiles that are stored.
SHARES = (0.01, *(round(0.05 * k, 2) for k in range(1, 20)), 0.99)

#: SETTINGS: numbers of parties, and where each of three types would stop alone, as a share of the
#: largest size measured over the number of parties. Costs are set so; what all give together under
#: the best contract then lies within the measured sizes, or nearly.
SETTINGS: dict[str, Json] = {
    "six parties": {"parties": 6, "alone": (1 / 8, 1 / 4, 1 / 2)},
    "six parties, alike": {"parties": 6, "alone": (1 / 4, 1 / 3, 1 / 2)},
    "three parties": {"parties": 3, "alone": (1 / 8, 1 / 4, 1 / 2)},
    "twelve parties": {"parties": 12, "alone": (1 / 8, 1 / 4, 1 / 2)},
}

#: MAIN, MAIN_FACTOR: the setting tried for all factors, and the factor for which all designs are
#: made.
MAIN, MAIN_FACTOR = "six parties", 4

#: KNOWN: probability with which what all give under the best contract must lie within the measured
#: sizes, so that there is a truth to compare with.
KNOWN = 0.9

#: WORTH: least rise of accuracy within the measured sizes for which a contract is designed.
WORTH = 0.02

#: LET_DOWN: a slack below minus this, in units of value (a perfect model is worth 100), counts.
LET_DOWN = 0.5

#: NOTHING: units of data below which a menu collects nothing; the smallest sizes measured are 16.
NOTHING = 1e-3


def quantiles(values: Any) -> Json:
    """Quantiles of a sample by share."""
    found = np.quantile(np.asarray(values, dtype=float), SHARES)
    return dict(zip(map(str, SHARES), found.round(6).tolist(), strict=True))


def _fit(curve: RealCurve, kept: Any = slice(None), **options: Any) -> LearningCurve | None:
    try:
        return learning_curve(
            curve.sizes[kept], curve.accuracies[kept], curve.errors[kept], **options
        )
    except ValueError:
        return None


def _each(task: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """Do a task for each item, in several processes."""
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        return list(pool.map(task, items, chunksize=20))


def fits(curves: tuple[RealCurve, ...]) -> Json:
    """Fit every curve whole: how many are answered, how far fits miss, what is found, how long."""
    rows = _each(_whole, curves)
    answered = [row for row in rows if row["misses"]]
    errors = np.array([row["misses"][0] for row in answered])
    far = errors > 0.03
    warned = np.array([bool(row["kinds"]) for row in answered])
    return {
        "curves": len(curves),
        "answered": len(answered),
        "mean absolute miss": quantiles(errors),
        "root mean square miss": quantiles([row["misses"][1] for row in answered]),
        "largest miss": quantiles([row["misses"][2] for row in answered]),
        "beyond .03": int(far.sum()),
        "beyond .03 and warned of": int(np.sum(far & warned)),
        "warned of": int(warned.sum()),
        "kinds": dict(Counter(kind for row in answered for kind in row["kinds"]).most_common()),
        "milliseconds": quantiles(1e3 * np.array([row["seconds"] for row in rows])),
    }


def _whole(curve: RealCurve) -> Json:
    began = time.process_time()
    fit = _fit(curve)
    seconds = time.process_time() - began
    if fit is None:
        return {"seconds": seconds, "misses": (), "kinds": []}
    misses = fit.fit_error, fit.root_mean_square_error, fit.largest_miss
    kinds = [it.kind for it in fit.findings if it.grave]
    return {"seconds": seconds, "misses": misses, "kinds": kinds}


def cut_offs(curves: tuple[RealCurve, ...]) -> list[Json]:
    """Cut curves off at either end, fit the rest, and compare with what was cut off."""
    return [row for rows in _each(_cut, curves) for row in rows]


def _cut(curve: RealCurve) -> list[Json]:
    rows = []
    for side in ("beyond", "before"):
        for factor in FACTORS:
            kept = cut_off(curve.sizes, factor, side=side)
            fit = None if kept is None else _fit(curve, kept, replicates=REPLICATES)
            if fit is None:
                continue
            k = -1 if side == "beyond" else 0
            size, truth = curve.sizes[k], float(curve.accuracies[k])
            bands = {str(x): fit.bootstrap_band(size, x) for x in LEVELS}
            predicted = {"sum": float(fit(size))}
            if side == "beyond":
                predicted["last"] = float(fit.accuracies[-1])
                weights = fit.errors
                if weights is not None:
                    weights = np.hypot(weights, np.median(weights[weights > 0]))
                for form in FORMS:
                    law = fit_form(form, fit.sizes, fit.accuracies, weights)
                    predicted[form] = float(law(size))
            rows.append(
                {
                    "dataset": curve.dataset,
                    "side": side,
                    "factor": factor,
                    "warned": bool(fit.warnings),
                    "truth": truth,
                    "predicted": predicted,
                    "bands": {x: tuple(map(float, band)) for x, band in bands.items()},
                }
            )
    return rows


def prediction(rows: list[Json]) -> Json:
    """How far each form is off at the largest size."""
    found: Json = {}
    for factor in FACTORS:
        chosen = [row for row in rows if row["side"] == "beyond" and row["factor"] == factor]
        of_factor: Json = {"curves": len(chosen)}
        for form in ("sum", *FORMS, "last"):
            errors = np.array([row["predicted"][form] - row["truth"] for row in chosen])
            warned = np.array([row["warned"] for row in chosen])
            of_factor[form] = {
                "error": quantiles(errors),
                "absolute error": quantiles(np.abs(errors)),
                "mean absolute error": float(np.abs(errors).mean()),
                "mean absolute error, well-behaved": float(np.abs(errors[~warned]).mean()),
                "within .01": float(np.mean(np.abs(errors) <= 0.01)),
                "within .03": float(np.mean(np.abs(errors) <= 0.03)),
            }
        found[str(factor)] = of_factor
    return found


def widened(rows: list[Json]) -> Json:
    """By how much bands must be widened, by kind of curve, side, end, factor and level."""
    groups: dict[tuple[str, str, str], list[Json]] = defaultdict(list)
    for row in rows:
        kind = "warned" if row["warned"] else "well-behaved"
        groups[kind, row["side"], str(row["factor"])].append(row)
    found: Json = {}
    for (kind, side, factor), members in groups.items():
        ends = found.setdefault(kind, {}).setdefault(side, {"down": {}, "up": {}})
        for name in ends:
            ends[name][factor] = [_conformal(members, name, x) for x in LEVELS]
    return found


def _conformal(members: list[Json], end: str, level: float) -> float:
    """The quantile of the excess over one end of the band that split conformal prediction uses."""
    k, sign = (0, 1) if end == "down" else (1, -1)
    excess = np.array([sign * (row["bands"][str(level)][k] - row["truth"]) for row in members])
    rank = min(1.0, (1 + level) / 2 * (1 + 1 / excess.size))
    return round(max(0.0, float(np.quantile(excess, rank, method="higher"))), 5)


def coverage(rows: list[Json], seed: int = 1, splits: int = 10) -> Json:
    """How many truths the widened 90 % band holds.

    Quantiles are those of half of the data sets, truths those of the other; means over halves.
    """
    datasets = np.unique([row["dataset"] for row in rows])
    rng = np.random.default_rng(seed)
    held: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for _ in range(splits):
        half = set(rng.permutation(datasets)[: datasets.size // 2].tolist())
        table = widened([row for row in rows if row["dataset"] in half])
        k = LEVELS.index(0.9)
        inside: dict[tuple[str, str], list[tuple[bool, bool, float]]] = defaultdict(list)
        for row in rows:
            if row["dataset"] in half:
                continue
            kind = "warned" if row["warned"] else "well-behaved"
            ends, factor = table[kind][row["side"]], str(row["factor"])
            low, high = row["bands"]["0.9"]
            wide = low - ends["down"][factor][k], high + ends["up"][factor][k]
            inside[row["side"], factor].append(
                (
                    low <= row["truth"] <= high,
                    max(wide[0], 0.0) <= row["truth"] <= min(wide[1], 1.0),
                    min(wide[1], 1.0) - max(wide[0], 0.0),
                )
            )
        for (side, factor), cases in inside.items():
            bootstrap, all_, width = np.mean(cases, axis=0)
            held[side, factor, "bootstrap alone"].append(bootstrap)
            held[side, factor, "widened"].append(all_)
            held[side, factor, "width"].append(width)
    found: Json = {}
    for (side, factor, name), values in held.items():
        found.setdefault(side, {}).setdefault(factor, {})[name] = round(float(np.mean(values)), 4)
    return found


def contracts(curves: tuple[RealCurve, ...]) -> Json:
    """Design on pilots and meet the whole curve."""
    tried = _each(_usable, curves)
    why = Counter(reason for reason, _ in tried)
    usable = [(curve, fit) for curve, (_, fit) in zip(curves, tried, strict=True) if fit]
    found: Json = {"curves": dict(why), "settings": {}}
    for name, setting in SETTINGS.items():
        factors = FACTORS if name == MAIN else (MAIN_FACTOR,)
        found["settings"][name] = {
            "parties": setting["parties"],
            "alone": [round(share, 6) for share in setting["alone"]],
            **_met(usable, setting, factors),
        }
    return found


def _usable(curve: RealCurve) -> tuple[str, LearningCurve | None]:
    """The fit to the whole curve, taken for the truth, or why no contract is designed with it."""
    if np.isnan(curve.majority):
        return "largest class unknown", None
    fit = _fit(curve, baseline=curve.majority, replicates=2)  # no band is needed of the truth
    if fit is None:
        return "no model beats the largest class, or falls all along", None
    if fit.fit_error > 0.03:
        return "fit misses by more than .03", None
    first, last = fit.measured_range
    if last < 64 * first:
        return "sizes within a factor of 64", None
    if float(fit(last) - fit(last / 64)) < WORTH:
        return f"rises by less than {WORTH:g} over the last factor of 64", None
    return "used", fit


def _met(
    chosen: list[tuple[RealCurve, LearningCurve]], setting: Json, factors: tuple[int, ...]
) -> Json:
    rows = _each(_tried, [(curve, truth, setting, factors) for curve, truth in chosen])
    solved = [row for row in rows if row is not None]
    known = [row for row in solved if row["inside"] >= KNOWN]
    found: Json = {
        "curves": len(known),
        "costs could not be set": len(rows) - len(solved),
        "the best contract asks for more than was measured": len(solved) - len(known),
        "share of data given that lies in the measured sizes": quantiles(
            [row["inside"] for row in solved]
        ),
        "best accuracy gained": quantiles([row["best"] for row in known]),
    }
    for factor in factors:
        with_pilot = [row[factor] for row in known if factor in row]
        found[str(factor)] = {"without a pilot": len(known) - len(with_pilot)} | {
            design: _summary([row[design] for row in with_pilot])
            for design in DESIGNS
            if design == "fitted" or factor == MAIN_FACTOR
        }
    return found


def _tried(case: tuple[RealCurve, LearningCurve, Json, tuple[int, ...]]) -> Any:
    """Every design on one curve; None if costs cannot be set so that types differ."""
    curve, truth, setting, factors = case
    parties, chances = setting["parties"], [1 / 3] * 3
    last = truth.measured_range[1]
    costs = 100 * truth.curve.derivative(np.array(setting["alone"]) * last / parties)
    if not (np.all(np.diff(costs) < 0) and costs[-1] > 1e-9):
        return None
    best = solve(Problem(parties, chances, costs, truth.curve))
    row: dict[Any, Any] = {"inside": _share_inside(best, truth), "best": best.expected_accuracy}
    if row["inside"] < KNOWN:
        return row
    for factor in factors:
        kept = cut_off(curve.sizes, factor)
        pilot = None if kept is None else _fit(curve, kept, baseline=truth.baseline)
        if pilot is None:
            continue
        row[factor] = {}
        for design in DESIGNS if factor == MAIN_FACTOR else ("fitted",):
            menu = solve(pilot_problem(pilot, parties, chances, costs, design=design))
            met = meet(menu, best)
            row[factor][design] = {
                "warned": bool(pilot.warnings),
                "lost": met.lost,
                "ir": float(met.ir_slacks.min()),
                "cap": float(met.cap_slacks.min()),
                "optimism": menu.expected_accuracy - met.expected_accuracy,
                "asked": _ratio(menu, best),
                "everybody": bool(menu.participates.all()),
                "nothing": bool(menu.contributions.max() < NOTHING),
                "gap": menu.gap,
            }
    return row


def _share_inside(best: Contract, fit: LearningCurve) -> float:
    """Probability that what all give together lies within the measured sizes."""
    problem = best.problem
    counts = enumerate_outcomes(problem.n_parties, problem.n_types)
    chance = outcome_probabilities(counts, problem.probabilities)
    return float(chance @ fit.inside(counts @ best.contributions))


def _ratio(menu: Contract, best: Contract) -> float:
    """What is asked of the type that gives most, over what the best contract asks."""
    return float(menu.contributions.max() / best.contributions.max())


def _summary(rows: list[Json]) -> Json:
    ir, cap = (np.array([row[name] for row in rows]) for name in ("ir", "cap"))
    lost = np.array([row["lost"] for row in rows])
    kept = (ir >= -LET_DOWN) & (cap >= -LET_DOWN)
    calm = ~np.array([row["warned"] for row in rows])
    everybody = np.array([row["everybody"] for row in rows])
    return {
        "contracts": len(rows),
        "accuracy lost": quantiles(lost),
        "promised less realized": quantiles([row["optimism"] for row in rows]),
        "least IR slack": quantiles(ir),
        "least cap slack": quantiles(cap),
        "asked of the cheapest, over the best contract": quantiles([r["asked"] for r in rows]),
        "IR violated": float(np.mean(ir < -LET_DOWN)),
        "caps violated": float(np.mean(cap < -LET_DOWN)),
        "all kept": float(np.mean(kept)),
        "all kept, well-behaved": float(np.mean(kept[calm])) if calm.any() else None,
        "lost, where all is kept": quantiles(lost[kept]) if kept.any() else None,
        "well-behaved": int(calm.sum()),
        "everybody has an option": float(np.mean(everybody)),
        "all kept, everybody has an option": float(np.mean(kept[everybody])),
        "lost, where everybody has an option": quantiles(lost[everybody]),
        "nothing is collected": float(np.mean([row["nothing"] for row in rows])),
        "largest gap": float(max(row["gap"] for row in rows)),
    }


def main(path: str) -> None:
    """Measure, and write what was measured to a file."""
    began, clock = time.process_time(), time.monotonic()
    curves = select_curves()
    whole = fits(curves)
    print(f"fits: {time.monotonic() - clock:.0f} s", file=sys.stderr)
    rows = cut_offs(curves)
    print(f"cut off: {time.monotonic() - clock:.0f} s", file=sys.stderr)
    stored = {
        "made by": "make curves (measurements/learning_curves.py)",
        "levels": LEVELS,
        "quantiles": widened(rows),
    }
    package = Path(__file__).parents[1] / "src/paid_with_models/data/extrapolation.json"
    package.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    result = {
        "made by": "make curves (measurements/learning_curves.py)",
        "data": "Learning Curve Database 1.0",
        "versions": {name: metadata.version(name) for name in ("numpy", "scipy")},
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "let down": LET_DOWN,
        "worth": WORTH,
        "main": MAIN,
        "main factor": MAIN_FACTOR,
        "fits": whole,
        "prediction": prediction(rows),
        "coverage": coverage(rows),
        "contracts": contracts(curves),
    }
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = time.process_time() - began + workers.ru_utime + workers.ru_stime
    result["seconds"] = round(seconds, 1)
    Path(path).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"all: {time.monotonic() - clock:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
