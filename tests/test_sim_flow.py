"""Laws of what happens without us: market orders, the mid, and what wanders from window to window."""

import numpy as np
import pytest
from scipy import stats

from mmresearch.sim.flow import STOPS, WINDOW_S, draw_flow, draw_path, draw_windows
from mmresearch.sim.policies import Rotating
from mmresearch.sim.truth import PLAIN, Stress, Truth, with_values
from mmresearch.sim.worlds import simulate

TRUTH = Truth("X", kappa=1500.0, A=0.7, alpha_touch=0.3, touch_only_per_s=0.4)
LONG_S = 60_000.0


def flow_of(stress, seed=1, truth=TRUTH):
    rng = np.random.default_rng(seed)
    windows = draw_windows(truth, LONG_S, stress, rng)
    return windows, draw_flow(truth, LONG_S, windows, rng)


@pytest.mark.parametrize("side", [1, -1])
def test_market_orders_are_poisson_in_time_and_exponential_in_depth(side):
    _, flow = flow_of(PLAIN)
    reach = (flow.side == side) & (flow.depth_bps >= 0)
    assert stats.kstest(np.diff(flow.ts[reach]) * TRUTH.A, "expon").pvalue > 1e-3
    assert stats.kstest(flow.depth_bps[reach] * TRUTH.kappa * 1e-4, "expon").pvalue > 1e-3
    stops = np.sum((flow.side == side) & (flow.depth_bps == STOPS))
    assert abs(stops - 0.4 * LONG_S) < 4 * np.sqrt(0.4 * LONG_S)


def test_activity_multiplies_the_intensity_by_its_square_and_the_volatility_by_itself():
    windows, flow = flow_of(Stress(burst=0.6))
    assert stats.kstest(windows.activity**2, stats.gamma(1 / 0.36, scale=0.36).cdf).pvalue > 1e-3
    count = np.bincount(windows.at(flow.ts[flow.depth_bps >= 0]), minlength=windows.activity.size)
    expected = 2 * TRUTH.A * windows.activity**2 * WINDOW_S
    assert stats.chi2.sf(((count - expected) ** 2 / expected).sum(), len(count)) > 1e-3
    ts, log_mid = draw_path(TRUTH, LONG_S, 0.25, windows, PLAIN, np.random.default_rng(2))
    scale = TRUTH.sigma_bps_per_sqrt_s * 1e-4 * np.sqrt(np.diff(ts)) * windows.activity[windows.at(ts[1:])]
    assert stats.kstest(np.diff(log_mid) / scale, "norm").pvalue > 1e-3


def test_kappa_wanders_about_the_truth_as_its_median():
    windows, flow = flow_of(Stress(kappa_wander=0.3))
    assert stats.kstest(np.log(windows.kappa_per_bp / 0.15) / 0.3, "norm").pvalue > 1e-3
    reach = flow.depth_bps >= 0
    scaled = flow.depth_bps[reach] * windows.kappa_per_bp[windows.at(flow.ts[reach])]
    assert stats.kstest(scaled, "expon").pvalue > 1e-3


def test_labels_cluster_with_the_intra_class_correlation_asked_for():
    rng = np.random.default_rng(3)
    alpha = draw_windows(TRUTH, 20_000 * WINDOW_S, Stress(icc=0.1), rng).alpha
    assert alpha.mean() == pytest.approx(0.3, abs=0.004)
    assert alpha.var() == pytest.approx(0.1 * 0.3 * 0.7, rel=0.05)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_labels_that_are_certain_do_not_cluster(alpha):
    windows = draw_windows(with_values(TRUTH, alpha_touch=alpha), 3000.0, Stress(icc=0.1), np.random.default_rng(3))
    np.testing.assert_array_equal(windows.alpha, alpha)


@pytest.mark.parametrize("heavy", [False, True])
def test_the_mid_has_the_volatility_asked_for_whatever_its_tails(heavy):
    windows = draw_windows(TRUTH, LONG_S, PLAIN, np.random.default_rng(4))
    ts, log_mid = draw_path(TRUTH, LONG_S, 0.25, windows, Stress(heavy_tails=heavy), np.random.default_rng(5))
    z = np.diff(log_mid) / np.sqrt(np.diff(ts)) / (TRUTH.sigma_bps_per_sqrt_s * 1e-4)
    law = stats.t(3, scale=1 / np.sqrt(3)) if heavy else stats.norm()
    assert stats.kstest(z, law.cdf).pvalue > 1e-3
    assert ts[0] == 0
    np.testing.assert_array_equal(np.floor(ts / 0.25), np.arange(ts.size))


@pytest.mark.parametrize("tick_bps", [0.5, 2.0])
def test_prints_walk_a_geometric_number_of_ticks_beyond_the_touch(tick_bps):
    truth = with_values(TRUTH, tick_bps=tick_bps)
    tape = simulate(truth, 20_000.0, Rotating(), seed=6)
    prints = tape.trades.groupby(["ts", "side"], as_index=False)["price"].agg(["first", "last"])
    row = np.searchsorted(tape.quotes["ts"], prints["ts"]) - 1
    bid, ask = tape.quotes["bid"].to_numpy()[row], tape.quotes["ask"].to_numpy()[row]
    np.testing.assert_array_equal(prints["first"], np.where(prints["side"] > 0, ask, bid))
    ticks = np.rint((prints["last"] - prints["first"]) * prints["side"] / truth.tick).to_numpy()
    mid = 0.5 * (bid + ask)
    walks = truth.A / (truth.A + truth.touch_only_per_s) * np.exp(-truth.kappa * 0.5 * (ask - bid) / mid)
    assert abs(np.sum(ticks > 0) - walks.sum()) < 4 * np.sqrt((walks * (1 - walks)).sum())
    step = -np.expm1(-truth.kappa * truth.tick / mid[ticks > 0])
    cells = np.arange(1, int(stats.geom.ppf(0.99, step.mean())))
    law = np.append(stats.geom.pmf(cells, step[:, None]).sum(axis=0), stats.geom.sf(cells[-1], step).sum())
    seen = [np.sum(ticks == j) for j in cells] + [np.sum(ticks > cells[-1])]
    assert stats.chi2.sf(((seen - law) ** 2 / law).sum(), cells.size) > 1e-3


def test_every_walk_prints_at_the_touch_first():
    prints = simulate(TRUTH, 3000.0, Rotating(), seed=7).trades
    second = prints["ts"].duplicated()
    assert second.any()
    away = (prints["price"].diff() * prints["side"])[second]
    assert (away > 0).all()
