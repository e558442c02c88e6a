"""What the laws of a world are checked with: exposure, fills and markouts read off a tape one row at a time."""

from bisect import bisect_left, bisect_right

import numpy as np
from scipy.optimize import brentq


def _book(tape):
    quotes = tape.quotes
    return quotes["ts"].tolist(), quotes["bid"].tolist(), quotes["ask"].tolist()


def stretches(tape):
    """One row per order and stretch between quotes: start, seconds, depth from the mid in bps, side."""
    ts, bid, ask = _book(tape)
    rows = []
    for order in tape.orders.itertuples(index=False):
        end = tape.t1 if np.isnan(order.removed) else order.removed
        k = bisect_right(ts, order.placed) - 1
        start = order.placed
        while start < end:
            stop = min(ts[k + 1] if k + 1 < len(ts) else tape.t1, end)
            mid = 0.5 * (bid[k] + ask[k])
            rows.append((start, stop - start, order.side * (mid - order.price) / mid * 1e4, order.side))
            start, k = stop, k + 1
    return np.array(rows).T


def fills(tape):
    """One row per fill: time, depth from the mid, depth beyond the touch, adverse move 500 ms later (bps), side."""
    ts, bid, ask = _book(tape)
    rows = []
    for fill in tape.fills.itertuples(index=False):
        before, after = bisect_left(ts, fill.ts) - 1, bisect_left(ts, fill.ts + 0.5)
        if after == len(ts):
            continue
        mid, later = 0.5 * (bid[before] + ask[before]), 0.5 * (bid[after] + ask[after])
        touch = bid[before] if fill.side > 0 else ask[before]
        beyond = fill.side * (touch - fill.price) / mid * 1e4
        depth = fill.side * (mid - fill.price) / mid * 1e4
        rows.append((fill.ts, depth, beyond, fill.side * (mid - later) / mid * 1e4, fill.side))
    return np.array(rows).T


def rate(depth_bps, kappa, A):
    """Fills per second of an order at a depth; one that the mid has passed counts as standing at the mid."""
    return A * np.exp(-kappa * 1e-4 * np.maximum(depth_bps, 0))


def kappa_estimate(seconds, depth_bps, fill_depths_bps):
    """Maximum-likelihood kappa (1/fraction) and its standard error, A profiled out."""
    depth, seen = np.maximum(depth_bps, 0), np.maximum(fill_depths_bps, 0)

    def moments(kappa_per_bp):
        weight = seconds * np.exp(-kappa_per_bp * depth)
        mean = weight @ depth / weight.sum()
        return mean, weight @ (depth - mean) ** 2 / weight.sum()

    kappa = brentq(lambda k: moments(k)[0] - seen.mean(), 1e-4, 5.0)
    return kappa * 1e4, 1e4 / np.sqrt(len(seen) * moments(kappa)[1])


def assert_equal(one, other):
    for name in ("quotes", "trades", "orders", "fills"):
        assert getattr(one, name).equals(getattr(other, name)), name
    assert (one.asset, one.t0, one.t1, one.meta) == (other.asset, other.t0, other.t1, other.meta)
