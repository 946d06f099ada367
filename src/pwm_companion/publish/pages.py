"""The site with its earlier versions, as it is served: what was cited stays where it was.

Below the folder that is served stand the pages of today, those of the version that is being worked
on below its number, and those of each release below that of the release.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

from ..book.site import swap
from ..errors import BookError
from ..pages.cite import version
from .release import NAME

RELEASED = re.compile(rf"{NAME}-(\d+\.\d+\.\d+\w*)-site\.zip")


def lay_out(html: Path, number: str, released: Path, target: Path) -> list[str]:
    """Put the site and its earlier versions into the folder `target`, and return the versions.

    Parameters
    ----------
    html
        The site of today.
    number
        Its version. If that was released, the release stands below its number.
    released
        A folder with the sites of releases, ``paid-with-models-VERSION-site.zip``; need not be.
    target
        Replaced when all is there.

    Raises
    ------
    BookError
        If there is no site, or an archive does not hold one.
    """
    if not (html / "index.html").is_file():
        raise BookError(f"no site in {html}: run make book first")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as place:
        fresh = Path(place, target.name)
        shutil.copytree(html, fresh)
        archives = {found[1]: file for file in sorted(released.glob("*.zip"))
                    if (found := RELEASED.fullmatch(file.name))}  # fmt: skip
        for name, file in archives.items():
            unpacked = Path(place, "unpacked", name)
            with zipfile.ZipFile(file) as archive:
                archive.extractall(unpacked)
            pages = unpacked / file.stem
            if not (pages / "index.html").is_file():
                raise BookError(f"{file} holds no site")
            pages.rename(fresh / name)
        if number not in archives:
            shutil.copytree(html, fresh / number)
        swap(fresh, target)
    return sorted({*archives, number})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build_dir", type=Path)
    parser.add_argument("released", type=Path)
    options = parser.parse_args()
    folder = options.build_dir / "pages"
    print(*lay_out(options.build_dir / "html", version(Path()), options.released, folder))
