"""The reports of ``pwm report`` in a browser, as those of the site's pages."""

import asyncio
import json
from pathlib import Path

import pytest
import yaml
from playwright.async_api import async_playwright

from pwm_companion import cli
from pwm_companion.consortium.file import example
from tests.book.test_browser import CHROMIUM, FLAGS, look

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="left out: no Chromium on this machine to look at reports with"
)

STRANGE = "<script>alert(1)</script>\"'& \u202emoc.live مستشفى"


def reports(folder: Path) -> list[Path]:
    """Those of both examples, and of a file with texts that could do harm."""
    strange = yaml.safe_load(example("banks.yaml").read_text(encoding="utf-8"))
    strange |= {"title": STRANGE, "data_unit": STRANGE[:40], "value_unit": STRANGE[:40]}
    for k, party in enumerate(strange["parties"]):
        party["name"] = f"{k}".ljust(80, "W")
        party["type"] = f"{party['type'][0]}{STRANGE} {'W' * 20}"[:80]
        party["cost"] = 0.5 + ord(party["type"][0]) % 7 / 10
        party.pop("outside", None)
    strange["present"] = {"contributions": [30, 30, 30], "rewards": [99, 80, 10]}
    (folder / "strange.yaml").write_text(yaml.safe_dump(strange, allow_unicode=True))
    made = []
    for file in (example("hospitals.yaml"), example("banks.yaml"), folder / "strange.yaml"):
        made.append(folder / f"{file.stem}.html")
        assert cli.main(["report", str(file), "--output", str(made[-1])]) == 0
    return made


async def look_at(files: list[Path]) -> list[str]:
    """Look at each in all widths, light and dark, and return what is wrong."""
    found = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for file in files:
            problems = await look(browser, file)
            found += [f"{file.name}: {problem}" for problem in problems]
        await browser.close()
    return found


def test_reports_in_the_browser(tmp_path: Path) -> None:
    problems = asyncio.run(look_at(reports(tmp_path)))
    assert problems == [], json.dumps(problems, indent=1)
