"""Hands in what a build has made, and folders that are not ours: noticed, refused or put right."""

import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from pwm_companion import cli, files
from pwm_companion.book import execute
from pwm_companion.book.kernels import seconds_used
from pwm_companion.book.site import BuildError, restore, swap
from pwm_companion.publish.archive import zip_folder

from .test_build import contents, executed, rebuild, replace, run_chapters

SAME = "nothing to build"


def pwm(root: Path, *arguments: str) -> int:
    """Run a command in the book's root; return its exit code."""
    before = Path.cwd()
    os.chdir(root)
    try:
        return cli.main([*arguments])
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        os.chdir(before)


@pytest.mark.parametrize("name", ["html", "stage", "html.old", "cache", "figures", "sphinx"])
def test_a_folder_of_somebody_else_is_refused(
    name: str, book: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "www" / name / "mine.html"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert pwm(book, "build", "--build-dir", str(tmp_path / "www")) == 2
    assert f"holds {name}, which pwm has not made" in capsys.readouterr().err
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("place", [".", "book", "src/deep", ".."])
def test_nothing_is_built_over_or_among_the_sources(
    place: str, book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(book)
    assert pwm(book, "build", "--build-dir", place) == 2
    assert "the book's sources" in capsys.readouterr().err
    assert contents(book) == before


def test_what_else_is_in_a_folder_stays_and_a_marked_folder_is_ours(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/benchmarks.json").write_text("{}")
    files.claim(tmp_path / "out", tmp_path / "root")
    (tmp_path / "out/html").mkdir()
    files.claim(tmp_path / "out", tmp_path / "root")
    assert (tmp_path / "out/benchmarks.json").read_text() == "{}"


def delete_a_page(root: Path) -> None:
    (root / "build/html/book/square.html").unlink()


def edit_a_page(root: Path) -> None:
    replace(root / "build/html/book/square.html", "9", "99")


def add_a_page(root: Path) -> None:
    (root / "build/html/mine.html").write_text("mine")


def add_a_link(root: Path) -> None:
    (root / "build/html/leak.txt").symlink_to("/etc/hostname")


def spoil_what_is_known_of_the_site(root: Path) -> None:
    (root / "build/site.json").write_bytes(b"\xff\xfe")


def edit_what_sphinx_goes_on_from(root: Path) -> None:
    replace(root / "build/sphinx/_build/html/book/twice.html", "6", "66")
    (root / "build/site.json").unlink()


def edit_a_cached_notebook(root: Path) -> None:
    (file,) = (root / "build/cache/book/square").glob("*.ipynb")
    replace(file, "9", "99")


def smuggle_a_script(root: Path) -> None:
    (file,) = (root / "build/cache/book/square").glob("*.ipynb")
    notebook = json.loads(file.read_text())
    notebook["cells"].append(
        {"cell_type": "markdown", "id": "x", "metadata": {}, "source": "<script>"}
    )
    file.write_text(json.dumps(notebook))


def empty_a_cached_notebook(root: Path) -> None:
    (file,) = (root / "build/cache/book/square").glob("*.ipynb")
    file.write_text("")


def lose_the_time(root: Path) -> None:
    (file,) = (root / "build/cache/book/square").glob("*.json")
    file.unlink()


def spoil_the_time(root: Path) -> None:
    (file,) = (root / "build/cache/book/square").glob("*.json")
    file.write_text('{"seconds": NaN}')


@pytest.mark.parametrize(
    "hand",
    [
        delete_a_page,
        edit_a_page,
        add_a_page,
        add_a_link,
        spoil_what_is_known_of_the_site,
        edit_what_sphinx_goes_on_from,
    ],
)
def test_a_site_with_a_hand_in_it_is_built_anew(hand, copy_of_built_book: Path) -> None:
    root = copy_of_built_book
    before = contents(root / "build/html")
    hand(root)
    said = rebuild(root)
    assert not any(line.startswith(SAME) for line in said)
    assert executed(said) == set()
    assert contents(root / "build/html") == before
    assert rebuild(root)[0].startswith(SAME)


@pytest.mark.parametrize(
    "hand",
    [
        edit_a_cached_notebook,
        smuggle_a_script,
        empty_a_cached_notebook,
        lose_the_time,
        spoil_the_time,
    ],
)
def test_a_cached_chapter_with_a_hand_in_it_is_executed_again(
    hand, copy_of_built_book: Path
) -> None:
    root = copy_of_built_book
    (file,) = (root / "build/cache/book/square").glob("*.ipynb")
    before = file.read_bytes()
    hand(root)
    assert set(run_chapters(root)) == {"book/square"}
    assert file.read_bytes() == before


def test_only_known_files_are_published(copy_of_built_book: Path) -> None:
    """Hidden files, links, leftovers of editors, and what git does not know."""
    root = copy_of_built_book
    static = root / "book/_static"
    static.mkdir()
    for name in (".env", "a.swp", "b~", "known.txt", "unknown.txt"):
        (static / name).write_text(name)
    (static / "link.txt").symlink_to("/etc/hostname")
    (static / "away").symlink_to("/etc")
    rebuild(root)
    staged = {file.name for file in (root / "build/stage/book/_static").iterdir()}
    assert staged == {"known.txt", "unknown.txt"}  # not a repository: nothing is known of it
    git = ["git", "-C", str(root)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run(
        [*git, "add", "book/references.bib", "book/square.md", "book/_static/known.txt"], check=True
    )
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, "commit", "-q", "-m", "x"], cwd=root, check=True)
    said = rebuild(root)
    staged = {file.name for file in (root / "build/stage/book/_static").iterdir()}
    assert staged == {"known.txt"}
    assert (
        "not published: book/_static/unknown.txt is not known to git: git add makes it so" in said
    )


def test_surroundings_move_no_byte_and_build_nothing(
    copy_of_built_book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another repository around the book or in the environment, no git, another umask and zone."""
    root = copy_of_built_book
    before = contents(root / "build/html")
    subprocess.run(["git", "init", "-q", str(root.parent)], check=True)
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    message = ["commit", "-q", "--allow-empty", "-m", "x"]
    subprocess.run(["git", *identity, *message], cwd=root.parent, check=True)
    assert rebuild(root)[0].startswith(SAME)
    monkeypatch.setenv("GIT_DIR", str(root.parent / ".git"))
    assert rebuild(root)[0].startswith(SAME)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")
    monkeypatch.setenv("LANG", "de_DE.ISO-8859-1")
    old = os.umask(0o077)
    try:
        assert rebuild(root)[0].startswith(SAME)
        shutil.rmtree(root / "build")
        rebuild(root)
    finally:
        os.umask(old)
    assert contents(root / "build/html") == before


def test_what_git_knows_ends_at_the_book(tmp_path: Path) -> None:
    inside = tmp_path / "book"
    inside.mkdir()
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    message = ["commit", "-q", "--allow-empty", "-m", "x"]
    subprocess.run(["git", *identity, *message], cwd=tmp_path, check=True)
    assert files.commit(tmp_path)
    assert files.commit(inside) is None
    assert files.commit_time(inside) == files.EPOCH
    assert files.tracked(inside) is None


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("print(chr(0xD800))", "UnicodeEncodeError"),
        ("print('x' * 30_000_000)", "may have 20,000,000 characters"),
        ("x = bytearray(8 * 2**30)", "MemoryError"),
    ],
)
def test_outputs_that_no_page_can_hold_are_refused_by_the_cell(
    code: str, message: str, copy_of_built_book: Path
) -> None:
    root = copy_of_built_book
    replace(root / "book/square.md", "print(square(3))", code)
    with pytest.raises(BuildError) as caught:
        run_chapters(root)
    assert message in str(caught.value)
    assert "square.md, cell 2" in str(caught.value)


def test_two_runs_have_no_addresses_in_them(copy_of_built_book: Path) -> None:
    root = copy_of_built_book
    replace(root / "book/square.md", "print(square(3))", "print(object()); object()")
    first = run_chapters(root)["book/square"]
    assert "<object object>" in first
    shutil.rmtree(root / "build/cache/book/square")
    assert run_chapters(root)["book/square"] == first


def test_archives_are_whole_at_any_moment_and_for_each_of_several(tmp_path: Path) -> None:
    folder, target = tmp_path / "html", tmp_path / "site.zip"
    folder.mkdir()
    for number in range(200):
        (folder / f"{number}.txt").write_text(str(number) * 1000)
    (folder / "link.txt").symlink_to("/etc/hostname")
    zip_folder(folder, target)
    failures: list[BaseException] = []

    def pack() -> None:
        try:
            for _ in range(5):
                zip_folder(folder, target)
                with zipfile.ZipFile(target) as archive:
                    assert archive.testzip() is None
                    assert len(archive.namelist()) == 200
        except BaseException as error:
            failures.append(error)

    packers = [threading.Thread(target=pack) for _ in range(3)]
    for it in packers:
        it.start()
    for it in packers:
        it.join()
    assert failures == []
    assert {it.name for it in tmp_path.iterdir()} == {"html", "site.zip"}


def test_a_disk_that_fills_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, target = tmp_path / "html", tmp_path / "site.zip"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    zip_folder(folder, target)
    before = target.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OSError, match="No space"):
        zip_folder(folder, target)
    monkeypatch.undo()
    assert target.read_bytes() == before
    assert {it.name for it in tmp_path.iterdir()} == {"html", "site.zip"}

    notebook = tmp_path / "a.ipynb"
    files.write_whole(notebook, "old")
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        files.write_whole(notebook, "new")
    monkeypatch.undo()
    assert notebook.read_text() == "old"
    assert {it.name for it in tmp_path.iterdir()} == {"html", "site.zip", "a.ipynb"}


def test_a_swap_that_is_killed_is_put_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, fresh = tmp_path / "reference", tmp_path / "fresh"
    for folder in (old, fresh):
        folder.mkdir()
        (folder / "name").write_text(folder.name)
    rename = Path.rename

    def killed(self: Path, target: Path) -> Path:
        if self == fresh:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        swap(fresh, old)
    monkeypatch.undo()
    restore(old)
    assert (old / "name").read_text() == "reference"
    swap(fresh, old)
    restore(old)
    assert (old / "name").read_text() == "fresh"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("book/square.md", "must be called OUT.ipynb"),
        ("book/start.md", "must be called OUT.ipynb"),
        ("folder.ipynb", "is not a file"),
        ("link.ipynb", "is a file to be read"),
    ],
)
def test_execute_writes_over_nothing_but_a_notebook(
    output: str, message: str, book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (book / "folder.ipynb").mkdir()
    (book / "link.ipynb").symlink_to("book/square.md")
    before = contents(book)
    assert pwm(book, "execute", "book/square.md", "--output", output) == 2
    assert message in capsys.readouterr().err
    assert contents(book) == before


def test_execute_replaces_its_own_notebooks_only(
    book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    thesis = book / "thesis.ipynb"
    thesis.write_text('{"cells": []}')
    words = "execute", "book/square.md", "--output", "thesis.ipynb"
    assert pwm(book, *words) == 2
    assert "is there already, and is not of this command" in capsys.readouterr().err
    assert thesis.read_text() == '{"cells": []}'
    thesis.unlink()
    assert pwm(book, *words) == 0
    assert pwm(book, *words) == 0


def test_execute_takes_chapters_and_run_files(
    book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.csv", "a.json", "a.html", "a"):
        (book / name).write_text("n,acc\n1,.5\n")
        assert pwm(book, "execute", name) == 2
        assert "must be a chapter, whose name ends in .md" in capsys.readouterr().err
    copied = book / "book" / "runs" / "own.yaml"
    copied.write_bytes((book / "book" / "runs" / "five.yml").read_bytes())
    assert pwm(book, "execute", "book/runs/own.yaml") == 0
    (book / "hospitals.yaml").write_text("title: T\nn_parties: 3\n")
    assert pwm(book, "execute", "hospitals.yaml") == 2


def test_a_number_that_no_cell_glues_is_named(
    book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chapter = book / "book" / "own.md"
    text = (book / "book" / "square.md").read_text()
    chapter.write_text(text + "\n\nThat is {glue:text}`answer:.2f`.\n")
    capsys.readouterr()
    assert pwm(book, "execute", "book/own.md") != 0
    said = capsys.readouterr().err
    assert "no cell glues 'answer', which its text shows" in said
    assert "Traceback" not in said


def test_runs_with_other_parameters_write_beside_each_other(
    book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = []
    for number in (7, 8):
        assert pwm(book, "execute", "book/runs/five.yml", "-p", f"number={number}") == 0
        places.append(book / capsys.readouterr().out.strip())
    first, second = (json.loads(it.read_text()) for it in places)
    assert places[0] != places[1]
    assert "7 [1, 0.25]" in str(first)
    assert "8 [1, 0.25]" in str(second)


@pytest.mark.parametrize(
    ("value", "message"),
    [("1e2", "is 100.0, but must be a int"), ("[1e0, 25e-2]", None), ("1e", "is '1e', but must")],
)
def test_numbers_with_an_exponent_are_numbers(
    value: str, message: str | None, book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "shares" if value.startswith("[") else "number"
    code = pwm(book, "execute", "book/runs/five.yml", "-p", f"{name}={value}")
    said = capsys.readouterr()
    if message:
        assert code == 2
        assert message in said.err
    else:
        assert code == 0
        assert "5 [1.0, 0.25]" in (book / said.out.strip()).read_text()


def test_a_plain_jupyter_book_build_says_in_a_line_what_builds_the_book(book: Path) -> None:
    start = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", start, "build", "."]
    run = subprocess.run(command, cwd=book, capture_output=True, text=True)
    assert run.returncode != 0
    assert run.stderr.strip().splitlines()[-1].startswith("Jupyter Book alone cannot build")
    assert "make book" in run.stderr
    assert not (book / "_build/html/index.html").exists()


def test_without_posix_modules_contracts_are_solved(tmp_path: Path) -> None:
    """As on Windows: neither locks nor limits are needed to solve, audit and report."""
    example = Path(files.__file__).parents[1] / "paid_with_models/examples/hospitals.yaml"
    problem = tmp_path / "p.json"
    problem.write_text(
        '{"n_parties": 3, "probabilities": [0.5, 0.5], "costs": [0.2, 0.1], '
        '"accuracy": {"name": "GeneralizationBound"}}'
    )
    menu = tmp_path / "m.json"
    menu.write_text(
        json.dumps(json.loads(problem.read_text()) | {"contributions": [1, 2], "rewards": [1, 2]})
    )
    code = (
        "import sys\n"
        "for name in ('fcntl', 'resource', 'pwd', 'grp', 'termios'): sys.modules[name] = None\n"
        "from pwm_companion import cli\n"
        "import pwm_companion.commands.build, pwm_companion.commands.execute\n"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    for arguments, codes in (
        (["solve", str(problem)], {0}),
        (["audit", str(menu)], {0, 1}),
        (["report", str(example), "--output", str(tmp_path / "r.html")], {0}),
    ):
        run = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True
        )
        assert run.returncode in codes, run.stderr
        assert "Traceback" not in run.stderr


def test_locks_and_limits_are_left_out_where_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert files.posix_module("no_such_module") is None
    monkeypatch.setattr(files, "fcntl", None)
    monkeypatch.setattr(execute, "resource", None)
    with files.locked(tmp_path, print), files.locked(tmp_path, print):
        pass
    assert seconds_used() > 0
