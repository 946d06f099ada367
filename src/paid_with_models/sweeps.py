r"""Many problems at once: one varied over a grid, on this machine or on a Dask cluster.

The grid is cut into chunks, which :func:`~paid_with_models.solver.routes.solve_many` solves. With
an ``output``, each chunk is kept in the folder ``OUTPUT.parts`` as soon as it is done
(module ``sweep_store``); a sweep that was interrupted computes what is missing. When
nothing is, the parts become one Zarr store or NetCDF file. It carries a digest, too: if it was
altered or is not whole any more, it is computed anew.

Dask and Zarr are optional: ``pip install 'paid-with-models[sweep]'``.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .accuracy import FloatArray
from .arguments import real, reals, whole
from .contract import Contract, Status
from .files import problem_to_dict
from .problem import Problem, autarky, check_problem
from .solver.routes import solve_many
from .sweep_store import Part, Store, digest, key_of
from .texts import brief, followed

__all__ = ["sweep"]


if TYPE_CHECKING:  # takes long to import, and most users solve one problem
    import xarray as xr


#: What a sweep may vary: whole fields, and parameters of these. DRAWS: fields that state the
#: independent draws; another law of who turns up states them itself.
DRAWS = ("n_parties", "probabilities")

FIELDS = (*DRAWS, "costs", "beliefs", "reservation_utilities", "max_data")


NESTED = ("accuracy", "valuation")


VECTORS = {
    "probabilities": "1",
    "costs": "value per unit of data",
    "reservation_utilities": "value",
    "max_data": "units of data",
}


#: Units of the parameters of curves and valuations; those of the others are 1.
PARAMETERS = {
    "accuracy.offset": "units of data",
    "accuracy.rate": "per unit of data",
    "valuation.scale": "value",
}


#: Result: whether it is for each type, unit, and what it is.
RESULTS = {
    "contributions": (True, "units of data", "contribution of a party"),
    "rewards": (True, "value", "expected value of the model that a party gets"),
    "utilities": (True, "value", "utility of a party, reward less cost"),
    "option": (True, "1", "option of the menu, named by the first type that takes it"),
    "expected_accuracy": (False, "1", "expected accuracy of the collective model"),
    "gap": (False, "1", "no contract has an expected accuracy higher by more than this"),
    "status": (False, "1", "what is proven"),
}


SUFFIXES = (".zarr", ".nc")


#: LIMIT: most problems that a sweep solves unless a larger limit is given: half an hour's work.
LIMIT = 1_000_000

#: MOST_BYTES: largest result, in bytes; it is put together in memory.
MOST_BYTES = 4 * 2**30

#: SAMPLE: problems that are solved to say how long a sweep would take.
SAMPLE = 16


def sweep(
    problem: Problem,
    over: Mapping[str, Sequence[Any]],
    *,
    client: Any = None,
    chunk: int = 1000,
    output: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    limit: float = LIMIT,
    outside: npt.ArrayLike | None = None,
) -> xr.Dataset:
    """Solve a problem at every point of a grid.

    Parameters
    ----------
    problem : Problem
        What is the same everywhere, under any law of who turns up.
    over : mapping of str to sequence
        What varies: ``n_parties``, ``probabilities``, ``costs``, ``beliefs``,
        ``reservation_utilities``, ``max_data``, or a parameter that is a number, as
        ``accuracy.complexity`` or ``valuation.scale``; and the values of each. Each is a dimension
        of the result, in this order. With ``attendance``, which states them, the first two stay.
    client : distributed.Client or str, optional
        Dask client, or address of a scheduler (``tcp://HOST:PORT``), to compute on. Default: in
        this process.
    chunk : int >= 1
        Problems solved together. Chunks run along the last dimension first.
    output : path, optional
        Zarr store (``.zarr``) or NetCDF file (``.nc``) to write. Chunks finished by an earlier
        call that asked the same of the same version are not computed again.
    progress : callable, optional
        Called with the number of chunks done and of all chunks, first with those done before.
    limit : float >= 1
        Most problems to be solved. What is more is refused, with an estimate of the time that it
        would take; infinity sets no limit.
    outside : (I,) array_like, optional
        What each type is said to have outside, units of value. At each point its outside option is
        that, or what it reaches alone there if this is more; ``reservation_utilities`` of the
        problem would stay, and are refused where a type reaches more alone.

    Returns
    -------
    xarray.Dataset
        ``contributions``, ``rewards``, ``utilities``, ``option`` (last dimension ``type``; types
        that share an option have its number, that of the first of them), ``expected_accuracy``,
        ``gap`` and ``status`` (a number, named by the attributes ``flag_values`` and
        ``flag_meanings``), each with its unit. Vectors that vary are the coordinates
        ``costs_of_type`` and so on, as their dimensions have no order.

    Raises
    ------
    ValueError
        Naming the argument, for a field that cannot vary, a value that is not allowed, more
        problems than the limit, or an output that holds another sweep, holds something else, or is
        being written by another run.
    ImportError
        If Dask or Zarr is needed and missing.
    OSError
        If a scheduler does not answer; ConnectionAbortedError if it is lost, or if a chunk is lost
        with every worker that tries it. Chunks that are done stay with the output.

    Examples
    --------
    >>> from paid_with_models import GeneralizationBound
    >>> base = Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    >>> found = sweep(base, {"n_parties": [5, 10], "accuracy.complexity": [1.0, 2.0, 3.0]})
    >>> dict(found.contributions.sizes), found.contributions.units
    ({'n_parties': 2, 'accuracy.complexity': 3, 'type': 2}, 'units of data')
    >>> bool((found.gap <= 1e-8).all())
    True
    """
    check_problem(problem)
    axes = _axes(over)
    chunk = whole("chunk", chunk, least=1)
    n_problems = math.prod(len(values) for values in axes.values())
    grid = _Grid(problem, axes, None if outside is None else _outside(outside, problem))
    _check_size(grid, n_problems, limit)
    _check_axes(grid)
    starts = range(0, n_problems, chunk)
    if progress is not None and not callable(progress):
        raise ValueError(f"progress must be a function of two numbers; got {brief(progress)}")
    tell = progress or (lambda done, of: None)
    if output is None:
        parts = _all_parts(grid, starts, client, {}, lambda start, part: None, tell)
        return _dataset(grid, parts)
    if not isinstance(output, str | os.PathLike):
        raise ValueError(f"output must be a path; got {brief(output)}")
    target = followed(Path(output))
    if target.suffix not in SUFFIXES:
        link = f", a link to {target.name}" if Path(output).is_symlink() else ""
        raise ValueError(f"output must end in .zarr or .nc; got {brief(str(output))}{link}")
    if target.suffix == ".zarr":
        _needed("zarr", "to write Zarr")
    plain = [[name, [np.asarray(value).tolist() for value in axis]] for name, axis in axes.items()]
    # A list of pairs: the order of the dimensions is part of what is asked.
    stated = [] if grid.outside is None else [grid.outside.tolist()]
    store = Store(target, key_of(problem_to_dict(problem), plain, chunk, *stated))
    known = {*RESULTS, "type", *axes, *(f"{name}_of_type" for name in axes)}
    if (finished := _finished(store, known)) is None:
        with store.claimed():
            # Another run may have come to its end while this one looked.
            if (finished := _finished(store, known)) is None:
                kept = store.kept(starts, n_problems, tuple(RESULTS))
                parts = _all_parts(grid, starts, client, kept, store.keep, tell)
                data = _dataset(grid, parts)
                data.attrs["sweep"] = store.key
                data.attrs["digest"] = _digest(data)
                store.finish(lambda path: _write(data, path))
                return data
    tell(len(starts), len(starts))
    return finished


def _outside(stated: npt.ArrayLike, problem: Problem) -> FloatArray:
    found = reals("outside", stated)
    if found.shape != problem.costs.shape or not np.isfinite(found).all():
        rule = f"outside must be a finite number per type, {problem.n_types}"
        raise ValueError(f"{rule}; got {brief(found.tolist())}")
    return found


def _axes(over: Any) -> dict[str, list[Any]]:
    if not isinstance(over, Mapping):
        raise ValueError(f"over must be a mapping of fields to values; got {brief(over)}")
    for name, values in over.items():
        is_list = isinstance(values, Sequence | range) or getattr(values, "ndim", 0) > 0
        if isinstance(values, str | bytes) or not is_list:
            raise ValueError(f"over[{name!r}] must be a list of values; got {brief(values)}")
    return {name: list(values) for name, values in over.items()}


@dataclass(frozen=True, eq=False)
class _Grid:
    """The problem, what varies, and what types are said to have outside."""

    problem: Problem
    axes: Mapping[str, list[Any]]
    outside: FloatArray | None

    def varied(self, values: Mapping[str, Any]) -> Problem:
        """The problem with other values of some fields."""
        problem = self.problem
        stated = {name: getattr(problem, name) for name in (*FIELDS, *NESTED)}
        if problem.attendance is not None:
            stated |= {"attendance": problem.attendance} | dict.fromkeys(DRAWS)
        for name, value in values.items():
            field, _, parameter = name.partition(".")
            stated[field] = replace(stated[field], **{parameter: value}) if parameter else value
        if self.outside is None or "reservation_utilities" in values:
            return Problem(**stated)
        alone = autarky(Problem(**(stated | {"reservation_utilities": None}))).utilities
        return Problem(**(stated | {"reservation_utilities": np.maximum(self.outside, alone)}))


def _check_size(grid: _Grid, n_problems: int, limit: float) -> None:
    """Refuse what would take too long, or more memory than there may be, and say how much."""
    if not real("limit", limit) >= 1:
        raise ValueError(f"limit must be a number >= 1; got {brief(limit)}")
    axes = grid.axes
    size = n_problems * 8 * (4 * grid.problem.n_types + 3)
    if n_problems <= limit and size <= MOST_BYTES:
        return
    for values in axes.values():
        del values[SAMPLE:]
    _check_axes(grid)
    some = itertools.islice(itertools.product(*axes.values()), SAMPLE)
    began = time.perf_counter()
    count = len(_solve_points(grid, some))
    seconds = (time.perf_counter() - began) / count * n_problems
    rule = f"more than limit = {limit:,.0f}; give a larger limit"
    if size > MOST_BYTES:
        most = f"{MOST_BYTES / 2**30:.3g} GiB"
        rule = f"whose results would take {size / 2**30:,.3g} GiB, more than {most}; take fewer"
    raise ValueError(
        f"over makes {n_problems:,} problems, {rule} (one after the other they would take about"
        f" {_duration(seconds)} here)"
    )


def _duration(seconds: float) -> str:
    """A time in the largest unit of which it has one."""
    for name, size in (("years", 31_557_600), ("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= size:
            return f"{seconds / size:,.3g} {name}"
    return f"{seconds:.3g} seconds"


def _all_parts(
    grid: _Grid,
    starts: range,
    client: Any,
    kept: Mapping[int, Part],
    keep: Callable[[int, Part], None],
    tell: Callable[[int, int], None],
) -> list[Part]:
    """Every chunk's results, in order: those kept, and the others, which are kept as they come."""
    parts = dict(kept)
    tell(len(parts), len(starts))
    todo = [start for start in starts if start not in parts]
    for start, part in _computed(grid, todo, starts.step, client):
        keep(start, part)
        parts[start] = part
        tell(len(parts), len(starts))
    return [parts[start] for start in starts]


def _check_axes(grid: _Grid) -> None:
    """Each value of each axis must make a problem, the rest as it is, and fit a coordinate."""
    problem, axes = grid.problem, grid.axes
    if not axes:
        raise ValueError("over must name at least one field; got {}")
    for name, values in axes.items():
        field, _, parameter = str(name).partition(".")
        if not (name in FIELDS or (field in NESTED and parameter in _parameters(problem, field))):
            raise ValueError(
                f"over must name {', '.join(FIELDS)}, or a parameter such as accuracy.optimum;"
                f" got {name!r}"
            )
        if problem.attendance is not None and name in DRAWS:
            raise ValueError(f"over must not name {name}: attendance states it")
        if not values:
            raise ValueError(f"over[{name!r}] must have at least one value; got []")
        seen = set()
        for value in values:
            try:
                grid.varied({name: value})
                coordinate = _coordinate(name, [value])
            except (TypeError, ValueError, OverflowError) as error:
                raise ValueError(f"over[{name!r}]: {error}") from None
            if coordinate.ndim != 1 + (name in VECTORS):
                rule = "lists of numbers" if name in VECTORS else "single numbers"
                raise ValueError(f"over[{name!r}] must hold {rule}; got {value!r}")
            if (key := coordinate.tobytes()) in seen:
                raise ValueError(f"over[{name!r}] must hold each value once; got {value!r} twice")
            seen.add(key)


def _parameters(problem: Problem, field: str) -> list[str]:
    """What a curve or valuation can be made with."""
    part = getattr(problem, field)
    return [it.name for it in fields(part) if it.init] if is_dataclass(part) else []


def _coordinate(name: str, values: list[Any]) -> npt.NDArray[Any]:
    """The values along an axis, (K,), or (K, I) for those of a field with a number per type."""
    if name == "beliefs":
        return np.array([str(value) for value in values])
    numbers = np.array(values, float)
    # NetCDF has whole numbers of 32 bits only.
    whole = name == "n_parties" and numbers.max() < 2**31
    return numbers.astype(int) if whole else numbers


def _solve_chunk(grid: _Grid, start: int, stop: int) -> Part:
    """The results at points ``start`` to ``stop`` of the grid, last dimension fastest."""
    axes = grid.axes
    sizes = [len(values) for values in axes.values()]
    stop = min(stop, math.prod(sizes))
    places = zip(*np.unravel_index(np.arange(start, stop), sizes), strict=True)
    points = (
        tuple(values[k] for values, k in zip(axes.values(), place, strict=True)) for place in places
    )
    contracts = _solve_points(grid, points)
    return {name: np.array([_result(it, name) for it in contracts]) for name in RESULTS}


def _solve_points(grid: _Grid, points: Iterator[tuple[Any, ...]]) -> list[Contract]:
    return solve_many([grid.varied(dict(zip(grid.axes, point, strict=True))) for point in points])


def _result(contract: Contract, name: str) -> npt.NDArray[Any] | float | np.int8:
    if name == "status":
        return np.int8(list(Status).index(contract.status))
    if name == "option":
        option = np.arange(1, contract.contributions.size + 1)
        for bunch in contract.bunches:
            option[list(bunch)] = bunch[0] + 1
        return option
    value: FloatArray | float = getattr(contract, name)
    return value


def _computed(grid: _Grid, todo: list[int], chunk: int, client: Any) -> Iterator[tuple[int, Part]]:
    """Each chunk's start and results, as they are done."""
    if client is None or not todo:
        for start in todo:
            yield start, _solve_chunk(grid, start, start + chunk)
        return
    from .sweep_cluster import compute  # the network's modules take a while to import

    yield from compute(client, _solve_chunk, (grid,), todo, chunk)


def _needed(module: str, what_for: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise ImportError(
            f"{module} is needed {what_for}: pip install 'paid-with-models[sweep]'"
        ) from None


def _dataset(grid: _Grid, parts: list[Part]) -> xr.Dataset:
    import xarray as xr

    problem, axes = grid.problem, grid.axes
    sizes = [len(values) for values in axes.values()]
    coordinates: dict[str, Any] = {
        "type": ("type", np.arange(1, problem.n_types + 1), {"units": "1", "long_name": "type"})
    }
    for name, values in axes.items():
        if name in VECTORS:
            attributes = {"units": VECTORS[name]}
            coordinates[f"{name}_of_type"] = ((name, "type"), _coordinate(name, values), attributes)
        else:
            units = "parties" if name == "n_parties" else PARAMETERS.get(name, "1")
            coordinates[name] = (name, _coordinate(name, values), {"units": units})
    variables = {}
    for name, (by_type, units, meaning) in RESULTS.items():
        found = np.concatenate([part[name] for part in parts])
        notes: dict[str, Any] = {"units": units, "long_name": meaning}
        if name == "status":
            notes |= {
                "flag_values": np.arange(len(Status), dtype=np.int8),
                "flag_meanings": " ".join(status.name.lower() for status in Status),
            }
        dimensions = (*axes, "type") if by_type else tuple(axes)
        shape = [*sizes, problem.n_types] if by_type else sizes
        variables[name] = (dimensions, found.reshape(shape), notes)
    attributes = {"title": "Optimal contracts", "Conventions": "CF-1.8"}
    try:
        attributes["problem"] = json.dumps(problem_to_dict(problem))
    except ValueError:  # a curve or valuation of one's own has no file form
        attributes["problem"] = repr(problem)
    return xr.Dataset(variables, coordinates, attributes)


def _digest(data: xr.Dataset) -> str:
    """Of all numbers, with their dimensions, and of all that is said of them."""
    arrays = {str(name): np.asarray(values) for name, values in data.variables.items()}
    dimensions = sorted((str(name), list(it.dims)) for name, it in data.variables.items())
    said = {str(name): it.attrs for name, it in data.variables.items()}
    said["of all"] = {name: it for name, it in data.attrs.items() if name != "digest"}
    plain = {
        name: {str(key): np.asarray(it).tolist() for key, it in sorted(attrs.items())}
        for name, attrs in sorted(said.items())
    }
    return digest(arrays, dimensions, plain)


def _write(data: xr.Dataset, path: Path) -> None:
    if path.suffix == ".zarr":
        data.to_zarr(path, mode="w", zarr_format=2)
    else:
        data.to_netcdf(path, engine="scipy")


def _finished(store: Store, known: set[str]) -> xr.Dataset | None:
    """The result that is there; None if there is none, or it is not whole any more.

    Raises
    ------
    ValueError
        If there is something else, another sweep, or a variable that is not of the known ones.
    """
    import xarray as xr

    target, found, ours, whole = store.target, None, False, False
    if not target.exists():
        return None
    store.check_kinds()
    try:
        with warnings.catch_warnings(action="ignore"):  # of what is missing
            opened: xr.Dataset = (
                # What every variable says of itself, not the copy of it all in one place.
                xr.open_zarr(target, chunks=None, consolidated=False)
                if target.suffix == ".zarr"
                else xr.open_dataset(target, engine="scipy")
            )
        with opened:
            found = opened.load()
        ours = found.attrs.get("sweep") == store.key
        whole = ours and found.attrs.get("digest") == _digest(found)
    except Exception:  # noqa: S110  # whatever a foreign or damaged file leads to
        pass
    if whole:
        return found
    if ours and found is not None and (foreign := {*map(str, found.variables)} - known):
        store.refuse(min(foreign))
    if not store.is_named():
        raise ValueError(
            f"output {target} holds another sweep, one of another version, or something else:"
            " move it or name another"
        )
    return None
