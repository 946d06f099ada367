"""Jupyter Book: from the staged book to a site, all of it or only the pages that changed.

Below the folder of a build stands ``sphinx/``: what Jupyter Book made of the stage before its files
were shortened, with what it had read. If since then only pages have changed, and nothing of them
that others show (see `pwm_companion.book.sphinx_ext`), it reads and writes these pages alone;
otherwise, and whenever anything goes wrong, it begins anew. Both ways give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import WorkError
from ..files import cache_key, digest, write_whole
from .execute import ANSI

#: Files of the stage, beside the pages, that a site takes as they are: copied at each build.
COPIED = ("files/", "book/verify.json")
PAGES = (".md", ".ipynb")

#: Says, below ``sphinx/``, from which files and with what it was made. It is there only while that
#: is true and whole.
RECORD = "made-from.txt"

#: Says, below ``sphinx/``, what was there when a build had ended.
WHOLE = "holds.txt"

#: Below ``sphinx/``: left by `pwm_companion.book.sphinx_ext`. A book without that is made anew.
SHARED = "_build/.doctrees/shared.txt"

#: In the environment of Jupyter Book when it builds what was staged for it: see
#: `pwm_companion.book.sphinx_ext`.
STAGED = "PWM_STAGED"

#: Jupyter Book is imported while chapters are executed; a line on its stdin says: begin.
START = (
    "import sys; from jupyter_book.cli.main import main; import jupyter_book.sphinx, pandas; "
    "import myst_nb.sphinx_ext, sphinx_book_theme, sphinxcontrib.bibtex, sphinx_proof; "
    "import sphinx_design, sphinx_exercise, pwm_companion.explorables.directive; "
    "sys.stdin.readline() or sys.exit(1); main()"
)


class BuildError(WorkError):
    """The site could not be built; the last good one is still in place."""


class Site:
    """One run of Jupyter Book, or two if the first, of changed pages only, is no use.

    Parameters
    ----------
    stage
        What Jupyter Book sees.
    home
        Gets the folder ``sphinx``.
    environment
        Of its process.
    draft
        Whether to let warnings pass.
    """

    def __init__(self, stage: Path, home: Path, environment: Mapping[str, str], draft: bool):
        self.stage, self.place, self.draft = stage, home / "sphinx", draft
        self.environment = environment
        self._process: subprocess.Popen[str] | None = None

    def prepare(self) -> None:
        """Start the process, which imports what it needs and waits."""
        command = [sys.executable, "-c", START, "build", str(self.stage), "-q"]
        command += ["--path-output", str(self.place)]
        if not self.draft:
            command += ["-n", "-W", "--keep-going"]
        self._process = subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            close_fds=False,  # hold the lock as long as it writes
        )

    def close(self) -> None:
        """End a process that waits."""
        if self._process:
            self._process.communicate("")
            self._process = None

    def build(self, fresh: Path, made_with: str, say: Callable[[str], None]) -> None:
        """Build the site into the folder `fresh`, which must not be there.

        Parameters
        ----------
        fresh
            The site's folder.
        made_with
            A digest of all beside the stage that the site depends on.
        say
            Told the warnings of a draft.

        Raises
        ------
        BuildError
            With all that Jupyter Book says.
        """
        now = [made_with, *(f"{name} {value}" for name, value in stage_digests(self.stage).items())]
        record = self.place / RECORD
        kept = (
            not self.draft
            and record.is_file()
            and (self.place / SHARED).is_file()
            and (self.place / WHOLE).is_file()
            and (self.place / WHOLE).read_bytes() == self._holds()
            and only_pages_differ(
                record.read_text(encoding="utf-8", errors="replace").splitlines(), now
            )
        )
        record.unlink(missing_ok=True)
        if kept:
            # Sphinx copies them again; what it finds there gets into the addresses in pages.
            shutil.rmtree(self.place / "_build" / "html" / "_static")
            kept, _ = self._run()
        if not kept:
            shutil.rmtree(self.place, ignore_errors=True)
            done, messages = self._run()
            if machine := re.search(r"Error: (\[Errno \d+\] .*)", messages):  # no fault of the book
                raise BuildError(machine[1])
            if not done:
                raise BuildError(f"Jupyter Book stopped:\n{messages.strip()}")
            for line in messages.splitlines() if self.draft else ():
                if "WARNING" in line or "ERROR" in line:
                    say(line)
        shutil.copytree(self.place / "_build" / "html", fresh)
        (self.place / WHOLE).write_bytes(self._holds())
        record.write_text("\n".join(now), encoding="utf-8")
        # Sphinx's note to itself, and the only file that differs between two environments.
        (fresh / ".buildinfo").unlink(missing_ok=True)
        leave_out_unused(fresh)

    def _holds(self) -> bytes:
        """Return a digest of all that Sphinx goes on from, so that a hand in it is noticed."""
        return fingerprint(self.place / "_build", None).encode()

    def _run(self) -> tuple[bool, str]:
        """Run Jupyter Book; return whether there is a site, and what was said."""
        if not self._process:
            self.prepare()
        assert self._process is not None
        messages, _ = self._process.communicate("begin\n")
        done = not self._process.returncode
        self._process = None
        done = done and (self.place / "_build" / "html" / "index.html").is_file()
        return done, ANSI.sub("", messages).replace(f"{self.stage.resolve()}/", "")


def stage_digests(stage: Path) -> dict[str, str]:
    """Return the digests of all files of the stage by their paths in it, sorted.

    A link is none of the files that are made here, and has no digest of one.
    """
    files = {
        it.relative_to(stage).as_posix(): it
        for it in stage.rglob("*")
        if it.is_file() or it.is_symlink()
    }
    return {
        name: "link" if file.is_symlink() else digest(file) for name, file in sorted(files.items())
    }


def only_pages_differ(before: list[str], now: list[str]) -> bool:
    """Say whether two records differ in the contents of pages, or of what is copied, alone.

    >>> only_pages_differ(["with", "a.md 1", "b.css 1"], ["with", "a.md 2", "b.css 1"])
    True
    >>> only_pages_differ(["with", "a.md 1", "b.css 1"], ["with", "a.md 1", "b.css 2"])
    False
    """
    old, new = (dict(line.rsplit(" ", 1) for line in lines[1:]) for lines in (before, now))
    return (
        before[:1] == now[:1]
        and old.keys() == new.keys()
        and all(
            name.endswith(PAGES) or name.startswith(COPIED)
            for name, value in new.items()
            if value != old[name]
        )
    )


def sync(fresh: Path, stage: Path) -> None:
    """Give `stage` the files of `fresh`; those with the same bytes keep their times.

    Sphinx takes a page for changed if its time is another.
    """
    if not stage.is_dir():
        fresh.rename(stage)
        return
    old, new = stage_digests(stage), stage_digests(fresh)
    for name in old.keys() - new.keys():
        (stage / name).unlink()
    for name, value in new.items():
        if old.get(name) != value:
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            (fresh / name).replace(stage / name)
    shutil.rmtree(fresh)


def fingerprint(stage: Path, made_with: object) -> str:
    """Return a digest of all files of a folder, and of what JSON can hold beside them."""
    return cache_key({"stage": stage_digests(stage), "made with": made_with})


def leave_out_unused(html: Path) -> None:
    """Delete what the themes bring along, and what no page of the site needs."""
    static = html / "_static"
    icons = "fontawesome.js"  # a second copy of the icons: the theme's style sheet has the font
    tag = re.compile(rf"<script[^>]*/{icons}[^>]*></script>\n?")
    # Chapters show the figures' own files: no second copies, which lack a line's end.
    files = {_content(file): file for file in html.glob("figures/*/*.svg")}
    shown = {copy: files.get(_content(copy)) for copy in html.glob("_images/*.svg")}
    copies = {
        copy.relative_to(html).as_posix(): file.relative_to(html).as_posix()
        for copy, file in shown.items()
        if file
    }
    image = re.compile(r"_images/[^\"'?#)\s]+")
    used: set[str] = set()
    for page in html.rglob("*.html"):
        before = page.read_text(encoding="utf-8")
        text = image.sub(lambda found: copies.get(found[0], found[0]), tag.sub("", before))
        used.update(image.findall(text))
        text = shorten_page(text)
        if text != before:
            page.write_text(text, encoding="utf-8")
    shutil.rmtree(html / "_sources" / "figures", ignore_errors=True)  # made, and offered nowhere
    for file in html.glob("_images/**/*"):  # of a page as it was before it changed, too
        if file.is_file() and file.relative_to(html).as_posix() not in used:
            file.unlink()
    for pattern in (
        f"scripts/{icons}*",
        "vendor/**/*.ttf",  # browsers take the smaller .woff2 beside it
        "**/*.map",  # for those who work on the theme
        "locales/*/*/*",  # catalogs that are read when pages are made
        "readme.png",  # of README.md
        "timeline.*",  # the figure's folder has these files
    ):
        for file in static.glob(pattern):
            file.unlink()


#: In a page: what is shown as it stands, or is no text.
KEPT = re.compile(r"<(pre|script|style|textarea)\b.*?</\1>", re.DOTALL)


def shorten_page(text: str) -> str:
    r"""Return a page without the empty lines and indents that templates leave in it.

    A line's end stays one, since it stands for a space.

    >>> shorten_page("<p>\n\n    a\n  b</p>  \n<pre>\n  x\n\n  y</pre>\n\n")
    '<p>\na\nb</p>\n<pre>\n  x\n\n  y</pre>\n'
    """
    parts, position = [], 0
    for kept in KEPT.finditer(text):
        parts += [BREAK.sub("\n", text[position : kept.start()]), kept[0]]
        position = kept.end()
    return "".join([*parts, BREAK.sub("\n", text[position:])])


BREAK = re.compile(r"\s*\n\s*")


def _content(file: Path) -> bytes:
    return hashlib.sha256(file.read_bytes().strip()).digest()


@dataclass(frozen=True)
class Built:
    """What is known of a site, in ``site.json`` beside it.

    Attributes
    ----------
    made_from
        A digest of all that it was made from.
    holds
        A digest of its files.
    commit
        The commit that it was last found to be up to date with; empty outside a repository.
    changed
        Whether files were changed since that commit.
    """

    made_from: str = ""
    holds: str = ""
    commit: str = ""
    changed: bool = True

    def is_whole(self, html: Path) -> bool:
        """Say whether the folder `html` holds the site as it was built, and nothing else."""
        return html.is_dir() and fingerprint(html, None) == self.holds


def read_built(file: Path) -> Built:
    """Read what is known of a site; nothing where the file is missing or not as it was written."""
    try:
        return Built(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Built()


def write_built(built: Built, file: Path) -> None:
    """Write what is known of a site."""
    write_whole(file, json.dumps(asdict(built), indent=1) + "\n")


def recover(home: Path) -> None:
    """Put right what a build that was killed has left in `home`."""
    restore(home / "html")
    for folder in home.glob("new-*"):
        shutil.rmtree(folder, ignore_errors=True)  # its Jupyter Book may not have ended yet


def restore(folder: Path) -> None:
    """Give a folder back its name that a `swap` which was killed has left under another."""
    old = folder.with_name(f"{folder.name}.old")
    if not folder.exists() and old.exists():
        old.rename(folder)


def swap(fresh: Path, html: Path) -> None:
    """Put the folder `fresh` in place of `html`, which stays as it is if that fails.

    Killed between the two steps, it leaves what `restore` puts right.
    """
    old = html.with_name(f"{html.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if html.exists():
        html.rename(old)
    try:
        fresh.rename(html)
    except OSError:
        if old.exists():
            old.rename(html)
        raise
    shutil.rmtree(old, ignore_errors=True)
