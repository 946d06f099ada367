import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import pytest
import xarray as xr

from paid_with_models import (
    GeneralizationBound,
    LinearValuation,
    PowerLaw,
    Problem,
    Saturating,
    Status,
    solve,
    sweeps,
)
from paid_with_models.sweeps import RESULTS, sweep
from pwm_companion.cli import main

BASE = Problem(5, [0.3, 0.3, 0.4], [0.5, 0.2, 0.1], GeneralizationBound(), LinearValuation(100.0))
OVER = {
    "costs": [[0.5, 0.2, 0.1], [0.3, 0.3, 0.2]],
    "n_parties": [2, 5, 9],
    "accuracy.complexity": [1.0, 3.0],
}
SPEC = """\
problem:
  n_parties: 5
  probabilities: [0.5, 0.5]
  costs: [0.2, 0.1]
  accuracy: {name: GeneralizationBound}
over:
  n_parties: [3, 4, 5, 6]
  valuation.scale: [50, 100]
chunk: 2
"""


def test_each_point_is_what_a_direct_solve_says():
    found = sweep(BASE, OVER, chunk=5)
    assert found.contributions.dims == (*OVER, "type")
    for i, costs in enumerate(OVER["costs"]):
        for j, n_parties in enumerate(OVER["n_parties"]):
            for k, complexity in enumerate(OVER["accuracy.complexity"]):
                curve = GeneralizationBound(complexity=complexity)
                direct = solve(Problem(n_parties, BASE.probabilities, costs, curve))
                here = found.isel({"costs": i, "n_parties": j, "accuracy.complexity": k})
                for name in ("contributions", "rewards", "utilities"):
                    expected = getattr(direct, name)
                    np.testing.assert_allclose(here[name], expected, rtol=1e-6, atol=1e-6)
                assert abs(float(here.expected_accuracy) - direct.expected_accuracy) < 1e-8
                meaning = here.status.flag_meanings.split()[int(here.status)]
                assert Status[meaning.upper()] is direct.status
                assert float(here.gap) <= 1e-8 or direct.status is not Status.OPTIMAL
    assert all(found[name].units for name in RESULTS)


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({}, "at least one field"),
        ({"parties": [2]}, "'parties'"),
        ({"accuracy.slope": [2.0]}, "'accuracy.slope'"),
        ({"n_parties": []}, "at least one value"),
        ({"n_parties": [2, 0]}, "n_parties must"),
        ({"costs": [[0.1, 0.2]]}, "one entry per cost"),
        ({"accuracy.complexity": [-1.0]}, "complexity"),
        ({1: [1]}, "over must name .*; got 1$"),
        ({None: [1]}, "over must name .*; got None$"),
        ({"reservation_utilities": [None]}, "must hold lists of numbers; got None"),
        ({"reservation_utilities": [None, [70, 70, 70]]}, "must hold lists of numbers; got None"),
    ],
)
def test_what_cannot_vary_is_refused(over, message):
    with pytest.raises(ValueError, match=message):
        sweep(BASE, over)


@pytest.mark.parametrize("name", ["weights", "rates"])
def test_what_is_no_single_number_is_refused_before_anything_is_computed(name, monkeypatch):
    monkeypatch.delattr(sweeps, "_solve_chunk")
    base = Problem(5, [0.5, 0.5], [0.2, 0.1], Saturating((0.6, 0.3), (0.1, 0.01)))
    with pytest.raises(ValueError, match=rf"over\['accuracy.{name}'\] must hold single numbers"):
        sweep(base, {f"accuracy.{name}": [(0.6, 0.3), (0.5, 0.3)]})


@pytest.mark.parametrize("name", ["n_parties", "valuation.scale"])
@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_whole_numbers_of_any_size_can_be_written(name, suffix, tmp_path):
    base = Problem(5, [0.5, 0.5], [0.2, 0.1], Saturating((0.6, 0.3), (0.1, 0.01)))
    found = sweep(base, {name: [50, 3 * 10**9]}, output=tmp_path / f"out.{suffix}")
    assert found[name].values.tolist() == [50, 3 * 10**9]


def test_a_missing_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ImportError, match=r"zarr is needed .*paid-with-models\[sweep\]"):
        sweep(BASE, {"n_parties": [2]}, output=tmp_path / "out.zarr")


def test_the_command(tmp_path, capsys):
    spec, target = tmp_path / "spec.yaml", tmp_path / "out.nc"
    spec.write_text(SPEC)
    assert main(["sweep", str(spec), "--output", str(target)]) == 0
    said = capsys.readouterr()
    assert said.out.strip() == str(target)
    first, second, *_, last = said.err.splitlines()
    assert "left" not in first  # nothing is done yet
    assert "s left" in second
    assert "4 of 4 chunks" in last
    with xr.open_dataset(target, engine="scipy") as found:
        assert dict(found.gap.sizes) == {"n_parties": 4, "valuation.scale": 2}
        assert found["valuation.scale"].units == "value"


@pytest.mark.parametrize(
    ("text", "output", "message"),
    [
        (SPEC.replace("over:", "across:"), "o.nc", "across is not a known field"),
        (SPEC.replace("[3, 4, 5, 6]", "3"), "o.nc", "over.n_parties must be a list"),
        (SPEC.replace("[50, 100]", "[-1]"), "o.nc", "scale must"),
        (SPEC.replace("valuation.scale: [50, 100]", "1: [1]"), "o.nc", "got 1\n"),
        (SPEC.replace("chunk: 2", "chunk: none"), "o.nc", "chunk must"),
        (SPEC + "chunk: 3\n", "o.nc", "line 10: chunk is stated twice"),
        (SPEC + "more: [\n", "o.nc", "is not valid YAML: line"),
        (SPEC, "o.csv", "must end in .zarr or .nc"),
    ],
)
def test_bad_input_gets_one_line(text, output, message, tmp_path, capsys):
    spec = tmp_path / "spec.yaml"
    spec.write_text(text)
    assert main(["sweep", str(spec), "--output", str(tmp_path / output)]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("tcp://127.0.0.1:{free}", "does not answer"),
        ("127.0.0.1", "--scheduler must be the address of a scheduler"),
        ("", "--scheduler must be the address of a scheduler"),
        ("tcp://127.0.0.1:99999", "must be the address of a scheduler"),
    ],
)
def test_a_scheduler_that_is_not_there(address, message, tmp_path, capsys):
    pytest.importorskip("distributed")
    with socket.socket() as taken:  # bound, and not listening: nobody answers
        taken.bind(("127.0.0.1", 0))
        spec, target = tmp_path / "spec.yaml", tmp_path / "out.nc"
        spec.write_text(SPEC)
        address = address.format(free=taken.getsockname()[1])
        arguments = ["sweep", str(spec), "--output", str(target), "--scheduler", address]
        assert main(arguments) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == [spec]


def test_a_cluster_that_loses_a_worker(tmp_path):
    distributed = pytest.importorskip("distributed")
    over = {"n_parties": list(range(2, 14)), "accuracy.exponent": np.linspace(0.3, 0.9, 15)}
    base = Problem(2, [0.3, 0.3, 0.4], [0.5, 0.2, 0.1], PowerLaw(1.0, 1.0, 0.5, 1.0))
    killed, done = [], []
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        workers = client.run(os.getpid)
        assert len(set(workers.values()) - {os.getpid()}) == 2

        def progress(count, of):
            done.append(count)
            if count == 2:
                killed.append(next(iter(workers.values())))
                os.kill(killed[0], signal.SIGKILL)

        target = tmp_path / "out.nc"
        found = sweep(
            base,
            over,
            client=cluster.scheduler_address,
            chunk=10,
            output=target,
            progress=progress,
        )
        assert killed
        assert killed[0] not in client.run(os.getpid).values()
        assert done == list(range(19))
    xr.testing.assert_allclose(found, sweep(base, over, chunk=10), rtol=1e-7, atol=1e-7)


def test_a_scheduler_that_is_lost(tmp_path):
    pytest.importorskip("distributed")
    (tmp_path / "spec.yaml").write_text(SPEC.replace("[3, 4, 5, 6]", str(list(range(3, 63)))))
    dask, host = [sys.executable, "-m", "distributed.cli"], "127.0.0.1"
    with socket.socket() as free:
        free.bind((host, 0))
        port = str(free.getsockname()[1])
    address, log = f"tcp://{host}:{port}", (tmp_path / "log").open("w")
    options = {"cwd": tmp_path, "stdout": log, "stderr": log}
    scheduler = subprocess.Popen(
        [*dask[:2], f"{dask[2]}.dask_scheduler", "--host", host, "--port", port, "--no-dashboard"],
        **options,
    )
    worker = subprocess.Popen(
        [*dask[:2], f"{dask[2]}.dask_worker", address, "--nthreads", "1", "--no-dashboard",
         "--death-timeout", "60"],
        **options,
    )  # fmt: skip
    command = [
        sys.executable,
        "-m",
        "pwm_companion.cli",
        "sweep",
        "spec.yaml",
        "--output",
        "out.nc",
    ]
    try:
        while True:  # until the scheduler listens
            with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
                break
            assert scheduler.poll() is None
            time.sleep(0.2)
        said = []
        with subprocess.Popen(
            [*command, "--scheduler", address], cwd=tmp_path, stderr=subprocess.PIPE, text=True
        ) as running:
            for line in running.stderr:
                said.append(line)
                if line.startswith("2 of 60"):
                    scheduler.kill()
        assert running.returncode == 1
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait()
        log.close()
    # Dask may add a line as it goes.
    assert any(line.startswith("pwm: failed: the cluster gave up") for line in said)
    assert "Traceback" not in "".join(said)
    done = len(list((tmp_path / "out.nc.parts").glob("*.npz")))
    assert done >= 2
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert again.stderr.startswith(f"{done} of 60 chunks")


@pytest.mark.parametrize(
    "over",
    [
        {"n_parties": [5, 6, 5]},
        {"costs": [[0.5, 0.2, 0.1], (0.5, 0.2, 0.1)]},
        {"accuracy.complexity": [1, 1.0]},
        {"beliefs": ["own", "paper", "own"]},
    ],
)
def test_a_value_that_stands_twice_is_refused(over):
    with pytest.raises(ValueError, match=r"must hold each value once; got .* twice"):
        sweep(BASE, over)


@pytest.mark.parametrize("suffix", ["zarr", "nc"])
def test_no_folder_is_made_for_the_output(suffix, tmp_path, capsys):
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC)
    target = tmp_path / "none" / f"out.{suffix}"
    assert main(["sweep", str(spec), "--output", str(target)]) == 2
    assert "--output: there is no folder" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == [spec]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"progress": 5}, "progress must be a function"),
        ({"outside": [60.0]}, "outside must be a finite number per type, 2"),
        ({"outside": 60.0}, "outside must be a finite number per type, 2"),
        ({"outside": [np.inf, 1.0]}, "outside must be a finite number per type, 2"),
    ],
)
def test_what_a_sweep_is_told_is_checked_first(given, message):
    problem = Problem(5, [0.5, 0.5], [0.2, 0.1], GeneralizationBound())
    with pytest.raises(ValueError, match=message):
        sweep(problem, {"n_parties": [2, 3]}, **given)
