"""Laws of flow that excites itself: its mean, its variance, its likelihood, and that our fills do not notice."""

import numpy as np
import pytest
from scipy import stats

from mmresearch.sim.features import Hawkes
from mmresearch.sim.flow import STOPS, Flow
from mmresearch.sim.hawkes import with_offspring
from mmresearch.sim.truth import Truth, with_values
from mmresearch.sim.truths import truths_of
from mmresearch.sim.worlds import plain, plain_truth, simulate

CASES = [Hawkes(0.3, 0.5), Hawkes(0.6, 2.0), Hawkes(0.8, 20.0)]
everywhere = pytest.mark.parametrize("hawkes", CASES, ids=str)
MU = 2.0


def clusters(hawkes, seconds, seed):
    rng = np.random.default_rng(seed)
    ts = np.sort(rng.uniform(0, seconds, rng.poisson(MU * seconds)))
    immigrants = Flow(ts, rng.choice([1, -1], ts.size), rng.exponential(4.0, ts.size))
    return with_offspring(immigrants, hawkes, seconds, rng), immigrants


def compensated_gaps(ts, mu, branching, decay):
    """Expected number of events between events, event by event: Exp(1) if and only if the process is Hawkes."""
    gaps, excitation, last = [], 0.0, 0.0
    for t in ts:
        fades = np.exp(-decay * (t - last))
        gaps.append(mu * (t - last) + excitation * (1 - fades))
        excitation, last = excitation * fades + branching, t
    return np.array(gaps)


@everywhere
def test_the_expected_number_of_orders_climbs_from_no_history_to_the_stationary_rate(hawkes):
    n, rate, seconds = hawkes.branching, hawkes.decay_per_s * (1 - hawkes.branching), 20.0
    counts = np.array([clusters(hawkes, seconds, [1, i])[0].ts.size for i in range(800)])
    expected = MU / (1 - n) * (seconds - n * (1 - np.exp(-rate * seconds)) / rate)
    assert abs(counts.mean() - expected) < 3.5 * counts.std() / np.sqrt(counts.size)


@everywhere
def test_counts_in_long_windows_vary_as_branching_says(hawkes):
    """Var N / E N -> 1/(1-n)^2, with the finite window's correction (Hawkes 1971)."""
    window, kept, windows = 200.0, 1 / (1 - hawkes.branching), 1500
    ts = clusters(hawkes, window * (windows + 1), 2)[0].ts
    counts = np.bincount((ts // window).astype(int), minlength=windows + 1)[1:]
    rate = hawkes.decay_per_s / kept
    fano = kept**2 + (1 - kept**2) * -np.expm1(-rate * window) / (rate * window)
    assert fano == pytest.approx(kept**2, rel=0.05)
    assert abs(counts.mean() - MU * kept * window) < 3.5 * np.sqrt(fano * MU * kept * window / windows)
    assert counts.var() / counts.mean() == pytest.approx(fano, rel=3.5 * np.sqrt(2 / windows))


@pytest.mark.parametrize(
    ("parameter", "theta"), [("hawkes_mu", 0.8), ("hawkes_alpha", 0.3), ("hawkes_alpha", 5.0), ("hawkes_beta", 0.2)]
)
def test_the_prints_of_a_plain_world_have_the_hawkes_law_of_its_truths(parameter, theta):
    truths = truths_of(plain_truth(parameter, theta, seed=5))
    assert truths[parameter] == pytest.approx(theta)
    ts = plain(parameter, theta, 7200.0, seed=5).trades["ts"].unique()
    mu, jump, decay = (truths[f"hawkes_{name}"] for name in ("mu", "alpha", "beta"))
    assert stats.kstest(compensated_gaps(ts, mu, jump / decay, decay), "expon").pvalue > 1e-3
    # The check can tell: neither the rate without excitation nor a branching that is off by a third will do.
    assert stats.kstest(np.diff(ts) * ts.size / 7200, "expon").pvalue < 1e-3
    assert stats.kstest(compensated_gaps(ts, mu, 1.35 * jump / decay, decay), "expon").pvalue < 1e-3


@everywhere
def test_offspring_stop_at_the_touch_on_either_side_and_immigrants_are_kept(hawkes):
    flow, immigrants = clusters(hawkes, 3000.0, 3)
    assert (np.diff(flow.ts) >= 0).all()
    assert flow.ts.max() < 3000
    born = flow.depth_bps == STOPS
    for name in ("ts", "side", "depth_bps"):
        np.testing.assert_array_equal(getattr(flow, name)[~born], getattr(immigrants, name))
    assert abs(np.sum(flow.side[born])) < 3.5 * np.sqrt(born.sum())


def test_no_branching_is_the_plain_flow():
    flow, immigrants = clusters(Hawkes(0.0, 1.0), 500.0, 4)
    np.testing.assert_array_equal(flow.ts, immigrants.ts)


def test_our_fills_and_the_mid_are_the_same_to_the_last_bit():
    truth = Truth("X", kappa=1500.0, A=0.7, alpha_touch=0.3)
    calm, excited = (simulate(t, 1800.0, seed=6) for t in (truth, with_values(truth, hawkes_branching=0.7)))
    assert len(excited.trades) > 1.5 * len(calm.trades)
    for name in ("quotes", "orders", "fills"):
        assert getattr(calm, name).equals(getattr(excited, name)), name
