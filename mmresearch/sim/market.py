"""One asset, event by event: a mid, other people's market orders, and our resting orders among them.

A market order of the flow reaches a depth D ~ Exp(kappa) from the mid. Our order at depth d (from the quoted mid just
before; below zero counts as zero) is filled if and only if D >= d, so that

    fills at depth d ~ Poisson process of rate A e^{-kappa d},   exactly, for any policy.

An order with D below the half-spread stops at the touch; extra touch-only orders print there and never reach us, who
stand behind a queue. The mid is S0 exp(B + jumps): B moves at quote times, and after an informed fill of ours the mid
jumps against us within 300 ms. Quotes are the mid -+ half-spread, rounded to the tick. After a fill nothing of ours
rests for the policy's pause, so no second fill disturbs a 500 ms markout: its mean is alpha times the mean jump.

Features that are on (`mmresearch.sim.dynamics`) draw from generators of their own. None of them fills an order, so
fills at depth d stay Poisson; what they add to the mid within 500 ms is small against a jump: at moderate sizes
momentum and changepoints move it by less than 1 bp, to either side of our fills alike.

Units: seconds, bps of mid, kappa per fraction of price, A per second and side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from mmresearch.sim.dynamics import stream
from mmresearch.sim.flow import WINDOW_S, Flow, Windows, draw_flow, draw_path, draw_windows, prints
from mmresearch.sim.hawkes import with_offspring
from mmresearch.sim.policies import Plan, Policy
from mmresearch.sim.signals import signals_of
from mmresearch.sim.sizes import leaning_sizes
from mmresearch.sim.steps import Steps, draw_steps
from mmresearch.sim.truth import PLAIN, Stress, Truth
from mmresearch.sim.walk import Given, Written, around, walk
from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS, QUOTE_COLUMNS
from mmresearch.tape.mids import FloatArray
from mmresearch.tape.schema import Tape, TapeMeta

#: The markout that must stay clean of other fills of ours.
MARKOUT_S = 0.5


def play(
    truth: Truth,
    seconds: float,
    policy: Policy,
    seed: int | Sequence[int],
    stress: Stress = PLAIN,
    quote_s: float = 0.25,
) -> Tape:
    """Play a world for one asset and return its tape.

    Parameters
    ----------
    truth : Truth
        What is true.
    seconds : float
        Length of the tape.
    policy : Policy
        How we quote.
    seed : int or sequence of int
        Equal seeds give equal tapes.
    stress : Stress
        Departures from the plain assumptions.
    quote_s : float
        Mean time between quotes.

    Returns
    -------
    Tape
        Provenance "synthetic", ``t0`` = 0.

    Raises
    ------
    ValueError
        If the tape has no room for two quotes, or the policy's pause is shorter than a markout.
    """
    if not 0 < 2 * quote_s <= seconds:
        raise ValueError(f"a tape must hold two quotes or more, got {seconds} s with one every {quote_s} s")
    if not policy.pause_s >= MARKOUT_S:
        raise ValueError(f"pause_s must be at least {MARKOUT_S} s, or fills disturb markouts; got {policy.pause_s}")
    rng = np.random.default_rng(seed)
    windows, steps = draw_windows(truth, seconds, stress, rng), draw_steps(truth, seconds, seed)
    flow = draw_flow(truth, seconds, windows, rng)
    if truth.dynamics.hawkes:
        flow = with_offspring(flow, truth.dynamics.hawkes, seconds, stream(seed, "hawkes"))
    path = _as_quoted(truth, draw_path(truth, seconds, quote_s, windows, stress, rng, steps), seed)
    n = min(int(seconds / 0.5) + 8, len(path[0]))  # an order is placed at a quote, and kept for half a second at least
    given = _given(truth, policy, windows, flow, path, steps, [policy.plan(rng, n), policy.plan(rng, n)])
    written = walk(given, rng)
    quotes, fills = _quotes(given, written, rng, seconds, truth.lot), _fills(written, truth.lot)
    if truth.dynamics.imbalance:
        sizes = leaning_sizes(truth, quotes, stream(seed, "imbalance"))
        quotes = quotes.assign(bid_sz=sizes[0], ask_sz=sizes[1])
    return Tape(
        truth.asset, 0.0, float(seconds), quotes, prints(truth, flow, quotes, rng), _orders(written, truth.lot), fills,
        signals_of(truth, steps, quotes, fills),
        meta=TapeMeta(tick=truth.tick, lot=truth.lot, fee_bps=truth.fee_bps, provenance="synthetic"),
    )  # fmt: skip


def _as_quoted(
    truth: Truth, path: tuple[FloatArray, FloatArray], seed: int | Sequence[int]
) -> tuple[FloatArray, FloatArray]:
    """Times, and log mids with the noise of each quote; the quote that a jump makes keeps that of the one before."""
    if not truth.dynamics.noise:
        return path
    ts, log_mid = path
    sd = math.sqrt(truth.dynamics.noise.variance)
    return ts, log_mid + sd * stream(seed, "noise").standard_normal(ts.size)


def _given(
    truth: Truth,
    policy: Policy,
    windows: Windows,
    flow: Flow,
    path: tuple[FloatArray, FloatArray],
    steps: Steps | None,
    plans: list[Plan],
) -> Given:
    reaches, (ts, log_mid) = flow.depth_bps >= 0, path
    wide = np.ones(ts.size) if steps is None else steps.spread[ts.astype(np.intp)]
    return Given(
        tick=truth.tick,
        pause_s=float(policy.pause_s),
        pegged=bool(policy.pegged),
        adverse_bps=float(truth.adverse_bps),
        adverse_sd_bps=float(truth.adverse_sd_bps),
        decay_bps=float(truth.alpha_decay_bps),
        window_s=WINDOW_S,
        alpha=windows.alpha,
        jump_ratio=windows.jump_ratio,
        jump_shift_bps=windows.jump_shift_bps,
        ts=ts,
        ticks=np.exp(log_mid) / (truth.tick_bps * 1e-4),
        half=truth.half_spread_bps * 1e-4 * wide,
        scale=windows.activity[windows.at(ts)] ** policy.response,
        when=flow.ts[reaches],
        taker=flow.side[reaches],
        reach_bps=flow.depth_bps[reaches],
        depths=np.stack([plan.depth_bps for plan in plans]),
        lives=np.stack([plan.seconds for plan in plans]),
    )


def _quotes(given: Given, written: Written, rng: np.random.Generator, seconds: float, lot: float) -> pd.DataFrame:
    """Every quote, those at jumps among them."""
    when, before, factors = written.jumps.T
    before = before.astype(np.intp)
    factor = np.append(1.0, factors)[np.searchsorted(before, np.arange(given.ts.size), side="left")]
    mid = np.append(given.ticks[before] * factors, given.ticks * factor)
    half = np.append(given.half[before], given.half)
    ts = np.append(when, given.ts)
    order = np.argsort(ts, kind="stable")  # at equal times the jump comes first
    bid, ask = around(given.tick, half[order], mid[order])
    bid_sz, ask_sz = rng.integers(1, 40, (2, ts.size)) * lot
    table = pd.DataFrame(dict(zip(QUOTE_COLUMNS, (ts[order], bid, bid_sz, ask, ask_sz), strict=True)))
    return table[table["ts"] < seconds].reset_index(drop=True)


def _orders(written: Written, lot: float) -> pd.DataFrame:
    side, price, placed, removed = written.orders.T
    columns = (np.arange(side.size), side.astype(np.int64), price, np.full(side.size, lot), placed, removed)
    return pd.DataFrame(dict(zip(ORDER_COLUMNS, columns, strict=True)))


def _fills(written: Written, lot: float) -> pd.DataFrame:
    ts, row = written.fills[:, 0], written.fills[:, 1].astype(np.int64)
    side, price = written.orders[row, 0].astype(np.int64), written.orders[row, 1]
    columns = {"ts": ts, "order_id": row, "side": side, "price": price, "size": np.full(row.size, lot)}
    return pd.DataFrame(columns)[list(FILL_COLUMNS)]
