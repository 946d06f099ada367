"""The page of verdicts: how the book's numbers and tables compare with the reference."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ..compare import Finding, Verdict, read_tolerances
from ..verify import FOLDER, counts

#: Where a page wants the verdicts.
PLACE = "<!-- verdicts -->"


def page(findings: list[Finding], root: Path) -> str:
    """Return the verdicts as MyST text."""
    if not findings:
        return "This book has no reference values.\n"
    tolerances = read_tolerances(root / FOLDER)
    header = [verdict.value for verdict in Verdict]
    lines = ["All findings, one by one: {download}`verify.json`.", ""]
    lines += ["## Chapters and figures", ""]
    lines += ["```{table} Findings by page.", f"| | {' | '.join(header)} |"]
    lines.append(f"|:--|{'--:|' * len(header)}")
    for name in dict.fromkeys(it.page for it in findings):
        number = counts(it for it in findings if it.page == name)
        figure = name.removeprefix("figures/")
        link = f"{{doc}}`/{name}`" if figure == name else f"`{figure}`"
        lines.append(f"| {link} | {' | '.join(str(n or '') for n in number.values())} |")
    total = " | ".join(f"**{number}**" for number in counts(findings).values())
    lines += [f"| **all** | {total} |", "```", "", "## What is not identical", ""]
    moved = [it for it in findings if it.verdict is not Verdict.IDENTICAL]
    lines += [f"- `{it.page}`: {it.name}, *{it.verdict}* ({it.tolerance})" for it in moved] or [
        "Nothing: every number and table is the same to the last digit."
    ]
    lines += ["", "## Tolerances", ""]
    lines += ["```{table} Classes of values, and what each may differ by."]
    lines += ["| class | of these | may differ by | why |", "|:--|--:|:--|:--|"]
    used = Counter(it.tolerance for it in findings)
    for name, limit in tolerances.limits.items():
        lines.append(f"| {name} | {used[name]} | {limit} | {tolerances.reasons[name]} |")
    lines.append("```")
    return "\n".join([*lines, ""])
