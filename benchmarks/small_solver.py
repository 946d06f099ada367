"""The small solver, translated to JavaScript, against :func:`paid_with_models.solve`.

Random problems over the whole scope of :mod:`paid_with_models.small` are solved by both: the
library in this process, the translation in Node, where processor time is to be had (other programs
on the machine do not move it). ``make small`` writes ``benchmarks/small_solver.json``, which the
chapter on benchmarks reads. With the name of a file after ``python -m benchmarks.small_solver`` the
library's answers, which take most of the time, are kept there, and taken from there if they are
there already.
"""

from __future__ import annotations

import json
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import numpy.typing as npt

from paid_with_models import GeneralizationBound, LinearValuation, Problem, autarky, solve
from pwm_companion.explorables.to_javascript import small_solver_javascript
from pwm_companion.files import changed_files, commit

ROOT = Path(__file__).parents[1]
TARGET = Path(__file__).with_suffix(".json")

#: PROBLEMS, WARM: how many problems are solved; so many before that, for the compiler.
PROBLEMS, WARM = 3_000, 100

#: PATIENCE: seconds after which the library's search is given up.
PATIENCE = 60

#: MORE, MOST_OUTCOMES: seconds of processor time that the small solver goes on after its first
#: answer; outcomes up to which it enumerates.
MORE, MOST_OUTCOMES = 1.5, 70_000

#: PROVED: gap up to which a contract counts as proved best.
PROVED = 1e-8

#: CONTRADICTION: by so much an answer may pass the other's bound, for rounding.
CONTRADICTION = 1e-9

SCRIPT = """
const fs = require("fs"), vm = require("vm");
vm.runInThisContext(fs.readFileSync(process.argv[2], "utf8"));
const [problems, warm, more, most] = JSON.parse(fs.readFileSync(process.argv[3], "utf8"));
const C = contractModule();
const now = () => { const used = process.cpuUsage(); return (used.user + used.system) / 1000; };
const start = (p) => C.design(p.n_parties, p.probabilities, p.costs, p.outside, p.value,
  C.generalization_bound(p.optimum, p.complexity), p.own);
for (const problem of problems.slice(0, warm)) C.answer(start(problem));
for (const problem of problems) {
  let began = now();
  const work = start(problem), first = C.answer(work), took = now() - began;
  began = now();
  while (C.improve(work.search, most) && now() - began < 1000 * more);
  const last = C.answer(work);
  const told = ({accuracy, bound}) => ({accuracy, bound});
  console.log(JSON.stringify({first: told(first), last: told(last), milliseconds: took}));
}
"""

FloatArray = npt.NDArray[np.float64]


def random_problem(seed: int) -> dict[str, Any]:
    """A problem of the small solver's scope, as arguments of its ``design``.

    One to six types; two to 30 parties or, for half of the problems, log-uniformly up to a million;
    value 10 to 1,000, complexity 0.3 to 10, optimum 0.6 to 1; costs from 1/300 of to six times the
    cost at which a party alone trains nothing, spread by up to a factor of 3.3 (one standard
    deviation), some equal in 8 %; Dirichlet(1) probabilities; own beliefs in half of the problems;
    better outside options, for half of the types, in 30 %.

    Parameters
    ----------
    seed : int

    Returns
    -------
    dict
        ``n_parties``, ``probabilities``, ``costs``, ``outside``, ``value``, ``optimum``,
        ``complexity`` and ``own``.
    """
    rng = np.random.default_rng([19, seed])
    n_types = int(rng.integers(1, 7))
    few = rng.random() < 0.5
    n = int(rng.integers(2, 31)) if few else int(np.exp(rng.uniform(np.log(2), np.log(1e6))))
    value = float(10 ** rng.uniform(1, 3))
    complexity = float(np.exp(rng.uniform(np.log(0.3), np.log(10))))
    optimum = float(rng.uniform(0.6, 1))
    curve = GeneralizationBound(optimum, complexity)
    level = value * curve.envelope().slope * 10 ** rng.uniform(-2.5, 0.8)
    costs = level * np.exp(rng.normal(0, rng.uniform(0, 1.2), n_types))
    if rng.random() < 0.08 and n_types > 1:
        costs[1 : 1 + int(rng.integers(1, n_types))] = costs[0]
    probabilities = np.maximum(rng.dirichlet(np.ones(n_types)), 1e-4)
    probabilities /= probabilities.sum()
    own = bool(rng.random() < 0.5)
    outside: list[float] = []
    if rng.random() < 0.3:
        stated = Problem(n, probabilities, costs, curve, LinearValuation(value))
        alone = autarky(stated).utilities
        better = rng.random(n_types) < 0.5
        raised = alone + np.where(
            better, rng.uniform(0, 0.5, n_types) * (value * optimum - alone), 0
        )
        outside = raised.tolist() if better.any() else []
    return {
        "n_parties": n,
        "probabilities": probabilities.tolist(),
        "costs": costs.tolist(),
        "outside": outside,
        "value": value,
        "optimum": optimum,
        "complexity": complexity,
        "own": own,
    }


def stated(problem: dict[str, Any]) -> Problem:
    """The same problem for the library."""
    return Problem(
        problem["n_parties"],
        problem["probabilities"],
        problem["costs"],
        GeneralizationBound(problem["optimum"], problem["complexity"]),
        LinearValuation(problem["value"]),
        beliefs="own" if problem["own"] else "paper",
        reservation_utilities=problem["outside"] or None,
    )


def _give_up(number: int, frame: FrameType | None) -> None:
    raise TimeoutError


def library_answers(problems: list[dict[str, Any]], kept: Path) -> list[dict[str, float]]:
    """What the library finds, one answer a line in a file; empty where it gave up."""
    done = kept.read_text(encoding="utf-8").splitlines() if kept.is_file() else []
    signal.signal(signal.SIGALRM, _give_up)
    with kept.open("a", encoding="utf-8") as file:
        for problem in problems[len(done) :]:
            began = time.process_time()
            signal.alarm(PATIENCE)
            answer = {}
            try:
                contract = solve(stated(problem))
                answer = {
                    "accuracy": contract.expected_accuracy,
                    "bound": contract.upper_bound,
                    "milliseconds": 1000 * (time.process_time() - began),
                }
            except TimeoutError:
                pass
            signal.alarm(0)
            file.write(json.dumps(answer) + "\n")
            file.flush()
    return [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]


def small_answers(problems: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the translated small solver finds: at first, and at last."""
    node = shutil.which("node")
    if node is None:
        sys.exit("small_solver: no node on this machine to run the translation with")
    with tempfile.TemporaryDirectory() as folder:
        names = ["contract.js", "problems.json", "run.js"]
        texts = [small_solver_javascript(), json.dumps([problems, WARM, MORE, MOST_OUTCOMES])]
        for name, text in zip(names, [*texts, SCRIPT], strict=True):
            Path(folder, name).write_text(text, encoding="utf-8")
        command = [node, "run.js", "./contract.js", "problems.json"]
        run = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def compared(
    problems: list[dict[str, Any]], theirs: list[dict[str, float]], ours: list[dict[str, Any]]
) -> dict[str, Any]:
    """The numbers of the record."""
    finished = np.array([bool(answer) for answer in theirs])

    def column(answers: list[Any], *path: str) -> FloatArray:
        rows = []
        for answer in answers:
            for name in path:
                answer = answer.get(name, np.nan)
            rows.append(answer)
        return np.array(rows)

    reached, bound = column(theirs, "accuracy"), column(theirs, "bound")
    gaps = {when: column(ours, when, "bound") - column(ours, when, "accuracy") for when in STAGES}
    passed = [
        np.maximum(reached - column(ours, when, "bound"), column(ours, when, "accuracy") - bound)
        for when in STAGES
    ]
    worst = np.max(passed, axis=0)[finished]
    both = (gaps["last"] <= PROVED) & (bound - reached <= PROVED)
    apart = np.abs(column(ours, "last", "accuracy") - reached)[both]
    took = column(ours, "milliseconds")
    better_outside = np.array([bool(problem["outside"]) for problem in problems])
    return {
        "problems": len(problems),
        "finished_by_the_library": int(finished.sum()),
        "contradictions": int((worst > CONTRADICTION).sum()),
        "largest_passing_of_a_bound": float(worst.max()),
        "proved_at_first": float((gaps["first"] <= PROVED).mean()),
        "proved_at_last": float((gaps["last"] <= PROVED).mean()),
        "proved_at_last_with_better_outside_options": float(
            (gaps["last"] <= PROVED)[better_outside].mean()
        ),
        "proved_by_the_library": float((bound - reached <= PROVED).mean()),
        "both_proved": int(both.sum()),
        "median_difference": float(np.median(apart)),
        "largest_difference": float(apart.max()),
        "largest_gap_at_last": float(gaps["last"].max()),
        "milliseconds": {
            name: float(np.percentile(took, share)) for name, share in PERCENTILES.items()
        },
        "milliseconds_of_the_library": {
            name: float(np.nanpercentile(column(theirs, "milliseconds"), share))
            for name, share in PERCENTILES.items()
        },
    }


STAGES = ("first", "last")
PERCENTILES = {"median": 50, "95 %": 95, "99 %": 99, "largest": 100}


def main(arguments: list[str]) -> None:
    """Measure and write the record."""
    problems = [random_problem(seed) for seed in range(PROBLEMS)]
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(arguments[0]) if arguments else Path(folder, "library.jsonl")
        theirs = library_answers(problems, kept)
    numbers = compared(problems, theirs, small_answers(problems))
    node = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True)
    record = {
        **numbers,
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(ROOT),
        "changed_since": bool(changed_files(ROOT)),
        "python": platform.python_version(),
        "node": node.stdout.strip(),
    }
    TARGET.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
