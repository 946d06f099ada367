"""Color maps on dark pages: the colors that tell something stay, ground and text change places.

Other figures are turned round as a whole (``custom.css``). In a map that would make much of little;
so its drawing says itself how it looks where a page asks for a dark color scheme.
"""

from __future__ import annotations

from paid_with_models.figures.style import INK, MUTED

#: How the names of figures end that are color maps.
MAPS = "-maps"
#: The ground, and what ink and secondary text are on it: as in figures that are turned round.
DARK = {"#ffffff": "#1a1a1a", INK: "#dde0e6", MUTED: "#a6adba"}


def with_dark(svg: str) -> str:
    """Return a drawing with a second set of colors for its ground, its text and its axes.

    Lines of levels, white on the map itself, are not filled and stay.

    >>> with_dark('<style type="text/css"></style>').count("!important")
    5
    """
    rules = "".join(
        f'[style*="{kind}: {light}"]{{{kind}: {dark} !important}}'
        for light, dark in DARK.items()
        for kind in ("fill", "stroke")
        if (kind, light) != ("stroke", "#ffffff")
    )
    return svg.replace("</style>", f"@media (prefers-color-scheme: dark){{{rules}}}</style>", 1)
