"""What every chapter with code begins with."""

from __future__ import annotations

import ast
import hashlib
import io
import itertools
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import myst_nb
import numpy as np
from IPython.core.getipython import get_ipython
from IPython.core.pylabtools import select_figure_formats

from ..figures.registry import (
    MARKER,
    PLACED,
    book_roots,
    csv,
    find_registry,
    get,
    load_registry,
)
from ..numerals import in_prose, power

NO_TRACES = {"Date": None, "Creator": None}  # in an SVG file: of when and with what
SALT = "paid-with-models"
#: What papermill puts above the parameters that it adds to a notebook.
INJECTED = "# Parameters\n"


class ParameterError(ValueError):
    """A notebook was given a parameter that it does not have, or of another type."""


def setup() -> None:
    """Make figures appear as SVG, and styled tables as plain ones do, with the same bytes each run.

    A figure is shown by `show`, or where it is the last expression of a cell, and nowhere else:
    the inline backend, which also shows what a cell leaves open, is not used.

    Raises
    ------
    ParameterError
        If papermill was given parameters, and the notebook has none: it puts them first then.
    """
    shell: Any = get_ipython()
    # Where this was called before, a person is at work, and begins again.
    if mpl.rcParams["svg.hashsalt"] != SALT and (given := _injected(shell)):
        raise ParameterError(f"{given[0]} is not a parameter: this notebook has none")
    mpl.use("agg")
    mpl.rcParams["svg.hashsalt"] = SALT
    select_figure_formats(shell, {"svg"}, bbox_inches="tight", metadata=NO_TRACES)
    number = itertools.count()
    # pandas draws the name of a styled table at random.
    shell.display_formatter.formatters["text/html"].for_type_by_name(
        "pandas.io.formats.style",
        "Styler",
        lambda styler: styler.to_html(
            table_uuid=f"table-{next(number)}", table_attributes='class="dataframe"'
        ),
    )


def _injected(shell: Any) -> list[str]:
    """Return the names of the parameters that papermill has added to the notebook so far."""
    names = []
    for cell in shell.user_ns.get("In", ()):
        if cell.startswith(INJECTED):
            lines = ast.parse(cell).body
            names += [ast.unparse(it.targets[0]) for it in lines if isinstance(it, ast.Assign)]
    return names


def check_parameters(**kinds: type) -> None:
    """Refuse parameters that a notebook does not have, or of another type.

    Called in the cell after the parameters. papermill itself lets pass what it does not know.

    Parameters
    ----------
    kinds
        The type of each parameter; a whole number passes for a float.

    Raises
    ------
    ParameterError
        Naming the parameter.
    """
    shell: Any = get_ipython()
    for name in _injected(shell):
        if name not in kinds:
            raise ParameterError(f"{name} is not a parameter; known are {', '.join(kinds)}")
    for name, kind in kinds.items():
        value = shell.user_ns[name]
        fits = isinstance(value, (int, float) if kind is float else kind)
        if not fits or (isinstance(value, bool) and kind is not bool):
            raise ParameterError(f"{name} must be of type {kind.__name__}; got {value!r}")


def stored(name: str) -> Any:
    """Return the content of a file of measurements or timings that the book shows.

    Parameters
    ----------
    name
        Its path in the repository, ``benchmarks/results.json``, say.

    Raises
    ------
    FileNotFoundError
        If it stands neither in a folder above the notebook nor in the installed package. A chapter
        that a build executes finds only what its front matter lists.
    """
    here = Path.cwd()
    roots = [here, *here.parents]
    if not os.environ.get(PLACED):
        roots += book_roots()
    for root in roots:
        if (root / name).is_file():
            return json.loads((root / name).read_text(encoding="utf-8"))
    raise FileNotFoundError(f"no {name} above {here}")


@dataclass(frozen=True)
class Shown:
    """A figure as a cell shows it, and what the page needs to know about it (``metadata``)."""

    data: dict[str, Any]
    metadata: dict[str, Any]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Any:
        return self.data, self.metadata


def show(figure_id: str, *result: Any) -> Shown:
    """Show a figure of the registry, as the last expression of a cell.

    Parameters
    ----------
    figure_id
        Its id. The caption, the text for those who do not see it and what stands below are the
        registry's.
    result
        What to draw, if not what the registry says: a result of other parameters. Left out, the
        figure of record is shown. In the book this is only a mark, and the build puts the figure's
        file there; in a notebook that is run elsewhere the figure is computed and drawn here.
    """
    root = find_registry(Path.cwd())
    record = get(load_registry(root), figure_id)
    if not result and os.environ.get(PLACED):
        return Shown({MARKER: {"id": figure_id}, "text/plain": record.title}, {})
    if record.file:
        svg, about = (root / record.file).read_text(encoding="utf-8"), {}
    else:
        figure, table = record.drawn(*(result or record.result(root)))
        file = io.BytesIO()
        figure.savefig(file, format="svg", bbox_inches="tight", metadata=NO_TRACES)
        svg = file.getvalue().decode()
        about = {
            "numbers": table.attrs.get("numbers", {}),
            "table": hashlib.sha256(csv(table)).hexdigest(),
        }
    data = {"image/svg+xml": svg, "text/plain": record.title}
    return Shown(data, {"figure": {"id": figure_id, **about}})


def glue(name: str, value: Any) -> None:
    """Keep `value` under `name` for the prose, which inserts it as ``{glue:text}`name:.3f```.

    NumPy's scalars become plain numbers: the format applies to what a value prints as.
    """
    myst_nb.glue(name, value.item() if isinstance(value, np.generic) else value, display=False)


def power_of_ten(value: float) -> str:
    """The least power of ten that `value` does not exceed in size, as prose writes it.

    Examples
    --------
    >>> power_of_ten(7e-14), power_of_ten(1e-6), power_of_ten(-0.0)
    ('10⁻¹³', '10⁻⁶', '0')
    """
    if value == 0:
        return "0"
    # Of 1e-6 the logarithm may come out a rounding error above -6.
    exponent = math.ceil(round(math.log10(abs(value)), 9))
    return power(exponent)


def signed(value: float, decimals: int) -> str:
    """A number that may be negative, with a minus sign and not a hyphen, as prose writes it.

    Examples
    --------
    >>> signed(-2.8671, 2), signed(0.5, 1)
    ('−2.87', '0.5')
    """
    return in_prose(f"{value:.{decimals}f}")
