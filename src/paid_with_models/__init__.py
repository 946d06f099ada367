"""Optimal contracts for collaborative machine learning, paid with models.

The theory, in the paper's order: :mod:`~paid_with_models.accuracy` (with
:mod:`~paid_with_models.curves`) and :mod:`~paid_with_models.valuation`,
:mod:`~paid_with_models.attendance` and :mod:`~paid_with_models.laws` (who turns up),
:mod:`~paid_with_models.problem` (primitives and autarky), :mod:`~paid_with_models.contract`,
:mod:`~paid_with_models.complete_information`, :mod:`~paid_with_models.audit` (any menu against
every constraint), :mod:`~paid_with_models.rewards`, :mod:`~paid_with_models.welfare` and
:mod:`~paid_with_models.distortion`; with :mod:`~paid_with_models.files` and
:mod:`~paid_with_models.sweeps`.

How it is solved: :mod:`paid_with_models.solver`. Second opinions:
:mod:`paid_with_models.checks`. The paper's experiments: :mod:`paid_with_models.paper`. What the
paper leaves open: :mod:`paid_with_models.beyond`. Drawings: :mod:`paid_with_models.figures`.

``prove`` needs the extra ``proof``; it and ``__version__`` are looked up when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .accuracy import Curve
from .attendance import conditional_probabilities, enumerate_outcomes, outcome_probabilities
from .audit import Audit, audit
from .beyond.lcdb import lcdb_curves
from .beyond.measured_curves import LearningCurve, learning_curve
from .beyond.responsive import ResponsiveContract, solve_responsive
from .checks.conic import ConicProgram, ConicSolution, ConicStatus, conic_program
from .checks.linear_programs import linear_program_bound
from .complete_information import (
    CompleteInformation,
    solve_complete_information,
    solve_complete_information_many,
)
from .contract import Binding, Contract, Multipliers, Shape, Status
from .curves import Arctan, GeneralizationBound, PowerLaw, Saturating
from .laws import KnownParties, PoissonParties, UnlikeParties
from .problem import Autarky, Problem, autarky
from .residuals import Residuals, menu_residuals
from .rewards import (
    RewardDistribution,
    all_or_nothing_rewards,
    capped_rewards,
    lottery_rewards,
    proportional_rewards,
)
from .solver.chain import least_utilities
from .solver.routes import solve, solve_many
from .sweeps import sweep
from .valuation import ExponentialValuation, LinearValuation, ModelValue, PowerValuation, Valuation
from .welfare import (
    FreeRiding,
    best_reply,
    best_reply_dynamics,
    free_riding,
    information_cost,
    information_rents,
    joint_surplus,
)

if TYPE_CHECKING:
    from .checks.proof import Proof, prove

__all__ = [
    "Arctan",
    "Audit",
    "Autarky",
    "Binding",
    "CompleteInformation",
    "ConicProgram",
    "ConicSolution",
    "ConicStatus",
    "Contract",
    "Curve",
    "ExponentialValuation",
    "FreeRiding",
    "GeneralizationBound",
    "KnownParties",
    "LearningCurve",
    "LinearValuation",
    "ModelValue",
    "Multipliers",
    "PoissonParties",
    "PowerLaw",
    "PowerValuation",
    "Problem",
    "Proof",
    "Residuals",
    "ResponsiveContract",
    "RewardDistribution",
    "Saturating",
    "Shape",
    "Status",
    "UnlikeParties",
    "Valuation",
    "all_or_nothing_rewards",
    "audit",
    "autarky",
    "best_reply",
    "best_reply_dynamics",
    "capped_rewards",
    "conditional_probabilities",
    "conic_program",
    "enumerate_outcomes",
    "free_riding",
    "information_cost",
    "information_rents",
    "joint_surplus",
    "lcdb_curves",
    "learning_curve",
    "least_utilities",
    "linear_program_bound",
    "lottery_rewards",
    "menu_residuals",
    "outcome_probabilities",
    "proportional_rewards",
    "prove",
    "solve",
    "solve_complete_information",
    "solve_complete_information_many",
    "solve_many",
    "solve_responsive",
    "sweep",
]


def __getattr__(name: str) -> Any:
    if name in ("Proof", "prove"):
        return getattr(import_module(".checks.proof", __name__), name)
    if name == "__version__":
        from importlib.metadata import version  # takes a seventh of this module's time

        return version("paid-with-models")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
