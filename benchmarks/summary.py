"""From what pytest-benchmark measured to ``benchmarks/results.json``, which the book shows.

Usage: ``python -m benchmarks.summary RAW.json results.json``. Of the machine only what matters for
speed is kept. All times are seconds of processor time on one thread.
"""

from __future__ import annotations

import json
import math
import os
import platform
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from paid_with_models.paper.scenarios import SCENARIOS

from .published_method import (
    PRINTED_ITERATIONS,
    PRINTED_ITERATIONS_ALL_CONSTRAINTS,
    PRINTED_SECONDS,
)

PACKAGES = ("paid-with-models", "numpy", "scipy", "pytest-benchmark")

#: Gaps that a problem must not exceed to count as closed, by kind of problem.
CLOSED_AT = {"sizes": 1e-8, "small": 1e-6, "unequal": 1e-6}

#: Names of the published method's variants, by second derivative and by how outcomes are summed.
METHODS = {
    ("published", "arrays"): "published method",
    ("published", "one by one"): "published method, outcomes one by one",
    ("right", "arrays"): "published method, right derivative",
}

Run = dict[str, Any]


def summarize(raw: dict[str, Any]) -> dict[str, Any]:
    """Reduce the content of pytest-benchmark's file to what the book shows."""
    runs: dict[str, list[Run]] = defaultdict(list)
    for run in raw["benchmarks"]:
        file, function = re.findall(r"test_(\w+)\.py::test_(\w+)", run["fullname"])[0]
        runs[f"{file}.{function}"].append(run)
    results = {
        "date": raw["datetime"][:10],
        "machine": _machine(raw["machine_info"]),
        "versions": {"python": platform.python_version()} | {it: version(it) for it in PACKAGES},
        "times": "seconds of processor time, one thread",
        "scenarios": _scenarios(runs),
        "fresh_process": {
            run["params"]["work"]: _times(run) for run in runs["scenarios.fresh_process"]
        },
        "two_types": _two_types(runs),
        "sizes": _by(runs["scale.sizes"], ("n_types", "n_parties", "cost_factor")),
        "memory": _memory(runs["scale.memory"]),
        "parties": _parties(runs["scale.parties"]),
        "types": {
            "library": _growth(runs["scale.types_library"]),
            "enumeration": _growth(runs["scale.types_enumeration"]),
            "published": _growth(runs["scale.types_published"]),
        },
        "expectations": _expectations(runs["scale.expectations"]),
        "random_problems": {
            run["param"]: _proofs(run, CLOSED_AT[run["param"]])
            for run in runs["random_problems.proofs"]
        },
    }
    return results | {"aims": _aims(results)}


def _aims(results: dict[str, Any]) -> list[dict[str, Any]]:
    """What was aimed at before the benchmarks were written, and what was reached."""
    scenarios = [results["scenarios"][name] for name in SCENARIOS]
    sizes = {(entry["n_types"], entry["n_parties"]): entry for entry in results["sizes"]}
    two_types = results["two_types"]
    million = [entry for (_, n_parties), entry in sizes.items() if n_parties == 10**6]
    of_parties = [entry["ratio_of_ends"] for entry in results["parties"]]
    aims = [
        (
            "a scenario, with its bound (slowest of the three)",
            "s",
            "at most",
            0.010,
            max(it["library"]["median"] for it in scenarios),
        ),
        (
            "big-and-small collaboration, times faster than the method as published",
            "",
            "at least",
            1000,
            scenarios[2]["published method, outcomes one by one"]["ratio"],
        ),
        ("two-type experiment", "s", "at most", 0.5, two_types["library"]["median"]),
        (
            "two-type experiment, times faster than the published method",
            "",
            "at least",
            2000,
            two_types["published_together"]["ratio"],
        ),
        ("10 types, 10 parties", "s", "at most", 0.015, sizes[10, 10]["median"]),
        ("100 types, a million parties", "s", "at most", 0.5, sizes[100, 10**6]["median"]),
        ("1,000 types, a million parties", "s", "at most", 5.0, sizes[1000, 10**6]["median"]),
        (
            "the same, memory of the process",
            "GB",
            "at most",
            1.0,
            _short(results["memory"]["solve"] / 1e9, 3),
        ),
        (
            "a million parties against ten, time (worst number of types)",
            "",
            "at most",
            1.5,
            max(of_parties),
        ),
        ("10 types, 10 parties, share closed", "", "at least", 1.0, sizes[10, 10]["closed"]),
        (
            "a million parties, share closed (worst number of types)",
            "",
            "at least",
            0.95,
            min(entry["closed"] for entry in million),
        ),
        (
            "small random problems, share closed",
            "",
            "at least",
            0.95,
            results["random_problems"]["small"]["closed"],
        ),
    ]
    return [
        {
            "what": what,
            "unit": unit,
            "sense": sense,
            "aim": aim,
            "reached": reached,
            "met": bool(reached <= aim if sense == "at most" else reached >= aim),
        }
        for what, unit, sense, aim, reached in aims
    ]


def _machine(info: dict[str, Any]) -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": info["cpu"].get("brand_raw", info["machine"]),
        "cores": info["cpu"]["count"],
        "memory_gb": round(memory / 1e9, 1),
        "system": f"{info['system']} {info['machine']}",
    }


def _short(value: float, digits: int = 4) -> float:
    return float(f"{value:.{digits}g}")


def _times(run: Run) -> dict[str, float]:
    stats = run["stats"]
    return {"median": _short(stats["median"]), "min": _short(stats["min"])}


def _scenarios(runs: dict[str, list[Run]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    best = {}
    for run in runs["scenarios.library"]:
        name, extra = run["params"]["scenario"], run["extra_info"]
        best[name] = extra["accuracy"]
        proof = {key: _short(extra[key], 2) for key in ("gap", "kkt_residual")}
        result[name] = {"library": _times(run) | proof}
    for run in runs["scenarios.published_method"]:
        name, extra = run["params"]["scenario"], run["extra_info"]
        times = _times(run)
        result[name][METHODS[run["params"]["second"], run["params"]["summation"]]] = times | {
            "iterations": extra["iterations"],
            "iterations_printed": PRINTED_ITERATIONS[name],
            "seconds_per_iteration": _short(times["median"] / extra["iterations"], 3),
            "shortfall": _short(best[name] - extra["accuracy"], 3),
            "ratio": _short(times["median"] / result[name]["library"]["median"], 3),
        }
    for run in runs["scenarios.conic"]:
        name = run["params"]["scenario"]
        difference = abs(best[name] - run["extra_info"]["accuracy"])
        result[name]["conic"] = _times(run) | {"difference": _short(difference, 2)}
    for run in runs["scenarios.all_constraints"]:
        name, extra = run["params"]["scenario"], run["extra_info"]
        times = _times(run)
        simplified = result[name]["published method, right derivative"]["median"]
        result[name]["all constraints"] = times | {
            "iterations": extra["iterations"],
            "iterations_printed": PRINTED_ITERATIONS_ALL_CONSTRAINTS[name],
            "shortfall": _short(best[name] - extra["accuracy"], 3),
            "ratio_to_simplified": _short(times["median"] / simplified, 3),
        }
    stated = [it["all constraints"] for it in result.values()]
    simplified = sum(it["median"] / it["ratio_to_simplified"] for it in stated)
    printed_stated = PRINTED_SECONDS["three scenarios, all constraints"]
    total = sum(it["library"]["median"] for it in result.values())
    printed = PRINTED_SECONDS["three scenarios"]
    result["together"] = {
        "library": _short(total),
        "simplification_saves": _short(1 - simplified / sum(it["median"] for it in stated), 2),
        "simplification_saves_printed": _short(1 - printed / printed_stated, 2),
        "printed_by_authors": _short(printed, 3),
        "printed_seconds_per_iteration": _short(printed / sum(PRINTED_ITERATIONS.values()), 3),
        "ratio_to_printed": _short(printed / total, 3),
    }
    return result


def _two_types(runs: dict[str, list[Run]]) -> dict[str, Any]:
    (library,) = runs["two_types.library"]
    extra = library["extra_info"]
    result: dict[str, Any] = {
        "library": _times(library),
        "contracts": extra["contracts"],
        "outcomes": extra["outcomes"],
        "outcomes_with_repetition": extra["outcomes_with_repetition"],
        "largest_gap": _short(extra["largest_gap"], 2),
        "largest_kkt_residual": _short(extra["largest_kkt_residual"], 2),
    }
    total, variance = 0.0, 0.0
    for name, calls in (
        ("screening", extra["contracts"]),
        ("complete_information", extra["outcomes_with_repetition"]),
    ):
        (run,) = runs[f"two_types.published_{name}"]
        iterations = np.array(run["extra_info"]["iterations"], dtype=float)
        # Time goes with iterations: how uncertain their mean is tells how uncertain the time is.
        error = float(iterations.std(ddof=1) / iterations.mean() / math.sqrt(iterations.size))
        seconds = run["stats"]["median"] / iterations.size * calls
        total, variance = total + seconds, variance + (error * seconds) ** 2
        result[f"published_{name}"] = {
            "sample": int(iterations.size),
            "sample_seconds": _short(run["stats"]["median"]),
            "calls": calls,
            "extrapolated_seconds": _short(seconds, 3),
            "relative_standard_error": _short(error, 2),
        }
    ours = library["stats"]["median"]
    printed = (
        PRINTED_SECONDS["two types, screening"] + PRINTED_SECONDS["two types, complete information"]
    )
    result["published_together"] = {
        "extrapolated_seconds": _short(total, 3),
        "relative_standard_error": _short(math.sqrt(variance) / total, 2),
        "ratio": _short(total / ours, 3),
    }
    result["printed_by_authors"] = {"seconds": printed, "ratio": _short(printed / ours, 3)}
    return result


def _by(runs: Iterable[Run], keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """One entry per setting, over its seeds."""
    groups: dict[tuple[Any, ...], list[Run]] = defaultdict(list)
    for run in runs:
        groups[tuple(run["extra_info"][key] for key in keys)].append(run)
    return [
        dict(zip(keys, setting, strict=True)) | _over_seeds(group)
        for setting, group in sorted(groups.items())
    ]


def _over_seeds(group: list[Run]) -> dict[str, Any]:
    times = [run["stats"]["median"] for run in group]
    result: dict[str, Any] = {
        "seeds": len(group),
        "median": _short(median(times)),
        "min": _short(min(times)),
        "max": _short(max(times)),
    }
    if "gap" in group[0]["extra_info"]:
        gaps = [run["extra_info"]["gap"] for run in group]
        residuals = [run["extra_info"]["kkt_residual"] for run in group]
        result |= {
            "closed": _short(float(np.mean([gap <= CLOSED_AT["sizes"] for gap in gaps]))),
            "gaps": [_short(gap, 2) for gap in sorted(gaps)],
            "largest_kkt_residual": _short(max(residuals), 2),
            "options": int(median(run["extra_info"]["options"] for run in group)),
        }
    return result


def _memory(runs: list[Run]) -> dict[str, int]:
    return {run["param"]: run["extra_info"]["peak_bytes"] for run in runs}


def _parties(runs: list[Run]) -> list[dict[str, Any]]:
    """Per number of types: times against N, and the ratio of the largest N to the smallest."""
    entries = _by(runs, ("n_types", "n_parties"))
    result = []
    for n_types in sorted({entry["n_types"] for entry in entries}):
        mine = [entry for entry in entries if entry["n_types"] == n_types]
        ratio = _short(mine[-1]["median"] / mine[0]["median"], 3)
        result.append({"n_types": n_types, "ratio_of_ends": ratio, "by_parties": mine})
    return result


def _growth(runs: list[Run]) -> dict[str, Any]:
    """Times against I, with the fitted exponent over the larger half of the sizes."""
    entries = _by(runs, ("n_types",))
    large = entries[len(entries) // 2 - 1 :]
    exponent = np.polyfit(
        np.log([entry["n_types"] for entry in large]), np.log([it["median"] for it in large]), 1
    )[0]
    return {
        "exponent": _short(float(exponent), 3),
        "exponent_from": large[0]["n_types"],
        "by_types": entries,
    }


def _expectations(runs: list[Run]) -> dict[str, Any]:
    """Enumeration beside sums; the number of outcomes from which sums are faster, fitted."""
    settings: dict[tuple[int, int], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        extra = run["extra_info"]
        key = extra["n_types"], extra["n_parties"]
        settings[key][extra["method"]].append(run["stats"]["median"])
    table = []
    for (n_types, n_parties), times in sorted(settings.items()):
        pairs = zip(times["enumeration"], times["sum"], strict=True)
        table.append(
            {
                "n_types": n_types,
                "n_parties": n_parties,
                "outcomes": math.comb(n_parties + n_types - 1, n_types - 1),
                "enumeration": _short(median(times["enumeration"])),
                "sum": _short(median(times["sum"])),
                "ratio": _short(float(np.exp(np.mean([np.log(a / b) for a, b in pairs]))), 3),
            }
        )
    outcomes = np.array([row["outcomes"] for row in table], dtype=float)
    ratio = np.array([row["ratio"] for row in table])
    # Time by enumeration is a constant plus a part in proportion to the outcomes.
    slope, constant = np.polyfit(outcomes, ratio, 1, w=1 / ratio)
    return {"settings": table, "equal_at_outcomes": _short(float((1 - constant) / slope), 2)}


def _proofs(run: Run, closed_at: float) -> dict[str, Any]:
    extra = run["extra_info"]
    gaps = np.array(extra["gaps"])
    open_ = np.sort(gaps[gaps > closed_at])
    return {
        "problems": gaps.size,
        "closed_at": closed_at,
        "closed": _short(float(np.mean(gaps <= closed_at))),
        "statuses": {name: extra["statuses"].count(name) for name in set(extra["statuses"])},
        "open_gaps": [_short(gap, 2) for gap in open_],
        "largest_kkt_residual_of_closed": _short(
            float(np.max(np.array(extra["kkt_residuals"])[gaps <= closed_at])), 2
        ),
        "warned": extra["warned"],
        "seconds_each": _short(run["stats"]["median"] / gaps.size, 3),
    }


def main(arguments: list[str], say: Callable[[str], None] = print) -> None:
    """Read one file and write the other."""
    source, target = map(Path, arguments)
    results = summarize(json.loads(source.read_text(encoding="utf-8")))
    text = json.dumps(results, indent=1, sort_keys=True, ensure_ascii=False)
    # Lists of numbers on one line each.
    text = re.sub(r"\[[^\[\]{}]*\]", lambda m: re.sub(r"\s+", " ", m.group()), text)
    target.write_text(text + "\n", encoding="utf-8")
    say(f"wrote {target}")


if __name__ == "__main__":
    main(sys.argv[1:])
