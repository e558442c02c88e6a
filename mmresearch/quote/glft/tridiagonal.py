"""Exponentials and leading vectors of tridiagonal matrices with non-negative off-diagonals, entry by entry.

The entries of e^{K t} v span hundreds of orders of magnitude, and quotes are logarithms of ratios of neighbours, so an
error small against the largest entry is not small. Here every entry keeps its own relative accuracy:

* With s the least diagonal entry, K - s I has no negative entry, so the Taylor series of e^{(K - s) h} v adds positive
  numbers only; steps of h are taken, and after each the vector is divided by its largest entry.
* The leading eigenvector comes by Noda's iteration: x <- (m I - K)^{-1} x, m <- m - min(x_old/x), which falls to the
  leading eigenvalue quadratically. The tridiagonal systems are eliminated from both ends towards the largest entry:
  from one end alone, rounding grows where the vector decays.

A symmetric eigen-solver loses the small entries in both tasks. Compiled by numba; the rows of a batch are independent.
Sources: Al-Mohy and Higham (2011) for the stepping, Noda (1971).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Norm of a step times its length, and relative size of the terms left out.
_REACH, _LEFT_OUT = 96.0, 1e-17
#: Entries smaller than this against the largest one are not waited for.
_NOTHING = 1e-60
_ITERATIONS = 200


@njit(cache=True)
def propagate(
    diagonal: Floats, lower: Floats, upper: Floats, start: Floats, times: Floats, fresh: NDArray[np.bool_]
) -> tuple[Floats, Floats]:  # pragma: no cover - compiled
    """Return e^{K t} v for a batch of rows, each scaled to a largest entry of 1, and the logarithms of the scales.

    Parameters
    ----------
    diagonal : ndarray, shape (R, n)
        Diagonals of K.
    lower, upper : ndarray, shape (R, n)
        Entry i of `lower` is K[i, i - 1], of `upper` K[i, i + 1]; the first and the last are 0. None is negative.
    start : ndarray, shape (R, n)
        Vectors v, without negative entries.
    times : ndarray, shape (R,)
        Times t; of a row that is not fresh, the time since the row before.
    fresh : ndarray of bool, shape (R,)
        Whether a row starts from its `start`; if not, from the result of the row before.
    """
    rows, n = diagonal.shape
    out, scale = np.empty((rows, n)), np.zeros(rows)
    v, term, after = np.zeros(n + 2), np.zeros(n + 2), np.zeros(n + 2)
    shifted = np.empty(n)
    for r in range(rows):
        if fresh[r]:
            v[1:-1] = start[r]
        else:
            scale[r] = scale[r - 1]
        least, norm = diagonal[r].min(), 0.0
        for i in range(n):
            shifted[i] = diagonal[r, i] - least
            norm = max(norm, shifted[i] + lower[r, i] + upper[r, i])
        steps = max(1, int(np.ceil(norm * times[r] / _REACH)))
        h = times[r] / steps
        for _ in range(steps):
            scale[r] += _step(shifted, lower[r], upper[r], v, term, after, h, norm * h)
        scale[r] += least * times[r]
        out[r] = v[1:-1]
    return out, scale


@njit(cache=True, fastmath={"contract"})
def _step(
    shifted: Floats, lower: Floats, upper: Floats, v: Floats, term: Floats, after: Floats, h: float, reach: float
) -> float:  # pragma: no cover - compiled
    """Replace v, padded by a 0 at both ends, by e^{K h} v over its largest entry; return the logarithm of that."""
    total = v[1:-1]
    term[:] = v
    k = 0
    while True:
        k += 1
        part = h / k
        # Views that start at 0: the compiler then uses vector instructions.
        before, here, beyond, new = term[:-2], term[1:-1], term[2:], after[1:-1]
        for i in range(total.size):
            new[i] = part * (shifted[i] * here[i] + lower[i] * before[i] + upper[i] * beyond[i])
            total[i] += new[i]
        term, after = after, term
        if k > reach and k % 4 == 0:
            floor, unfinished = _NOTHING * total.max(), 0
            for i in range(total.size):
                unfinished += new[i] > _LEFT_OUT * (total[i] + floor)
            if unfinished == 0:
                break
    top = total.max()
    total /= top
    return np.log(top)


@njit(cache=True)
def leading(diagonal: Floats, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:  # pragma: no cover - compiled
    """Return the leading eigenvectors of a batch, each with largest entry 1, and the eigenvalues.

    Parameters
    ----------
    diagonal, lower, upper : ndarray, shape (R, n)
        As for `propagate`; all off-diagonals inside the matrix positive.
    """
    rows, n = diagonal.shape
    out, value = np.empty((rows, n)), np.empty(rows)
    x, y, pivot = np.empty(n), np.empty(n), np.empty(n)
    for r in range(rows):
        d, low, up = diagonal[r], lower[r], upper[r]
        x[:] = 1.0
        above = -np.inf
        for i in range(n):
            above = max(above, d[i] + low[i] + up[i])
        # Strictly above the eigenvalue, even where all row sums are equal.
        above += 1e-3 * (low.max() + up.max())
        for _ in range(_ITERATIONS):
            y[:] = x
            if not _solve(above, d, low, up, y, pivot):
                break
            least, most = np.inf, 0.0
            for i in range(n):
                least, most = min(least, x[i] / y[i]), max(most, x[i] / y[i])
            top = y.max()
            for i in range(n):
                x[i] = y[i] / top
            if not above - least < above or most - least <= 1e-15 * most:
                above -= least
                break
            above -= least
        y[:] = 0.0
        y[x.argmax()] = 1.0
        _solve(above, d, low, up, y, pivot)
        out[r], value[r] = y / y.max(), above
    return out, value


@njit(cache=True)
def _solve(
    above: float, d: Floats, low: Floats, up: Floats, y: Floats, pivot: Floats
) -> bool:  # pragma: no cover - compiled
    """Replace y by (above I - K)^{-1} y; False if `above` is not above the eigenvalue, to rounding.

    The system is eliminated from both ends towards the largest entry. Where y is 0 but there and `above` is the
    eigenvalue, the result is the eigenvector: then the middle keeps its value and the others follow by ratios.
    """
    n, middle = d.size, y.argmax()
    for i in range(middle):
        pivot[i] = above - d[i] - (low[i] * up[i - 1] / pivot[i - 1] if i else 0.0)
        if not pivot[i] > 0.0:
            return False
        if i:
            y[i] += low[i] * y[i - 1] / pivot[i - 1]
    for i in range(n - 1, middle, -1):
        pivot[i] = above - d[i] - (up[i] * low[i + 1] / pivot[i + 1] if i < n - 1 else 0.0)
        if not pivot[i] > 0.0:
            return False
        if i < n - 1:
            y[i] += up[i] * y[i + 1] / pivot[i + 1]
    last = above - d[middle]
    if middle > 0:
        last -= low[middle] * up[middle - 1] / pivot[middle - 1]
        y[middle] += low[middle] * y[middle - 1] / pivot[middle - 1]
    if middle < n - 1:
        last -= up[middle] * low[middle + 1] / pivot[middle + 1]
        y[middle] += up[middle] * y[middle + 1] / pivot[middle + 1]
    above_still = last > 0.0
    if above_still:
        y[middle] /= last
    for i in range(middle - 1, -1, -1):
        y[i] = (y[i] + up[i] * y[i + 1]) / pivot[i]
    for i in range(middle + 1, n):
        y[i] = (y[i] + low[i] * y[i - 1]) / pivot[i]
    return above_still
