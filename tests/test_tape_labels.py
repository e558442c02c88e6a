"""Laws of the labels, each against the closed form of what it answers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from mmresearch.tape.labels import (
    BATCH,
    FIXED_TWO_SIDED,
    INTENDED,
    AdaptiveLabel,
    informed_batch,
    informed_beyond_two_sigma,
    informed_intended,
    informed_two_sided,
)

MOVES = np.array([-7.0, -5.0, 0.0, 5.0, 5.001, 7.0, np.nan])


def test_intended_is_one_sided_and_strict():
    np.testing.assert_array_equal(informed_intended(MOVES), [0, 0, 0, 0, 1, 1, np.nan])
    assert (INTENDED.horizon_s, INTENDED.reference, INTENDED.two_sided) == (0.5, "mid at fill", False)


def test_two_sided_counts_favourable_moves():
    np.testing.assert_array_equal(informed_two_sided(MOVES), [1, 0, 0, 0, 1, 1, np.nan])


def test_batch_is_measured_from_the_fill_price_after_a_second():
    np.testing.assert_array_equal(informed_batch(MOVES), informed_intended(MOVES))
    assert (BATCH.horizon_s, BATCH.reference) == (1.0, "fill price")


def test_two_sigma_scales_with_volatility():
    sigma = np.array([1.0, 1.0, 2.0])
    np.testing.assert_array_equal(informed_beyond_two_sigma([4.48, 4.47, 8.9], sigma), [1, 0, 0])
    assert np.isnan(informed_beyond_two_sigma([np.nan], 1.0))[0]


@pytest.mark.parametrize(("sigma", "share"), [(2.0, 0.0004), (5.0, 0.157), (10.0, 0.48)])
def test_two_sided_label_learns_volatility(sigma, share):
    sd = sigma * np.sqrt(FIXED_TWO_SIDED.horizon_s)
    moves = norm.ppf((np.arange(200_000) + 0.5) / 200_000, scale=sd)
    assert informed_two_sided(moves).mean() == pytest.approx(2 * norm.sf(5.0 / sd), abs=1e-5)
    assert informed_two_sided(moves).mean() == pytest.approx(share, rel=0.03)


@pytest.mark.parametrize("sigma", [4.0, 5.0, 10.0])
def test_adaptive_label_answers_17_percent_on_pure_noise(sigma):
    moves = np.random.default_rng(8).normal(0.0, sigma * np.sqrt(0.5), 40_000)
    assert AdaptiveLabel().step(moves)[1].mean() == pytest.approx(0.17, abs=0.006)


def test_adaptive_threshold_waits_twenty_fills_and_is_clipped():
    quiet, loud = np.full(20, 0.1), np.full(60, 500.0)
    state, labels = AdaptiveLabel().step(quiet[:19])
    assert state.threshold_bps == 5.0
    assert not labels.any()
    state, _ = state.step(quiet[19:])
    assert state.threshold_bps == 2.0
    state, _ = state.step(loud)
    assert state.threshold_bps == 20.0


def test_adaptive_threshold_is_mean_plus_sd_with_weight_a_tenth_on_the_newest():
    state, _ = AdaptiveLabel().step([4.0] * 19 + [-8.0])  # mean .9*4 + .1*8, variance .1*(8 - 4)^2
    assert state.threshold_bps == pytest.approx(4.4 + 1.6**0.5)


@given(st.lists(st.floats(-60, 60) | st.just(float("nan")), max_size=80), st.integers(0, 80))
@settings(max_examples=60, deadline=None)
def test_adaptive_label_in_pieces_equals_the_whole(moves, cut):
    whole_state, whole = AdaptiveLabel().step(moves)
    state, first = AdaptiveLabel().step(moves[:cut])
    state, second = state.step(moves[cut:])
    np.testing.assert_array_equal(np.concatenate([first, second]), whole)
    assert state == whole_state
    np.testing.assert_array_equal(np.isnan(whole), np.isnan(moves))
