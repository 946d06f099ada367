"""What the book says about citing it, beside the files that say it too."""

import re
import tomllib
from pathlib import Path

import yaml

from companion import citation

ROOT = Path(__file__).parents[2]


def test_entry_of_the_paper_is_that_of_the_readme() -> None:
    (readme,) = re.findall(r"```bibtex\n(.*?)\n```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert citation.bibtex(ROOT)[0] == readme


def test_version_comes_from_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert citation.version(ROOT) == project["version"]
    assert f"version   = {{{project['version']}}}" in citation.bibtex(ROOT)[1]
    assert f"This is version {project['version']}." in citation.page(ROOT)
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == project["version"]
