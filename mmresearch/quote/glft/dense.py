"""The exponential of `tridiagonal` once more, as a few matrix products that JAX can differentiate.

e^{(K - s) t} v = (e^{(K - s) t/2^m})^{2^m} v, the inner one by its Taylor series, then m squarings, each divided by the
largest entry. All entries stay positive, so each keeps its relative accuracy; rounding grows like 2^m at most.
Loops have fixed lengths, so m is fixed: where (norm of K - s) t exceeds 2^m the result is NaN. In JAX, 64-bit numbers
must be switched on; in 32 bits, quotes far from zero inventory are noise.
"""

from __future__ import annotations

from typing import Any

from mmresearch.quote.glft.namespace import Array

SQUARINGS, TERMS = 16, 20
#: Squarings that carry any vector to the leading one: 2^26 times the inverse of the norm.
_TO_THE_END = 26


def propagated(xp: Any, diagonal: Array, coupling: Array, start: Array, time: Array) -> tuple[Array, Array]:
    """Return e^{K t} v over its largest entry, and the logarithm of that.

    Parameters
    ----------
    xp : module
        Array library.
    diagonal : array, shape (..., n)
        Diagonal of K.
    coupling : array, shape (...)
        Every entry of K beside the diagonal.
    start : array, shape (..., n)
        v, positive.
    time : array, shape (...)
        t, s.
    """
    least = xp.min(diagonal, axis=-1)
    shifted = _matrix(xp, diagonal - least[..., None], coupling)
    small = shifted * (time / 2.0**SQUARINGS)[..., None, None]
    reach = xp.max(xp.sum(small, axis=-1), axis=-1)
    power, scale = _exponential(xp, small), least * time
    for j in range(SQUARINGS):
        power, top = _scaled(xp, xp.matmul(power, power))
        scale = scale + 2.0 ** (SQUARINGS - 1 - j) * top
    v = xp.matmul(power, start[..., None])[..., 0]
    top = xp.max(v, axis=-1)
    v = xp.where((reach <= 1.0)[..., None], v / top[..., None], xp.nan)
    return v, scale + xp.log(top)


def leading_vector(xp: Any, diagonal: Array, coupling: Array) -> Array:
    """Return the leading eigenvector of K over its largest entry, shape (..., n), by squaring I + (K - s)/norm.

    Parameters
    ----------
    xp : module
        Array library.
    diagonal : array, shape (..., n)
        Diagonal of K.
    coupling : array, shape (...)
        Every entry of K beside the diagonal, positive.
    """
    shifted = _matrix(xp, diagonal - xp.min(diagonal, axis=-1)[..., None], coupling)
    power = xp.eye(diagonal.shape[-1]) + shifted / xp.max(xp.sum(shifted, axis=-1), axis=-1)[..., None, None]
    for _ in range(_TO_THE_END):
        power, _top = _scaled(xp, xp.matmul(power, power))
    v = xp.sum(power, axis=-1)
    return v / xp.max(v, axis=-1)[..., None]


def _matrix(xp: Any, diagonal: Array, coupling: Array) -> Array:
    n = diagonal.shape[-1]
    beside = xp.eye(n, k=1) + xp.eye(n, k=-1)
    return diagonal[..., None] * xp.eye(n) + coupling[..., None, None] * beside


def _exponential(xp: Any, small: Array) -> Array:
    """Taylor series by Horner's rule, of a matrix of norm at most 1."""
    unit = xp.eye(small.shape[-1])
    total = unit + small / TERMS
    for j in range(TERMS - 1, 0, -1):
        total = unit + xp.matmul(small, total) / j
    return total


def _scaled(xp: Any, matrix: Array) -> tuple[Array, Array]:
    top = xp.max(matrix, axis=(-2, -1))
    return matrix / top[..., None, None], xp.log(top)
