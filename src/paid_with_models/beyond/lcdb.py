"""Real learning curves that ship with the package, and curves for those who measured nothing yet.

Test accuracies of 20 learners of scikit-learn on 248 classification data sets of OpenML at training
sizes from 16 in steps of about 41 %, mean and standard deviation over splits: 4,367 curves of the
Learning Curve Database 1.0 (Mohri, Viering, Loog and van Rijn 2022), MIT license. The license and
the data are in the folder ``data`` of the package.

A consortium that has measured nothing yet can begin with the curve of a data set and a learner that
are like its own (:meth:`RealCurve.fit`), or with the median of a class of tasks and a band over its
data sets (:func:`typical_curve`).
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files

import numpy as np

from ..accuracy import FloatArray, IntArray
from ..texts import brief
from .findings import Finding
from .measured_curves import LearningCurve, fit_weights, learning_curve, rates_for

__all__ = ["RealCurve", "lcdb_curves", "select_curves", "typical_curve"]

#: FEWEST_TASKS: data sets below which a class of tasks has no median worth the name.
FEWEST_TASKS = 5


@dataclass(frozen=True, eq=False)
class RealCurve:
    """One measured curve.

    Attributes
    ----------
    dataset : int
        OpenML id of the data set.
    learner : str
        Short name, such as ``RandomForestClassifier`` or ``SVC_rbf``.
    sizes, accuracies, deviations : (K,) ndarray
        Training samples; mean and standard deviation of the test accuracy over splits (NaN where
        there is one split).
    splits : (K,) ndarray of int
        Splits measured.
    name : str
        Of the data set; empty for the 51 of which the database says no more.
    classes, features, instances : int
        Of the data set; 0 where unknown.
    majority : float
        Share of the largest class; NaN where unknown.
    """

    dataset: int
    learner: str
    sizes: FloatArray
    accuracies: FloatArray
    deviations: FloatArray
    splits: IntArray
    name: str
    classes: int
    features: int
    instances: int
    majority: float

    @property
    def errors(self) -> FloatArray:
        """Standard errors of the mean accuracies, (K,)."""
        return np.asarray(self.deviations / np.sqrt(self.splits))

    def fit(self, baseline: float | None = None) -> LearningCurve:
        """Fit the curve, above the majority class's accuracy or another baseline.

        Parameters
        ----------
        baseline : float, optional
            In [0, 1); the share of the largest class by default, 0 where it is unknown.

        Raises
        ------
        ValueError
            As :func:`~paid_with_models.beyond.measured_curves.learning_curve`.
        """
        known = 0.0 if np.isnan(self.majority) else self.majority
        start = known if baseline is None else baseline
        return learning_curve(self.sizes, self.accuracies, self.errors, baseline=start)


@lru_cache(maxsize=1)
def lcdb_curves() -> tuple[RealCurve, ...]:
    """All 4,367 curves, by data set and learner.

    Returns
    -------
    tuple of RealCurve
        Arrays are read-only.

    Examples
    --------
    >>> curves = lcdb_curves()
    >>> len(curves), curves[0].name, curves[0].learner, curves[0].sizes[:3].tolist()
    (4367, 'kr-vs-kp', 'BernoulliNB', [16.0, 23.0, 32.0])
    """
    folder = files("paid_with_models").joinpath("data")
    lines = folder.joinpath("lcdb_datasets.csv").read_text(encoding="utf-8").splitlines()
    about = {int(row["openmlid"]): row for row in csv.DictReader(lines)}
    content = gzip.decompress(folder.joinpath("lcdb_accuracy.csv.gz").read_bytes()).decode()
    rows: dict[tuple[int, str], list[list[str]]] = {}
    for line in content.splitlines()[1:]:
        dataset, learner, *numbers = line.split(",")
        rows.setdefault((int(dataset), learner.rsplit(".", 1)[-1]), []).append(numbers)
    return tuple(_real(*key, rows[key], about.get(key[0])) for key in sorted(rows))


def _real(
    dataset: int, learner: str, rows: list[list[str]], about: dict[str, str] | None
) -> RealCurve:
    table = np.array([[float(cell or "nan") for cell in row] for row in rows])
    table = table[np.argsort(table[:, 0])]
    table.flags.writeable = False
    sizes, means, deviations = table[:, 0], table[:, 1], table[:, 2]
    splits = table[:, 3].astype(np.intp)
    splits.flags.writeable = False
    if about is None:
        rest = ("", 0, 0, 0, float("nan"))
    else:
        instances = int(about["NumberOfInstances"])
        rest = (
            about["Name"], int(about["NumberOfClasses"]), int(about["NumberOfFeatures"]),
            instances, float(about["MajorityClassSize"]) / instances,
        )  # fmt: skip
    return RealCurve(dataset, learner, sizes, means, deviations, splits, *rest)


def select_curves(
    *,
    dataset: int | str | None = None,
    learner: str | None = None,
    classes: tuple[int, int] | None = None,
    features: tuple[int, int] | None = None,
    instances: tuple[int, int] | None = None,
    at_least: int = 8,
) -> tuple[RealCurve, ...]:
    """Curves of a data set, of a learner, or of a class of tasks.

    Parameters
    ----------
    dataset : int or str, optional
        OpenML id or name.
    learner : str, optional
        Such as ``RandomForestClassifier``; in any case of letters, with or without its module.
    classes, features, instances : (int, int), optional
        Least and largest number, inclusive; data sets of which they are unknown are left out.
    at_least : int
        Sizes that a curve must have.

    Returns
    -------
    tuple of RealCurve

    Raises
    ------
    ValueError
        If there is no such data set or learner, with what there is.

    Examples
    --------
    >>> (curve,) = select_curves(dataset="letter", learner="KNeighborsClassifier")
    >>> curve.classes, round(curve.majority, 3)
    (26, 0.041)
    """
    found = lcdb_curves()
    if dataset is not None:
        wanted = str(dataset).strip().lower()
        of_it = tuple(c for c in found if wanted in (str(c.dataset), c.name.lower()))
        if not of_it or not wanted:
            names = sorted({c.name for c in found if c.name})
            raise ValueError(
                f"dataset must be an OpenML id or a name among {len(names)}, such as"
                f" {', '.join(names[:4])}{_near(str(dataset), names)}; got {str(dataset)[:60]!r}"
            )
        found = of_it
    if learner is not None:
        if not isinstance(learner, str):
            raise ValueError(f"learner must be a name; got {brief(learner)}")
        wanted = learner.rsplit(".", 1)[-1].strip().lower()
        known = sorted({c.learner for c in lcdb_curves()})
        if wanted not in {name.lower() for name in known}:
            raise ValueError(
                f"learner must be one of {', '.join(known)}{_near(learner, known)};"
                f" got {learner[:60]!r}"
            )
        found = tuple(c for c in found if c.learner.lower() == wanted)
    for name, limits in (("classes", classes), ("features", features), ("instances", instances)):
        if limits is not None:
            low, high = limits
            found = tuple(c for c in found if c.classes and low <= getattr(c, name) <= high)
    return tuple(c for c in found if c.sizes.size >= at_least)


def _near(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def typical_curve(
    curves: Iterable[RealCurve], baseline: float, *, replicates: int = 200
) -> LearningCurve:
    r"""The median of measured curves above a baseline, with the band over their data sets.

    Accuracies of tasks with other classes do not compare; what does is the share of what the
    largest class gets wrong that a model puts right, :math:`g = (a - b) / (1 - b)`. The median of g
    and its spread over the curves are carried over to the baseline of the task at hand.

    Parameters
    ----------
    curves : iterable of RealCurve
        Of at least five data sets whose largest class is known.
    baseline : float
        Accuracy of the largest class, or of guessing, in the task at hand, in [0, 1).
    replicates : int
        Most curves that make up the band, spread evenly over those given.

    Returns
    -------
    LearningCurve
        Its replicates are the curves; its errors the standard error of their mean.

    Raises
    ------
    ValueError
        If the baseline is out of range or data sets are fewer than five.

    Examples
    --------
    >>> forests = select_curves(learner="RandomForestClassifier", classes=(2, 2))
    >>> fit = typical_curve(forests, 0.6)
    >>> low, high = fit.band(500.0)
    >>> bool(0.6 <= low < fit(500.0) < high <= 1)
    True
    """
    if not 0 <= baseline < 1:
        raise ValueError(f"baseline must be at least 0 and below 1; got {baseline!r}")
    known = [c for c in curves if c.majority < 1]
    tasks = len({c.dataset for c in known})
    if tasks < FEWEST_TASKS:
        raise ValueError(
            f"curves must be of {FEWEST_TASKS} data sets or more whose largest class is known;"
            f" got {tasks}"
        )
    known = known[:: -(-len(known) // replicates)]
    first = max(float(c.sizes[0]) for c in known)
    # Sizes that half of the curves reach: beyond them the larger data sets alone would tell.
    last = float(np.median([c.sizes[-1] for c in known]))
    anchors = np.array(sorted({float(n) for c in known for n in c.sizes if first <= n <= last}))
    rates = rates_for(anchors)
    weights = []
    for c in known:
        share = np.maximum((c.accuracies - c.majority) / (1 - c.majority), 0.0)
        weights.append(fit_weights(c.sizes, share, rates, 1.0))
    gains = (1 - baseline) * (-np.expm1(-np.outer(anchors, rates)) @ np.array(weights).T)
    median, spread = np.median(gains, axis=1), gains.std(axis=1, ddof=1) / np.sqrt(len(known))
    typical = learning_curve(anchors, baseline + median, spread, baseline=baseline)
    said = Finding(
        "elsewhere",
        f"Nothing was measured here: the curve is the median of {len(known)} curves of {tasks}"
        " other data sets, and the band holds the middle of them.",
        True,
    )
    return replace(typical, replicates=(1 - baseline) * np.array(weights)).with_findings(said)
