"""Laws of resampling: an absolute grid, no cut changes anything, what stood still for a minute says nothing."""

import numpy as np
import pandas as pd
import pytest
from random_tapes import sliced
from random_tapes import tape as random_tape

from mmresearch.tape.faults import SliceOrderError
from mmresearch.tape.resample import Resampler, signal_values
from mmresearch.tape.schema import Tape


def points(resampler, tapes):
    """All points of some slices, each once."""
    tables = []
    for piece in tapes:
        carried = len(resampler.tail)
        resampler, samples = resampler.step(piece)
        tables.append(samples.table[carried:])
    return np.concatenate(tables)


def with_signal(tape, seed):
    rng = np.random.default_rng(seed)
    ts = np.sort(rng.uniform(0, tape.t1, 30))
    said = np.where(rng.random(30) < 0.3, np.nan, rng.normal(size=30))
    return Tape(**{**vars(tape), "signals": pd.DataFrame({"ts": ts, "m": said})})


@pytest.mark.parametrize("seed", range(20))
def test_cuts_change_nothing(seed):
    tape = with_signal(random_tape(seed), seed)
    resampler = Resampler(0.5, lookback=2, column="m", reach_s=1.0)
    whole, cut = points(resampler, [tape]), points(resampler, sliced(tape, seed))
    np.testing.assert_array_equal(whole, cut)
    assert len(whole) == 40


@pytest.mark.parametrize("seed", range(20))
def test_a_point_is_the_last_quote_at_or_before_it(seed):
    tape = with_signal(random_tape(seed), seed)
    table = points(Resampler(0.5, column="m"), [tape])
    for row in table:
        before = tape.quotes[tape.quotes["ts"] <= row[0] * 0.5]
        if len(before):
            np.testing.assert_array_equal(row[1:6], before.iloc[-1].to_numpy())
        else:
            assert np.isnan(row[1:7]).all()
        said = tape.signals[(tape.signals["ts"] <= row[0] * 0.5) & tape.signals["m"].notna()]
        fresh = len(said) and row[0] * 0.5 - said["ts"].iloc[-1] < 1.0
        assert row[7] == said["m"].iloc[-1] if fresh else np.isnan(row[7])


def quoted(ts, bid):
    return Tape("X", 0.0, 400.0, pd.DataFrame({"ts": ts, "bid": bid, "bid_sz": 1.0, "ask": 101.0, "ask_sz": 1.0}))


def test_a_quote_that_stands_still_for_a_minute_is_no_market():
    ts = np.arange(0.0, 400.0, 5.0)
    tape = quoted(ts, np.where(ts < 200, 100 + 0.01 * np.sin(ts), 100.0))
    _, samples = Resampler(10.0).step(tape)
    at = samples.index * 10
    np.testing.assert_array_equal(samples.live, at <= 260)
    np.testing.assert_array_equal(samples.fresh[1:], at[1:] <= 260)
    assert samples.neighbours().sum() == 26


def test_a_second_without_a_new_quote_is_not_fresh():
    _, samples = Resampler(1.0).step(quoted(np.array([0.5, 1.5, 4.2]), np.array([99.0, 99.5, 99.7])))
    np.testing.assert_array_equal(np.flatnonzero(samples.fresh), [1, 2, 5])


def test_the_gap_of_the_microprice_is_its_definition():
    tape = quoted(np.array([0.0]), np.array([99.0]))
    tape.quotes["ask_sz"] = 3.0
    _, samples = Resampler(1.0).step(tape)
    micro = (99.0 * 3.0 + 101.0 * 1.0) / 4.0
    assert samples.microprice_gap_bps[0] == pytest.approx((micro - 100.0) / 100.0 * 1e4)


def test_a_missing_column_says_nothing():
    tape = random_tape(0)
    for signals in (None, pd.DataFrame({"ts": [1.0], "other": [2.0]})):
        assert signal_values(Tape(**{**vars(tape), "signals": signals}), "m")[0].size == 0


def test_a_slice_that_overlaps_the_last_one_is_refused_and_names_both_times():
    tape = random_tape(3)
    half = tape.seconds / 2
    after, _ = Resampler(0.5).step(tape.between(tape.t0, tape.t0 + half))
    with pytest.raises(SliceOrderError, match=f"begins at {tape.t0:g} s, but the last one ended at {tape.t0 + half:g}"):
        after.step(tape)
    after.step(tape.between(tape.t0 + half, tape.t1))
