"""Laws of signals and of what they foretell: each against its closed form, on the tape where one can see it there."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mmresearch.sim.features import FORETELLS_S, Momentum, OpenInterest, Regimes
from mmresearch.sim.steps import draw_momentum, draw_open_interest, draw_regimes, draw_steps
from mmresearch.sim.truth import Truth, with_values
from mmresearch.sim.worlds import EVERYTHING, World, plain, plain_truth, simulate
from mmresearch.tape.mids import mid_at_or_before
from mmresearch.tape.parquet import read_parquet, write_parquet
from mmresearch.tape.validate import validate

TRUTH = Truth("X", kappa=2000.0, A=0.6, alpha_touch=0.0, sigma_bps_per_sqrt_s=0.8, tick_bps=0.001)


def log_mids(tape, ts):
    return np.log(mid_at_or_before(tape.quotes, ts))


def within(found, expected, sd, n, width=3.5):
    assert abs(found - expected) < width * sd / np.sqrt(n), (found, expected, sd / np.sqrt(n))


@pytest.mark.parametrize("theta", [-1.5, 0.0, 2.0, 6.0])
def test_moves_over_ten_seconds_have_the_slope_on_momentum_that_was_asked_for(theta):
    slopes, errors = [], []
    for seed in range(12):
        tape = plain("proactive_skew_sensitivity", theta, 7200.0, seed, sigma_bps_per_sqrt_s=0.3)
        start = np.arange(0.0, 7190.0, 10.0)
        m = tape.signals["momentum"].to_numpy()[start.astype(int)]
        moves = np.diff(log_mids(tape, np.append(start, 7190.0))) * 1e4
        slopes.append(m @ moves / (m @ m))
        errors.append(np.sum((m * (moves - slopes[-1] * m)) ** 2) / (m @ m) ** 2)
    within(np.mean(slopes), theta, np.sqrt(np.mean(errors)), 12)


def test_momentum_is_stationary_with_unit_variance_and_the_decay_asked_for():
    n, momentum = 200_000, Momentum(reversion_per_s=0.1)
    m, a = draw_momentum(momentum, n, np.random.default_rng(1)), np.exp(-0.1)
    within(np.mean(m**2), 1, np.sqrt(2 * (1 + a**2) / (1 - a**2)), n)
    within(m[1:] @ m[:-1] / (m[:-1] @ m[:-1]), a, np.sqrt(1 - a**2), n)
    residual = (m[1:] - a * m[:-1]) / np.sqrt(1 - a**2)
    assert stats.kstest(residual, "norm").pvalue > 1e-3
    first = [draw_momentum(momentum, 1, np.random.default_rng(seed))[0] for seed in range(1000)]
    assert stats.kstest(first, "norm").pvalue > 1e-3


@pytest.mark.parametrize("hazard", [0.004, 0.1])
def test_the_move_after_a_changepoint_has_the_mean_asked_for_however_many_follow(hazard):
    means = []
    for seed in range(24):
        tape = plain("predictive_bias_sensitivity", 2.0, 3600.0, seed, changepoints_hazard_per_s=hazard)
        sigma = plain_truth("predictive_bias_sensitivity", 2.0, seed).sigma_bps_per_sqrt_s * 1e-4
        at = tape.signals["ts"].to_numpy()[tape.signals["changepoint"].to_numpy() == 1]
        at = at[at < 3590]
        moves = (log_mids(tape, at + FORETELLS_S) - log_mids(tape, at)) / (sigma * np.sqrt(FORETELLS_S))
        assert moves.size > 3
        assert stats.kstest(moves[np.diff(at, prepend=-99) >= 10] - 2.0, "norm").pvalue > 1e-4
        means.append(moves.mean())
    within(np.mean(means), 2.0, np.std(means), 24)


def test_changepoints_are_memoryless_at_the_hazard():
    theta, happens = 0.02, []
    for seed in range(6):
        happens.append(plain("bocpd_hazard_rate", theta, 7200.0, seed).signals["changepoint"].to_numpy())
    happens = np.concatenate(happens)
    within(happens.mean(), theta, np.sqrt(theta * (1 - theta)), happens.size)
    runs = np.diff(np.flatnonzero(happens))
    edges = np.array([0, 10, 25, 50, 100, 10**9])
    law = np.diff(stats.geom(theta).cdf(edges)) * runs.size
    assert stats.chi2.sf(((np.histogram(runs, edges + 0.5)[0] - law) ** 2 / law).sum(), law.size - 1) > 1e-3


@pytest.mark.parametrize("stay", [0.6, 0.97])
def test_both_regimes_last_geometrically_long(stay):
    lively = draw_regimes(Regimes(stay=stay), 200_000, np.random.default_rng(2))
    same = lively[1:] == lively[:-1]
    for state in (False, True):
        kept = same[lively[:-1] == state]
        within(kept.mean(), stay, np.sqrt(stay * (1 - stay)), kept.size)
    runs = np.diff(np.flatnonzero(~same))
    edges = np.array([0, 1, 2, 4, 8, 10**9])
    law = np.diff(stats.geom(1 - stay).cdf(edges)) * runs.size
    assert stats.chi2.sf(((np.histogram(runs, edges + 0.5)[0] - law) ** 2 / law).sum(), law.size - 1) > 1e-3
    starts = [draw_regimes(Regimes(stay=stay), 1, np.random.default_rng(seed))[0] for seed in range(1000)]
    within(np.mean(starts), 0.5, 0.5, 1000)


def test_volatility_and_spread_carry_the_regime_and_nothing_else_of_the_path_does():
    truth = plain_truth("regime_sticky_diagonal", 0.95, seed=3)
    tape, steps = simulate(truth, 7200.0, seed=3), draw_steps(truth, 7200.0, 3)
    regimes = truth.dynamics.regimes
    assert set(steps.volatility) == {1.0, regimes.volatility_ratio}
    ts, mid = tape.quotes["ts"].to_numpy(), 0.5 * (tape.quotes["bid"] + tape.quotes["ask"]).to_numpy()
    scale = truth.sigma_bps_per_sqrt_s * 1e-4 * np.sqrt(np.diff(ts)) * steps.volatility[ts[:-1].astype(int)]
    assert stats.kstest(np.diff(np.log(mid)) / scale, "norm").pvalue > 1e-3
    # Stretches that end where a regime does are still of the old one.
    ends = np.flatnonzero(np.diff(steps.volatility)) + 1.0
    last = np.isin(ts[1:], ends)
    assert last.sum() > 200
    within(np.mean((np.diff(np.log(mid)) / scale)[last] ** 2), 1, np.sqrt(2), last.sum())
    half = 0.5 * (tape.quotes["ask"] - tape.quotes["bid"]).to_numpy() / mid * 1e4
    wide = np.where(steps.volatility[ts.astype(int)] > 1, regimes.spread_ratio, 1.0)
    np.testing.assert_allclose(half, truth.half_spread_bps * wide, atol=2 * truth.tick_bps)


def forward_labels(returns, sds, stay):
    """Decode by the textbook forward recursion: matrices, one step at a time."""
    move, belief, labels = np.array([[stay, 1 - stay], [1 - stay, stay]]), np.array([0.5, 0.5]), []
    for r in returns:
        belief = (belief @ move) * stats.norm.pdf(r, scale=sds)
        belief /= belief.sum()
        labels.append(float(belief[1] > 0.5))
    return np.array(labels)


def test_the_regime_on_the_tape_is_what_a_sticky_filter_decodes_and_not_the_truth():
    truth = plain_truth("regime_sticky_diagonal", 0.8, seed=4)
    tape, steps = simulate(truth, 1800.0, seed=4), draw_steps(truth, 1800.0, 4)
    labels = tape.signals["regime"].to_numpy()
    assert np.isnan(labels[0])
    sds = truth.sigma_bps_per_sqrt_s * 1e-4 * np.array([1.0, truth.dynamics.regimes.volatility_ratio])
    np.testing.assert_array_equal(labels[1:], forward_labels(np.diff(log_mids(tape, steps.ts)), sds, 0.95))
    lively = steps.volatility[:-1] > 1
    assert 0.7 < np.mean(labels[1:] == lively) < 0.95
    kept = np.mean(labels[2:] == labels[1:-1])
    assert abs(kept - 0.8) > 5 * np.sqrt(0.16 / 1798)  # counting decoded states does not tell the truth


@pytest.mark.parametrize(("parameter", "theta"), [("kalman_q", 4e-9), ("kalman_r", 1e-9), ("kalman_r", 5e-8)])
def test_quoted_mids_have_the_law_of_a_local_level(parameter, theta):
    truth = plain_truth(parameter, theta, seed=5)
    q, r = (truth.sigma_bps_per_sqrt_s * 1e-4) ** 2, truth.dynamics.noise.variance
    assert theta == pytest.approx(q if parameter == "kalman_q" else r)
    tape = simulate(truth, 7200.0, seed=5)
    each = np.diff(log_mids(tape, np.arange(7200.0)))
    within(np.mean(each**2), q + 2 * r, np.sqrt(2 * (q + 2 * r) ** 2 + 4 * r**2), each.size)
    within(np.mean(each[1:] * each[:-1]), -r, np.sqrt((q + 2 * r) ** 2 + 3 * r**2), each.size)
    ts, y = tape.quotes["ts"].to_numpy(), log_mids(tape, tape.quotes["ts"])
    level, variance, scores = y[0], r, []
    for dt, seen in zip(np.diff(ts), y[1:], strict=True):
        variance += q * dt
        scores.append((seen - level) / np.sqrt(variance + r))
        gain = variance / (variance + r)
        level, variance = level + gain * (seen - level), variance * (1 - gain)
    assert stats.kstest(scores, "norm").pvalue > 1e-3
    within(np.mean(np.square(scores)), 1, np.sqrt(2), len(scores))
    within(np.mean(np.multiply(scores[1:], scores[:-1])), 0, 1, len(scores))


@pytest.mark.parametrize("theta", [0.2, 0.97, 0.9995])
def test_microprice_minus_mid_forgets_at_the_rate_asked_for_whatever_the_spread(theta):
    truth = plain_truth("microprice_decay", theta, seed=6, regimes_stay=0.9, alpha_touch=0.3)
    quotes = simulate(truth, 7200.0, seed=6).quotes
    ts, bid, bid_sz, ask, ask_sz = quotes.to_numpy().T
    x = ((bid * ask_sz + ask * bid_sz) / (bid_sz + ask_sz) / (0.5 * (bid + ask)) - 1) * 1e4
    scale = truth.dynamics.imbalance.share * truth.half_spread_bps
    kept = theta ** np.diff(ts)
    residual = (x[1:] - kept * x[:-1]) / (scale * np.sqrt(1 - kept**2))
    assert stats.kstest(residual, "norm").pvalue > 1e-3
    within(np.mean(residual[1:] * residual[:-1]), 0, 1, residual.size)
    for size in (bid_sz, ask_sz):
        assert size.min() > 0
        np.testing.assert_array_equal(size, np.rint(size / truth.lot) * truth.lot)


def minutes(tape):
    """Fall of open interest over each even minute, and the move of the mid in bps over the minute that follows."""
    level = tape.signals["open_interest"].to_numpy()
    start = np.arange(0, int(tape.t1) - 120, 120)
    fall = 1 - level[start + 60] / level[start]
    return fall, (log_mids(tape, start + 120.0) - log_mids(tape, start + 60.0)) * 1e4


def test_markouts_are_bad_after_falls_beyond_the_threshold_but_for_the_errors_stated():
    theta, falls, moves = 0.03, [], []
    for seed in range(6):
        tape = plain("cascade_oi_threshold", theta, 14400.0, seed, open_interest_miss=0.2, sigma_bps_per_sqrt_s=0.2)
        fall, move = minutes(tape)
        falls.append(fall)
        moves.append(move)
    fall, bad = np.concatenate(falls), np.concatenate(moves) < -10
    none = fall < 0.1 * theta
    within(none.mean(), 0.3, np.sqrt(0.21), fall.size)
    assert not bad[none].any()
    small, large = (fall > 0.1 * theta) & (fall < 0.96 * theta), fall > 1.04 * theta
    within(bad[small].mean(), 0.05, np.sqrt(0.05 * 0.95), small.sum())
    within(bad[large].mean(), 0.8, 0.4, large.sum())
    grid = np.geomspace(0.5, 2, 61) * theta
    wrong = [np.sum(bad != (fall > cut)) for cut in grid]
    assert grid[np.argmin(wrong)] == pytest.approx(theta, rel=0.08)


def test_open_interest_recovers_and_falls_are_lognormal_about_the_threshold():
    interest = OpenInterest(0.01, noise_ratio=0.0, drop_share=1.0)
    level, fall = draw_open_interest(interest, 600_000, np.random.default_rng(7))
    size = 1 - level[60::120] / interest.contracts
    assert stats.kstest(np.log(size / 0.01) / interest.drop_log_sd, "norm").pvalue > 1e-3
    np.testing.assert_array_equal(level[::120], interest.contracts)
    assert not fall.reshape(-1, 2, 60)[:, 0].any()
    move = fall.reshape(-1, 2, 60)[:, 1].sum(axis=1) * 1e4
    assert stats.kstest((move[move > 0] - 25.0) / 5.0, "norm").pvalue > 1e-3


def test_profits_of_fills_are_marked_half_a_second_later_one_by_one():
    truth = with_values(TRUTH, alpha_touch=0.3, account_lots=4.0, price=250.0, fee_bps=0.7, lot=3.0)
    tape = simulate(truth, 900.0, seed=8)
    ts, mid = tape.quotes["ts"].tolist(), (0.5 * (tape.quotes["bid"] + tape.quotes["ask"])).tolist()
    expected = {}
    for fill in tape.fills.itertuples():
        later = [m for t, m in zip(ts, mid, strict=True) if t >= fill.ts + 0.5]
        if later:
            gain = fill.size * (fill.side * (later[0] - fill.price) - 0.7e-4 * fill.price)
            expected[fill.ts] = gain / (4.0 * 3.0 * 250.0)
    assert tape.signals["ts"].tolist() == list(expected)
    np.testing.assert_allclose(tape.signals["pnl"], list(expected.values()), rtol=1e-10)


@pytest.fixture(scope="module")
def busy():
    """Make a tape with every signal."""
    return World(assets=1, seconds=1200.0, hyper=EVERYTHING).tapes(3)[0]


def test_a_busy_tape_has_all_signals_and_is_valid(busy, tmp_path):
    table = busy.signals
    assert list(table) == ["ts", "momentum", "changepoint", "open_interest", "regime", "pnl"]
    assert table["ts"].is_monotonic_increasing
    on_second = table["pnl"].isna()
    np.testing.assert_array_equal(table["ts"][on_second], np.arange(1200.0))
    assert table.loc[on_second, ["momentum", "changepoint", "open_interest"]].notna().all(axis=None)
    assert table.loc[~on_second, ["momentum", "changepoint", "open_interest", "regime"]].isna().all(axis=None)
    assert set(table["ts"][~on_second]) <= set(busy.fills["ts"])
    validate(busy)
    again = read_parquet(write_parquet(busy, tmp_path / "busy.tape"))
    pd.testing.assert_frame_equal(again.signals, table)


def test_cuts_of_a_tape_keep_its_signals(busy):
    edges = [0.0, 0.5, 7.0, 7.0, 333.3, float(busy.fills["ts"].iloc[-5]), 1200.0]
    pieces = [busy.between(a, b).signals for a, b in itertools.pairwise(edges)]
    assert pd.concat(pieces).equals(busy.signals)
    assert len(pieces[2]) == 0
    assert pieces[-1]["pnl"].notna().sum() >= 4
    assert pd.concat([piece.signals for piece in busy.slices(60.0)]).equals(busy.signals)


def test_equal_seeds_give_equal_signals_and_others_do_not():
    world = World(assets=2, seconds=600.0, hyper=EVERYTHING)
    one, same, other = world.tapes(3), world.tapes(3), world.tapes(4)
    assert one[0].signals.equals(same[0].signals)
    assert not one[0].signals.equals(other[0].signals)
    assert not one[0].signals["momentum"].head(50).equals(one[1].signals["momentum"].head(50))
