"""What pyproject.toml cannot say: files from outside the packages, and the text for an index."""

import re
import tomllib
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent

#: What notebooks read that run away from the repository: the registry of the figures, the drawings
#: that it names, and what was measured once.
STORED = (
    "book/figures.yml",
    "book/_static/timeline.*",
    "benchmarks/*.json",
    "endurance/proofs.json",
    "endurance/regions.json",
    "endurance/routes.json",
    "measurements/*.json",
)


class WithStored(build_py):
    """Copies the files to where `pwm_companion.figures.registry.STORED` is."""

    def run(self):
        """Build, and add the files."""
        super().run()
        if self.editable_mode:  # the repository is at hand
            return
        for file in sorted(it for pattern in STORED for it in ROOT.glob(pattern)):
            target = Path(self.build_lib, "pwm_companion", "stored", file.relative_to(ROOT))
            self.mkpath(str(target.parent))
            self.copy_file(str(file), str(target))


def readme_for_index(text, repository):
    """Return the text of README.md for a package index, where no file stands beside it.

    Parameters
    ----------
    text : str
        Markdown whose links may be relative.
    repository : str
        The repository's public address; while it is empty the text stays as it is.
    """
    if not repository:
        return text
    address = repository.rstrip("/")
    text = re.sub(r"(!\[[^]]*\]\()(?![a-z]+://)", rf"\1{address}/raw/main/", text)
    return re.sub(r"(?<!!)(\[[^]]*\]\()(?![a-z]+://|#|\))", rf"\1{address}/blob/main/", text)


if __name__ == "__main__":
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    setup(
        cmdclass={"build_py": WithStored},
        long_description=readme_for_index(
            (ROOT / "README.md").read_text(encoding="utf-8"),
            pyproject["tool"]["pwm"]["repository_url"],
        ),
        long_description_content_type="text/markdown",
    )
