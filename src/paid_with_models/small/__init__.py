"""A solver for a few types, small enough to run in a web page.

Standard library only, and only a small part of the language, so that the same files can be
translated to JavaScript (``pwm_companion.explorables.to_javascript``): what runs in the book's
pages is what is tested here. It is a route of its own to the best menu and its bound, next to
:func:`paid_with_models.solve`: one to six types, two to a million parties, the generalization bound
of any optimum and complexity (from one table) or any sum of saturating exponentials, linear
valuations, the paper's and own beliefs, and outside options.

:func:`design` gives a first answer, :func:`improve` closes what gap is left, :func:`answer` says
what is known, and :func:`check` proves a bound from a menu and prices, without a solver.
"""

from .curve import Curve, accuracy, autarky, exponential_curve, generalization_bound, slope
from .design import Answer, Design, answer, collected, design
from .interior_point import check
from .law import exponential_sum, number_of_outcomes, outcomes
from .scheme import Scheme, make_scheme
from .search import (
    EXHAUSTED,
    PROVED,
    PROVED_BEST,
    SEARCHING,
    TOO_MANY_OUTCOMES,
    Search,
    improve,
    status,
)

__all__ = [
    "EXHAUSTED",
    "PROVED",
    "PROVED_BEST",
    "SEARCHING",
    "TOO_MANY_OUTCOMES",
    "Answer",
    "Curve",
    "Design",
    "Scheme",
    "Search",
    "accuracy",
    "answer",
    "autarky",
    "check",
    "collected",
    "design",
    "exponential_curve",
    "exponential_sum",
    "generalization_bound",
    "improve",
    "make_scheme",
    "number_of_outcomes",
    "outcomes",
    "slope",
    "status",
]
