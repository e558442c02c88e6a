"""What comes into a bank of learners: columns as it wants them, and sentences that say what it cannot take, and why."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mmresearch.belief.contract import FloatArray
from mmresearch.learn.bank.events import GAMMA, CodeArray, IntArray
from mmresearch.learn.bank.posterior import ALGEBRA, CODES, NEEDS

PerParameter = float | Mapping[str, float]


class BankError(ValueError):
    """Rows, events or priors that a bank cannot take."""


def row_column(rows: ArrayLike) -> IntArray:
    """Return rows as a read-only column of whole numbers.

    Raises
    ------
    BankError
        If they are no column of whole numbers.
    """
    given = np.asarray(rows)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise BankError(f"rows must be a column of whole numbers, got {given.dtype} of shape {given.shape}")
    return _read_only(np.ascontiguousarray(given, dtype=np.int64))


def number_column(numbers: ArrayLike, name: str, length: int) -> FloatArray:
    """Return numbers as a read-only column of that length; one number stands for all, without being copied.

    Raises
    ------
    BankError
        If there is neither one number nor one for each.
    """
    given = np.asarray(numbers, dtype=np.float64)
    if given.shape not in ((), (length,)):
        raise BankError(f"{name} has shape {given.shape}; one number, or {length} of them, are needed")
    return np.broadcast_to(given, (length,)) if given.ndim == 0 else _read_only(np.ascontiguousarray(given))


def _read_only[T: np.ndarray](column: T) -> T:
    """One kind of array, whoever sent it: numba compiles for each kind anew."""
    view = column.view()
    view.flags.writeable = False
    return view


def by_parameter(given: PerParameter, keys: pd.MultiIndex, otherwise: float) -> FloatArray:
    """Return a number per key, from one for all or from one per parameter.

    Parameters
    ----------
    given : float or mapping
        The number, or parameter -> number.
    keys : pandas.MultiIndex, length R
        (asset, parameter).
    otherwise : float
        For parameters that the mapping leaves out.

    Raises
    ------
    BankError
        If the mapping names a parameter that no key has.
    """
    if not isinstance(given, Mapping):
        return np.full(len(keys), float(given))
    known = keys.levels[1]
    strange = [name for name in given if name not in known]
    if strange:
        raise BankError(f"no key has the parameter {strange[0]!r}; there are {', '.join(map(str, known))}")
    return np.array([given.get(name, otherwise) for name in known], dtype=np.float64)[keys.codes[1]]


def discounted(
    codes: CodeArray, half_life_s: FloatArray, rows: IntArray, values: FloatArray, sizes: FloatArray, age_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return values and sizes of past events as they count now: less of each, of values only where they are counts.

    Parameters
    ----------
    codes, half_life_s : ndarray, shape (R,)
        Family and half-life of each row.
    rows, values, sizes, age_s : ndarray, shape (E,)
        The events, and how long ago they were.

    Raises
    ------
    BankError
        If an age is negative or not finite.
    """
    bad = ~((age_s >= 0) & (age_s < np.inf))
    if bad.any():
        first = int(np.argmax(bad))
        raise BankError(f"age_s of event {first} is {age_s[first]}; it must be finite and not negative")
    left = np.exp2(-age_s / half_life_s[rows])
    return np.where(codes[rows] <= GAMMA, values * left, values), sizes * left


def refuse_where(bad: NDArray[np.bool_], keys: pd.MultiIndex, name: str, numbers: FloatArray, must: str) -> None:
    """Refuse the first key whose number is bad.

    Parameters
    ----------
    bad : ndarray of bool, shape (R,)
        Which are.
    keys : pandas.MultiIndex, length R
        (asset, parameter).
    name, must : str
        What the number is, and what it must be.
    numbers : ndarray, shape (R,)
        The numbers.

    Raises
    ------
    BankError
        If there is one.
    """
    if bad.any():
        first = int(np.argmax(bad))
        raise BankError(f"{name} of {keys[first]} is {numbers[first]}; it must be {must}")


def refuse_priors(keys: pd.MultiIndex, codes: CodeArray, prior: FloatArray, known: FloatArray) -> None:
    """Refuse improper priors, and a variance that a family needs and has not.

    Parameters
    ----------
    keys : pandas.MultiIndex, length R
        (asset, parameter).
    codes : ndarray, shape (R,)
        Families.
    prior : ndarray, shape (R, 4)
        Parameters.
    known : ndarray, shape (R,)
        Variance of one observation.
    """
    for code in np.unique(codes):
        algebra, at = ALGEBRA[code], np.flatnonzero(codes == code)
        columns = {name: prior[at, k] for k, name in enumerate(algebra.fields)}
        if algebra.known_variance:
            columns["observation_variance"] = known[at]
        for name, numbers in columns.items():
            signed = name == algebra.signed
            bad = ~np.isfinite(numbers) | (False if signed else ~(numbers > 0))
            refuse_where(bad, keys[at], name, numbers, "finite" if signed else "finite and positive")


def unknown_key(key: tuple[Hashable, ...], keys: pd.MultiIndex) -> str:
    """Say that a key is not in the bank, and what is near it."""
    asset, parameter = key
    if parameter not in keys.levels[1]:
        word, known, kind = parameter, keys.levels[1], "parameter"
    elif asset not in keys.levels[0]:
        word, known, kind = asset, keys.levels[0], "asset"
    else:
        return f"the bank has no row for {key}, though it has other rows of this asset and of this parameter"
    names = [str(name) for name in known]
    near = difflib.get_close_matches(str(word), names, n=3, cutoff=0.4) or names[:3]
    return f"the bank has no {kind} {word!r}; did you mean {', '.join(near)}?"


def why_refused(
    event: int, keys: pd.MultiIndex, codes: CodeArray, rows: IntArray, values: FloatArray, sizes: FloatArray
) -> str:
    """Say what is wrong with an event.

    Parameters
    ----------
    event : int
        Its position in the batch.
    keys : pandas.MultiIndex, length R
        (asset, parameter).
    codes : ndarray, shape (R,)
        Families.
    rows, values, sizes : ndarray, shape (E,)
        The batch.
    """
    row = int(rows[event])
    if not 0 <= row < len(keys):
        return f"event {event} names row {row}; the bank has rows 0 to {len(keys) - 1}"
    name, needs = list(CODES)[codes[row]], NEEDS[codes[row]]
    said = f"event {event}, row {row} {keys[row]}, has value {values[event]} and size {sizes[event]}"
    return f"{said}; {name} needs {needs}, and a finite size that is not negative"
