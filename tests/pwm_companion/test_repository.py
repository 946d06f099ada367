"""The repository's own files: dependencies in step, nothing in them that belongs to one machine."""

import itertools
import os
import re
import runpy
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = PYPROJECT["project"]["dependencies"]
EXTRAS = PYPROJECT["project"]["optional-dependencies"]


def requirements(lines: list[str]) -> dict[str, str]:
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(item.name): str(item.specifier) for item in parsed}


def locked() -> dict[str, list[Version]]:
    versions: dict[str, list[Version]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", lock_text(), re.MULTILINE):
        versions.setdefault(canonicalize_name(name), []).append(Version(version))
    return versions


def lock_text() -> str:
    return (ROOT / "requirements.lock").read_text()


def tracked_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    names = filter(None, listing.stdout.split("\0"))
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def test_environment_declares_what_pyproject_does() -> None:
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    lines = [line for line in entries if isinstance(line, str)]
    (from_pip,) = (entry["pip"] for entry in entries if isinstance(entry, dict))
    # Binder takes the version of Python from here, if it is one: conda writes it with one sign.
    python = next(line for line in lines if line.startswith("python="))
    assert re.fullmatch(r"python=3\.\d+", python)
    assert PYPROJECT["project"]["requires-python"] == f">={python.removeprefix('python=')}"
    lines.remove(python)
    declared = requirements(lines + from_pip)
    assert declared.pop("pip") == ""
    build = requirements(PYPROJECT["build-system"]["requires"])
    for reader in ("jupyterlab", "nbconvert"):  # of notebooks, which the book itself does without
        assert declared.pop(reader)
    assert declared == requirements(RUNTIME + EXTRAS["book"]) | build


@pytest.mark.parametrize(
    "line", RUNTIME + EXTRAS["book"] + EXTRAS["proof"] + EXTRAS["sweep"] + EXTRAS["dev"]
)
def test_lock_satisfies_pyproject(line: str) -> None:
    requirement = Requirement(line)
    versions = locked()[canonicalize_name(requirement.name)]
    assert all(version in requirement.specifier for version in versions)


def test_lock_pins_everything_with_hashes_and_no_address() -> None:
    entries = re.split(r"\n(?=\S)", lock_text().strip())
    assert len(entries) > 100
    for entry in entries:
        assert re.match(r"[\w.-]+==[\w.]+( ; [^\\]+)? \\\n    --hash=sha256:", entry), entry
    assert "://" not in lock_text()
    assert "index-url" not in lock_text()


def test_lock_is_all_that_pip_installs() -> None:
    """The lock is installed with --no-deps: what its packages need must be in it."""
    from importlib.metadata import distribution

    missing = []
    for name in locked():
        try:
            needs = distribution(name).requires or []
        except ModuleNotFoundError:
            continue  # for another platform or Python
        for line in needs:
            requirement = Requirement(line)
            if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
                continue
            versions = locked().get(canonicalize_name(requirement.name), [])
            if not any(version in requirement.specifier for version in versions):
                missing.append(f"{name} needs {line}")
    assert missing == []


def test_citation_has_the_package_s_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PYPROJECT["project"]["version"]
    assert citation["preferred-citation"]["doi"] == "10.1609/aaai.v39i13.33552"


def test_changelog_has_the_package_s_version() -> None:
    assert f"## {PYPROJECT['project']['version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_readme_s_example_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102
    assert names["contract"].gap < 1e-8


def test_no_tracked_file_names_a_machine_s_paths_or_an_index() -> None:
    words = r"/(?:home|root|work|Users)/\w|/tmp/\w|index-url|simple/|PIP_[A-Z]+="
    found = []
    for file in tracked_files():
        if file == Path(__file__) or file.suffix in {".gz", ".pdf", ".png", ".svg"}:
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if re.search(words, line) and "--no-emit-index-url" not in line:
                found.append(f"{file.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []


def test_reproducing_is_what_make_does_and_containers_run_it() -> None:
    """After the REMARK standard: a script that reproduces, and a container to run it in."""
    script, docker = ROOT / "reproduce.sh", (ROOT / "Dockerfile").read_text()
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    targets = re.findall(r"^make (\w+)$", script.read_text(), re.MULTILINE)
    assert targets == ["book", "verify"]
    makefile = (ROOT / "Makefile").read_text()
    assert all(f"\n{it}:" in makefile for it in [*targets, *re.findall(r"RUN make (\w+)", docker)])
    python = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"][0]
    assert f"FROM python:{python.removeprefix('python=')}-" in docker
    assert 'CMD ["./reproduce.sh"]' in docker


def test_readme_is_whole_on_a_package_index() -> None:
    """Its picture and its links lead out of it once the repository's address is known."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", readme)
    relative = [link for link in links if "://" not in link]
    assert all((ROOT / link).exists() for link in relative)
    readme_for_index = runpy.run_path(str(ROOT / "setup.py"))["readme_for_index"]
    address = "https://code.example/pwm"
    public = readme_for_index(readme, address)
    assert all("://" in link for link in re.findall(r"\]\(([^)]+)\)", public))
    assert (
        readme_for_index("[a](b.md) [c](#d)", address) == f"[a]({address}/blob/main/b.md) [c](#d)"
    )
    assert f"]({address}/raw/main/book/_static/readme.png)" in public
    assert readme_for_index(readme, "") == readme


def test_hooks_check_what_make_lint_does() -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    hooks, (subject,) = (repo["hooks"] for repo in repos)
    recipe = (ROOT / "Makefile").read_text().split("\nlint:")[1].split("\n\n")[0]
    lint = [line.strip("\t@").replace("$(python)", ".venv/bin/python") for line in
            recipe.splitlines()[1:]]  # fmt: skip
    assert [hook["entry"] for hook in hooks] == lint
    assert subject["stages"] == ["commit-msg"]
    assert "make lint" in (ROOT / ".ci/run").read_text()


@pytest.mark.parametrize(("letters", "code"), [(72, 0), (73, 1)])
def test_a_subject_that_is_too_long_is_refused(tmp_path: Path, letters: int, code: int) -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    message = tmp_path / "message"
    message.write_text(f"{'a' * letters}\n\n{'b' * 80}\n")
    entry = repos[-1]["hooks"][0]["entry"]
    assert subprocess.run(f"{entry} {message}", shell=True, check=False).returncode == code  # noqa: S602


def test_workflows_run_what_there_is() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = {}
    for path in sorted((ROOT / ".github/workflows").glob("*.yml")):
        jobs = yaml.safe_load(path.read_text())["jobs"].values()
        steps = [step for job in jobs for step in job["steps"]]
        commands[path.stem] = [step["run"] for step in steps if "run" in step]
        for step in steps:
            python3 = step.get("with", {}).get("python-version", "3.11").split()[-1]
            assert PYPROJECT["project"]["requires-python"] == f">={python3}"
    assert ".ci/run" in commands["ci"]
    assert ".ci/run" in commands["weekly"]
    for command in itertools.chain(*commands.values()):
        assert command == ".ci/run" or command.split()[:2][1] in targets
