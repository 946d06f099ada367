"""Drawings and notebooks that look the same and take less room."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

#: What holds coordinates: paths, places, and shifts, but not scales.
COORDINATES = re.compile(r'\b[dxy]="[^"]*"|\btranslate\([^)]*\)')
COMMENT = re.compile(r"<!--.*?-->\s*", re.DOTALL)
GLYPH = re.compile(r"(?<=[\"#])DejaVuSans-")
INDENT = re.compile(r">\s+<")
PICTURE = re.compile(r'"data:image/png;base64,([^"]+)"')
#: The width of a preview, in pixels: one and a quarter times what the gallery shows.
PREVIEW = 400
DECIMAL = re.compile(r"-?\d+\.\d+")
#: Commands of a path with the coordinates that each takes, and what a path consists of.
COMMANDS = {"M": 2, "L": 2, "Q": 4, "C": 6}
PATH = re.compile(r"[A-Za-z]|-?\d+(?:\.\d+)?(?:e-?\d+)?")


def shorten(notebook: str) -> str:
    """Return a notebook with drawings that look the same and take less room."""
    content = json.loads(notebook)
    for cell in content["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if drawing := data.get("image/svg+xml"):
                data["image/svg+xml"] = shorten_drawing("".join(drawing)).splitlines(True)
            if "application/vnd.plotly.v1+json" in data:
                data.pop("text/plain", None)  # all numbers once more
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"


def shorten_drawing(svg: str) -> str:
    """Round coordinates, leave out comments and indents, shorten paths and the names of letters.

    Pictures, as of surfaces, are reduced to 256 colors.

    >>> shorten_drawing('<path d="M 204.654325 166.4 L -0.001 7"/> <text>1.23456</text>')
    '<path d="m204.65 166.4-204.65-159.4"/><text>1.23456</text>'
    >>> shorten_drawing('<!-- a --><use transform="translate(1.23456 2) scale(0.01234)"/>')
    '<use transform="translate(1.23 2) scale(0.01234)"/>'
    """

    def rounded(number: re.Match[str]) -> str:
        return f"{round(float(number[0]), 2) + 0.0:.2f}".rstrip("0").rstrip(".")

    def packed(coordinates: str) -> str:
        if coordinates.startswith("d="):
            return f'd="{shorten_path(coordinates[3:-1])}"'
        return DECIMAL.sub(rounded, coordinates)

    def reduced(picture: re.Match[str]) -> str:
        image = Image.open(io.BytesIO(base64.b64decode(picture[1])))
        file = io.BytesIO()
        image.convert("RGBA").quantize(256, method=Image.Quantize.FASTOCTREE).save(
            file, "png", optimize=True
        )
        shorter = base64.b64encode(file.getvalue()).decode()
        return picture[0].replace(picture[1], min(shorter, picture[1], key=len))

    svg = GLYPH.sub("g-", INDENT.sub("><", COMMENT.sub("", svg)))
    svg = COORDINATES.sub(lambda found: packed(found[0]), svg)
    return PICTURE.sub(reduced, svg)


def shorten_path(path: str) -> str:
    """Round a path to hundredths and write each point relative to the one before.

    Rounded first, so that nothing adds up along the path. Paths with other commands than M, L, Q, C
    and Z stay as they are.

    >>> shorten_path("M 10 20.5 L 11.004 20 L 9 20 z M 1 1 Q 2 3 4 5")
    'm10 20.5 1-.5-2 0zm-9-19.5q1 2 3 4'
    >>> shorten_path("M 0 0 A 1 1 0 0 1 2 2")
    'M 0 0 A 1 1 0 0 1 2 2'
    """
    parts, at = PATH.findall(path), 0
    short: list[str] = []
    place, start, implied = (0, 0), (0, 0), ""
    while at < len(parts):
        command, at = parts[at], at + 1
        if command in "zZ":
            short.append("z")
            place, implied = start, ""
            continue
        size = COMMANDS.get(command, 0)
        numbers, at = parts[at : at + size], at + size
        if not size or len(numbers) < size or any(it.isalpha() for it in numbers):
            return path
        ends = [round(100 * float(it)) for it in numbers]
        steps = [end - place[i % 2] for i, end in enumerate(ends)]
        if command.lower() != implied:
            short.append(command.lower())
        short += [_hundredths(step) for step in steps]
        place = ends[-2], ends[-1]
        if command == "M":
            start = place
        implied = "l" if command == "M" else command.lower()
    # No space is needed beside a command or before a minus sign.
    return re.sub(r" (?=[-a-z])|(?<=[a-z]) ", "", " ".join(short))


def _hundredths(number: int) -> str:
    text = f"{abs(number) / 100:.2f}".rstrip("0").rstrip(".") if number else "0"
    return ("-" if number < 0 else "") + text.removeprefix("0" if "." in text else "")


def shorten_png(file: Path) -> None:
    """Reduce a picture to 64 colors, with its resolution and the texts in it."""
    with Image.open(file) as image:
        texts = PngInfo()
        for name, value in image.info.items():
            if isinstance(value, str):  # not the resolution
                texts.add_itxt(str(name), value)
        image.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(
            file, "png", optimize=True, dpi=image.info["dpi"], pnginfo=texts
        )


def write_preview(picture: Path, file: Path) -> None:
    """Write a small copy of a picture, for a gallery."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(picture) as image:
        size = (PREVIEW, round(PREVIEW * image.height / image.width))
        small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        small.quantize(64, dither=Image.Dither.NONE).save(file, "png", optimize=True)
