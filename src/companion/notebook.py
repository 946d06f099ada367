"""What every chapter with code begins with."""

import itertools
from typing import Any

import matplotlib as mpl
import myst_nb
import numpy as np
from IPython.core.getipython import get_ipython
from IPython.core.pylabtools import select_figure_formats


def setup() -> None:
    """Make figures appear as SVG, and styled tables as plain ones do, with the same bytes each run.

    A figure is shown where it is the last expression of a cell, and nowhere else: the inline
    backend, which also shows what a cell leaves open, is not used.
    """
    shell: Any = get_ipython()
    mpl.use("agg")
    mpl.rcParams["svg.hashsalt"] = "paid-with-models"
    select_figure_formats(
        shell, {"svg"}, bbox_inches="tight", metadata={"Date": None, "Creator": None}
    )
    number = itertools.count()
    # pandas draws the name of a styled table at random.
    shell.display_formatter.formatters["text/html"].for_type_by_name(
        "pandas.io.formats.style",
        "Styler",
        lambda styler: styler.to_html(
            table_uuid=f"table-{next(number)}", table_attributes='class="dataframe"'
        ),
    )


def glue(name: str, value: Any) -> None:
    """Keep `value` under `name` for the prose, which inserts it as ``{glue:text}`name:.3f```.

    NumPy's scalars become plain numbers: the format applies to what a value prints as.
    """
    myst_nb.glue(name, value.item() if isinstance(value, np.generic) else value, display=False)
