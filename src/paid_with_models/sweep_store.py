"""What a sweep keeps on disk: finished chunks, each with a digest, and who is writing.

While a sweep computes, its chunks are in the folder ``OUTPUT.parts``. Every chunk says which
problem, grid and library it is of, and has a digest of its numbers: what is another's, cut short or
altered is computed anew. The folder is locked, so that no two runs write to one output.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

__all__ = ["Part", "Store", "digest", "key_of", "library_fingerprint"]

Part = dict[str, npt.NDArray[Any]]

#: NOTE, LOCK, DRAFT: beside the chunks: the key of what was asked, what is locked while a run
#: writes, and what is not finished.
NOTE, LOCK, DRAFT = "sweep.sha256", "lock", "draft"

#: MOST_OF_HEAD: bytes at the beginning of a result in which it says what it is of.
MOST_OF_HEAD = 5_000_000

#: OF_ZARR, CHUNK: files that describe arrays in a store of theirs, and names of their chunks.
OF_ZARR = (".zarray", ".zattrs", ".zgroup", ".zmetadata", "zarr.json")
CHUNK = re.compile(r"c|\d+(\.\d+)*")


@lru_cache(maxsize=1)
def library_fingerprint() -> str:
    """A digest of what computes: the version, the library's modules, and NumPy and SciPy.

    Examples
    --------
    >>> len(library_fingerprint())
    64
    """
    from importlib.metadata import PackageNotFoundError, version  # takes a while to import

    found = hashlib.sha256()
    for package in ("paid-with-models", "numpy", "scipy"):
        with contextlib.suppress(PackageNotFoundError):
            found.update(f"{package} {version(package)}\n".encode())
    here = Path(__file__).parent
    for path in sorted([*here.glob("*.py"), *here.glob("solver/*.py")]):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        found.update(f"{path.relative_to(here).as_posix()} {content}\n".encode())
    return found.hexdigest()


def digest(arrays: Mapping[str, npt.NDArray[Any]], *about: object) -> str:
    """A digest of named arrays, and of what they are about; kinds of numbers do not count.

    Examples
    --------
    >>> digest({"a": np.array([1, 2])}) == digest({"a": np.array([1.0, 2.0])})
    True
    """
    found = hashlib.sha256(json.dumps(about).encode())
    for name, values in sorted(arrays.items()):
        found.update(f"\n{name} {values.shape} ".encode())
        if values.dtype.kind in "iufb":
            found.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
        else:
            found.update(json.dumps(values.tolist(), default=str).encode())
    return found.hexdigest()


class Store:
    """The chunks of a sweep, beside its output.

    Parameters
    ----------
    target : Path
        The output.
    key : str
        A digest of what is asked, and of the library that computes it.
    """

    def __init__(self, target: Path, key: str) -> None:
        self.target, self.key = target, key
        self.folder = target.with_name(f"{target.name}.parts")

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Let no other run write to this output.

        Raises
        ------
        ValueError
            If another run does, or one that asked something else has begun this output.
        """
        self._check_folder()
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK).open("a") as lock:
            try:
                import fcntl
            except ImportError:  # not every system has locks
                pass
            else:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    raise ValueError(
                        f"output {self.target} is being written by another run: wait for its end,"
                        " or name another"
                    ) from None
            note = self.folder / NOTE
            others = note.exists() and note.read_bytes() != self.key.encode()
            if others and any(self.folder.glob("*.npz")):
                raise ValueError(
                    f"output {self.target} was begun by another sweep, or another version:"
                    f" remove {self.folder} or name another"
                )
            try:
                self._put(note, lambda path: path.write_bytes(self.key.encode()))
                yield
            finally:
                with contextlib.suppress(OSError):  # it stays if there are chunks
                    if not any(self.folder.glob("*.npz")):
                        self.remove()

    def _check_folder(self) -> None:
        """Refuse a folder that no sweep has begun: what is in it would be replaced."""
        others = [self.folder] if self.folder.exists() and not self.folder.is_dir() else []
        parts = [self.folder / name for name in (LOCK, DRAFT, NOTE)]
        others += [path for path in parts if path.exists() and not path.is_file()]
        if others:
            raise ValueError(f"output {self.target}: {others[0]} is not of a sweep: move it")
        if not self.folder.is_dir() or (self.folder / NOTE).is_file():
            return
        names = {LOCK, DRAFT, NOTE, f"{DRAFT}{self.target.suffix}", f"old{self.target.suffix}"}
        for path in self.folder.iterdir():
            if path.name not in names and not (path.suffix == ".npz" and path.stem.isdecimal()):
                continue  # what no run writes stays
            # A run that was killed at once leaves no more than these.
            left = path.name in (LOCK, DRAFT) and path.is_file() and not path.is_symlink()
            whole = len(self.key) * (path.name == DRAFT)
            if (
                not left
                or path.stat().st_size > whole
                or not set(path.read_bytes()) <= set(b"0123456789abcdef")
            ):
                raise ValueError(
                    f"output {self.target}: {self.folder} holds {path.name}, which no sweep has"
                    " written: move it or name another output"
                )

    def kept(self, starts: range, of_all: int, names: Sequence[str]) -> dict[int, Part]:
        """The chunks that an earlier run left, whole and of this sweep, by their starts."""
        found: dict[int, Part] = {}
        # Not by asking for each of what may be a million.
        for path in self.folder.glob("*.npz"):
            number = path.stem
            if not (number.isascii() and number.isdecimal() and int(number) in starts):
                continue
            start = int(number)
            if not path.is_file():
                raise ValueError(
                    f"output {self.target}: {path} is no file, and no sweep has made it: remove it"
                )
            try:
                with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                    part = dict(stored)
            except Exception:  # noqa: S112  # whatever a damaged file leads to
                continue
            written = part.pop("digest", np.array(""))
            count = min(starts.step, of_all - start)
            if (
                set(part) == set(names)
                and all(values.shape[:1] == (count,) for values in part.values())
                and str(written) == digest(part, self.key, start)
            ):
                found[start] = part
        return found

    def keep(self, start: int, part: Part) -> None:
        """Write a chunk."""
        content = {**part, "digest": np.array(digest(part, self.key, start))}

        def write(path: Path) -> None:
            with path.open("wb") as file:
                np.savez(file, allow_pickle=False, **content)

        self._put(self.folder / f"{start}.npz", write)

    def finish(self, write: Callable[[Path], Any]) -> None:
        """Write the output, in place of what is there, and remove the chunks."""
        draft = self.folder / f"{DRAFT}{self.target.suffix}"
        _remove(draft)
        write(draft)
        if self.target.is_file() and not self.is_named():  # it was put there meanwhile
            raise ValueError(
                f"output {self.target} is something else by now: move it; what was computed is in"
                f" {self.folder}"
            )
        if self.target.is_dir():  # a folder cannot be replaced in one step
            self._check_target()
            old = self.folder / f"old{self.target.suffix}"
            _remove(old)
            self.target.replace(old)
        draft.replace(self.target)
        self.remove()

    def _check_target(self) -> None:
        """Refuse to replace a folder in which somebody keeps other things."""
        for path in self.target.rglob("*"):
            depth = len(path.relative_to(self.target).parts)
            array = depth == 1 and any((path / name).is_file() for name in OF_ZARR)
            ours = path.name in OF_ZARR if path.is_file() else array
            if not (ours or (depth > 1 and CHUNK.fullmatch(path.name))) or path.is_symlink():
                self.refuse(path.relative_to(self.target))

    def check_kinds(self) -> None:
        """Refuse an output with pipes and the like in it: reading them would wait for ever."""
        for path in (self.target, *self.target.rglob("*")):
            if path.exists() and not (path.is_file() or path.is_dir()):
                self.refuse(path.relative_to(self.target.parent))

    def refuse(self, other: object) -> NoReturn:
        """Refuse an output in which somebody keeps something else."""
        raise ValueError(f"output {self.target} holds {other}, which no sweep has written: move it")

    def is_named(self) -> bool:
        """Whether the output, which may be damaged, still says that it is of this sweep."""
        heads = [self.target]
        if self.target.is_dir():
            of_folder = (self.target / name for name in (".zattrs", ".zmetadata"))
            heads = [path for path in of_folder if path.is_file()]
        for path in heads:
            with path.open("rb") as file:
                if self.key.encode() in file.read(MOST_OF_HEAD):
                    return True
        return False

    def remove(self) -> None:
        """Remove what this class writes, and the folder if it is then empty."""
        for path in self.folder.glob("*.npz"):
            if path.stem.isascii() and path.stem.isdecimal():
                path.unlink()
        suffix = self.target.suffix
        for name in (f"{DRAFT}{suffix}", f"old{suffix}", DRAFT, NOTE, LOCK):
            _remove(self.folder / name)
        with contextlib.suppress(OSError):  # somebody keeps other things in it
            self.folder.rmdir()

    def _put(self, path: Path, write: Callable[[Path], Any]) -> None:
        """Write so that what has the name is whole."""
        draft = self.folder / DRAFT
        _remove(draft)
        write(draft)
        os.replace(draft, path)  # noqa: PTH105


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def key_of(*asked: object) -> str:
    """The key of a sweep: a digest of what is asked, in plain numbers and lists, and the library.

    Examples
    --------
    >>> key_of({"n_parties": 5}, [["costs", [[0.1]]]]) == key_of({"n_parties": 5}, [])
    False
    """
    content = json.dumps([library_fingerprint(), *asked], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
