"""A slow second opinion on markouts, exposure and evidence: plain loops over rows, sharing no code with the package.

It reads a tape event by event, finds bins by search through a list of edges, and looks up every quote by walking from
the start. Use it on tapes of a few dozen rows.
"""

import math
from itertools import pairwise

INF = float("inf")


def rows(table):
    return table.to_dict("records")


def quote_before(tape, t):
    found = None
    for q in rows(tape.quotes):
        if q["ts"] < t:
            found = q
    return found


def quote_at_or_before(tape, t):
    found = None
    for q in rows(tape.quotes):
        if q["ts"] <= t:
            found = q
    return found


def mid(q):
    return (q["bid"] + q["ask"]) / 2


def adverse(tape, t, side, reference, horizon):
    """Signed adverse move in bps, or None while it is not known."""
    for q in rows(tape.quotes):
        if q["ts"] >= t + horizon:
            return -side * (mid(q) - reference) / reference * 1e4
    return None


def bin_edges():
    return [2.0 ** (-6 + k / 24) for k in range(16 * 24 + 1)]


def bin_of(depth, edges):
    for k, edge in enumerate(edges):
        if depth <= edge:
            return k
    return len(edges)


def windows(tape, seconds):
    edges = [tape.t0]
    while edges[-1] + seconds < tape.t1:
        edges.append(edges[-1] + seconds)
    return [*edges, tape.t1]


def fill_events(tape):
    """First fill row of every order while it rests; the first row of each (ts, id) otherwise."""
    orders = {o["order_id"]: o for o in rows(tape.orders)}
    seen, out = set(), []
    for f in rows(tape.fills):
        o = orders.get(f["order_id"])
        resting = o is not None and o["placed"] <= f["ts"] and not f["ts"] > o["removed"]
        key = f["order_id"] if resting else (f["ts"], f["order_id"], "not resting")
        if key in seen:
            continue
        seen.add(key)
        placed_at = quote_at_or_before(tape, o["placed"]) if resting else None
        out.append(
            {
                "ts": f["ts"],
                "side": f["side"],
                "price": o["price"] if resting else f["price"],
                "quote": quote_before(tape, f["ts"]),
                "placed": o["placed"] if resting else None,
                "placed_mid": mid(placed_at) if placed_at else None,
            }
        )
    return out


def last_moment(tape, order):
    """When an order stops resting: removed, exhausted, or the end of the tape."""
    left = order["size"]
    end = min(order["removed"] if order["removed"] == order["removed"] else INF, tape.t1)
    for f in rows(tape.fills):
        if f["order_id"] == order["order_id"] and order["placed"] <= f["ts"] <= end:
            left -= f["size"]
            if left <= 1e-9:
                return f["ts"]
    return end


def exposure(tape, edges):
    """Dicts (window, bin) -> order-seconds, depth-seconds, fill events."""
    seconds, depth_seconds, fills = {}, {}, {}
    borders = bin_edges()
    for o in rows(tape.orders):
        start, end = max(o["placed"], tape.t0), last_moment(tape, o)
        moments = {start, end, *edges, *(q["ts"] for q in rows(tape.quotes))}
        moments = sorted(m for m in moments if start <= m <= end)
        for a, b in pairwise(moments):
            q = quote_at_or_before(tape, a)
            if q is None:
                continue
            d = o["side"] * (mid(q) - o["price"]) / mid(q) * 1e4
            w = max(k for k, e in enumerate(edges[:-1]) if e <= a)
            key = (w, bin_of(d, borders))
            seconds[key] = seconds.get(key, 0.0) + (b - a)
            depth_seconds[key] = depth_seconds.get(key, 0.0) + (b - a) * d
    for e in fill_events(tape):
        if e["placed"] is None or e["quote"] is None or not e["ts"] > e["placed"]:
            continue
        d = e["side"] * (mid(e["quote"]) - e["price"]) / mid(e["quote"]) * 1e4
        w = max([k for k, x in enumerate(edges[:-1]) if x < e["ts"]], default=0)
        key = (w, bin_of(d, borders))
        fills[key] = fills.get(key, 0) + 1
    return seconds, depth_seconds, fills


def market_orders(tape):
    """List of dicts: ts, side, outcome, excess (price), quote, visible."""
    groups = {}
    for t in rows(tape.trades):
        groups.setdefault((t["ts"], t["side"]), []).append(t)
    out = []
    for (ts, side), prints in sorted(groups.items(), key=lambda g: (g[0][0], -g[0][1])):
        q = quote_before(tape, ts)
        if q is None:
            continue
        seen = [p["price"] for p in prints if not p.get("hidden", False)]
        if not seen:
            if all(q["bid"] < p["price"] < q["ask"] for p in prints):
                out.append({"ts": ts, "side": side, "outcome": "inside", "excess": 0.0, "quote": q, "visible": False})
            continue
        far = max(seen) if side > 0 else min(seen)
        excess = far - q["ask"] if side > 0 else q["bid"] - far
        slack = tape.meta.tick / 2 if tape.meta.tick is not None else 1e-9 * mid(q)
        outcome = "beyond" if excess > slack else "inside" if excess < -slack else "at"
        out.append({"ts": ts, "side": side, "outcome": outcome, "excess": excess, "quote": q, "visible": True})
    return out


def touch_fills(tape):
    """List of (ts, side, mid) of fills at the touch."""
    if not len(tape.orders) and not len(tape.fills):
        reached = [o for o in market_orders(tape) if o["visible"] and o["outcome"] != "inside"]
        return [(o["ts"], -o["side"], mid(o["quote"])) for o in reached]
    out = []
    for e in fill_events(tape):
        if e["quote"] is None:
            continue
        best = e["quote"]["bid"] if e["side"] > 0 else e["quote"]["ask"]
        slack = tape.meta.tick / 2 if tape.meta.tick is not None else 1e-9 * best
        if abs(e["price"] - best) <= slack:
            out.append((e["ts"], e["side"], mid(e["quote"])))
    return out


def window_of(t, edges):
    return max(k for k, e in enumerate(edges[:-1]) if e <= t)


def touch_moves(tape, horizon, edges):
    """List of (window, adverse bps) of touch fills whose move is known."""
    out = []
    for ts, side, reference in touch_fills(tape):
        move = adverse(tape, ts, side, reference, horizon)
        if move is not None:
            out.append((window_of(ts, edges), move))
    return out


def orders_at_touch(tape):
    """Event-by-event at_touch: list of (side, price, placed, removed, filled at), removed and filled NaN if neither."""
    events = [(q["ts"], 1, k, q) for k, q in enumerate(rows(tape.quotes))]
    events += [(o["ts"], 0, k, o) for k, o in enumerate(market_orders_any(tape))]
    out = []
    for side in (1, -1):
        order = None
        for index, (ts, kind, _, e) in enumerate(sorted(events, key=lambda e: e[:3])):
            if kind == 1:
                later = sorted(events, key=lambda e: e[:3])[index + 1 :]
                if any(n[0] == ts and n[1] == 1 for n in later):
                    continue  # of quotes with equal time the last one prevails
                price = e["bid"] if side > 0 else e["ask"]
                if order is not None and order["price"] != price:
                    out.append({**order, "removed": ts, "filled": math.nan})
                    order = None
                if order is None:
                    order = {"side": side, "price": price, "placed": ts}
            elif order is not None and e["side"] == -side and side * (e["far"] - order["price"]) <= 1e-9 * e["far"]:
                out.append({**order, "removed": ts, "filled": ts})
                order = None
        if order is not None:
            out.append({**order, "removed": math.nan, "filled": math.nan})
    return out


def market_orders_any(tape):
    """Visible market orders with their farthest print, whether or not a quote came before."""
    groups = {}
    for t in rows(tape.trades):
        if not t.get("hidden", False):
            groups.setdefault((t["ts"], t["side"]), []).append(t["price"])
    return [{"ts": ts, "side": side, "far": max(p) if side > 0 else min(p)} for (ts, side), p in sorted(groups.items())]
