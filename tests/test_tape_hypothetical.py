"""Laws of hypothetical orders, against an event-by-event account of the same rules."""

import naive_evidence as naive
import numpy as np
import pandas as pd
import pytest
import random_tapes
from hypothesis import given, settings
from hypothesis import strategies as st

from mmresearch.tape.evidence import evidence
from mmresearch.tape.hypothetical import RUNGS, at_touch, default_depths_bps, rotating
from mmresearch.tape.schema import Tape, TapeMeta

SEEDS = st.integers(0, 2**32 - 1)


def lives(tape):
    filled = dict(zip(tape.fills["order_id"], tape.fills["ts"], strict=True))
    rows = [
        (o["side"], o["price"], o["placed"], o["removed"], filled.get(o["order_id"], np.nan))
        for o in naive.rows(tape.orders)
    ]
    return sorted(rows, key=lambda r: (-r[0], r[2]))


@given(SEEDS, st.booleans())
@settings(max_examples=60, deadline=None)
def test_at_touch_equals_an_event_by_event_account(seed, hidden):
    tape = random_tapes.tape(seed, own=False, hidden=hidden)
    want = [(o["side"], o["price"], o["placed"], o["removed"], o["filled"]) for o in naive.orders_at_touch(tape)]
    np.testing.assert_array_equal(np.array(lives(at_touch(tape))).reshape(-1, 5), np.array(want).reshape(-1, 5))


@given(SEEDS, st.floats(0.3, 9.0))
@settings(max_examples=60, deadline=None)
def test_rotating_orders_are_filled_by_the_first_order_through_their_price(seed, seconds):
    tape = random_tapes.tape(seed, own=False, n_quotes=20)
    got = rotating(tape, [0.0, 5.0, 12.0], seconds, seed=seed)
    for side in (1, -1):
        ours = [r for r in lives(got) if r[0] == side]
        grid = [r[2] for r in ours] + [np.inf]
        for (_, price, placed, removed, filled), until in zip(ours, grid[1:], strict=True):
            hits = [
                o["ts"]
                for o in naive.market_orders_any(tape)
                if placed < o["ts"] <= until and o["side"] == -side and side * (o["far"] - price) <= 1e-9
            ]
            assert filled == hits[0] if hits else np.isnan(filled)
            end = min(until, filled) if hits else until
            assert removed == end if np.isfinite(end) else np.isnan(removed)
            best = naive.quote_at_or_before(tape, placed)
            assert side * (naive.mid(best) - price) >= -1e-9


def test_prices_are_rounded_to_the_tick_away_from_the_mid():
    tape = random_tapes.tape(9, own=False, n_quotes=40)
    got, free = (
        rotating(t, [7.0], 1.0, seed=1).orders for t in (tape, random_tapes.tape(9, own=False, n_quotes=40, tick=None))
    )
    np.testing.assert_allclose(got["price"] / random_tapes.TICK, np.round(got["price"] / random_tapes.TICK), atol=1e-6)
    out = got["side"] * (free["price"] - got["price"])
    assert (out >= -1e-7).all()
    assert (out < random_tapes.TICK).all()


def test_seeds_decide_the_depths_and_nothing_else_is_touched():
    tape = random_tapes.tape(9, own=False, n_quotes=40)
    one, same, other = (rotating(tape, [1.0, 5.0, 20.0], 1.0, seed=s) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one.orders, same.orders)
    assert not one.orders["price"].equals(other.orders["price"])
    for made in (one, at_touch(tape)):
        assert made.quotes is tape.quotes
        assert made.trades is tape.trades
        assert made.meta.provenance == "market-proxy"
        assert made.meta.tick == tape.meta.tick


def test_tapes_without_quotes_or_trades_give_no_orders_or_no_fills():
    tape = random_tapes.tape(9, own=False, n_quotes=40)
    quiet = Tape("X", tape.t0, tape.t1, tape.quotes, tape.trades.iloc[:0])
    assert len(at_touch(quiet).orders)
    assert at_touch(quiet).fills.empty
    blind = Tape("X", tape.t0, tape.t1, tape.quotes.iloc[:0], tape.trades)
    assert at_touch(blind).orders.empty
    assert rotating(blind, [1.0], 1.0, seed=0).orders.empty
    with pytest.raises(ValueError, match="ladder"):
        default_depths_bps(quiet)


def test_nonsense_is_refused():
    tape = random_tapes.tape(9, own=False)
    for depths, seconds in (([], 1.0), ([-1.0], 1.0), ([1.0], 0.0)):
        with pytest.raises(ValueError, match=r"depths_bps|seconds"):
            rotating(tape, depths, seconds, seed=0)


def exponential_tape(kappa_per_bp, rate, seconds, seed):
    """A market whose orders reach exponential depths from a mid that never moves: fills at A exp(-kappa d)."""
    rng = np.random.default_rng(seed)
    ts = np.sort(rng.uniform(0, seconds, rng.poisson(rate * seconds)))
    side = rng.choice([-1, 1], len(ts))
    price = 100.0 * (1 + side * rng.exponential(1 / kappa_per_bp, len(ts)) / 1e4)
    trades = pd.DataFrame({"ts": ts, "price": price, "size": 1.0, "side": side})
    quotes = pd.DataFrame({"ts": [0.0], "bid": [99.999], "bid_sz": [1.0], "ask": [100.001], "ask_sz": [1.0]})
    return Tape("EXP", 0.0, seconds, quotes, trades, meta=TapeMeta(provenance="market-proxy"))


def test_rotating_orders_recover_a_known_kappa():
    kappa, rate = 0.3, 2.0
    tape = exponential_tape(kappa, rate, 20_000.0, seed=3)
    depths = default_depths_bps(tape)
    assert len(depths) == RUNGS
    assert depths[0] == pytest.approx(np.log(2) / kappa, rel=0.05)
    got = evidence(rotating(tape, depths, 1.0, seed=4)).kappa[0]
    exposure, depth, fills = (got.exposure_s.sum(0), got.depth_bps[0], got.fills.sum(0))
    log_rate = np.log(fills / exposure)
    slope, level = np.polyfit(depth, log_rate, 1, w=np.sqrt(fills))
    assert -slope == pytest.approx(kappa, rel=0.06)
    assert level == pytest.approx(np.log(rate / 2), abs=0.1)
