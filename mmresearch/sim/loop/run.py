"""The loop: draw, fill, account, observe, quote again; blocks of intervals in a scan, replications side by side.

A replication draws the words of `words`, keyed by the seed, its number and that of the interval. Makers share them,
so that a difference between two makers is no difference of luck.

Expected regret in an interval, given inventory and depths, is exact and has no noise of fills (the lemma of performance
differences): with rho and h of the oracle from `world.values`,

    rho + (gamma sigma^2/2) q^2 dt - [p_b (d_b - c + h(q+1) - h(q)) + p_a (d_a - c + h(q-1) - h(q))
                                      - p_b p_a (h(q+1) + h(q-1) - 2 h(q))],

is 0 for the oracle, and its sum is what the maker gains less than the oracle, but for h at the two last inventories.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mmresearch.sim.loop.makers import Maker, State
from mmresearch.sim.loop.words import draws, words
from mmresearch.sim.loop.world import Array, Plan, Seen, Setting, Truth, Values, affine_plan, values

#: Intervals of a block: sums are widened once per block, and quotes refreshed unless a maker says otherwise.
BLOCK = 64


class Sums(NamedTuple):
    """What a replication has added up, bps unless said; float64.

    Attributes
    ----------
    regret : array
        Expected regret; NaN where it was not wanted.
    edge, swing, penalty : array
        Edge of fills, inventory times moves of the mid, and price of inventory: realised.
    fills : array
        Number of them.
    depth, depth_square : array
        Sum over intervals of half the sum of both depths' shifts from the base: q slope; and of its square, bps^2.
    """

    regret: Array
    edge: Array
    swing: Array
    penalty: Array
    fills: Array
    depth: Array
    depth_square: Array

    @property
    def realised(self) -> Array:
        """What was gained in the units of the criterion: edge + swing - penalty."""
        return self.edge + self.swing - self.penalty


class Carry(NamedTuple):
    """A replication between two blocks: learner, quotes that rest, inventory in lots, sums."""

    state: State
    plan: Plan
    q: Array
    sums: Sums


class World(NamedTuple):
    """Truth and value of the oracle in one replication, the seed, and its number: uint32."""

    truth: Truth
    best: Values
    seed: Array
    number: Array


def interval(
    plan: Plan, q: Array, clocks: tuple[Array, Array], truth: Truth, setting: Setting
) -> tuple[Seen, Array, Array]:
    """Rest two orders for an interval; return what is seen, and the expected fills of bid and ask, m.

    Parameters
    ----------
    plan : Plan
        Quotes.
    q : array
        Inventory, lots.
    clocks : tuple of two arrays
        Exponential clocks of bid and ask.
    truth, setting : Truth, Setting
        The market.
    """
    lean = plan.slope * q
    bid_clock, ask_clock = clocks
    middle = plan.base + 0.5 * plan.slope
    bid_depth, ask_depth = middle + lean, middle - lean
    at_mid = truth.A * setting.dt
    bid_m = jnp.where(q < setting.Q, at_mid * jnp.exp(-truth.kappa * bid_depth), 0.0)
    ask_m = jnp.where(q > -setting.Q, at_mid * jnp.exp(-truth.kappa * ask_depth), 0.0)
    bid_fill, ask_fill = bid_clock < bid_m, ask_clock < ask_m
    bid_s = setting.dt * jnp.where(bid_fill, bid_clock / bid_m, jnp.where(q < setting.Q, 1.0, 0.0))
    ask_s = setting.dt * jnp.where(ask_fill, ask_clock / ask_m, jnp.where(q > -setting.Q, 1.0, 0.0))
    return Seen(bid_depth, ask_depth, bid_fill, ask_fill, bid_s, ask_s), bid_m, ask_m


def _realised(seen: Seen, q: Array, after: Array, move: Array, lean: Array, s: Setting) -> Sums:
    """Return what one interval adds, without the expected regret."""
    bid_edge = jnp.where(seen.bid_fill, seen.bid_depth - s.cost, 0.0)
    ask_edge = jnp.where(seen.ask_fill, seen.ask_depth - s.cost, 0.0)
    fills = seen.bid_fill.astype(q.dtype) + seen.ask_fill.astype(q.dtype)
    swing = after * move * (s.sigma * s.dt**0.5)
    held = s.penalty * s.dt * q * q
    return Sums(jnp.full_like(q, jnp.nan), bid_edge + ask_edge, swing, held, fills, lean, lean * lean)


def _regret(seen: Seen, bid_m: Array, ask_m: Array, q: Array, best: Values, s: Setting) -> Array:
    """Return the expected regret of one interval."""
    at, last = q.astype(jnp.int32) + s.Q, 2 * s.Q - 1
    up, down = best.rise[jnp.minimum(at, last)], -best.rise[jnp.maximum(at - 1, 0)]
    bid_p, ask_p = -jnp.expm1(-bid_m), -jnp.expm1(-ask_m)
    gain = bid_p * (seen.bid_depth - s.cost + up) + ask_p * (seen.ask_depth - s.cost + down)
    return best.gain + s.penalty * s.dt * q * q - (gain - bid_p * ask_p * (up + down))


def refresh_intervals(maker: Maker, setting: Setting) -> int:
    """Return how many intervals pass between two refreshes of the quotes of a maker.

    Raises
    ------
    ValueError
        If `refresh_s` is negative, or no whole number of intervals.
    """
    return BLOCK if maker.refresh_s is None else max(setting.whole_intervals(maker.refresh_s), 1)


def _refreshed(maker: Maker, setting: Setting, every: int, i: Array, state: State, plan: Plan) -> Plan:
    """Return the quotes of interval i: those of the belief if it is their turn, else those that rest.

    The number of the interval is that of all replications, so that nothing is worked out where nothing is refreshed.
    """
    if every == 1:
        return maker.plan(state, setting)
    return jax.lax.cond(i % every == 0, lambda: maker.plan(state, setting), lambda: plan)


def _block(maker: Maker, setting: Setting, expected: bool, world: World, carry: Carry, number: Array) -> Carry:
    """Run one block of one replication."""
    dtype = world.truth.A.dtype
    first = jnp.asarray(number, jnp.uint32) * jnp.uint32(BLOCK)
    every = refresh_intervals(maker, setting)
    held = maker.plan(carry.state, setting) if every == BLOCK else carry.plan

    def step(inner: tuple[State, Plan, Array, Sums], i: Array) -> tuple[tuple[State, Plan, Array, Sums], None]:
        state, plan, q, sums = inner
        bid_clock, ask_clock, move = draws(words(world.seed, world.number, i), dtype)
        if every != BLOCK:
            plan = _refreshed(maker, setting, every, i, state, plan)
        seen, bid_m, ask_m = interval(plan, q, (bid_clock, ask_clock), world.truth, setting)
        after = q + seen.bid_fill.astype(dtype) - seen.ask_fill.astype(dtype)
        added = _realised(seen, q, after, move, plan.slope * q, setting)
        if expected:
            added = added._replace(regret=_regret(seen, bid_m, ask_m, q, world.best, setting))
        state = maker.observe(state, seen, setting)
        return (state, plan, after, jax.tree.map(jnp.add, sums, added)), None

    start = (carry.state, held, carry.q, Sums(*[jnp.zeros((), dtype)] * len(Sums._fields)))
    (state, held, q, sums), _ = jax.lax.scan(step, start, first + jnp.arange(BLOCK, dtype=jnp.uint32))
    total = jax.tree.map(lambda a, b: a + b.astype(jnp.float64), carry.sums, sums)
    return Carry(state, held, q, total)


@partial(jax.jit, static_argnums=(0, 1, 2))
def advance(
    maker: Maker, setting: Setting, expected: bool, world: World, carry: Carry, first: Array, last: Array
) -> Carry:
    """Run blocks first .. last - 1 of all replications.

    Parameters
    ----------
    maker, setting, expected : Maker, Setting, bool
        Static; the last, whether the expected regret is wanted.
    world, carry : World, Carry
        Arrays with replications on the first axis.
    first, last : int
        Numbers of blocks.
    """
    every = jax.vmap(partial(_block, maker, setting, expected), in_axes=(0, 0, None))
    return jax.lax.fori_loop(first, last, lambda b, c: every(world, c, b), carry)


@partial(jax.jit, static_argnums=(0, 1))
def begin(maker: Maker, setting: Setting, truth: Truth) -> Carry:
    """Return the carry before the first block, without inventory: replications on the first axis."""
    zero = jnp.zeros(truth.A.shape, jnp.float64)
    state = jax.vmap(partial(maker.init, setting))(truth)
    plan = jax.vmap(partial(maker.plan, setting=setting))(state)
    return Carry(state, plan, jnp.zeros_like(truth.A), Sums(*[zero] * len(Sums._fields)))


def oracle_values(truth: Truth, setting: Setting) -> Values:
    """Return gain and relative values of the oracle, in float64: see `mmresearch.sim.loop.world.values`."""
    plan = Plan(*(np.asarray(x) for x in affine_plan(jnp.asarray(truth.A), jnp.asarray(truth.kappa), setting)))
    return values(plan, truth, setting)


def run(
    maker: Maker,
    truth: Truth,
    setting: Setting,
    checkpoints: Sequence[int],
    seed: int,
    dtype: str = "float64",
    at_once: int = 256,
    expected: bool = True,
) -> list[Carry]:
    """Run one maker in every replication; return what it carries at the checkpoints, as NumPy arrays.

    Parameters
    ----------
    maker : Maker
        The learner.
    truth : Truth
        One market per replication, arrays of shape (R,).
    setting : Setting
        What is known.
    checkpoints : sequence of int
        Blocks after which to look, increasing; a block has `BLOCK` intervals.
    seed : int
        Of all draws; replication r has the same ones whatever the maker and the other replications.
    dtype : {"float64", "float32"}
        Of the state and of one interval; sums are always float64.
    at_once : int
        Replications that run side by side; groups are spread over the devices. Changes speed only.
    expected : bool
        Whether to add up the expected regret; if not, it is NaN, and the rest comes faster.

    Raises
    ------
    ValueError
        If the checkpoints do not increase from at least 1, intervals or seed do not fit into 32 bits, or nothing is to
        run side by side.
    """
    marks = [0, *(int(c) for c in checkpoints)]
    if len(marks) < 2 or any(b <= a for a, b in pairwise(marks)):
        raise ValueError(f"checkpoints must be whole blocks that increase from at least 1, got {list(checkpoints)}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"a seed is a whole number from 0 to 2^32 - 1, got {seed}")
    if marks[-1] * BLOCK >= 2**32:
        raise ValueError(f"intervals are counted by 32 bits: at most {2**32 // BLOCK - 1} blocks, got {marks[-1]}")
    if at_once < 1:
        raise ValueError(f"at_once must be at least 1, got {at_once}")
    with jax.enable_x64(True):
        groups = list(_groups(truth, setting, seed, dtype, at_once))
        found: list[list[Carry]] = [[] for _ in marks[1:]]
        carries = [begin(maker, setting, world.truth) for world in groups]
        for row, (first, last) in zip(found, pairwise(marks), strict=True):
            carries = [
                advance(maker, setting, expected, w, c, first, last) for w, c in zip(groups, carries, strict=True)
            ]
            row.extend(carries)
        return [jax.tree.map(lambda *x: np.concatenate([np.asarray(v) for v in x]), *row) for row in found]


def _groups(truth: Truth, setting: Setting, seed: int, dtype: str, at_once: int) -> Iterator[World]:
    """Yield the replications in groups, each on its device."""
    best, devices = oracle_values(truth, setting), jax.devices()
    for i, start in enumerate(range(0, len(truth.A), at_once)):
        part = slice(start, min(start + at_once, len(truth.A)))
        numbers = np.arange(part.start, part.stop, dtype=np.uint32)
        cut = jax.tree.map(lambda x, part=part: np.asarray(x)[part].astype(dtype), (truth, best))
        yield jax.device_put(World(cut[0], cut[1], np.full_like(numbers, seed), numbers), devices[i % len(devices)])
