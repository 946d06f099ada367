"""The figures as an RO-Crate: valid, complete, the same from run to run."""

import json
import os
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests
import rocrate

from pwm_companion.figures import crate
from pwm_companion.figures.draw import draw_figures

from .test_draw import IDS, write

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of three small figures, drawn, with their description."""
    root = write(tmp_path_factory.mktemp("crate"))
    shutil.copy(ROOT / "CITATION.cff", root)
    draw_figures(root, root / "build", jobs=1, say=lambda _: None)
    return root / "build/figures"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Answer what the validator asks for, the meaning of the terms, from the rocrate package."""
    context = Path(rocrate.__file__).parent / "data/ro-crate.jsonld"
    version = json.loads(context.read_text())["@id"]

    def send(_: requests.Session, request: requests.PreparedRequest, **__: Any) -> Any:
        assert request.url == version
        response = requests.Response()
        response.status_code, response.url, response.request = 200, version, request
        response._content = context.read_bytes()
        response.headers["Content-Type"] = "application/ld+json"
        return response

    monkeypatch.setattr(requests.Session, "send", send)
    return


#: Recommended, but the authors go by a name of their own.
ABOUT_PEOPLE = {
    "The organization SHOULD have a URL.",
    "An Organization's contactPoint SHOULD reference a ContactPoint contextual entity",
    "Data Entity `author` SHOULD reference a Person entity",
    (
        "An Organization entity SHOULD have a ROR identifier as its @id "
        "(e.g., https://ror.org/03f0f6041)"
    ),
    "At least one author or publisher Person/Organization SHOULD have a contactPoint property",
}


def issues(folder: Path) -> set[str]:
    """Return all that is not as the specification requires or recommends."""
    from rocrate_validator import models, services  # takes seconds to import

    settings = services.ValidationSettings(
        rocrate_uri=str(folder),
        profile_identifier="ro-crate-1.3",
        requirement_severity=models.Severity.RECOMMENDED,
        no_cache=True,
    )
    return {str(it.message) for it in services.validate(settings).get_issues()}


@pytest.mark.skipif("LONG" not in os.environ, reason="tried with LONG=1 (the validator is slow)")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what the validator uses
@pytest.mark.usefixtures("no_network")
def test_is_valid_and_the_validator_is_awake(home: Path, tmp_path: Path) -> None:
    assert issues(home) == ABOUT_PEOPLE
    spoiled = Path(shutil.copytree(home, tmp_path / "spoiled"))
    (spoiled / "fig-line-1/fig-line-1.pdf").unlink()
    found = issues(spoiled) - ABOUT_PEOPLE
    assert any("fig-line-1/fig-line-1.pdf" in message for message in found)


def test_names_all_files_with_digest_and_size_and_the_paper(home: Path) -> None:
    graph = {it["@id"]: it for it in json.loads((home / crate.FILE).read_text())["@graph"]}
    for name in IDS:
        files = {file for file in (home / name).iterdir() if file.name != "run.json"}
        parts = {it["@id"] for it in graph[f"{name}/"]["hasPart"]}
        assert parts == {f"{name}/{file.name}" for file in files}
        for file in files:
            about = graph[f"{name}/{file.name}"]
            assert about["sha256"] == sha256(file.read_bytes()).hexdigest()
            assert int(about["contentSize"]) == file.stat().st_size
        assert {it["@id"] for it in graph[f"#draw-{name}"]["result"]} == parts
        assert graph[f"{name}/"]["version"] == "1.2.3"
    paper = graph["https://doi.org/10.1609/aaai.v39i13.33552"]
    assert graph["./"]["citation"] == {"@id": paper["@id"]}
    assert paper["name"].startswith("Paid with Models")
    assert graph["./"]["license"]["@id"] in graph
    used = [it["@id"] for it in graph["#draw-fig-line-0"]["instrument"]]
    assert all(name in graph for name in used)
    assert graph["#software"]["version"] == "1.2.3"


def test_same_text_from_run_to_run(home: Path) -> None:
    before = (home / crate.FILE).read_text()
    assert crate.describe(home.parents[1], home, IDS) == before


def test_public_software_has_its_address(home: Path) -> None:
    text = crate.describe(home.parents[1], home, IDS, "https://example.org/code")
    graph = {it["@id"]: it for it in json.loads(text)["@graph"]}
    assert graph["#software"]["@type"] == "SoftwareApplication"
    assert graph["#software"]["url"] == "https://example.org/code"
