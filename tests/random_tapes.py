"""Small random tapes on a coarse lattice of times and prices, so that ties are the rule and not the exception."""

from itertools import pairwise

import numpy as np
import pandas as pd

from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS
from mmresearch.tape.schema import Tape, TapeMeta

STEP_S, TICK, T1 = 0.25, 0.05, 20.0


def lattice(rng, n, lo=0.0, hi=T1):
    return np.sort(rng.integers(round(lo / STEP_S), round(hi / STEP_S), n)) * STEP_S


def quotes(rng, n):
    bid = 100.0 + TICK * np.cumsum(rng.integers(-2, 3, n))
    ask = bid + TICK * rng.integers(1, 4, n)
    return pd.DataFrame({"ts": lattice(rng, n), "bid": bid, "bid_sz": 1.0, "ask": ask, "ask_sz": 1.0})


def trades(rng, n, hidden):
    side = rng.choice([-1, 1], n)
    price = 100.0 + side * TICK + TICK * rng.integers(-6, 7, n)
    table = pd.DataFrame({"ts": lattice(rng, n), "price": price, "size": 1.0, "side": side})
    return table.assign(hidden=rng.random(n) < 0.4) if hidden else table


def orders_and_fills(rng, n):
    """Orders with partial fills, exhausted ones, late ones, and a few fills of orders that nobody listed."""
    side = rng.choice([-1, 1], n)
    placed = lattice(rng, n)
    removed = placed + STEP_S * rng.integers(1, 40, n)  # an order rests for some time
    removed = np.where(removed < T1, removed, np.nan)
    size = rng.integers(1, 4, n).astype(float)
    price = 100.0 - side * TICK * rng.integers(-1, 8, n)
    orders = pd.DataFrame(
        {
            "order_id": rng.permutation(n).astype(np.int64) + 7,
            "side": side,
            "price": price,
            "size": size,
            "placed": placed,
            "removed": removed,
        }
    )
    rows = []
    for o in orders.to_dict("records"):
        end = np.nanmin([o["removed"], T1 - STEP_S])
        left = o["size"]
        for ts in lattice(rng, rng.integers(0, 4), o["placed"], max(end, o["placed"]) + 3 * STEP_S):
            if ts < T1 and left > 0:
                rows.append((ts, o["order_id"], o["side"], o["price"], 1.0))
                left -= 1.0 if ts <= end else 0.0
    rows += [(ts, 10_000 + k, 1, 100.0, 1.0) for k, ts in enumerate(lattice(rng, rng.integers(0, 3)))]
    fills = pd.DataFrame(rows, columns=list(FILL_COLUMNS)).astype({"order_id": "int64", "side": "int64"})
    return orders[list(ORDER_COLUMNS)], fills.sort_values("ts", kind="stable", ignore_index=True)


def tape(seed, own=True, hidden=False, tick=TICK, n_quotes=None):
    rng = np.random.default_rng(seed)
    provenance = "own-fills" if own else "market-proxy"
    n = int(rng.integers(0, 50)) if n_quotes is None else n_quotes
    whole = Tape(
        "RND", 0.0, T1, quotes(rng, n), trades(rng, int(rng.integers(0, 40)), hidden),
        meta=TapeMeta(tick=tick, provenance=provenance),
    )  # fmt: skip
    if not own:
        return whole
    orders, fills = orders_and_fills(rng, int(rng.integers(1, 12)))
    return Tape(whole.asset, 0.0, T1, whole.quotes, whole.trades, orders, fills, meta=whole.meta)


def cuts(rng, n):
    """Edges of slices, on the lattice or off it, some of length zero."""
    on = rng.integers(0, round(T1 / STEP_S) + 1, n) * STEP_S
    off = rng.uniform(0.0, T1, rng.integers(0, 3))
    return np.concatenate([[0.0], np.sort(np.concatenate([on, off])), [T1]])


def sliced(whole, seed):
    """The tape in consecutive random slices."""
    rng = np.random.default_rng(seed)
    edges = cuts(rng, int(rng.integers(0, 12)))
    return [whole.between(float(a), float(b)) for a, b in pairwise(edges)]
