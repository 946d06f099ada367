"""Chunks and results of sweeps: foreign, cut, altered or stale ones are not taken for good."""

import json
import math
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import numpy as np
import pytest
import xarray as xr

from paid_with_models import (
    GeneralizationBound,
    LinearValuation,
    PowerLaw,
    Problem,
    autarky,
    solve,
    sweep_cluster,
    sweep_store,
    sweeps,
)
from paid_with_models.sweep_store import Store, digest
from paid_with_models.sweeps import sweep
from pwm_companion.cli import main

BASE = Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
OVER = {"n_parties": [3, 4, 5, 6], "valuation.scale": [50, 100]}
SPEC = """\
problem: {n_parties: 5, probabilities: [0.5, 0.5], costs: [0.2, 0.1],
          accuracy: {name: GeneralizationBound}}
over: {n_parties: [3, 4, 5, 6], valuation.scale: [50, 100]}
chunk: 2
"""


def begin(target, monkeypatch, over=OVER):
    """Stop a sweep after three of four chunks; return what is computed of it later, as it grows."""
    solve_chunk, computed = sweeps._solve_chunk, []

    def solving(grid, start, stop):
        if len(computed) == 3:
            raise KeyboardInterrupt
        computed.append(start)
        return solve_chunk(grid, start, stop)

    monkeypatch.setattr(sweeps, "_solve_chunk", solving)
    with pytest.raises(KeyboardInterrupt):
        sweep(BASE, over, chunk=2, output=target)
    assert computed == [0, 2, 4]
    assert not target.exists()
    later = []
    monkeypatch.setattr(
        sweeps, "_solve_chunk", lambda *given: later.append(given[1]) or solve_chunk(*given)
    )
    return later


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """A sweep that was stopped after three of four chunks, and what is computed of it later."""
    target = tmp_path / "o.nc"
    return target, begin(target, monkeypatch)


@pytest.mark.parametrize("name", ["out.zarr", "out.nc"])
def test_a_restart_computes_only_what_is_missing(name, tmp_path, monkeypatch):
    target = tmp_path / name
    over = {"costs": [[0.2, 0.1], [0.3, 0.1]], "n_parties": [2, 5], "accuracy.complexity": [1, 3]}
    later = begin(target, monkeypatch, over)
    with pytest.raises(ValueError, match="another sweep"):
        sweep(BASE, over | {"n_parties": [2, 8]}, chunk=2, output=target)
    found = sweep(BASE, over, chunk=2, output=target)
    assert later == [6]
    whole = sweep(BASE, over, chunk=2)
    xr.testing.assert_allclose(found, whole, rtol=1e-7, atol=1e-7)
    later.clear()
    again = sweep(BASE, over, chunk=2, output=target)
    xr.testing.assert_allclose(again, found, rtol=1e-7, atol=1e-7)
    assert later == []
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with pytest.raises(ValueError, match="another sweep"):
        sweep(BASE, {"n_parties": [2]}, output=target)


def alter(path, change):
    with np.load(path) as stored:
        content = dict(stored)
    change(content)
    with path.open("wb") as file:
        np.savez(file, **content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: alter(path, lambda part: part.update(contributions=part["rewards"] * 0 + 7)),
        lambda path: alter(path, lambda part: part.pop("gap")),
        lambda path: alter(path, lambda part: part.pop("digest")),
        lambda path: alter(path, lambda part: part.update(more=np.zeros(2))),
        lambda path: path.write_bytes(path.read_bytes()[:-40]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"hello"),
        lambda path: path.unlink(),
        lambda path: shutil.copy(path.with_name("0.npz"), path),
    ],
)
def test_a_part_that_is_not_what_was_computed_is_computed_anew(begun, damage):
    target, later = begun
    damage(target.with_name("o.nc.parts") / "2.npz")
    found = sweep(BASE, OVER, chunk=2, output=target)
    assert later == [2, 6]
    xr.testing.assert_identical(found.drop_attrs(), sweep(BASE, OVER, chunk=2).drop_attrs())
    assert [path.name for path in target.parent.iterdir()] == ["o.nc"]


def test_parts_of_another_problem_or_library_are_not_mixed_in(begun, monkeypatch):
    target, later = begun
    parts = target.with_name("o.nc.parts")
    with pytest.raises(ValueError, match="begun by another sweep"):
        sweep(BASE, OVER | {"n_parties": [3, 4, 5, 7]}, chunk=2, output=target)
    # Not even if the note of what was asked is lost or says so.
    other = Store(target, sweep_store.key_of("another"))
    (parts / sweep_store.NOTE).write_text(other.key)
    with other.claimed():
        assert other.kept(range(0, 8, 2), 8, tuple(sweeps.RESULTS)) == {}
    (parts / sweep_store.NOTE).unlink()
    with pytest.raises(ValueError, match=r"\d\.npz, which no sweep has written"):
        sweep(BASE, OVER, chunk=2, output=target)
    monkeypatch.setattr(sweep_store, "library_fingerprint", lambda: "another")
    (parts / sweep_store.NOTE).write_text(json.dumps("not a key"))
    with pytest.raises(ValueError, match="begun by another sweep"):
        sweep(BASE, OVER, chunk=2, output=target)
    for path in parts.glob("*.npz"):
        path.unlink()
    found = sweep(BASE, OVER, chunk=2, output=target)
    assert later == [0, 2, 4, 6]
    assert found.gap.notnull().all()


def test_what_others_keep_beside_the_parts_stays(begun):
    target, _ = begun
    mine = target.with_name("o.nc.parts") / "mine.txt"
    mine.write_text("mine")
    sweep(BASE, OVER, chunk=2, output=target)
    assert [path.name for path in mine.parent.iterdir()] == ["mine.txt"]


def damaged(target, name):
    """Damage a finished result in one way."""
    if name == "an altered byte":
        content = bytearray(target.read_bytes())
        content[-9] ^= 1
        target.write_bytes(content)
    elif name == "cut":
        target.write_bytes(target.read_bytes()[:-100])
    elif name == "no variable":
        shutil.rmtree(target / "gap")
    else:
        (target / name).unlink()


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [("nc", "an altered byte"), ("nc", "cut"), ("zarr", "no variable"), ("zarr", "gap/0.0"),
     ("zarr", "gap/.zarray"), ("zarr", "gap/.zattrs"), ("zarr", ".zattrs"),
     ("zarr", "n_parties/0")],
)  # fmt: skip
def test_a_damaged_result_is_computed_anew(tmp_path, recwarn, suffix, damage):
    target = tmp_path / f"o.{suffix}"
    whole = sweep(BASE, OVER, output=target)
    calls = []
    damaged(target, damage)
    again = sweep(BASE, OVER, output=target, progress=lambda *done: calls.append(done))
    assert calls == [(0, 1), (1, 1)]
    xr.testing.assert_identical(whole, again)
    assert sweep(BASE, OVER, output=target).identical(sweep(BASE, OVER, output=target))
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert not recwarn.list


def test_what_is_no_result_is_neither_read_nor_replaced(tmp_path, capsys):
    spec = tmp_path / "s.yaml"
    spec.write_text(SPEC)
    text, folder, pipe = tmp_path / "o.nc", tmp_path / "o.zarr", tmp_path / "p.nc"
    text.write_text("mine")
    folder.mkdir()
    (folder / "mine").touch()
    shutil.copy(spec, pipe)
    for target in (text, folder, pipe):
        assert main(["sweep", str(spec), "--output", str(target)]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "move it or name another" in said
    assert text.read_text() == "mine"
    assert (folder / "mine").exists()
    spec.rename(tmp_path / "s.nc")
    words = ["sweep", str(tmp_path / "s.nc"), "--output", str(tmp_path / "s.nc")]
    assert main(words) == 2
    assert "is a file to be read" in capsys.readouterr().err


def test_two_at_once_on_one_output(tmp_path):
    target, seen = tmp_path / "o.nc", []

    def progress(done, of):
        if done == 1:
            with pytest.raises(ValueError, match="is being written by another run"):
                sweep(BASE, OVER, chunk=2, output=target)
            seen.append(done)

    sweep(BASE, OVER, chunk=2, output=target, progress=progress)
    assert seen == [1]
    assert [path.name for path in tmp_path.iterdir()] == ["o.nc"]


def test_a_huge_sweep_is_refused_with_an_estimate(tmp_path, capsys):
    values = np.linspace(1, 2, 150).tolist()
    over = dict.fromkeys(("valuation.scale", "accuracy.complexity"), values)
    with pytest.raises(ValueError, match=r"makes 2,250,000 .* would take about .* here"):
        sweep(BASE, over | {"n_parties": range(2, 102)})
    with pytest.raises(ValueError, match=r"makes 8 problems, more than limit = 7;"):
        sweep(BASE, OVER, limit=7)
    assert sweep(BASE, OVER, limit=math.inf).gap.size == 8
    many = np.linspace(1, 2, 30_000).tolist()
    with pytest.raises(ValueError, match=r"GiB"):
        sweep(BASE, {"accuracy.complexity": many, "valuation.scale": many})
    spec = tmp_path / "s.json"
    problem = {"n_parties": 5, "probabilities": [0.5, 0.5], "costs": [0.2, 0.1],
               "accuracy": {"name": "GeneralizationBound"}}  # fmt: skip
    spec.write_text(json.dumps({"problem": problem, "over": OVER}))
    words = ["sweep", str(spec), "--output", str(tmp_path / "o.nc")]
    assert main([*words, "--limit", "7"]) == 2
    assert "more than limit = 7" in capsys.readouterr().err
    assert main([*words, "--yes"]) == 0


def test_the_digest_sees_every_change():
    part = {"a": np.arange(4.0), "b": np.array(["x", "y"])}
    changed = [
        part | {"a": np.arange(4.0) + 1e-12},
        part | {"a": np.arange(4.0).reshape(2, 2)},
        part | {"b": np.array(["x", "z"])},
        {"a": part["a"], "c": part["b"]},
    ]
    assert len({digest(it) for it in [part, *changed]}) == 5
    assert digest(part) != digest(part, 1)


@contextmanager
def server(answer):
    """A server that greets everybody with `answer`, and then listens for ever."""
    listening = socket.create_server(("127.0.0.1", 0))
    held = []

    def serve():
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                held.append(connection)
                connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        for it in (listening, *held):
            it.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",  # never a word
        b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20,
        (10**12).to_bytes(8, "little") + b"x" * 100,  # announces 1 TB
        (50).to_bytes(8, "little") + b"x" * 60,  # another protocol
        (50).to_bytes(8, "little") + b"x" * 10,  # stops in the middle
    ],
)
def test_what_answers_is_no_scheduler(answer, tmp_path, capsys, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(sweep_cluster, "PATIENCE", 1)
    spec = tmp_path / "s.yaml"
    spec.write_text(SPEC)
    began = time.monotonic()
    with server(answer) as address:
        words = ["sweep", str(spec), "--output", str(tmp_path / "o.nc"), "--scheduler", address]
        assert main(words) == 2
    assert time.monotonic() - began < 10
    said = capsys.readouterr().err.splitlines()[1:]
    assert len(said) == 1
    assert said[0].startswith(f"pwm: --scheduler {address}: ")
    assert [path.name for path in tmp_path.iterdir()] == ["s.yaml"]


def test_a_scheduler_without_workers_or_with_others(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(sweep_cluster, "PATIENCE", 2)
    with (
        distributed.LocalCluster(
            n_workers=0, processes=False, protocol="tcp", dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        with pytest.raises(sweep_cluster.ClusterError, match="has no workers after 2 s"):
            sweep(BASE, OVER, client=cluster.scheduler_address)
        cluster.scale(1)
        client.wait_for_workers(1)
        found = sweep(BASE, OVER, client=client, chunk=3)
        assert found.gap.size == 8
        monkeypatch.setattr(sweep_cluster, "_with_fingerprint", other_version)
        with pytest.raises(ConnectionAbortedError, match="another version of the library"):
            sweep(BASE, OVER, client=client, chunk=3)


def other_version(work, *given):
    return "another", work(*given)


def test_a_client_must_be_one():
    pytest.importorskip("distributed")
    with pytest.raises(ValueError, match="client must be a Dask client"):
        sweep(BASE, OVER, client=7)


def test_an_ended_run_leaves_what_the_next_one_can_use(tmp_path):
    (tmp_path / "s.yaml").write_text(SPEC.replace("[3, 4, 5, 6]", str(list(range(3, 53)))))
    command = [sys.executable, "-m", "pwm_companion.cli", "sweep", "s.yaml", "--output", "o.zarr"]
    codes = []
    for signal in (2, 15):
        with subprocess.Popen(
            command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as run:
            said = []
            for line in run.stderr:
                said.append(line)
                if " of 50 chunks" in line and len(said) == 3:
                    os.kill(run.pid, signal)
        codes.append(run.returncode)
        assert "Traceback" not in "".join(said)
    assert codes == [1, 1]
    last = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert not last.stderr.startswith("0 of")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o.zarr", "s.yaml"]


def test_a_status_that_is_named_otherwise_is_not_taken(tmp_path):
    target = tmp_path / "out.zarr"
    plain = sweep(BASE, OVER, chunk=2, output=target)
    for name, old, new in (
        ("status/.zattrs", "optimal", "feasible"),
        ("rewards/.zattrs", '"value"', '"data"'),
        (".zattrs", "GeneralizationBound", "PowerLaw"),
    ):
        file = target / name
        file.write_text(file.read_text().replace(old, new))
        seen = []
        again = sweep(
            BASE, OVER, chunk=2, output=target, progress=lambda *it, to=seen: to.append(it)
        )
        assert seen[0] == (0, 4)  # computed anew
        assert again.identical(plain)


@pytest.mark.parametrize("suffix", ["zarr", "nc"])
def test_a_folder_of_somebody_else_is_not_touched(tmp_path, suffix):
    target = tmp_path / f"out.{suffix}"
    folder = tmp_path / f"out.{suffix}.parts"
    precious = tmp_path / "precious"
    precious.write_text("mine")
    for name in ("lock", "draft", "0.npz"):
        for put in (
            lambda path: path.write_text("mine" * 30),
            lambda path: path.symlink_to(precious),
        ):
            folder.mkdir()
            put(folder / name)
            with pytest.raises(ValueError, match=f"holds {name}, which no sweep has written"):
                sweep(BASE, OVER, output=target)
            assert (folder / name).read_text().startswith("mine")
            (folder / name).unlink()
            folder.rmdir()
    assert precious.read_text() == "mine"
    assert not target.exists()


def test_notes_in_a_damaged_store_are_kept(tmp_path):
    target = tmp_path / "out.zarr"
    sweep(BASE, OVER, output=target)
    (target / "NOTES.txt").write_text("mine")
    shutil.rmtree(target / "rewards")
    with pytest.raises(ValueError, match=r"holds NOTES\.txt, which no sweep has written"):
        sweep(BASE, OVER, output=target)
    assert (target / "NOTES.txt").read_text() == "mine"
    (target / "NOTES.txt").unlink()
    assert "rewards" in sweep(BASE, OVER, output=target)


@pytest.mark.parametrize("suffix", ["zarr", "nc"])
def test_an_output_that_is_a_link_is_written_where_it_leads(tmp_path, suffix):
    (tmp_path / "data").mkdir()
    link, target = tmp_path / f"l.{suffix}", tmp_path / "data" / f"t.{suffix}"
    link.symlink_to(target)
    sweep(BASE, OVER, output=link)
    assert link.is_symlink()
    assert target.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"data", link.name}
    loop = tmp_path / f"loop.{suffix}"
    loop.symlink_to(loop)
    with pytest.raises(OSError, match="symbolic links"):
        sweep(BASE, OVER, output=loop)
    assert loop.is_symlink()


def test_what_types_have_outside_is_at_least_what_they_reach_alone_at_each_point():
    base = Problem(6, [0.5, 0.5], [0.5, 0.2], PowerLaw(0.97, 1.2, 0.45), LinearValuation(100.0))
    over = {"costs": [[0.8, 0.2], [0.3, 0.2]], "valuation.scale": [50.0, 100.0]}
    found = sweep(base, over, outside=[0.0, 40.0])
    for k, costs in enumerate(over["costs"]):
        for j, scale in enumerate(over["valuation.scale"]):
            plain = Problem(6, [0.5, 0.5], costs, base.accuracy, LinearValuation(scale))
            better = np.maximum(autarky(plain).utilities, [0.0, 40.0])
            direct = solve(replace_outside(plain, better))
            np.testing.assert_allclose(found.contributions[k, j], direct.contributions, atol=1e-6)
    with pytest.raises(ValueError, match="outside must be numbers"):
        sweep(base, over, outside=["a", "b"])


def replace_outside(problem, outside):
    return Problem(
        problem.n_parties, problem.probabilities, problem.costs, problem.accuracy,
        problem.valuation, reservation_utilities=outside,
    )  # fmt: skip


def test_only_what_a_curve_is_made_with_can_vary():
    with pytest.raises(ValueError, match="over must name"):
        sweep(BASE, {"accuracy.__class__": [1]})


@pytest.mark.parametrize("other", ["gap/notes.txt", "gap/mine/note", ".zshrc", "data/c/note"])
def test_other_files_in_a_store_are_kept_wherever_they_are(tmp_path, other):
    target = tmp_path / "out.zarr"
    sweep(BASE, OVER, chunk=2, output=target)
    for chunk in (target / "gap").glob("[0-9]*"):
        chunk.unlink()  # so that it has to be made anew
    (target / other).parent.mkdir(parents=True, exist_ok=True)
    (target / other).write_text("mine")
    with pytest.raises(ValueError, match="which no sweep has written: move it"):
        sweep(BASE, OVER, chunk=2, output=target)
    assert (target / other).read_text() == "mine"


def test_links_in_a_store_are_kept(tmp_path):
    target = tmp_path / "out.zarr"
    sweep(BASE, OVER, chunk=2, output=target)
    (target / "gap" / "0.0").unlink()
    (target / "gap" / "0.1").symlink_to(tmp_path)
    with pytest.raises(ValueError, match=r"gap/0\.1, which no sweep has written"):
        sweep(BASE, OVER, chunk=2, output=target)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_and_folders_in_place_of_files_are_named(tmp_path, monkeypatch, capsys):
    (tmp_path / "sweep.yaml").write_text(SPEC)
    os.mkfifo(tmp_path / "out.nc")
    words = ["sweep", str(tmp_path / "sweep.yaml"), "--output", str(tmp_path / "out.nc")]
    assert main(words) == 2
    assert "out.nc is not a file" in capsys.readouterr().err
    for number, make in enumerate((os.mkfifo, os.mkdir)):
        target = tmp_path / f"{number}.zarr"
        with monkeypatch.context() as patched:
            begin(target, patched)
        part = tmp_path / f"{target.name}.parts" / "2.npz"
        part.unlink()
        make(part)
        with pytest.raises(ValueError, match="is no file, and no sweep has made it"):
            sweep(BASE, OVER, chunk=2, output=target)


@pytest.mark.parametrize("suffix", [".zarr", ".nc"])
def test_a_variable_that_somebody_has_added_is_kept(tmp_path, suffix):
    target = tmp_path / f"x{suffix}"
    computed = sweep(BASE, OVER, output=target)
    noted = computed.assign(my_notes=("n_parties", np.arange(4.0)))
    if suffix == ".zarr":
        noted[["my_notes"]].to_zarr(target, mode="a", zarr_format=2)
    else:
        noted.to_netcdf(target, engine="scipy")
    with pytest.raises(ValueError, match="holds my_notes, which no sweep has written: move it"):
        sweep(BASE, OVER, output=target)
    opened = xr.open_zarr(target) if suffix == ".zarr" else xr.open_dataset(target, engine="scipy")
    with opened:
        assert opened.my_notes.values.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["", "lock", "draft"])
def test_what_stands_where_chunks_are_kept_is_refused(tmp_path, name):
    folder = tmp_path / "x.zarr.parts"
    if name:
        (folder / name).mkdir(parents=True)
        (folder / name / "mine").write_text("kept")
        (folder / "sweep.sha256").write_text("0")
    else:
        folder.write_text("kept")
    with pytest.raises(ValueError, match="is not of a sweep: move it"):
        sweep(BASE, OVER, output=tmp_path / "x.zarr")
    assert (folder / name / "mine" if name else folder).read_text() == "kept"


@pytest.mark.parametrize("name", [".zattrs", "gap/0.0"])
def test_a_pipe_in_a_store_is_not_waited_for(tmp_path, name):
    target = tmp_path / "x.zarr"
    sweep(BASE, OVER, output=target)
    (target / name).unlink()
    os.mkfifo(target / name)
    with pytest.raises(ValueError, match=f"holds x.zarr/{name}, which no sweep has written"):
        sweep(BASE, OVER, output=target)


def test_a_link_to_a_folder_is_called_one(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.zarr").symlink_to(tmp_path / "real")
    with pytest.raises(ValueError, match=r"must end in .zarr or .nc; got .*, a link to real$"):
        sweep(BASE, OVER, output=tmp_path / "link.zarr")


def test_what_is_put_there_meanwhile_is_not_replaced(tmp_path):
    target = tmp_path / "x.nc"

    def put(done, of):
        if done == 2:
            target.write_text("precious")

    with pytest.raises(ValueError, match="is something else by now: move it; what was computed is"):
        sweep(BASE, OVER, output=target, chunk=2, progress=put)
    assert target.read_text() == "precious"
    target.unlink()
    found = []
    sweep(BASE, OVER, output=target, chunk=2, progress=lambda done, of: found.append(done))
    assert found[0] == found[-1]  # all chunks were kept


def test_no_pipe_and_no_draft_of_somebody_is_taken_for_a_sweeps(tmp_path):
    folder = tmp_path / "x.zarr.parts"
    folder.mkdir()
    os.mkfifo(folder / "lock")
    with pytest.raises(ValueError, match="lock is not of a sweep: move it"):
        sweep(BASE, OVER, output=tmp_path / "x.zarr")
    (folder / "lock").unlink()
    (folder / "draft").write_text("precious")
    with pytest.raises(ValueError, match="holds draft, which no sweep has written"):
        sweep(BASE, OVER, output=tmp_path / "x.zarr")
    assert (folder / "draft").read_text() == "precious"
