r"""Problems with nothing to solve: data that are too costly for anybody.

What a type contributes it must be worth to it, in some outcome. With :math:`\bar S` the most that
is collected in any, :math:`c_i m_i \le v(a(\bar S)) - f_i`, and at most N parties give the most
that any type gives:

.. math:: \bar S \le N \max_i \frac{v(a(\bar S)) - f_i}{c_i} .

Beyond the largest root of this no menu collects anything. Where it is 0 nobody contributes in any
menu, however many outcomes there are.
"""

from __future__ import annotations

import numpy as np

from ..complete_information import best_totals
from ..problem import Problem

__all__ = ["too_costly"]


def too_costly(problem: Problem) -> bool:
    """Whether no menu collects any data, for certain; of at least two parties.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> costly, cheap = (
    ...     Problem(100, [0.5, 0.5], [c, 2 * c], GeneralizationBound()) for c in (1e3, 1.0)
    ... )
    >>> too_costly(costly), too_costly(cheap)
    (True, False)
    """
    if problem.n_parties == 1:
        return False
    parties = np.array([[float(problem.n_parties)]])
    return all(
        best_totals(parties, np.array([cost]), np.array([outside]), problem.model_value)[0] == 0
        for cost, outside in zip(problem.costs, problem.outside_options, strict=True)
    )
