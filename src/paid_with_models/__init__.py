"""Optimal contracts for collaborative machine learning, paid with models.

The modules follow the paper: :mod:`~paid_with_models.accuracy` and
:mod:`~paid_with_models.valuation`, :mod:`~paid_with_models.problem` (primitives and autarky),
:mod:`~paid_with_models.expectation` (who turns up), :mod:`~paid_with_models.complete_information`,
:mod:`~paid_with_models.first_moment` (the problem), :mod:`~paid_with_models.interior_point` (how
it is solved), :mod:`~paid_with_models.branch_and_bound` (where accuracy is not concave),
:mod:`~paid_with_models.selection` (who takes part), :mod:`~paid_with_models.screening` (the best
menu), :mod:`~paid_with_models.conic` (the same in CVXPY, to add constraints to),
:mod:`~paid_with_models.certificate` (proof), :mod:`~paid_with_models.audit` (of any menu),
:mod:`~paid_with_models.interchange` (files), :mod:`~paid_with_models.rewards`,
:mod:`~paid_with_models.welfare`, :mod:`~paid_with_models.experiments` (the paper's settings) and
:mod:`~paid_with_models.figures`. Beyond the paper: :mod:`~paid_with_models.attendance`,
:mod:`~paid_with_models.behavior`, :mod:`~paid_with_models.learning_curves` and
:mod:`~paid_with_models.trials` (real models), :mod:`~paid_with_models.quality` and
:mod:`~paid_with_models.sweeps`.
"""

from .accuracy import Arctan, Curve, GeneralizationBound, PowerLaw, Saturating
from .audit import Audit, audit
from .certificate import Residuals, linear_program_bound, menu_residuals
from .complete_information import (
    CompleteInformation,
    solve_complete_information,
    solve_complete_information_many,
)
from .conic import ConicProgram, ConicSolution, ConicStatus, conic_program
from .expectation import conditional_probabilities, enumerate_outcomes, outcome_probabilities
from .first_moment import least_utilities
from .problem import Autarky, Problem, autarky
from .rewards import (
    RewardDistribution,
    all_or_nothing_rewards,
    capped_rewards,
    lottery_rewards,
    proportional_rewards,
)
from .screening import Binding, Contract, Multipliers, Shape, Status, solve, solve_many
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
    "LinearValuation",
    "ModelValue",
    "Multipliers",
    "PowerLaw",
    "PowerValuation",
    "Problem",
    "Residuals",
    "RewardDistribution",
    "Saturating",
    "Shape",
    "Status",
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
    "least_utilities",
    "linear_program_bound",
    "lottery_rewards",
    "menu_residuals",
    "outcome_probabilities",
    "proportional_rewards",
    "solve",
    "solve_complete_information",
    "solve_complete_information_many",
    "solve_many",
    "sweep",
]
