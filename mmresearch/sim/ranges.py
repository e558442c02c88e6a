"""Refusals of values that cannot be: each says which value of what is outside its range.

Ranges are half-lines (above 0, at least 0) and the unit interval, with or without its ends.
"""

from __future__ import annotations


def require_positive(value: object, *names: str, or_zero: bool = False) -> None:
    """Refuse a value that is not positive.

    Parameters
    ----------
    value : object
        Whose attributes are looked at.
    *names : str
        Attributes that must be above 0.
    or_zero : bool
        Whether 0 will do.

    Raises
    ------
    ValueError
        With the name of the attribute and the value given; NaN is refused too.
    """
    for name in names:
        given = getattr(value, name)
        if not (given > 0 or (or_zero and given == 0)):
            raise ValueError(f"{name} must be {'at least' if or_zero else 'above'} 0, got {given}")


def require_probability(value: object, *names: str, below_one: bool = False) -> None:
    """Refuse a value that is not between 0 and 1.

    Parameters
    ----------
    value : object
        Whose attributes are looked at.
    *names : str
        Attributes that must be probabilities.
    below_one : bool
        Whether 1 itself is refused.

    Raises
    ------
    ValueError
        With the name of the attribute and the value given; NaN is refused too.
    """
    for name in names:
        given = getattr(value, name)
        if not (0 <= given < 1 or (given == 1 and not below_one)):
            raise ValueError(f"{name} is a probability{' below 1' if below_one else ''}, got {given}")
