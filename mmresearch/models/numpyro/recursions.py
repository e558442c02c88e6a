"""Likelihoods that run through time, in JAX; linear recursions with blocks side by side: n rows take 2 sqrt(n) steps.

Series of all assets stand side by side, one a row, the short ones filled up; what is filled up counts nothing. Time is
cut into about sqrt(n) blocks. Each recursion is a chain of maps that compose, so a first scan composes the maps of all
blocks at once, row by row, and a second one leads the state from block to block.

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
Pair = tuple[Array, Array]


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
    factors, terms = in_blocks(a, 1.0), in_blocks(b, 0.0)
    n = np.shape(a)[1]

    def after(first: Pair, second: Pair) -> tuple[Pair, Pair]:
        both = second[0] * first[0], second[0] * first[1] + second[1]
        return both, both

    def lead(x: Array, block: Pair) -> Pair:
        return block[0] * x + block[1], x

    nothing = jnp.ones(factors.shape[1:]), jnp.zeros(factors.shape[1:])
    _, (factor, term) = lax.scan(after, nothing, (factors, terms))
    _, before = lax.scan(lead, jnp.zeros(factors.shape[2]), (factor[-1], term[-1]))
    return in_rows(factor * before + term, n)


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
    # What is filled up is all ones, like no map in use; nothing comes after it.
    entries = tuple(in_blocks(steps[..., i, j], 1.0) for i in (0, 1) for j in (0, 1))

    def after(first: tuple[Array, ...], second: tuple[Array, ...]) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        (a, b, c, d), (e, f, g, h) = first, second
        product = e * a + f * c, e * b + f * d, g * a + h * c, g * b + h * d
        # A matrix and its multiples are one map; kept at size one, long products do not overflow.
        size = sum(product)
        both = tuple(x / size for x in product)
        return both, both

    def lead(x: Array, block: tuple[Array, ...]) -> Pair:
        return _mapped(block, x), x

    one, none = jnp.ones(entries[0].shape[1:]), jnp.zeros(entries[0].shape[1:])
    identity: tuple[Array, ...] = (one, none, none, one)
    _, maps = lax.scan(after, identity, entries)
    _, before = lax.scan(lead, jnp.zeros(one.shape[1]), tuple(m[-1] for m in maps))
    return in_rows(_mapped(maps, before), steps.shape[1])


def _mapped(m: tuple[Array, ...], x: Array) -> Array:
    return (m[0] * x + m[1]) / (m[2] * x + m[3])


def sticky_chain(kept: ArrayLike, density: ArrayLike) -> Array:
    """Return the log likelihood of hidden chains whose states are all alike in how they are left; shape (assets,).

    A chain forgets before each row: with probability `kept` it is where it was, or else in any state alike. It goes row
    by row: blocks side by side, each begun in every state, take as long on a CPU.

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


def in_blocks(table: ArrayLike, filling: float) -> Array:
    """Cut the rows of a table into blocks of equal length, the last one filled up; shape (length, blocks, assets)."""
    values = jnp.asarray(table)
    assets, n = values.shape
    length = max(1, round(n**0.5))
    blocks = -(-n // length)
    filled = jnp.pad(values, ((0, 0), (0, blocks * length - n)), constant_values=filling)
    return filled.reshape(assets, blocks, length).T


def in_rows(blocks: Array, n: int) -> Array:
    """Put blocks back one after the other; shape (assets, n)."""
    length, many, assets = blocks.shape
    return blocks.transpose(2, 1, 0).reshape(assets, many * length)[:, :n]
