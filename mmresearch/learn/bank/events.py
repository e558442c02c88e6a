"""Events added to rows of evidence, many rows at once, without losing digits; compiled by numba.

A row holds three numbers and what rounding left of each, so that a sum is right to its last digit after 1e8 additions:

    labels, counts    first += v,        second += s             successes and failures, or count and exposure
    squares           first += s,        second += s v^2         n and sum of squares
    moments           n' = n + s,   gap = v - mean,   mean += gap s/n',   M2 += gap^2 n s/n'     (Chan's rule)

v, s: value and size of an event (a size is a number of trials, an exposure, or a weight). One event at a time is one
pass over the events and needs no sorting; its digits are kept by double-double sums (Knuth's two-sum) where a
two-pass rule would keep them by a second reading. Rows are read a block ahead of use, which halves the time and more
where the bank outgrows the cache. Reference: Chan, Golub, LeVeque 1983, The American Statistician 37, 242-247.

Everything that calls each other is in this one file: numba keeps a compiled function until its own file changes.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mmresearch.belief.contract import FloatArray

IntArray = NDArray[np.int64]
CodeArray = NDArray[np.int8]

#: Codes of the families. What a row holds follows from the code: two sums below SQUARES, (n, mean, M2) above.
BETA, GAMMA, SQUARES, STUDENT, NORMAL, LOG = range(6)
#: Numbers in a row: three, and what rounding left of each.
WIDTH = 6
#: Events per block: what they touch fits the first-level cache.
BLOCK = 256


@njit(cache=True, inline="always")
def _add(kept, row, column, value):
    """Add to a sum, and add what rounding drops to its carry: the sum is the first word plus the second."""
    old = kept[row, column]
    new = old + value
    seen = new - old
    kept[row, column + 3] += (old - (new - seen)) + (value - seen)
    kept[row, column] = new


@njit(cache=True, inline="always")
def _acceptable(code, value, size):
    """Whether an event is one that its family can have produced."""
    fits = (size >= 0.0) & (size < math.inf) & (value > -math.inf) & (value < math.inf)
    fits &= (code > GAMMA) | (value >= 0.0)
    fits &= (code != BETA) | (value <= size)
    return fits & ((code != LOG) | (value > 0.0))


@njit(cache=True)
def first_refused(codes: CodeArray, rows: IntArray, values: FloatArray, sizes: FloatArray) -> int:
    """Return the position of the first event that no learner can take, or -1.

    Parameters
    ----------
    codes : ndarray, shape (R,)
        Family of each row.
    rows : ndarray, shape (E,)
        Row of each event.
    values, sizes : ndarray, shape (E,)
        In the unit of the row's parameter; trials, exposure or weight.
    """
    for event in range(rows.size):
        row = rows[event]
        if not 0 <= row < codes.size or not _acceptable(codes[row], values[event], sizes[event]):
            return event
    return -1


@njit(cache=True)
def add_events(kept: FloatArray, codes: CodeArray, rows: IntArray, values: FloatArray, sizes: FloatArray) -> float:
    """Add events to their rows, in place; what the call returns only keeps the compiler from dropping the read ahead.

    Parameters
    ----------
    kept : ndarray, shape (R, 6)
        Evidence and its carries; changed.
    codes : ndarray, shape (R,)
        Family of each row.
    rows : ndarray, shape (E,)
        Row of each event, in range.
    values, sizes : ndarray, shape (E,)
        Value and size of each event, acceptable.
    """
    # Unsigned places and rows: a signed one may count from the end, and asking costs.
    numbers, of_sums, of_moments = np.empty(BLOCK), np.empty(BLOCK, np.uint64), np.empty(BLOCK, np.uint64)
    unsigned = rows.view(np.uint64)
    ahead = 0.0
    for start in range(0, rows.size, BLOCK):
        block, size = unsigned[start : start + BLOCK], sizes[start : start + BLOCK]
        for row in block:
            ahead += kept[row, 0] + kept[row, WIDTH - 1]
        sums, moments = np.uint64(0), np.uint64(0)
        for place in range(block.size):
            code = codes[block[place]]
            of_sums[sums] = of_moments[moments] = place
            sums += np.uint64(code <= SQUARES)
            moments += np.uint64(code > SQUARES)
            numbers[place] = values[start + place]
            if code == LOG:
                numbers[place] = math.log(numbers[place])
        for place in of_sums[:sums]:
            row = block[place]
            _add_sums(kept, row, codes[row], numbers[place], size[place])
        for place in of_moments[:moments]:
            _add_moments(kept, block[place], numbers[place], 0.0, 0.0, size[place])
    return ahead


@njit(cache=True, inline="always")
def _add_sums(kept, row, code, value, size):
    """Add one event to two sums; what they are is picked without a branch, which random rows would miss."""
    _add(kept, row, 0, size if code == SQUARES else value)
    rest = size - value if code == BETA else size
    _add(kept, row, 1, size * value * value if code == SQUARES else rest)


@njit(cache=True, inline="always")
def _add_moments(kept, row, mean, mean_rest, m2, size):
    """Add the moments of `size` events to those of a row."""
    n = kept[row, 0] + kept[row, 3]
    total = n + size
    share = size / total if total > 0.0 else 0.0
    gap = (mean - kept[row, 1]) + (mean_rest - kept[row, 4])
    _add(kept, row, 0, size)
    _add(kept, row, 1, gap * share)
    _add(kept, row, 2, m2 + gap * (gap * (n * share)))


@njit(cache=True)
def merge_rows(kept: FloatArray, codes: CodeArray, other: FloatArray) -> None:
    """Add the evidence of another bank of the same rows, in place.

    Parameters
    ----------
    kept, other : ndarray, shape (R, 6)
        Evidence and carries; the first is changed.
    codes : ndarray, shape (R,)
        Family of each row.
    """
    for row in range(codes.size):
        if codes[row] > SQUARES:
            _add_moments(kept, row, other[row, 1], other[row, 4], other[row, 2], other[row, 0])
            _add(kept, row, 0, other[row, 3])
            _add(kept, row, 2, other[row, 5])
        else:
            for column in range(2):
                _add(kept, row, column, other[row, column])
                _add(kept, row, column, other[row, column + 3])
