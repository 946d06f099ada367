r"""Many problems at once: one varied over a grid, on this machine or on a Dask cluster.

The grid is cut into chunks, which :func:`~paid_with_models.solver.routes.solve_many` solves. With
an ``output``, each chunk is kept in the folder ``OUTPUT.parts`` as soon as it is done, beside a
hash of what was asked; a sweep that was interrupted computes what is missing. When nothing is, the
parts become one Zarr store or NetCDF file.

Dask and Zarr are optional: ``pip install 'paid-with-models[sweep]'``.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from .accuracy import FloatArray
from .contract import Contract, Status
from .files import problem_to_dict
from .problem import Problem
from .solver.routes import solve_many

__all__ = ["sweep"]


if TYPE_CHECKING:  # takes long to import, and most users solve one problem
    import xarray as xr


Part = dict[str, npt.NDArray[Any]]


#: What a sweep may vary: whole fields, and parameters of these.
FIELDS = ("n_parties", "probabilities", "costs", "beliefs", "reservation_utilities")


NESTED = ("accuracy", "valuation")


VECTORS = {
    "probabilities": "1",
    "costs": "value per unit of data",
    "reservation_utilities": "value",
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


#: Beside the chunks: the hash of what was asked.
NOTE = "sweep.sha256"


#: A chunk is sent to another worker when so many died over it or could not be reached.
RETRIES = 3


#: Seconds that a scheduler has to answer.
PATIENCE = 10


def sweep(
    problem: Problem,
    over: Mapping[str, Sequence[Any]],
    *,
    client: Any = None,
    chunk: int = 1000,
    output: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Solve a problem at every point of a grid.

    Parameters
    ----------
    problem : Problem
        What is the same everywhere.
    over : mapping of str to sequence
        What varies: ``n_parties``, ``probabilities``, ``costs``, ``beliefs``,
        ``reservation_utilities``, or a parameter that is a number, as ``accuracy.complexity`` or
        ``valuation.scale``; and the values of each. Each is a dimension of the result, in this
        order.
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
        Naming the argument, for a field that cannot vary, a value that is not allowed, or an
        output that holds another sweep.
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
    problem.check_independent_draws()
    axes = {name: list(values) for name, values in over.items()}
    _check_axes(problem, axes)
    if type(chunk) is not int or chunk < 1:
        raise ValueError(f"chunk must be a whole number >= 1; got {chunk!r}")
    starts = range(0, math.prod(len(values) for values in axes.values()), chunk)
    tell = progress or (lambda done, of: None)
    if output is None:
        parts = _all_parts(problem, axes, starts, client, {}, lambda start, part: None, tell)
        return _dataset(problem, axes, parts)
    target, key = Path(output), _hash(problem, axes, chunk)
    if target.suffix not in SUFFIXES:
        raise ValueError(f"output must end in .zarr or .nc; got {str(output)!r}")
    if target.suffix == ".zarr":
        _needed("zarr", "to write Zarr")
    if target.exists():
        finished = _read(target)
        if finished.attrs.get("sweep") != key:
            raise ValueError(
                f"output {target} holds another sweep, or one of another version:"
                " move it or name another"
            )
        tell(len(starts), len(starts))
        return finished
    kept = _kept(target, key, starts)
    parts = _all_parts(
        problem,
        axes,
        starts,
        client,
        kept,
        lambda start, part: _keep(target, key, start, part),
        tell,
    )
    data = _dataset(problem, axes, parts)
    data.attrs["sweep"] = key
    _write(data, target)
    return data


def _all_parts(
    problem: Problem,
    axes: Mapping[str, list[Any]],
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
    for start, part in _computed(problem, axes, todo, starts.step, client):
        keep(start, part)
        parts[start] = part
        tell(len(parts), len(starts))
    return [parts[start] for start in starts]


def _check_axes(problem: Problem, axes: Mapping[str, list[Any]]) -> None:
    """Each value of each axis must make a problem, the rest as it is, and fit a coordinate."""
    if not axes:
        raise ValueError("over must name at least one field; got {}")
    for name, values in axes.items():
        field, _, parameter = str(name).partition(".")
        if not (
            name in FIELDS or (field in NESTED and hasattr(getattr(problem, field), parameter))
        ):
            raise ValueError(
                f"over must name {', '.join(FIELDS)}, or a parameter such as accuracy.optimum;"
                f" got {name!r}"
            )
        if not values:
            raise ValueError(f"over[{name!r}] must have at least one value; got []")
        for value in values:
            try:
                _varied(problem, {name: value})
                coordinate = _coordinate(name, [value])
            except (TypeError, ValueError, OverflowError) as error:
                raise ValueError(f"over[{name!r}]: {error}") from None
            if coordinate.ndim != 1 + (name in VECTORS):
                rule = "lists of numbers" if name in VECTORS else "single numbers"
                raise ValueError(f"over[{name!r}] must hold {rule}; got {value!r}")


def _coordinate(name: str, values: list[Any]) -> npt.NDArray[Any]:
    """The values along an axis, (K,), or (K, I) for those of a field with a number per type."""
    if name == "beliefs":
        return np.array(values)
    numbers = np.array(values, float)
    # NetCDF has whole numbers of 32 bits only.
    whole = name == "n_parties" and numbers.max() < 2**31
    return numbers.astype(int) if whole else numbers


def _varied(problem: Problem, values: Mapping[str, Any]) -> Problem:
    stated = {name: getattr(problem, name) for name in (*FIELDS, *NESTED)}
    for name, value in values.items():
        field, _, parameter = name.partition(".")
        stated[field] = replace(stated[field], **{parameter: value}) if parameter else value
    return Problem(**stated)


def _solve_chunk(problem: Problem, axes: Mapping[str, list[Any]], start: int, stop: int) -> Part:
    """The results at points ``start`` to ``stop`` of the grid, last dimension fastest."""
    points = itertools.islice(itertools.product(*axes.values()), start, stop)
    contracts = solve_many(
        [_varied(problem, dict(zip(axes, point, strict=True))) for point in points]
    )
    return {name: np.array([_result(it, name) for it in contracts]) for name in RESULTS}


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


def _computed(
    problem: Problem, axes: Mapping[str, list[Any]], todo: list[int], chunk: int, client: Any
) -> Iterator[tuple[int, Part]]:
    """Each chunk's start and results, as they are done."""
    if client is None or not todo:
        for start in todo:
            yield start, _solve_chunk(problem, axes, start, start + chunk)
        return
    distributed = _needed("distributed", "to compute on a cluster")
    with _connected(distributed, client) as cluster:
        futures = {
            cluster.submit(
                _solve_chunk, problem, axes, start, start + chunk, pure=False, retries=RETRIES
            ): start
            for start in todo
        }
        try:
            for future in distributed.as_completed(list(futures)):
                yield futures.pop(future), future.result()
        except (distributed.KilledWorker, CancelledError, OSError) as error:
            raise ConnectionAbortedError(
                f"the cluster gave up with {len(futures)} of {len(todo)} chunks to come:"
                f" {type(error).__name__}"
            ) from error
        finally:
            with suppress(OSError):  # a scheduler that was lost
                cluster.cancel(list(futures))


def _connected(distributed: Any, client: Any) -> AbstractContextManager[Any]:
    """The client itself, or one of an address, which is closed at the end."""
    if not isinstance(client, str):
        return nullcontext(client)
    try:
        where = urlsplit(client)
        host, port = where.hostname, where.port
    except ValueError:
        host, port = None, None
    if not host or not port:
        raise ValueError(
            f"client must be the address of a scheduler, tcp://HOST:PORT; got {client!r}"
        )
    # Dask would try again and again, and log each time.
    socket.create_connection((host, port), timeout=PATIENCE).close()
    connected: AbstractContextManager[Any] = distributed.Client(client, timeout=f"{PATIENCE}s")
    return connected


def _needed(module: str, what_for: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise ImportError(
            f"{module} is needed {what_for}: pip install 'paid-with-models[sweep]'"
        ) from None


def _hash(problem: Problem, axes: Mapping[str, list[Any]], chunk: int) -> str:
    plain = {name: [np.asarray(value).tolist() for value in axis] for name, axis in axes.items()}
    # A list of pairs: the order of the dimensions is part of what is asked.
    asked = [version("paid-with-models"), problem_to_dict(problem), list(plain.items()), chunk]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _parts(target: Path) -> Path:
    return target.with_name(f"{target.name}.parts")


def _kept(target: Path, key: str, starts: range) -> dict[int, Part]:
    """Chunks that an earlier call left."""
    folder = _parts(target)
    note = folder / NOTE
    if note.exists() and note.read_text(encoding="utf-8") != key:
        raise ValueError(
            f"output {target} was begun by another sweep, or another version:"
            f" remove {folder} or name another"
        )
    found: dict[int, Part] = {}
    for start in starts if note.exists() else ():
        if (path := folder / f"{start}.npz").exists():
            with np.load(path) as part:
                found[start] = dict(part)
    return found


def _keep(target: Path, key: str, start: int, part: Part) -> None:
    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **part)

    folder = _parts(target)
    folder.mkdir(parents=True, exist_ok=True)
    _put(folder / NOTE, lambda path: path.write_text(key, encoding="utf-8"))
    _put(folder / f"{start}.npz", write)


def _put(path: Path, write: Callable[[Path], Any]) -> None:
    """Write so that what has the name is whole."""
    draft = path.with_name(f"{path.name}.draft")
    write(draft)
    draft.replace(path)


def _dataset(problem: Problem, axes: Mapping[str, list[Any]], parts: list[Part]) -> xr.Dataset:
    import xarray as xr

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


def _write(data: xr.Dataset, target: Path) -> None:
    if target.suffix == ".zarr":
        _put(target, lambda path: data.to_zarr(path, mode="w", zarr_format=2))
    else:
        _put(target, lambda path: data.to_netcdf(path, engine="scipy"))
    shutil.rmtree(_parts(target))


def _read(target: Path) -> xr.Dataset:
    import xarray as xr

    opened: xr.Dataset = (
        xr.open_zarr(target, chunks=None)
        if target.suffix == ".zarr"
        else xr.open_dataset(target, engine="scipy")
    )
    with opened:
        return opened.load()
