"""Likelihoods that run through time, in JAX: linear recursions as associative scans, so that n steps take ln n rounds.

Series of all assets stand side by side, one a row, the short ones filled up; what is filled up counts nothing.

    linear    x_j = a_j x_{j-1} + b_j:   (a, b) after (a', b') is (a a', a b' + b)
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


def sticky_chain(kept: ArrayLike, density: ArrayLike) -> Array:
    """Return the log likelihood of hidden chains whose states are all alike in how they are left; shape (assets,).

    A chain forgets after each row: with probability `kept` it is where it was, or else in any state alike. It goes row
    by row: products of matrices by halves take three times as long on a CPU, and half a minute to compile.

    Parameters
    ----------
    kept : array_like, shape (assets, n)
        Second eigenvalue of the step to each row; 0 for a new start.
    density : array_like, shape (assets, n, K)
        Density of each row in each state.
    """
    rows = jnp.asarray(kept).T, jnp.swapaxes(jnp.asarray(density), 0, 1)
    states = rows[1].shape[-1]

    def step(belief: Array, row: tuple[Array, Array]) -> tuple[Array, Array]:
        same, seen = row[0][:, None], row[1]
        joint = (same * belief + (1 - same) / states) * seen
        total = joint.sum(axis=1, keepdims=True)
        return joint / total, jnp.log(total[:, 0])

    _, terms = lax.scan(step, jnp.full(rows[1].shape[1:], 1 / states), rows)
    return terms.sum(axis=0)
