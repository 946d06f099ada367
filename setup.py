"""Adds to the wheel what notebooks read that run away from the repository; see pyproject.toml."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

#: The registry of the figures, the drawings that it names, and what was measured once.
STORED = (
    "book/figures.yml",
    "book/_static/timeline.*",
    "benchmarks/*.json",
    "endurance/proofs.json",
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
        root = Path(__file__).parent
        for file in sorted(it for pattern in STORED for it in root.glob(pattern)):
            target = Path(self.build_lib, "pwm_companion", "stored", file.relative_to(root))
            self.mkpath(str(target.parent))
            self.copy_file(str(file), str(target))


setup(cmdclass={"build_py": WithStored})
