"""Random words by counter: Threefry-2x32, written out, so that the words of a path and a step depend on nothing else.

    (w0, w1) = Threefry_R(key = (seed, stream), counter = (path, step))

Twenty rounds are the published default and what `jax.random` runs; thirteen are the fewest that pass BigCrush. Source:
Salmon, Moraes, Dror and Shaw 2011, sections 4 and 5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

#: An array of JAX, traced or not.
type Array = Any
#: What makes the words of a leaf: (key, paths, step) -> two arrays of uint32, each of the shape of `paths`.
Generator = Callable[[Array, Array, Array], tuple[Array, Array]]

_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
_PARITY = 0x1BD11BDA
#: Bits of a word that make a uniform number; its lowest bit is never among them.
UNIFORM_BITS = 24


def threefry2x32(key: tuple[Array, Array], counter: tuple[Array, Array], rounds: int = 20) -> tuple[Array, Array]:
    """Encrypt counters.

    Parameters
    ----------
    key, counter : tuple of two arrays of uint32
        They broadcast.
    rounds : int
        How many times words are mixed.

    Returns
    -------
    tuple of two arrays of uint32
        Random words.
    """
    keys = (*key, key[0] ^ key[1] ^ jnp.uint32(_PARITY))
    a, b = counter[0] + keys[0], counter[1] + keys[1]
    for i in range(rounds):
        turn = _ROTATIONS[i % 8]
        a = a + b
        b = ((b << jnp.uint32(turn)) | (b >> jnp.uint32(32 - turn))) ^ a
        if i % 4 == 3:
            j = i // 4 + 1
            a, b = a + keys[j % 3], b + keys[(j + 1) % 3] + jnp.uint32(j)
    return a, b


def by_counter(rounds: int) -> Generator:
    """Return the generator of a number of rounds: words depend on the key, the path and the step alone."""

    def words(key: Array, paths: Array, step: Array) -> tuple[Array, Array]:
        return threefry2x32((key[0], key[1]), (paths, jnp.uint32(step)), rounds)

    return words


def stock(key: Array, paths: Array, step: Array) -> tuple[Array, Array]:
    """Return words of `jax.random`, keyed by the first path of the leaf and the step."""
    leaf = jax.random.fold_in(jax.random.wrap_key_data(key, impl="threefry2x32"), paths[0])
    words = jax.random.bits(jax.random.fold_in(leaf, step), (2, paths.size), jnp.uint32)
    return words[0], words[1]


#: By name: thirteen rounds are the fast path, "stock" is the library's.
GENERATORS: dict[str, Generator] = {"threefry13": by_counter(13), "threefry20": by_counter(20), "stock": stock}


def uniform(word: Array, dtype: Any) -> Array:
    """Return a number in [0, 1) from the highest 24 bits of a word."""
    return (word >> jnp.uint32(32 - UNIFORM_BITS)).astype(dtype) * dtype(2.0**-UNIFORM_BITS)


def open_uniform(word: Array, dtype: Any) -> Array:
    """Return a number in (0, 1] from all bits of a word: its logarithm is finite."""
    return (word.astype(dtype) + dtype(1.0)) * dtype(2.0**-32)


def sign(word: Array, dtype: Any) -> Array:
    """Return +1 or -1 from the lowest bit of a word, of which `uniform` knows nothing."""
    return (word & jnp.uint32(1)).astype(dtype) * dtype(2.0) - dtype(1.0)


def normal(word: Array, dtype: Any) -> Array:
    """Return a standard Normal number from the highest 24 bits of a word, by the inverse of its cdf."""
    centred = uniform(word, dtype) * dtype(2.0) - dtype(1.0 - 2.0**-UNIFORM_BITS)
    return dtype(2.0**0.5) * jax.lax.erf_inv(centred)
