"""How numbers are written for people: few digits, no false precision, one dash for what is not known.

Four significant digits for estimates, because intervals are rarely narrower than a thousandth of the value; money in
bps with three decimals, because the tolerance is a tenth of a bp.
"""

from __future__ import annotations

import math

MISSING = "–"


def significant(value: float | None, digits: int = 4) -> str:
    """Write a number with so many significant digits and no exponent between 1e-4 and 1e7.

    Parameters
    ----------
    value : float or None
        A number; None and NaN give a dash.
    digits : int
        Significant digits.
    """
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if not -4 <= size < 7:
        return f"{value:.{digits - 1}e}".replace("e+0", "e+").replace("e-0", "e-")
    rounded = round(value, digits - 1 - size)
    # Rounding up may gain a digit: 9.9996 has one digit before the point, 10.00 has two.
    decimals = digits - 1 - math.floor(math.log10(abs(rounded)))
    return f"{rounded:.{max(decimals, 0)}f}"


def interval(lo: float | None, hi: float | None, digits: int = 3) -> str:
    """Write an interval as ``[lo, hi]``; a dash if an end is not known."""
    if lo is None or hi is None:
        return MISSING
    return f"[{significant(lo, digits)}, {significant(hi, digits)}]"


def bps(value: float | None) -> str:
    """Write money in bps: three decimals below one, fewer above."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞"
    if 0 < abs(value) < 5e-4:
        return "<0.001" if value > 0 else "-<0.001"
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"


def ratio(value: float | None) -> str:
    """Write a ratio with two decimals, or three digits if it is small."""
    if value is None or math.isnan(value):
        return MISSING
    return f"{value:.2f}" if 0.095 <= abs(value) < 100 else significant(value, 2)


def signed(value: float | None) -> str:
    """Write a difference with its sign."""
    if value is None or math.isnan(value):
        return MISSING
    return f"{value:+.2f}" if abs(value) < 10 else f"{value:+.0f}" if abs(value) < 1e5 else f"{value:+.1e}"


def duration(seconds: float) -> str:
    """Write a length of time in the unit that a person would choose: 45 s, 12 min, 2 h, 3.5 d."""
    for limit, unit, factor in ((120.0, "s", 1.0), (7200.0, "min", 60.0), (172800.0, "h", 3600.0)):
        if seconds < limit:
            return f"{seconds / factor:.3g} {unit}"
    return f"{seconds / 86400.0:.3g} d"


def spread(values: list[float]) -> str:
    """Write the range of several ratios, or the one value that all show; a dash if there is none."""
    known = [v for v in values if not math.isnan(v)]
    if not known:
        return MISSING
    low, high = ratio(min(known)), ratio(max(known))
    return low if low == high else f"{low} to {high}"
