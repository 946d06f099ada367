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
    """Round coordinates, leave out comments and indents, shorten the names of letters.

    Pictures, as of surfaces, are reduced to 256 colors.

    >>> shorten_drawing('<path d="M 204.654325 166.4 L -0.001 7"/> <text>1.23456</text>')
    '<path d="M 204.65 166.4 L 0 7"/><text>1.23456</text>'
    >>> shorten_drawing('<!-- a --><use transform="translate(1.23456 2) scale(0.01234)"/>')
    '<use transform="translate(1.23 2) scale(0.01234)"/>'
    """

    def rounded(number: re.Match[str]) -> str:
        return f"{round(float(number[0]), 2) + 0.0:.2f}".rstrip("0").rstrip(".")

    def reduced(picture: re.Match[str]) -> str:
        image = Image.open(io.BytesIO(base64.b64decode(picture[1])))
        file = io.BytesIO()
        image.convert("RGBA").quantize(256, method=Image.Quantize.FASTOCTREE).save(
            file, "png", optimize=True
        )
        shorter = base64.b64encode(file.getvalue()).decode()
        return picture[0].replace(picture[1], min(shorter, picture[1], key=len))

    svg = GLYPH.sub("g-", INDENT.sub("><", COMMENT.sub("", svg)))
    svg = COORDINATES.sub(lambda found: DECIMAL.sub(rounded, found[0]), svg)
    return PICTURE.sub(reduced, svg)


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
