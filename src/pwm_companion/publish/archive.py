"""Archives with the same bytes from run to run: names sorted, times and modes fixed."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ..files import fresh_file

#: The earliest time that a zip file can hold.
TIME = (1980, 1, 1, 0, 0, 0)


def zip_site(html: Path, target: Path) -> Path:
    """Pack the built site so that it opens from disk, and return the archive.

    Parameters
    ----------
    html
        The folder of the site, which must hold ``index.html``.
    target
        The archive, ``.zip``; what is in it stands below a folder of its name. An older one is
        replaced when the new one is complete.

    Raises
    ------
    FileNotFoundError
        If there is no site.
    """
    if not (html / "index.html").is_file():
        raise FileNotFoundError(f"there is no site in {html}")
    return zip_folder(html, target)


def zip_folder(folder: Path, target: Path, *, top: str | None = None) -> Path:
    """Pack all files below `folder` into `target`, and return it.

    In the archive they stand below a folder `top`, by default named like the archive; below none
    if that is empty. Links are left out.

    The archive is written aside and renamed: a reader sees the old one or the new one.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     folder = Path(place, "some")
    ...     folder.mkdir()
    ...     _ = (folder / "file.txt").write_text("text")
    ...     zipfile.ZipFile(zip_folder(folder, Path(place, "other.zip"))).namelist()
    ['other/file.txt']
    """
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*")}
    place = target.stem if top is None else top
    with (
        fresh_file(target) as fresh,
        zipfile.ZipFile(fresh, "w", compression=zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, file in sorted(files.items()):
            if file.is_file() and not file.is_symlink():
                entry = zipfile.ZipInfo(f"{place}/{name}".lstrip("/"), TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3  # Unix, for the mode below to mean the same anywhere
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, file.read_bytes())
    return target
