"""Laws of fills at the touch, own and hypothetical."""

import pickle

import naive_evidence as naive
import numpy as np
import pandas as pd
import pytest
import random_tapes
from hypothesis import given, settings
from hypothesis import strategies as st

from mmresearch.tape.columns import FILL_COLUMNS
from mmresearch.tape.hypothetical import at_touch
from mmresearch.tape.schema import Tape, TapeMeta
from mmresearch.tape.touch import TouchFills, touch_fills

SEEDS = st.integers(0, 2**32 - 1)


def pairs(touch):
    return list(zip(touch.ts.tolist(), touch.side.tolist(), touch.mid.tolist(), strict=True))


@given(SEEDS, st.booleans(), st.booleans())
@settings(max_examples=80, deadline=None)
def test_vectorised_equals_naive(seed, own, hidden):
    tape = random_tapes.tape(seed, own=own, hidden=hidden, tick=None if seed % 2 else random_tapes.TICK)
    assert pairs(touch_fills(tape)) == naive.touch_fills(tape)


@given(SEEDS, SEEDS, st.booleans())
@settings(max_examples=80, deadline=None)
def test_slices_equal_the_whole(seed, cut_seed, own):
    tape = random_tapes.tape(seed, own=own, hidden=True)
    state, got = TouchFills(), []
    for piece in random_tapes.sliced(tape, cut_seed):
        state, touch = pickle.loads(pickle.dumps(state)).step(piece)
        got += pairs(touch)
    assert got == pairs(touch_fills(tape))


@given(SEEDS, SEEDS)
@settings(max_examples=40, deadline=None)
def test_hypothetical_orders_are_recognised_as_such_in_slices(seed, cut_seed):
    tape = at_touch(random_tapes.tape(seed, own=False, n_quotes=20))
    state, got = TouchFills(), []
    for piece in random_tapes.sliced(tape, cut_seed):
        state, touch = state.step(piece)
        got += pairs(touch)
    assert got == pairs(touch_fills(tape))
    assert len(got) == len(tape.fills)  # every one of them rested at the touch


def test_the_maker_is_on_the_other_side_of_the_trade():
    tape = random_tapes.tape(2, own=False, n_quotes=30)
    touch = touch_fills(tape)
    traded = {(t["ts"], t["side"]) for t in naive.rows(tape.trades)}
    assert len(touch.ts)
    assert all((ts, -side) in traded for ts, side in zip(touch.ts, touch.side, strict=True))


def test_the_columns_for_markouts_carry_the_chosen_reference():
    touch = touch_fills(random_tapes.tape(2, own=False, n_quotes=30))
    np.testing.assert_array_equal(touch.fills()["reference_mid"], touch.mid)
    np.testing.assert_array_equal(touch.fills(touch.price)["reference_mid"], touch.price)


def test_a_fill_within_half_a_tick_of_the_best_is_at_the_touch():
    quotes = pd.DataFrame({"ts": [0.0], "bid": [99.0], "bid_sz": [1.0], "ask": [101.0], "ask_sz": [1.0]})
    fills = [(1.0, 1, 1, 99.04, 1.0), (2.0, 2, 1, 98.9, 1.0), (3.0, 3, -1, 101.0, 1.0), (4.0, 4, -1, 99.0, 1.0)]
    tape = Tape("X", 0.0, 9.0, quotes, fills=pd.DataFrame(fills, columns=list(FILL_COLUMNS)), meta=TapeMeta(tick=0.1))
    np.testing.assert_array_equal(touch_fills(tape).ts, [1.0, 3.0])
    assert touch_fills(tape).mid[0] == pytest.approx(100.0)
