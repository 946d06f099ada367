"""What a column of measurements holds, by its heading."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import NormalDist

from .heading_words import (
    ACCURACIES,
    BOUNDS,
    COMMENTS,
    COMPUTED,
    COSTS,
    COUNTS,
    DIFFERENCES,
    ERROR_RATES,
    INDICES,
    KINDS,
    LABELS,
    LOGARITHMS,
    LOSSES,
    MARGINS,
    METRICS,
    NO_DATA,
    PERCENTS,
    PERIODS,
    POWERS,
    REFERENCES,
    REMOVED,
    RUNS,
    SCALES,
    SHARES,
    SIZES,
    SPREADS,
    SUMMARIES,
    TELLING,
    TESTS,
    TIMES,
    TOLD_APART,
    TRAINS,
    UNSPACED,
    VARIANCES,
    folded,
    words_of,
)

__all__ = [
    "LONG", "amount_of", "are_counted", "are_repeats", "are_runs", "deviations_of", "has_own_unit",
    "is_error_rate", "is_interval", "is_of", "is_signed", "is_standard_error", "is_test",
    "is_train", "is_variance", "names_label", "names_metric", "role_of", "scale_of",
    "tells_by_name", "tokens",
]  # fmt: skip

#: LONG: characters of a heading or a cell above which no pattern is tried on it.
LONG = 300

#: WHOLE: words of letters and numbers that are not taken apart.
WHOLE = ("f1", "top1", "r2")


#: PREFIX: what trackers of experiments put before names.
PREFIX = re.compile(r"\s*(params?|metrics?|tags?|config|summary)\s*[./](?=\s*\w)", re.IGNORECASE)

#: OTHER_UNITS: of what stands below a heading with the word of an accuracy, and is none.
OTHER_UNITS = re.compile(
    r"[(\[]\s?(s|ms|sec|h|fps|hz|mm|cm|m|km|px|db|usd|eur|\$|\u20ac|bps?|0\s?[-\u2013]\s?\d+)\s?[)\]]"
    r"|1e[-+]?\d|1\s?/\s?\d|out of \d|per ?mille?"
)


def tokens(heading: str) -> tuple[str, ...]:
    """The words of a heading in lower case, numbers among them.

    Examples
    --------
    >>> tokens("split0_test_score"), tokens("nTrain (records)")
    (('split', '0', 'test', 'score'), ('n', 'train', 'records'))
    """
    if len(heading) > LONG:
        heading = heading[:LONG]
    heading = PREFIX.sub("", heading)
    apart = folded(re.sub(r"([a-z])([A-Z])", r"\1 \2", heading))
    if not apart.isascii():
        apart = " ".join([apart, *(word for word in UNSPACED if word in apart)])
    return tuple(
        word if word in WHOLE else part
        for word in re.findall(r"[^\W_]+", apart)
        for part in ([word] if word in WHOLE else re.findall(r"\d+|[^\W\d_]+", word))
    )


def scale_of(heading: str) -> str:
    """What a heading says that its amounts are counted in; empty if one by one.

    Examples
    --------
    >>> [scale_of(it) for it in ("n", "n (thousands)", "n in Tsd.", "samples [10^3]", "n / 1000")]
    ['', 'thousands', 'tsd', '10^3', '1000']
    """
    power = re.search(POWERS, heading[:LONG])
    if power:
        return power[0]
    times = re.search(r"[x*\u00d7]\s?\d+\b", heading[:LONG])
    return min(SCALES & set(tokens(heading)), default="") or (times[0] if times else "")


def role_of(heading: str) -> str:
    """What a heading says that its column holds.

    Returns
    -------
    str
        ``size``, ``accuracy``, ``error`` (of the accuracy), ``error rate``, ``loss``,
        ``difference`` (of accuracies), ``computed`` (from accuracies), ``log size``,
        ``size share``, ``computed size``, ``count``, ``run``, ``index``, ``other`` (known, and not
        needed) or nothing if it is not known.

    Examples
    --------
    >>> [role_of(it) for it in ("train_size", "test acc", "std", "log-loss", "error rate", "depth")]
    ['size', 'accuracy', 'error', 'loss', 'error rate', '']
    """
    words = tokens(heading)
    known = set(words)
    joined = " ".join(words)
    of_accuracy = known & ACCURACIES
    if known & LOSSES or (of_accuracy and known & COSTS):
        return "loss"
    if of_accuracy and known & {"name", "type", "kind"}:
        return ""
    if known & BOUNDS and not known & SIZES:
        return "other"
    if known & COMMENTS or (of_accuracy and (known & REFERENCES or {"p", "value"} <= known)):
        return "other"
    if of_accuracy and known & (LOGARITHMS | {"logit"}):
        return ""
    if of_accuracy and known & DIFFERENCES:
        return "difference"
    if of_accuracy and re.match(
        r"\s*(1|100)(\.0*)?\s*%?\s*[-\u2212\u2013]", heading
    ):  # 1 - accuracy
        return "error rate"
    if of_accuracy and not known & SPREADS and _is_computed(heading, known):
        return "computed"
    beside = heading.strip().startswith("\u00b1") or is_variance(heading)
    beside |= bool(known & MARGINS and known & ERROR_RATES)
    beside |= any(it in joined for it in ("error bar", "standard error", "confidence interval"))
    if known & SPREADS or beside:
        return "error"
    if known & ERROR_RATES:
        return "error" if of_accuracy else "error rate"
    if known & TIMES or _is_speed(heading, known):
        return "other"
    if of_accuracy and words[-1] == "count" and "correct" not in known:
        return "count"  # as pandas names the number of runs beside their mean
    if of_accuracy or known - TESTS - TRAINS == {"mean"} or "top1" in known:
        return "accuracy"
    if known & COUNTS and known <= COUNTS | RUNS | {"n", "num", "number", "no", "of", "random"}:
        return "count"
    if known & RUNS:
        return "run"
    none = known & NO_DATA and known & SIZES <= {"n", "num", "size", "sizes"}
    if none and not known & {"per", "pro", "je"}:
        return ""
    if re.search(r"/\s*(N|N_?total|total|full|all)\b", heading) and known & SIZES:
        return "size share"
    if known & {"id", "ids", "index", "idx"} and known & SIZES:
        return "index"
    counted = known & COUNTS == {"count"} and known & TRAINS
    if counted or known & SIZES or known in ({"training", "set"}, {"training"}):
        if known & TESTS:
            return "other"
        if known & LOGARITHMS:
            return "log size"
        if _is_computed_size(heading, known):
            return "computed size"
        return "size share" if known & SHARES or "%" in heading else "size"
    if not words or known & INDICES:
        return "index"
    return ""


def _is_computed(heading: str, known: set[str]) -> bool:
    """Whether a heading says that its column is computed from accuracies, or is in another unit."""
    text = heading[:LONG].lower()
    if known & COMPUTED or {"z", "score"} <= known:
        return True
    if re.search(
        r"\^|\*\*|[\u00b2\u00b3\u221a\u2030]|10\s?[\u207b]|^\s*([-\u2212]|1\s?/)\s?[a-z]", text
    ):
        return True
    if re.search(OTHER_UNITS, text):
        return True
    times = re.search(r"(?:\bx|[*\u00d7])\s?(\d+)", text)
    if times and times[1] != "100":
        return True
    before, stroke, after = text.partition("/")
    rest = {word for word in tokens(after) if not word.isdigit()}
    of_what = TESTS | TRAINS | KINDS | PERCENTS
    return bool(stroke and set(tokens(before)) & ACCURACIES and after and not rest <= of_what)


def _is_speed(heading: str, known: set[str]) -> bool:
    """Whether a heading is that of amounts in a time."""
    stroke = re.search(r"/\s?([a-z]+)\b", heading[:LONG].lower())
    return bool(("per" in known and known & PERIODS) or (stroke and stroke[1] in PERIODS))


def _is_computed_size(heading: str, known: set[str]) -> bool:
    """Whether a heading says that its column is computed from amounts of data."""
    text = re.sub(POWERS, "", heading[:LONG]).lower()
    if re.fullmatch(r"\s*\d+\s?n\s*", text):
        return True
    if known & (COMPUTED | REMOVED | DIFFERENCES) or re.search(
        r"\^|\*\*|[\u00b2\u00b3\u221a]", text
    ):
        return True
    if re.search(r"\b1\s?/\s?[a-z]", text):
        return True
    if (minus := re.search(r"([^\W\d_]+)\s?[-+\u2212\u2013]\s?\d", text)) and minus[1] in SIZES:
        return True
    before, stroke, after = text.partition("/")
    named = set(tokens(before)) & SIZES
    parts = SIZES | TRAINS | SCALES | TOLD_APART | {"label", "patient", "subject", "user", "total"}
    return bool(stroke and named and tokens(after) and not set(tokens(after)) & parts)


def is_variance(heading: str) -> bool:
    """Whether a heading speaks of squares of deviations.

    Examples
    --------
    >>> [is_variance(it) for it in ("var", "sigma^2", "2*std")]
    [True, True, False]
    """
    squared = r"(sigma|\u03c3|std|sd|stdev|deviation)\)?\s?((\^|\*\*)\s?\{?2|\u00b2)"
    return bool(VARIANCES & set(tokens(heading)) or re.search(squared, heading[:LONG].lower()))


def is_interval(heading: str) -> bool:
    """Whether a heading speaks of an interval of confidence."""
    return bool({"ci", "confidence", "interval"} & set(tokens(heading)))


def is_error_rate(heading: str) -> bool:
    """Whether a heading says error, and not that it is one of a mean."""
    words = set(tokens(heading))
    return bool(words & ERROR_RATES) and not words & (
        SPREADS | MARGINS | {"standard", "bar", "bars"}
    )


def tells_by_name(heading: str) -> bool:
    """Whether a heading is one of a setting, a place or a part, by which curves differ."""
    words = set(tokens(heading))
    measured = RUNS | TIMES - {"epoch", "epochs"} | {"best", "stopped"}
    return bool(words & (TELLING | TOLD_APART)) and not words & measured


def names_label(heading: str) -> bool:
    """Whether a heading is one of names of rows."""
    words = set(tokens(heading))
    return bool(words & LABELS) or {"run", "id"} <= words or {"trial", "id"} <= words


def names_metric(heading: str) -> bool:
    """Whether a heading says that its column names what is measured; one that is empty may."""
    words = set(tokens(heading))
    return not words or bool(words & METRICS)


def are_runs(labels: Sequence[str]) -> bool:
    """Whether labels are numbers of runs, letters, or differ by a number alone.

    Examples
    --------
    >>> are_runs(("fold 1", "fold 2")), are_runs(("a", "b")), are_runs(("ResNet", "ViT"))
    (True, True, False)
    >>> are_runs(("1", "2", "avg"))
    False
    """
    words = [tuple(word for word in tokens(it) if not word.isdigit()) for it in labels]
    if any(set(it) & (SUMMARIES | TOLD_APART) for it in words):
        return False
    return len(set(words)) == 1 or all(len("".join(it)) <= 1 for it in words)


def is_test(heading: str) -> bool:
    """Whether a heading speaks of data that were held out."""
    return bool(set(tokens(heading)) & TESTS)


def is_train(heading: str) -> bool:
    """Whether a heading speaks of the training data, and not of others."""
    return bool(set(tokens(heading)) & TRAINS) and not is_test(heading)


def deviations_of(heading: str) -> float:
    """How many standard deviations a column of spreads holds, by its heading.

    Of a confidence interval it holds half the width, that of a normal law at the level that is
    said, or 95 percent; the whole width if the heading says so.

    Examples
    --------
    >>> [round(deviations_of(it), 3) for it in ("std", "2*std", "\N{PLUS-MINUS SIGN}1.96 SE")]
    [1.0, 2.0, 1.96]
    >>> [round(deviations_of(it), 3) for it in ("ci95", "CI (90%)", "95% ci width", "std x2")]
    [1.96, 1.645, 3.92, 2.0]
    """
    words = tokens(heading)
    stated = re.search(r"(?<![\d.])(\d{2}(?:[.,]\d+)?)\s*%", heading)
    margin = bool(set(words) & MARGINS)
    if is_interval(heading) or margin or stated:
        stated = stated or re.search(r"(?<![\d.])([5-9]\d(?:[.,]\d+)?)", heading)
        level = float(stated[1].replace(",", ".")) if stated else 95.0
        whole = 2 if "width" in words and "half" not in words else 1
        return whole * NormalDist().inv_cdf(0.5 + level / 200)
    unit = "(?:std|sd|se|sem|sigma|standard|\N{GREEK SMALL LETTER SIGMA})"
    number, times = r"(\d+(?:\.\d+)?)", r"[*x\N{MULTIPLICATION SIGN}]"
    # A number within a heading is one of something else, without a sign of multiplication.
    found = re.search(
        rf"(?:^|[\u00b1(+-])\s*{number}\s*{unit}|{number}\s*{times}\s*{unit}"
        rf"|{unit}[a-z ]*{times}\s*{number}",
        heading.lower(),
    )
    several = float(found[1] or found[2] or found[3]) if found else 1.0
    return several if several > 0 else 1


def is_signed(heading: str) -> bool:
    """Whether a heading says percent; behind a number it is a level of confidence.

    Examples
    --------
    >>> [is_signed(it) for it in ("acc (%)", "Prozent", "CI 95%", "95 % CI in %")]
    [True, True, False, True]
    """
    text = re.sub(r"\d\s*%", "", heading)
    return "%" in text or bool(PERCENTS & set(tokens(text)))


def has_own_unit(heading: str) -> bool:
    """Whether a heading of errors says a unit that is none of accuracy's.

    Examples
    --------
    >>> [has_own_unit(it) for it in ("std", "std (x100)", "SE [10^-2]", "SE (bp)", "2*std")]
    [False, True, True, True, False]
    """
    odd = r"[x*\u00d7]\s*\d{2,}|1e[-+]?\d|10\s*(\^|\*\*)|\bbps?\b|\u2030|per ?mille"
    return bool(re.search(odd, heading.lower()))


def is_of(heading: str, measured: str) -> bool:
    """Whether a column of spreads, by its heading, is not of something else than another column.

    Examples
    --------
    >>> [is_of(it, "test acc") for it in ("std", "accuracy_std", "f1_std", "time std", "sd(n)")]
    [True, True, False, False, False]
    """
    words, own = set(tokens(heading)), set(tokens(measured))
    same = words_of("acc accuracy accuracies correct")
    named = words & ACCURACIES
    if named - own and not (named <= same and own & same):
        return False
    plain = SPREADS | ERROR_RATES | RUNS | COUNTS | PERCENTS | TESTS | TRAINS | ACCURACIES | own
    plain |= words_of("abw abweichung type tipica estandar padrao standaard")
    plain |= VARIANCES | MARGINS
    plain |= words_of(
        "confidence in of the over mean means bar bars standard interval half width x level and e s"
    )
    return all(word.isdigit() or word in plain for word in words)


def is_standard_error(heading: str) -> bool:
    """Whether a heading speaks of errors of means, and not of how far single runs vary."""
    words = tokens(heading)
    return bool({"se", "sem", "stderr"} & set(words)) or "standard error" in " ".join(words)


def are_repeats(headings: Sequence[str]) -> bool:
    """Whether columns differ by the number of a run, and not by that of a class or a model.

    Examples
    --------
    >>> are_repeats(("split0_test_score", "split1_test_score")), are_repeats(("acc", "acc.1"))
    (True, True)
    >>> are_repeats(("top-1 accuracy", "top-5 accuracy")), are_repeats(("acc_class0", "acc_class1"))
    (False, False)
    >>> are_repeats(("acc_64", "acc_128")), are_repeats(("acc_seed7", "acc_seed42"))
    (False, True)
    """
    if any("@" in it or re.search(r"\d\s?%", it[:LONG]) for it in headings):
        return False
    words = {tuple(word for word in tokens(it) if not word.isdigit()) for it in headings}
    known = ACCURACIES | RUNS | COUNTS | TESTS | {"mean", "percent", "pct"}
    if len(words) != 1 or not set(next(iter(words))) <= known:
        return False
    named = bool(set(next(iter(words))) & (RUNS | COUNTS))
    # A number before the word is how many there are: 5-fold.
    named &= not any(
        re.search(r"\d\s?-?\s?(fold|run|seed|rep|trial)", it[:LONG]) for it in headings
    )
    return named or are_counted(headings)


def are_counted(headings: Sequence[str]) -> bool:
    """Whether headings differ by numbers from 0 or 1 on, or are multiples of the first.

    Examples
    --------
    >>> [are_counted(it) for it in (("acc 1", "acc 2"), ("100", "200"), ("64", "128", "256"))]
    [True, True, False]
    """
    if all(re.fullmatch(r"\s*\d{1,9}\s*", it[:LONG]) for it in headings):
        alone = sorted(map(int, headings))
        start = alone[0] if alone[0] > 1 else 1
        return alone in ([start * (k + s) for k in range(len(alone))] for s in (0, 1))
    if any(re.search(r"\d[.,]\d", it[:LONG]) for it in headings):
        return False
    found = [
        [int(word) for word in tokens(it) if word.isdecimal() and len(word) < 9] for it in headings
    ]
    longest = max(found, key=len)
    shared = 0  # numbers that all have
    while longest and all(len(it) > shared and it[shared] == longest[shared] for it in found):
        shared += 1
    rest = [it[shared:] for it in found]
    if any(len(it) > 1 for it in rest):
        return False
    numbers = sorted(it[0] for it in rest if it)
    bare = len(rest) - len(numbers)
    if not numbers or bare > 1:
        return not numbers
    firsts = (1, 2) if bare else (0, 1)
    return numbers[0] in firsts and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def amount_of(heading: str) -> str:
    """The number in a heading that is an amount of data, as text; empty if it is none.

    Examples
    --------
    >>> [amount_of(it) for it in ("500", "n=2e3", "8,000 samples", "10k", "run 3", "accuracy")]
    ['500', '2e3', '8,000', '10k', '', '']
    """
    if len(heading) > LONG:
        return ""
    number = r"\d[\d.,\u00a0\u202f\u2009']*(?:[eE]\+?\d+|[ ]?[kKM]\b)?"
    found = re.fullmatch(rf"\s*([^\W\d][\w ]*?)?[ _=:]*({number})\s*(\w[\w ]*)?", heading)
    if not found:
        return ""
    words = set(tokens(found[1] or "")) | set(tokens(found[3] or ""))
    return found[2] if words <= SIZES | TRAINS else ""
