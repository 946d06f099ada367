"""What a column of measurements holds, by its heading."""

from __future__ import annotations

import re

__all__ = ["amount_of", "is_test", "is_train", "role_of", "tokens"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LOSSES = _words("loss logloss entropy crossentropy nll rmse mse mae perplexity brier deviance")
ERROR_RATES = _words("error err errors errorrate misclassification misclassified fehler wer")
SPREADS = _words("std sd se sem stderr stdev stddev deviation sigma uncertainty errorbar ci stdabw")
TIMES = _words(
    "time times seconds sec ms minutes date duration timestamp epoch epochs var variance fit memory"
)
RUNS = _words("run seed fold split repeat rep repetition trial cv iteration replicate state draw")
COUNTS = _words("count counts runs seeds repeats repetitions splits folds trials reps")
ACCURACIES = _words(
    "accuracy accuracies acc score scores auc auroc f1 performance genauigkeit correct precision"
    " recall quality"
)
SIZES = _words(
    "size sizes n data samples sample records record rows examples instances points images"
    " patients cases observations obs anchor amount trainsize ntrain nsamples labels documents"
    " umfang daten anzahl"
)
INDICES = _words("index idx id unnamed row nr no")
TESTS = _words("test testing val valid validation dev holdout heldout")
TRAINS = _words("train training")


def tokens(heading: str) -> tuple[str, ...]:
    """The words of a heading in lower case, numbers among them.

    Examples
    --------
    >>> tokens("split0_test_score"), tokens("nTrain (records)")
    (('split', '0', 'test', 'score'), ('n', 'train', 'records'))
    """
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", heading)
    return tuple(
        word if word in ("f1", "top1") else part
        for word in re.findall(r"[^\W_]+", apart.lower())
        for part in ([word] if word in ("f1", "top1") else re.findall(r"\d+|[^\W\d_]+", word))
    )


def role_of(heading: str) -> str:
    """What a heading says that its column holds.

    Returns
    -------
    str
        ``size``, ``accuracy``, ``error`` (of the accuracy), ``error rate``, ``loss``, ``count``,
        ``run``, ``index``, ``other`` (known, and not needed) or nothing if it is not known.

    Examples
    --------
    >>> [role_of(it) for it in ("train_size", "test acc", "std", "log-loss", "error rate", "depth")]
    ['size', 'accuracy', 'error', 'loss', 'error rate', '']
    """
    words = tokens(heading)
    known = set(words)
    joined = " ".join(words)
    if known & LOSSES:
        return "loss"
    of_accuracy = known & ACCURACIES
    if known & SPREADS or "error bar" in joined or "standard error" in joined:
        return "error"
    if known & ERROR_RATES:
        return "error" if of_accuracy else "error rate"
    if known & TIMES:
        return "other"
    if of_accuracy or known == {"mean"} or "top1" in known:
        return "accuracy"
    if known & COUNTS:
        return "count"
    if known & RUNS:
        return "run"
    if known & SIZES or known == {"training", "set"} or known == {"training"}:
        return "other" if known & TESTS else "size"
    if not words or known & INDICES:
        return "index"
    return ""


def is_test(heading: str) -> bool:
    """Whether a heading speaks of data that were held out."""
    return bool(set(tokens(heading)) & TESTS)


def is_train(heading: str) -> bool:
    """Whether a heading speaks of the training data, and not of others."""
    return bool(set(tokens(heading)) & TRAINS) and not is_test(heading)


def amount_of(heading: str) -> str:
    """The number in a heading that is an amount of data, as text; empty if it is none.

    Examples
    --------
    >>> [amount_of(it) for it in ("500", "n=2000", "8,000 samples", "run 3", "accuracy")]
    ['500', '2000', '8,000', '', '']
    """
    found = re.fullmatch(
        r"\s*([^\W\d][\w ]*?)?[ _=:]*(\d[\d.,\u00a0\u202f']*)\s*(\w[\w ]*)?", heading
    )
    if not found:
        return ""
    words = set(tokens(found[1] or "")) | set(tokens(found[3] or ""))
    return found[2] if words <= SIZES | TRAINS else ""
