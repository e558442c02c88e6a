"""Laws of a world: fills at A e^{-kappa d} whatever we do, informed ones with probability alpha, clean markouts."""

import functools

import naive_world as naive
import numpy as np
import pytest
from scipy import stats

from mmresearch.sim.flow import draw_windows
from mmresearch.sim.market import play
from mmresearch.sim.policies import Rotating, Stale, VolatilityResponsive
from mmresearch.sim.truth import PLAIN, Stress, Truth, with_values

TRUTH = Truth("X", kappa=1500.0, A=0.7, alpha_touch=0.3, adverse_bps=14.0, sigma_bps_per_sqrt_s=1.0)
DEEP = (9.0, 12.0, 16.0, 20.0)
LIVELY = Stress(burst=0.7, kappa_wander=0.2)
WORLDS = {
    "rotating": (TRUTH, Rotating(), PLAIN, 0.25),
    "old orders": (TRUTH, Stale(depths_bps=DEEP, touch_share=0.4), PLAIN, 0.25),
    "coarse ticks": (with_values(TRUTH, tick_bps=3.0, half_spread_bps=1.0), Rotating(), PLAIN, 0.25),
    "fine ticks": (with_values(TRUTH, tick_bps=0.05), Rotating(), PLAIN, 0.25),
    "rare quotes": (TRUTH, Rotating(), PLAIN, 2.0),
    "fewer informed fills deeper": (with_values(TRUTH, alpha_decay_bps=10.0), Rotating(), PLAIN, 0.25),
    "labels that cluster, heavy tails": (TRUTH, Rotating(), Stress(icc=0.05, heavy_tails=True), 0.25),
    "responsive in a lively market": (TRUTH, VolatilityResponsive(), LIVELY, 0.25),
}
SECONDS, SEEDS = 1800.0, range(16)
everywhere = pytest.mark.parametrize("name", WORLDS)


@functools.cache
def tapes(name):
    truth, policy, stress, quote_s = WORLDS[name]
    return [play(truth, SECONDS, policy, seed, stress, quote_s) for seed in SEEDS]


@functools.cache
def stretches(name):
    """Stretches of all tapes, with the seed and the expected number of fills in each."""
    truth, _, stress, _ = WORLDS[name]
    rows = []
    for seed, tape in zip(SEEDS, tapes(name), strict=True):
        start, seconds, depth, side = naive.stretches(tape)
        # The first draws of a world are its windows: drawing them again gives the pace of the market.
        windows = draw_windows(truth, SECONDS, stress, np.random.default_rng(seed))
        at = np.minimum(start // 300, windows.activity.size - 1).astype(int)
        expected = seconds * naive.rate(depth, windows.kappa_per_bp[at] * 1e4, truth.A * windows.activity[at] ** 2)
        rows.append((np.full(start.size, seed), start, seconds, depth, side, expected))
    return np.concatenate(rows, axis=1)


@functools.cache
def fills(name):
    rows = [naive.fills(tape) for tape in tapes(name)]
    return np.concatenate(rows, axis=1)


@everywhere
def test_fills_by_depth_match_exposure_times_intensity(name):
    _, _, _, depth, _, expected = stretches(name)
    edges = np.array([-np.inf, 1, 2, 3, 4.5, 6.5, 9, 12, 16, 20, np.inf])
    law = np.histogram(depth, edges, weights=expected)[0]
    seen = np.histogram(np.concatenate([naive.fills(tape)[1] for tape in tapes(name)]), edges)[0]
    used = law > 5
    assert used.sum() >= 6
    assert stats.chi2.sf(((seen - law)[used] ** 2 / law[used]).sum(), used.sum()) > 1e-3
    assert abs(seen.sum() - law.sum()) < 3.5 * np.sqrt(law.sum())


@everywhere
def test_the_expected_number_of_fills_between_fills_is_exponential(name):
    seed, start, seconds, _, side, expected = stretches(name)
    gaps = []
    for k, tape in enumerate(tapes(name)):
        clock = np.zeros(len(tape.fills))
        for own in (1, -1):
            rows = np.flatnonzero((seed == k) & (side == own))
            rows = rows[np.argsort(start[rows], kind="stable")]
            edges = np.column_stack([start[rows], start[rows] + seconds[rows]]).ravel()
            total = np.cumsum(expected[rows])
            clock += np.interp(tape.fills["ts"], edges, np.column_stack([total - expected[rows], total]).ravel())
        gaps.append(np.diff(clock, prepend=0.0))
    assert stats.kstest(np.concatenate(gaps), "expon").pvalue > 1e-3


@everywhere
def test_a_fill_is_informed_with_the_probability_of_its_distance_from_the_touch(name):
    truth = WORLDS[name][0]
    _, _, beyond, adverse, _ = fills(name)
    chance = truth.alpha_touch * np.exp(-np.maximum(beyond, 0) / truth.alpha_decay_bps)
    for group in (np.abs(beyond) < 0.5 * truth.tick_bps, beyond > 3):
        p, n = chance[group], group.sum()
        spread = np.sqrt((p * (1 - p)).sum() * (2.5 if "cluster" in name else 1.0))  # 1 + .05 * (n per window - 1)
        assert n > 200
        assert abs(np.sum(adverse[group] > 7) - p.sum()) < 3.5 * spread


@everywhere
def test_the_mean_markout_of_touch_fills_is_alpha_times_the_mean_jump(name):
    truth = WORLDS[name][0]
    _, _, beyond, adverse, _ = fills(name)
    moves = adverse[np.abs(beyond) < 0.5 * truth.tick_bps]
    slack = 3.5 * moves.std() / np.sqrt(len(moves)) * (1.6 if "cluster" in name else 1.0)
    assert moves.mean() == pytest.approx(truth.alpha_touch * truth.adverse_bps, abs=slack)


@everywhere
def test_buying_and_selling_are_alike(name):
    _, _, _, adverse, side = fills(name)
    bought = np.sum(side > 0)
    _, _, _, _, resting, expected = stretches(name)
    share = expected[resting > 0].sum() / expected.sum()
    assert abs(bought - share * side.size) < 3.5 * np.sqrt(side.size) / 2
    assert stats.ttest_ind(adverse[side > 0], adverse[side < 0], equal_var=False).pvalue > 1e-3


def test_fills_that_are_not_informed_leave_the_mid_to_its_noise():
    truth = with_values(TRUTH, alpha_touch=0.0, tick_bps=0.01)
    moves = np.concatenate([naive.fills(play(truth, SECONDS, Rotating(), seed))[3] for seed in SEEDS])
    assert abs(moves.mean()) < 3.5 * moves.std() / np.sqrt(moves.size)
    # From the quote before the fill to the first one 500 ms after it: two more waits between jittered quotes.
    gap, spread = 0.25, (0.8 * 0.25) ** 2 / 6
    assert moves.std() == pytest.approx(np.sqrt(0.5 + (gap**2 + spread) / gap), rel=0.04)


def test_an_informed_jump_is_normal_and_lands_within_300_ms():
    truth = with_values(TRUTH, alpha_touch=1.0, tick_bps=0.001, sigma_bps_per_sqrt_s=0.0, adverse_sd_bps=3.0)
    tape = play(truth, 7200.0, Rotating(), seed=3)
    ts, _, _, adverse, _ = naive.fills(tape)
    assert stats.kstest(adverse, stats.norm(14.0, 3.0).cdf).pvalue > 1e-3
    mid = (tape.quotes["bid"] + tape.quotes["ask"]).to_numpy()
    moved = tape.quotes["ts"].to_numpy()[np.append(False, np.abs(np.diff(mid)) > 0.01 * truth.tick)]
    delay = moved - ts[np.searchsorted(ts, moved) - 1]
    assert stats.kstest(delay, stats.uniform(0.02, 0.28).cdf).pvalue > 1e-3


@everywhere
def test_tapes_are_in_order_and_never_crossed(name):
    for tape in tapes(name):
        for table, column in ((tape.quotes, "ts"), (tape.trades, "ts"), (tape.fills, "ts"), (tape.orders, "placed")):
            times = table[column]
            assert times.is_monotonic_increasing
            assert tape.t0 <= times.min()
            assert times.max() < tape.t1
        assert (tape.quotes["bid"] < tape.quotes["ask"]).all()
        assert tape.quotes["bid"].min() > 0
        assert not tape.quotes.isna().any(axis=None)
        assert not tape.trades.isna().any(axis=None)
        assert not set(tape.trades["ts"]) & set(tape.quotes["ts"])
        assert tape.meta.provenance == "synthetic"


@pytest.mark.parametrize("policy", [Rotating(), Stale(), VolatilityResponsive()])
def test_equal_seeds_give_equal_tapes_and_others_do_not(policy):
    one, same, other = (play(TRUTH, 600.0, policy, seed, LIVELY) for seed in (5, 5, 6))
    naive.assert_equal(one, same)
    assert not one.quotes.equals(other.quotes)


def test_a_tape_without_market_orders_has_no_fills():
    tape = play(with_values(TRUTH, A=0.0), 600.0, Rotating(), seed=1)
    assert len(tape.fills) == 0
    assert len(tape.trades) > 0
    assert set(tape.fills.dtypes.astype(str)) == {"float64", "int64"}


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.3, np.nan])
def test_a_tape_too_short_for_two_quotes_is_refused(seconds):
    with pytest.raises(ValueError, match="two quotes"):
        play(TRUTH, seconds, Rotating(), seed=1)


def test_a_pause_shorter_than_a_markout_is_refused():
    with pytest.raises(ValueError, match="pause_s"):
        play(TRUTH, 600.0, Rotating(pause_s=0.4), seed=1)
