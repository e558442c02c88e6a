"""Laws of market orders: grouping, hidden prints, ticks."""

import naive_evidence as naive
import numpy as np
import pandas as pd
import pytest
import random_tapes
from hypothesis import given, settings
from hypothesis import strategies as st

from mmresearch.tape.schema import Tape
from mmresearch.tape.walks import AT, BEYOND, INSIDE, infer_tick, market_orders, with_tick

SEEDS = st.integers(0, 2**32 - 1)
QUOTES = pd.DataFrame({"ts": [0.0], "bid": [99.0], "ask": [101.0]})


def prints(*rows):
    return pd.DataFrame(rows, columns=["ts", "price", "size", "side", "hidden"])


def test_one_market_order_is_all_trades_with_its_time_and_side():
    got = market_orders(
        prints((1, 101, 1, 1, 0), (1, 99, 1, -1, 0), (1, 103, 1, 1, 0), (1, 102, 1, 1, 0), (2, 101, 1, 1, 0)), QUOTES
    )
    np.testing.assert_array_equal(got.ts, [1, 1, 2])
    np.testing.assert_array_equal(got.side, [1, -1, 1])
    np.testing.assert_array_equal(got.outcome, [BEYOND, AT, AT])
    np.testing.assert_allclose(got.excess_bps, [200.0, 0.0, 0.0])
    np.testing.assert_allclose(got.half_spread_bps, 100.0)


def test_hidden_prints_say_nothing_about_depth():
    got = market_orders(
        prints((1, 105, 1, 1, 1), (1, 101, 1, 1, 0), (2, 100, 1, 1, 1), (3, 102, 1, 1, 1), (4, 99, 1, -1, 1)), QUOTES
    )
    np.testing.assert_array_equal(got.ts, [1, 2])  # all hidden and not strictly inside: not counted
    np.testing.assert_array_equal(got.outcome, [AT, INSIDE])
    np.testing.assert_array_equal(got.visible, [True, False])


def test_the_reference_is_the_quote_strictly_before():
    assert len(market_orders(prints((0.0, 101, 1, 1, 0)), QUOTES)) == 0
    assert len(market_orders(prints((0.5, 101, 1, 1, 0)), QUOTES.iloc[:0])) == 0


def test_half_a_tick_is_still_the_touch():
    trade = prints((1, 101.045, 1, 1, 0))
    assert market_orders(prints((1, 101.055, 1, 1, 0)), QUOTES, tick=0.1).outcome[0] == BEYOND
    assert market_orders(trade, QUOTES, tick=0.1).outcome[0] == AT
    assert market_orders(trade, QUOTES).outcome[0] == BEYOND


@given(SEEDS, st.booleans(), st.sampled_from([random_tapes.TICK, None]))
@settings(max_examples=80, deadline=None)
def test_vectorised_equals_naive(seed, hidden, tick):
    tape = random_tapes.tape(seed, own=False, hidden=hidden, tick=tick)
    got, want = market_orders(tape.trades, tape.quotes, tick), naive.market_orders(tape)
    names = {INSIDE: "inside", AT: "at", BEYOND: "beyond"}
    assert [(t, s, names[o]) for t, s, o in zip(got.ts, got.side, got.outcome, strict=True)] == [
        (w["ts"], w["side"], w["outcome"]) for w in want
    ]
    seen = [w["excess"] / naive.mid(w["quote"]) * 1e4 for w in want if w["visible"]]
    np.testing.assert_allclose(got.excess_bps[got.visible], seen, atol=1e-9)


@pytest.mark.parametrize("tick", [1.0, 0.01, 0.00001, 0.25, 0.037])
def test_the_tick_is_recovered_from_the_prices(tick):
    rng = np.random.default_rng(4)
    bid = tick * (20_000 + np.cumsum(rng.integers(-3, 4, 400)))
    quotes = pd.DataFrame({"ts": np.arange(400.0), "bid": bid, "ask": bid + tick * rng.integers(1, 9, 400)})
    assert infer_tick(quotes) == pytest.approx(tick, rel=1e-6)


def test_a_tape_is_told_its_tick_once():
    tape = random_tapes.tape(1, own=False, tick=None, n_quotes=40)
    assert with_tick(tape).meta.tick == pytest.approx(random_tapes.TICK)
    assert with_tick(random_tapes.tape(1, own=False, tick=0.3)).meta.tick == 0.3
    assert with_tick(Tape("X", 0.0, 1.0, tape.quotes.iloc[:0])).meta.tick is None
