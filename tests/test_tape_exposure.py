"""Laws of own orders and their exposure: naive reference, slices = whole, conservation of order-seconds."""

import pickle
from dataclasses import replace

import naive_evidence as naive
import numpy as np
import pandas as pd
import pytest
import random_tapes
from hypothesis import given, settings
from hypothesis import strategies as st

from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS
from mmresearch.tape.exposure import (
    DEPTH_BINS,
    ExposureState,
    depth_bin,
    depth_bin_edges_bps,
    open_seconds,
    order_exposure,
    order_exposure_step,
)
from mmresearch.tape.orders import OwnOrders
from mmresearch.tape.schema import Tape

SEEDS = st.integers(0, 2**32 - 1)


def make(quotes, orders, fills=(), t1=100.0, **kw):
    quotes = pd.DataFrame(quotes, columns=["ts", "bid", "ask"]).assign(bid_sz=1.0, ask_sz=1.0).astype(float)
    orders = pd.DataFrame(orders, columns=list(ORDER_COLUMNS)).astype({"order_id": "int64"})
    fills = pd.DataFrame(list(fills), columns=list(FILL_COLUMNS)).astype({"order_id": "int64", "side": "int64"})
    return Tape("X", 0.0, t1, quotes, orders=orders, fills=fills, **kw)


def totals_of(tape):
    return order_exposure_step(ExposureState(), tape)[1]


def test_bins_are_closed_above_and_geometric():
    edges = depth_bin_edges_bps()
    assert (len(edges), edges[0], edges[-1]) == (DEPTH_BINS - 1, 1 / 64, 1024.0)
    np.testing.assert_allclose(edges[24:] / edges[:-24], 2.0, rtol=1e-14)
    inside = np.sqrt(edges[1:] * edges[:-1])
    np.testing.assert_array_equal(depth_bin(inside), np.arange(1, DEPTH_BINS - 1))
    depths = np.array([-3.0, 0.0, 1 / 64, 1.0, 1024.0, 5000.0])
    np.testing.assert_array_equal(depth_bin(depths), [0, 0, 0, 144, 384, 385])


def test_depth_follows_the_mid():
    tape = make([(0, 99, 101), (10, 100, 102)], [(1, 1, 99.0, 1.0, 4.0, 30.0)])
    got = totals_of(tape)
    deep = np.array([1.0 / 100, 2.0 / 101]) * 1e4
    np.testing.assert_allclose(got.exposure_s[0, depth_bin(deep)], [6.0, 20.0])
    np.testing.assert_allclose(got.depth_s_bps[0, depth_bin(deep)], [6.0, 20.0] * deep)
    assert got.exposure_s.sum() == 26.0


def test_partial_fills_are_one_event_and_exhaustion_ends_the_exposure():
    fills = [(5, 1, 1, 99, 1.0), (5, 1, 1, 99, 1.0), (8, 1, 1, 99, 1.0), (9, 1, 1, 99, 1.0)]
    got = totals_of(make([(0, 99, 101)], [(1, 1, 99.0, 3.0, 1.0, 30.0)], fills))
    assert got.fills.sum() == 1
    assert got.exposure_s.sum() == 7.0  # from 1 s to 8 s


def test_no_depth_before_the_first_quote():
    got = totals_of(make([(10, 99, 101)], [(1, 1, 99.0, 1.0, 1.0, np.nan)], [(4, 1, 1, 99, 0.5)]))
    assert got.exposure_s.sum() == 90.0
    assert got.fills.sum() == 0


def test_a_closed_market_exposes_nothing():
    sessions = pd.DataFrame({"start": [10.0, 50.0], "end": [20.0, 70.0]})
    got = totals_of(make([(0, 99, 101)], [(1, 1, 99.0, 1.0, 15.0, 60.0)], sessions=sessions))
    assert got.exposure_s.sum() == 15.0
    np.testing.assert_allclose(
        open_seconds(np.array([0.0, 12.0, 30.0, 60.0, 99.0]), sessions.to_numpy()), [0, 2, 10, 20, 30]
    )


@given(SEEDS)
@settings(max_examples=80, deadline=None)
def test_vectorised_equals_naive(seed):
    tape = random_tapes.tape(seed)
    edges = np.array(naive.windows(tape, 6.5))
    _, quotes, resting, events = OwnOrders().step(tape)
    got = order_exposure(quotes, resting, events, edges)
    seconds, depth_seconds, fills = (np.zeros_like(got.exposure_s) for _ in range(3))
    for table, want in zip((seconds, depth_seconds, fills), naive.exposure(tape, edges.tolist()), strict=True):
        for cell, value in want.items():
            table[cell] = value
    np.testing.assert_allclose(got.exposure_s, seconds, atol=1e-9)
    np.testing.assert_allclose(got.depth_s_bps, depth_seconds, atol=1e-6)
    np.testing.assert_array_equal(got.fills, fills)
    assert not got.fills[got.exposure_s == 0].any()  # a fill never stands without exposure


@given(SEEDS, SEEDS)
@settings(max_examples=120, deadline=None)
def test_slices_equal_the_whole(seed, cut_seed):
    tape = random_tapes.tape(seed)
    whole = totals_of(tape)
    state, sums = ExposureState(), np.zeros((3, 1, DEPTH_BINS))
    for piece in random_tapes.sliced(tape, cut_seed):
        state, got = order_exposure_step(pickle.loads(pickle.dumps(state)), piece)
        sums += np.stack([got.exposure_s, got.depth_s_bps, got.fills])
    np.testing.assert_allclose(sums[0], whole.exposure_s, atol=1e-9)
    np.testing.assert_allclose(sums[1], whole.depth_s_bps, atol=1e-6)
    np.testing.assert_array_equal(sums[2], whole.fills)


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_total_exposure_is_the_sum_of_lifetimes(seed):
    tape = random_tapes.tape(seed, n_quotes=20)
    first = tape.quotes["ts"].iloc[0]
    lives = [max(naive.last_moment(tape, o) - max(o["placed"], first), 0.0) for o in naive.rows(tape.orders)]
    assert totals_of(tape).exposure_s.sum() == pytest.approx(sum(lives))


@given(SEEDS, SEEDS)
@settings(max_examples=80, deadline=None)
def test_events_in_slices_equal_the_whole(seed, cut_seed):
    tape = random_tapes.tape(seed)
    *_, whole = OwnOrders().step(tape)
    state, pieces = OwnOrders(), []
    for piece in random_tapes.sliced(tape, cut_seed):
        state, _, _, events = state.step(piece)
        pieces.append(events)
    for name in ("ts", "side", "price", "order_id", "bid", "ask", "placed_mid", "known", "placed"):
        got = np.concatenate([getattr(p, name) for p in pieces])
        np.testing.assert_array_equal(got, getattr(whole, name), err_msg=name)
    want = naive.fill_events(tape)
    np.testing.assert_array_equal(whole.ts, [e["ts"] for e in want])
    placed = [np.nan if e["placed_mid"] is None else e["placed_mid"] for e in want]
    np.testing.assert_allclose(whole.placed_mid, placed)


def test_an_empty_slice_changes_nothing():
    tape = random_tapes.tape(5, n_quotes=20)
    state, _ = order_exposure_step(ExposureState(), tape.between(0.0, 10.0))
    again, got = order_exposure_step(state, tape.between(10.0, 10.0))
    assert again.own is state.own
    assert not got.exposure_s.any()


def test_a_thousand_orders_in_blocks_equal_one_go(monkeypatch):
    tape = random_tapes.tape(11, n_quotes=40)
    whole = totals_of(tape)
    monkeypatch.setattr("mmresearch.tape.exposure._CHUNK", 3)
    np.testing.assert_allclose(totals_of(tape).exposure_s, whole.exposure_s)


def test_prices_in_other_units_give_the_same_depths():
    tape = random_tapes.tape(21, n_quotes=30)
    one, other = totals_of(tape), totals_of(tape.scaled(price=7.3))
    assert other.exposure_s.sum() == pytest.approx(one.exposure_s.sum())
    assert other.depth_s_bps.sum() == pytest.approx(one.depth_s_bps.sum(), rel=1e-9)
    slower = totals_of(replace(tape.scaled(time=2.0)))
    np.testing.assert_allclose(slower.exposure_s, 2.0 * one.exposure_s)
