"""Laws of markouts: the equation, ties, what is not known yet, and slices = whole."""

import pickle

import naive_evidence as naive
import numpy as np
import pandas as pd
import pytest
import random_tapes
from hypothesis import given, settings
from hypothesis import strategies as st

from mmresearch.tape.markouts import (
    HORIZONS_S,
    PendingMarkouts,
    markouts,
    mid_at_or_after,
    mid_at_or_before,
    mid_before,
    signed_adverse_bps,
)

SEEDS = st.integers(0, 2**32 - 1)


def book(ts, mids, half=0.5):
    mids = np.asarray(mids, dtype=float)
    return pd.DataFrame({"ts": np.asarray(ts, dtype=float), "bid": mids - half, "ask": mids + half})


def random_fills(rng, n):
    return pd.DataFrame({"ts": random_tapes.lattice(rng, n), "side": rng.choice([-1, 1], n), "number": np.arange(n)})


def test_a_fill_precedes_a_quote_of_equal_time():
    quotes = book([1.0, 2.0, 2.0, 3.0], [100.0, 101.0, 102.0, 103.0])
    assert mid_before(quotes, [2.0])[0] == 100.0
    assert mid_at_or_before(quotes, [2.0])[0] == 102.0
    assert mid_at_or_after(quotes, [2.0])[0] == 101.0
    assert mid_before(quotes, [2.5])[0] == 102.0


def test_beyond_the_data_is_not_known():
    quotes = book([1.0, 2.0], [100.0, 101.0])
    assert np.isnan(mid_before(quotes, [0.5, 1.0])).all()
    assert np.isnan(mid_at_or_after(quotes, [2.5]))[0]
    assert np.isnan(signed_adverse_bps(quotes, [1.8], [1], [100.0], 0.5))[0]
    assert np.isnan(mid_before(book([], []), [1.0]))[0]


def test_a_falling_mid_is_against_a_buyer():
    quotes = book([0.0, 1.5], [100.0, 99.9])
    moves = signed_adverse_bps(quotes, [1.0, 1.0], [1, -1], mid_before(quotes, [1.0, 1.0]), 0.5)
    np.testing.assert_allclose(moves, [10.0, -10.0], rtol=1e-12)


def test_negative_horizons_are_refused():
    with pytest.raises(ValueError, match="horizon"):
        signed_adverse_bps(book([0.0], [1.0]), [1.0], [1], [1.0], -0.5)


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_vectorised_equals_naive(seed):
    rng = np.random.default_rng(seed)
    tape = random_tapes.tape(seed, n_quotes=30)
    fills = random_fills(rng, 12)
    reference = mid_before(tape.quotes, fills["ts"])
    for horizon in (0.0, 0.3, 0.5, 2.0):
        got = signed_adverse_bps(tape.quotes, fills["ts"], fills["side"], reference, horizon)
        for k, f in enumerate(fills.to_dict("records")):
            quote = naive.quote_before(tape, f["ts"])
            want = None if quote is None else naive.adverse(tape, f["ts"], f["side"], naive.mid(quote), horizon)
            assert np.isnan(got[k]) if want is None else got[k] == pytest.approx(want, rel=1e-12, abs=1e-12)


@given(SEEDS, SEEDS)
@settings(max_examples=80, deadline=None)
def test_slices_equal_the_whole_exactly(seed, cut_seed):
    tape = random_tapes.tape(seed)
    fills = random_fills(np.random.default_rng(seed), 12)
    whole_state, whole = PendingMarkouts((0.5, 2.0)).step(tape.quotes, fills)
    state, pieces = PendingMarkouts((0.5, 2.0)), []
    for piece in random_tapes.sliced(tape, cut_seed):
        state = pickle.loads(pickle.dumps(state))
        cut = fills[(fills["ts"] >= piece.t0) & (fills["ts"] < piece.t1)]
        state, resolved = state.step(piece.quotes, cut)
        pieces.append(resolved)
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), whole, check_dtype=False)
    assert len(state) == len(whole_state)
    assert len(state) + len(whole) == len(fills)  # nothing is dropped
    np.testing.assert_array_equal(state.ts, whole_state.ts)


def test_one_go_equals_the_plain_function():
    tape = random_tapes.tape(3, n_quotes=40)
    fills = random_fills(np.random.default_rng(3), 30)
    _, resolved = PendingMarkouts((0.5,)).step(tape.quotes, fills)
    plain = markouts(tape.quotes, fills, (0.5,))[:, 0]
    np.testing.assert_array_equal(resolved["adverse_bps_0.5s"], plain[resolved["number"]])
    assert markouts(tape.quotes, fills).shape == (30, len(HORIZONS_S))


def test_payload_and_own_reference_travel_with_the_fill():
    quotes = book([0.0, 1.0], [100.0, 110.0])
    fills = {"ts": np.array([0.5]), "side": np.array([-1]), "reference_mid": np.array([50.0]), "depth": np.array([7.0])}
    state, none = PendingMarkouts((5.0,)).step(quotes, fills)
    assert none.empty
    _, one = state.step(book([5.5], [55.0]), pd.DataFrame({"ts": [], "side": [], "reference_mid": [], "depth": []}))
    assert one["adverse_bps_5s"].item() == pytest.approx(1000.0)
    assert one["depth"].item() == 7.0


def test_a_slice_with_other_columns_is_refused():
    state, _ = PendingMarkouts().step(book([0.0], [1.0]), {"ts": [0.5], "side": [1], "depth": [1.0]})
    with pytest.raises(ValueError, match="columns"):
        state.step(book([0.6], [1.0]), {"ts": [0.7], "side": [1]})


def naive_queue(quotes, fills, horizon, longest):
    """Event by event: fills join a queue and push out the oldest, quotes resolve from the front."""
    events = sorted([(f, 0, k) for k, f in enumerate(fills)] + [(q, 1, k) for k, q in enumerate(quotes)])
    queue, out, lost = [], [], 0
    for ts, kind, k in events:
        if kind == 0:
            queue.append((ts, k))
            if len(queue) > longest:
                queue.pop(0)
                lost += 1
        while kind == 1 and queue and ts >= queue[0][0] + horizon:
            out.append(queue.pop(0)[1])
    return out, lost


@given(SEEDS, SEEDS, st.integers(1, 6))
@settings(max_examples=80, deadline=None)
def test_the_queue_drops_the_oldest_whatever_the_slices(seed, cut_seed, longest):
    tape = random_tapes.tape(seed)
    fills = random_fills(np.random.default_rng(seed), 20)
    want, lost = naive_queue(tape.quotes["ts"].tolist(), fills["ts"].tolist(), 1.5, longest)
    state, got = PendingMarkouts((1.5,), max_pending=longest), []
    for piece in random_tapes.sliced(tape, cut_seed):
        state, resolved = state.step(piece.quotes, fills[(fills["ts"] >= piece.t0) & (fills["ts"] < piece.t1)])
        got += resolved.get("number", pd.Series(dtype=int)).tolist()
    assert got == want
    assert state.dropped == lost
