"""How long one core takes for markouts and evidence: a million quotes, 100,000 trades, 100,000 own orders."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mmresearch.tape.evidence import evidence
from mmresearch.tape.exposure import ExposureState, order_exposure_step
from mmresearch.tape.markouts import PendingMarkouts, markouts
from mmresearch.tape.schema import Tape, TapeMeta
from mmresearch.tape.touch import TouchFills

SECONDS = 86_400.0


def day(quotes: int, trades: int, orders: int, seed: int = 1) -> tuple[Tape, Tape]:
    """Return a day without and with own orders: a third of the orders are filled, half of the quotes move the mid."""
    rng = np.random.default_rng(seed)
    ts = np.sort(rng.uniform(0, SECONDS, quotes)) + 1.7e9
    bid = 100_000.0 + np.cumsum(rng.choice([-1.0, 0.0, 0.0, 1.0], quotes))
    book = pd.DataFrame({"ts": ts, "bid": bid, "bid_sz": 1.0, "ask": bid + 1.0, "ask_sz": 1.0})
    hit, side = np.sort(rng.integers(1, quotes, trades)), rng.choice([-1, 1], trades)
    walk = rng.geometric(0.5, trades) - 1.0
    price = np.where(side > 0, bid[hit - 1] + 1.0 + walk, bid[hit - 1] - walk)
    tape = pd.DataFrame({"ts": ts[hit] - 1e-5, "price": price, "size": 1.0, "side": side})
    t0, t1 = 1.7e9, 1.7e9 + SECONDS
    meta = TapeMeta(tick=1.0, provenance="market-proxy")
    proxy = Tape("DAY", t0, t1, book, tape, meta=meta)
    return proxy, _with_orders(proxy, orders, rng)


def _with_orders(proxy: Tape, count: int, rng: np.random.Generator) -> Tape:
    quotes = proxy.quotes
    at = np.sort(rng.integers(0, len(quotes) - 1, count))
    side = rng.choice([-1, 1], count)
    placed = quotes["ts"].to_numpy()[at]
    touch = np.where(side > 0, quotes["bid"].to_numpy()[at], quotes["ask"].to_numpy()[at])
    price = touch - side * rng.integers(0, 20, count)
    removed = np.minimum(placed + rng.exponential(5.0, count), proxy.t1 - 1e-3)
    order_id = np.arange(count)
    orders = pd.DataFrame(
        {"order_id": order_id, "side": side, "price": price, "size": 1.0, "placed": placed, "removed": removed}
    )
    hit = rng.random(count) < 1 / 3
    fills = pd.DataFrame(
        {"ts": removed[hit], "order_id": order_id[hit], "side": side[hit], "price": price[hit], "size": 1.0}
    ).sort_values("ts", kind="stable", ignore_index=True)
    return Tape("DAY", proxy.t0, proxy.t1, quotes, proxy.trades, orders, fills, meta=TapeMeta(tick=1.0))


def seconds_of(job: Callable[[], Any]) -> float:
    """Return the wall time of one run, in seconds."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def slice_overhead_us(tape: Tape, slices: int = 2_000) -> float:
    """Return microseconds per 5 s slice of touch fills, markouts and exposure together, cutting not counted."""
    pieces = [tape.between(tape.t0 + 5.0 * k, tape.t0 + 5.0 * (k + 1)) for k in range(slices)]
    touch, pending, exposure = TouchFills(), PendingMarkouts((0.5,)), ExposureState()
    start = time.perf_counter()
    for piece in pieces:
        touch, fills = touch.step(piece)
        pending, _ = pending.step_arrays(piece.quotes, fills.fills())
        exposure, _ = order_exposure_step(exposure, piece)
    return (time.perf_counter() - start) / slices * 1e6


def main() -> None:
    """Print the table."""
    proxy, own = day(1_000_000, 100_000, 100_000)
    rows = {
        "evidence from trades": lambda: evidence(proxy),
        "evidence from own orders": lambda: evidence(own),
        "markouts at six horizons, every trade": lambda: markouts(proxy.quotes, proxy.trades),
    }
    total = 0.0
    for name, job in rows.items():
        took = min(seconds_of(job) for _ in range(3))
        total += took
        print(f"{name:<42} {took:6.3f} s")
    print(f"{'together':<42} {total:6.3f} s")
    print(f"{'one 5 s slice, learner steps':<42} {slice_overhead_us(own):6.0f} us")


if __name__ == "__main__":
    main()
