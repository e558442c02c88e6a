"""Likelihoods that run through time, in JAX: recursions as associative scans, so that n steps take ln n rounds.

Series of all assets stand side by side, one a row, the short ones filled up; what is filled up counts nothing.

    linear    x_j = a_j x_{j-1} + b_j:   (a, b) after (a', b') is (a a', a b' + b)
    total     ln of 1/K sum of all entries of M_1 ... M_n, by halves: pairs of neighbours, then pairs of pairs
    moebius   x_j = (m11 x_{j-1} + m12)/(m21 x_{j-1} + m22):   one after the other is the product of matrices
"""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


def side_by_side(series: Sequence[FloatArray], filling: float) -> FloatArray:
    """Put series of different lengths into one table, at least one column wide.

    Parameters
    ----------
    series : sequence of ndarray, shape (n_i,)
        One per asset.
    filling : float
        What stands after the end of a short one.

    Returns
    -------
    ndarray, shape (assets, max n_i)
    """
    table = np.full((len(series), max(1, *(s.size for s in series))), filling)
    for row, values in zip(table, series, strict=True):
        row[: values.size] = values
    return table


def linear(a: ArrayLike, b: ArrayLike) -> Array:
    """Return x with x_j = a_j x_{j-1} + b_j along the last axis, from x = 0.

    Parameters
    ----------
    a, b : array_like, shape (assets, n)
        Factors and terms.
    """

    def after(first: tuple[Array, Array], second: tuple[Array, Array]) -> tuple[Array, Array]:
        return first[0] * second[0], second[0] * first[1] + second[1]

    return lax.associative_scan(after, (jnp.asarray(a), jnp.asarray(b)), axis=1)[1]


def moebius(steps: Array) -> Array:
    """Return x with x_j = (m11 x_{j-1} + m12)/(m21 x_{j-1} + m22), from x = 0.

    Parameters
    ----------
    steps : jax.Array, shape (assets, n, 2, 2)
        Matrices m of entries not below zero, so that nothing cancels.

    Returns
    -------
    jax.Array, shape (assets, n)
    """

    def after(first: Array, second: Array) -> Array:
        product = second @ first
        # A matrix and its multiples are one map; kept at size one, long products do not overflow.
        return product / product.sum(axis=(-2, -1), keepdims=True)

    products = lax.associative_scan(after, steps, axis=1)
    return products[..., 0, 1] / products[..., 1, 1]


def log_total(steps: Array) -> Array:
    """Return the logarithm of the mean over rows of the sums of rows of the product of all matrices; shape (assets,).

    Parameters
    ----------
    steps : jax.Array, shape (assets, n, K, K)
        Matrices of entries not below zero, in the order of the product, n at least 1.
    """
    states, total = steps.shape[-1], jnp.zeros(steps.shape[0])
    while steps.shape[1] > 1:
        if steps.shape[1] % 2:
            alone = jnp.broadcast_to(jnp.eye(states), (steps.shape[0], 1, states, states))
            steps = jnp.concatenate([steps, alone], axis=1)
        # Written out, as a loop over small matrices is slow on a CPU.
        steps = (steps[:, 0::2, :, :, None] * steps[:, 1::2, None, :, :]).sum(axis=-2)
        size = steps.sum(axis=(-2, -1), keepdims=True)
        steps, total = steps / size, total + jnp.log(size[..., 0, 0]).sum(axis=1)
    return total + jnp.log(steps[:, 0].sum(axis=(-2, -1)) / states)
