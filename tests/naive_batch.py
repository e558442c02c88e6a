"""The deployed batch rules event by event: plain loops over rows, sharing no code with the package.

Each returns the two numbers of the family, or None where there are too few data.
"""

import math
from itertools import pairwise

from naive_evidence import mid, rows


def moves(tape):
    """List of (ts, favourable move in bps after 1 s from the fill price, depth in bps)."""
    quotes, orders, seen, out = rows(tape.quotes), {o["order_id"]: o for o in rows(tape.orders)}, set(), []
    for fill in rows(tape.fills):
        ts, side, price = fill["ts"], fill["side"], fill["price"]
        order = orders.get(fill["order_id"])
        resting = order is not None and order["placed"] <= ts and not ts > order["removed"]
        key = fill["order_id"] if resting else (ts, fill["order_id"], "not resting")
        before = [q for q in quotes if q["ts"] < ts][-1:]
        after = [q for q in quotes if q["ts"] >= ts + 1.0][:1]
        if key not in seen and before and after:
            price = order["price"] if resting else price
            known = mid(before[0])
            out.append((ts, side * (mid(after[0]) - price) / price * 1e4, abs(price - known) / known * 1e4))
        seen.add(key)
    return out


def alpha(tape):
    known = moves(tape)
    informed = sum(m < -5.0 for _, m, _ in known)
    return (2.0 + informed, 6.0 + len(known) - informed) if known else None


def floor(tape):
    buckets = {}
    for _, move, depth in moves(tape):
        buckets.setdefault(math.floor(depth / 5.0), []).append(depth / 2 + move)
    edge = 5.0
    for k in sorted(buckets):
        if len(buckets[k]) >= 10 and sum(buckets[k]) / len(buckets[k]) > 0:
            edge = 5.0 * k
            break
    precision = 1 / 4 + 1 / 2
    return (5.0 / 4 + (edge + 1.0) / 2) / precision, 1 / precision


def toxic(tape):
    hours = {}
    for ts, move, _ in moves(tape):
        hours.setdefault(int(ts // 3600) % 24, []).append(move)
    means = {h: sum(v) / len(v) for h, v in hours.items() if len(v) >= 10}
    if not means:
        return None
    overall = sum(means.values()) / len(means)
    bad = [abs(m) for m in means.values() if m < 1.5 * overall]
    if not bad or not abs(overall) > 0.1:
        return None
    ratio = min(max(sum(bad) / len(bad) / abs(overall), 1.5), 4.0)
    variance = math.log(1 + 0.3**2)
    weight = 1 / math.sqrt(variance)
    return (weight * (math.log(2.0) - variance / 2) + math.log(ratio)) / (weight + 1), variance


def said(tape, name):
    return [(r["ts"], r[name]) for r in rows(tape.signals) if r[name] == r[name]]


def cascade(tape):
    known, drops = moves(tape), []
    for (start, before), (end, after) in pairwise(said(tape, "open_interest")):
        here = [m for ts, m, _ in known if start <= ts <= end]
        if here and sum(here) / len(here) < -10.0 and after < before:
            drops.append((before - after) / before)
    if len(drops) < 5:
        return None
    share = min(max(sorted(drops)[int(0.3 * len(drops))], 0.005), 0.10) / 0.10
    share = min(max(share, 0.01), 0.99)
    return 2.0 + int(100 * share), 98.0 + int(100 * (1 - share))


def kappa(tape):
    shape, rate, times = 4.0, 4.0 / 2000, [t["ts"] for t in rows(tape.trades)]
    for q, following in pairwise(rows(tape.quotes)):
        wait = following["ts"] - q["ts"]
        spread_bps = (q["ask"] - q["bid"]) / mid(q) * 1e4
        if not 0.1 <= wait <= 10 or not 0.5 <= spread_bps <= 100:
            continue
        trades = sum(q["ts"] - 1.0 < t <= q["ts"] for t in times)
        value = trades / wait / (spread_bps / 1e4)
        if 100 < value < 1e5:
            shape, rate = shape + 1, rate + 1 / value
    return (shape, rate) if shape > 4 else None


def hawkes(tape):
    """Triple (mu, alpha, beta) of family numbers."""
    times = [t["ts"] for t in rows(tape.trades)]
    gaps = [b - a for a, b in pairwise(times) if 0.001 < b - a < 60]
    if len(times) < 100 or not gaps:
        return None, None, None
    mean = sum(gaps) / len(gaps)
    cv = math.sqrt(sum((g - mean) ** 2 for g in gaps) / len(gaps)) / mean
    a = min(max(cv - 1, 0.1), 0.8) / 2
    b = max(2 * a, 0.2)
    mu = (1 - a / b) / mean
    return (
        (6.0, 10.0 + 1 / mu) if 0.01 < mu < 10 else None,
        (3.0 + int(100 * a), 7.0 + int(100 * (1 - a))),
        (2.0, 10.0 + 1 / b),
    )


def stickiness(tape):
    labels = [v for _, v in said(tape, "regime")]
    if len(labels) < 10:
        return None
    stays = sum(a == b for a, b in pairwise(labels))
    return 95.0 + stays, 5.0 + len(labels) - 1 - stays
