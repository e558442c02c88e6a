"""Market orders that bring others: a Hawkes process, made as the clusters that it consists of.

    intensity(t) = mu + sum over orders before t of branching decay e^{-decay (t - t_j)},   mu = 2 A + 2 touch_only

Immigrants are the orders of the plain world, those that reach far and those that stop at the touch. Each order brings
Poisson(branching) others after Exp(decay) waits; they are of a random side and stop at the touch, so that fills stay a
Poisson process of rate A e^{-kappa d}. Nothing came before time 0, as a likelihood that starts there supposes; the rate
climbs from mu to mu/(1 - branching) within a few 1/(decay (1 - branching)).

Source: Hawkes and Oakes (1974), A cluster process representation of a self-exciting process. Units: seconds.
"""

from __future__ import annotations

import numpy as np

from mmresearch.sim.features import Hawkes
from mmresearch.sim.flow import STOPS, Flow
from mmresearch.tape.mids import FloatArray


def with_offspring(flow: Flow, hawkes: Hawkes, seconds: float, rng: np.random.Generator) -> Flow:
    """Return the flow with the orders that its orders bring, and those that these bring, up to the end of the tape.

    Parameters
    ----------
    flow : Flow
        Immigrants.
    hawkes : Hawkes
        Branching and decay.
    seconds : float
        Length of the tape.
    rng : numpy.random.Generator
        Source of randomness.
    """
    born = _born(flow.ts, hawkes, seconds, rng)
    ts = np.append(flow.ts, born)
    side = np.append(flow.side, rng.choice(np.array([1, -1]), born.size))
    depth = np.append(flow.depth_bps, np.full(born.size, STOPS))
    order = np.argsort(ts, kind="stable")
    return Flow(ts[order], side[order], depth[order])


def _born(parents: FloatArray, hawkes: Hawkes, seconds: float, rng: np.random.Generator) -> FloatArray:
    """Times of all descendants, one generation after the other."""
    generations = [np.empty(0)]
    while parents.size:
        children = np.repeat(parents, rng.poisson(hawkes.branching, parents.size))
        children += rng.exponential(1 / hawkes.decay_per_s, children.size)
        parents = children[children < seconds]
        generations.append(parents)
    return np.concatenate(generations)
