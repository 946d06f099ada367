"""Numbers as prose writes them: with a minus sign, and with powers of ten instead of an e."""

from __future__ import annotations

import re

MINUS = "\N{MINUS SIGN}"
_SUPERSCRIPTS = str.maketrans("-0123456789", "\N{SUPERSCRIPT MINUS}⁰¹²³⁴⁵⁶⁷⁸⁹")
_FORMATTED = re.compile(r"([+-]?)([\d.,]+)(?:e([+-]\d+))?")


def power(exponent: int) -> str:
    """A power of ten.

    >>> power(-13)
    '10⁻¹³'
    """
    return "10" + str(exponent).translate(_SUPERSCRIPTS)


def in_prose(text: str) -> str:
    """A number that was formatted by Python, as prose writes it; any other text as it is.

    >>> in_prose("-2.87"), in_prose("3e-09"), in_prose("1.2e+07"), in_prose("1e-12")
    ('−2.87', '3 · 10⁻⁹', '1.2 · 10⁷', '10⁻¹²')
    >>> in_prose("types 1–4"), in_prose("+0.10"), in_prose("0e+00")
    ('types 1–4', '+0.10', '0')
    """
    found = _FORMATTED.fullmatch(text)
    if not found:
        return text
    sign, digits, exponent = found.groups()
    sign = sign.replace("-", MINUS)
    if exponent is None:
        return sign + digits
    if float(digits.replace(",", "")) == 0:
        return "0"
    times = "" if digits == "1" else f"{digits} · "
    return f"{sign}{times}{power(int(exponent))}"
