"""Random words of a replication and an interval, by counter: Threefry-2x32, which fuses with the step.

    (w0, w1) = Threefry_R(key = (seed, a constant of the loop), counter = (replication, interval))

See `mmresearch.sim.paths.threefry`; R = 13. The upper 24 bits of a word are a uniform u, and -ln(1 - u) the exponential
clock of a side; 1 - u is exact in single precision, and so is the logarithm near 1. The lower 8 bits of both words are
16 signs; their sum over 4 is the move of the mid, of mean 0 and variance 1.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from mmresearch.sim.loop.world import Array
from mmresearch.sim.paths.threefry import threefry2x32

#: Rounds, and second word of the key: "loop".
_ROUNDS, _LOOP = 13, 0x6C6F6F70


def words(seed: Array, replication: Array, interval: Array) -> tuple[Array, Array]:
    """Return two words of 32 bits.

    Parameters
    ----------
    seed, replication, interval : array of uint32
        They broadcast.
    """
    return threefry2x32((seed, jnp.uint32(_LOOP)), (replication, interval), _ROUNDS)


def draws(word: tuple[Array, Array], dtype: Any) -> tuple[Array, Array, Array]:
    """Turn two words into the exponential clocks of bid and ask, and the move of the mid in units of its sd.

    Parameters
    ----------
    word : tuple of two arrays of uint32
        From `words`.
    dtype : dtype
        Of what is returned.
    """
    bid_clock, ask_clock = (-jnp.log(1.0 - (w >> 8).astype(dtype) * 2.0**-24) for w in word)
    signs = jax.lax.population_count((word[0] & 0xFF) | ((word[1] & 0xFF) << 8)).astype(jnp.int32)
    return bid_clock, ask_clock, (signs - 8).astype(dtype) * 0.5
