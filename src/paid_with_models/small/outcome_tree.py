"""Decisions of the small solver's branch and bound: which outcomes count, and which next."""

from .curve import accuracy
from .interior_point import Solution
from .law import COUNTS, LOST, OPEN, Law

__all__ = ["all_taken", "completed", "decided_with", "idle_lost", "most_open"]

#: CLAIM: an open outcome is decided if the envelope claims more than this there.
CLAIM = 1e-16


def all_taken(law: Law, mode: int) -> list[int]:
    """All outcomes taken in one way."""
    return [mode for _ in law.chance]


def idle_lost(law: Law, idle: int) -> list[int]:
    """All outcomes count but those with nobody but the first so many kinds."""
    kinds = len(law.kinds)
    complete = all_taken(law, COUNTS)
    for o in range(len(complete)):
        others = 0.0
        for i in range(idle, kinds):
            others += law.counts[o * kinds + i]
        if others == 0:
            complete[o] = LOST
    return complete


def _data(law: Law, outcome: int, m: list[float]) -> float:
    """What is collected in an outcome; kinds before the types in give nothing."""
    kinds = len(law.kinds)
    before = kinds - len(m)
    data = 0.0
    for i in range(len(m)):
        data += law.counts[outcome * kinds + before + i] * m[i]
    return data


def completed(law: Law, partial: list[int], m: list[float]) -> list[int]:
    """A guess: what is open counts where m trains a model, and is lost elsewhere."""
    complete = partial[:]
    for o in range(len(complete)):
        if complete[o] == OPEN:
            complete[o] = COUNTS if _data(law, o, m) > law.scheme.curve.zero else LOST
    return complete


def most_open(law: Law, status: list[int], solution: Solution) -> int:
    """The open outcome for which the envelope claims most; -1 if none claims anything."""
    scheme = law.scheme
    kinds, n_rows = len(law.kinds), len(scheme.rows)
    m = solution.point.m
    before = kinds - len(m)
    most, found = CLAIM, -1
    for o in range(len(status)):
        if status[o] == OPEN:
            data = _data(law, o, m)
            if data < scheme.curve.touch:
                weight = 1.0
                for i in range(len(m)):
                    price = solution.prices[n_rows + i]
                    weight += price * law.views[o * kinds + before + i]
                claimed = scheme.curve.touch_slope * data - accuracy(scheme.curve, data)
                claimed *= law.chance[o] * weight
                if claimed > most:
                    most = claimed
                    found = o
    return found


def decided_with(law: Law, partial: list[int], outcome: int, mode: int) -> list[int]:
    """The outcome decided, and with it those that must have more data, or less."""
    decided = partial[:]
    decided[outcome] = mode
    if law.scheme.ties:
        return decided
    kinds = len(law.kinds)
    counts = law.counts
    for o in range(len(decided)):
        if decided[o] == OPEN:
            above, below = 0.0, 0.0
            more, less = True, True
            for h in range(kinds - 1, -1, -1):
                above += counts[o * kinds + h]
                below += counts[outcome * kinds + h]
                if above < below:
                    more = False
                if above > below:
                    less = False
            if (mode == COUNTS and more) or (mode == LOST and less):
                decided[o] = mode
    return decided
