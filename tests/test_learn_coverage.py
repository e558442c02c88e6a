"""Intervals of the learners of series hold truths drawn from their own priors as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
import series_tapes as make
from scipy import special, stats

from mmresearch.learn.contract import run
from mmresearch.learn.sound.cascade import CascadeThreshold
from mmresearch.learn.sound.decay import MicropriceDecay
from mmresearch.learn.sound.floor import Moments
from mmresearch.learn.sound.hazard import HazardRate
from mmresearch.learn.sound.hidden_markov import first_guess, fitted, log_likelihood, series_of
from mmresearch.learn.sound.levels import KalmanQ, KalmanR
from mmresearch.learn.sound.location import ChangepointBias, SkewSlope
from mmresearch.learn.sound.moves import MoveScale
from mmresearch.learn.sound.regimes import RegimeStickiness
from mmresearch.learn.sound.toxic import ToxicHours, ToxicState

DATASETS = 200


def skew(rng, truth):
    return make.drift_to_momentum(rng, truth, rng.uniform(0.5, 3.0), 400)


def bias(rng, truth):
    return make.changes(rng, 0.01, truth, rng.uniform(0.5, 3.0), 800)


def hazard(rng, truth):
    return make.changes(rng, min(truth, 1.0), 1.0, 1.0, 1200)


def scale(rng, truth):
    return make.walk(rng, truth, 60 * 15 + 1, 60.0)


def threshold(rng, truth):
    return make.falls(rng, truth, rng.uniform(0, 0.3), rng.uniform(0, 0.3), 60)


def decay(rng, truth):
    return make.lead(rng, truth, rng.uniform(0.2, 0.8), 300)


def level_q(rng, truth):
    return make.level(rng, truth, 1 / rng.gamma(10, 1 / (9 * 2.5e-9)), 150)


def level_r(rng, truth):
    return make.level(rng, 1 / rng.gamma(10, 1 / (9 * 1e-8)), truth, 150)


def stickiness(rng, truth):
    return make.regimes(rng, truth, rng.uniform(2.0, 4.0), rng.choice([1.0, 1.5]), 600)


WORLDS = {
    SkewSlope: skew, ChangepointBias: bias, HazardRate: hazard, MoveScale: scale, CascadeThreshold: threshold,
    MicropriceDecay: decay, KalmanQ: level_q, KalmanR: level_r, RegimeStickiness: stickiness,
}  # fmt: skip


@pytest.mark.parametrize("kind", WORLDS)
def test_intervals_hold_the_truth(kind):
    learner = kind()
    prior = learner.posterior(learner.init())
    datasets = 80 if kind is RegimeStickiness else DATASETS
    rng = np.random.default_rng(11)
    truths = prior.ppf(rng.uniform(size=datasets))
    u = np.array([float(learner.posterior(run(learner, WORLDS[kind](rng, t))).cdf(t)) for t in truths])
    assert 0.85 <= np.mean(np.abs(u - 0.5) <= 0.45) <= 0.96
    assert stats.kstest(u, "uniform").pvalue > 0.005


def test_the_interval_of_the_ratio_holds_the_truth():
    rng = np.random.default_rng(12)
    learner = ToxicHours()
    prior = learner.posterior(learner.init())
    u = []
    for truth in prior.ppf(rng.uniform(size=DATASETS)):
        cost = stats.truncnorm(-2.5, np.inf, 5.0, 2.0).rvs(random_state=rng)
        hours = [Moments()] * 24
        hours[1] = Moments().add(rng.normal(cost, rng.uniform(3, 8), 60))
        hours[6] = Moments().add(rng.normal(truth * cost, rng.uniform(3, 8), 20))
        u.append(float(learner.posterior(ToxicState(hours=tuple(hours))).cdf(truth)))
    assert 0.85 <= np.mean(np.abs(np.array(u) - 0.5) <= 0.45) <= 0.96
    assert stats.kstest(u, "uniform").pvalue > 0.005


# The hidden Markov model against every path.


def every_path(series, stay, emissions):
    """Log likelihood as a sum over all paths of regimes."""
    sd, mean, width, share = emissions[:2], emissions[2:4], emissions[4], emissions[5]
    n, total = series.returns.size, 0.0
    for code in range(2**n):
        path = np.array([code >> i & 1 for i in range(n)])
        jump = share * np.exp(-0.5 * (series.returns / series.jump) ** 2) / series.jump
        like = (1 - share) * np.exp(-0.5 * (series.returns / sd[path]) ** 2) / sd[path] + jump
        like = like * np.exp(-0.5 * ((series.log_spread - mean[path]) / width) ** 2) / width
        same = np.diff(path) == 0
        power = 0.5 * (1 + (2 * stay - 1) ** series.gap[1:])
        total += 0.5 * np.prod(like) * np.prod(np.where(same, power, 1 - power))
    return np.log(total)


def test_the_forward_recursion_is_the_sum_over_all_paths():
    rng = np.random.default_rng(13)
    gap = np.array([1.0, 1, 3, 1, 1, 2, 1, 1])
    series = series_of(gap, rng.normal(0, 2, 8), rng.normal(-8, 0.2, 8), np.ones(8), 0.02)
    emissions = np.array([0.8, 2.5, -8.1, -7.9, 0.15, 0.03])
    for stay in (0.55, 0.9, 0.99):
        want = every_path(series, stay, emissions)
        assert log_likelihood(series, stay, emissions) == pytest.approx(want, rel=1e-10)


def test_fitting_never_lowers_the_likelihood_and_finds_the_truth():
    rng = np.random.default_rng(14)
    learner = RegimeStickiness()
    state = run(learner, make.regimes(rng, 0.97, 3.0, 1.5, 4000))
    gap = np.append(1.0, np.diff(state.series[:, 0]))
    series = series_of(gap, state.series[:, 1], state.series[:, 2], state.series[:, 4], 0.02)
    heights, emissions, stay = [], first_guess(series), 0.9
    for _ in range(12):
        emissions, stay, value = fitted(series, stay, emissions, 1, (0.0, 0.0))
        heights.append(value)
    assert np.all(np.diff(heights) > -1e-6)
    np.testing.assert_allclose(emissions[:2], [1.0, 3.0], rtol=0.06)
    assert emissions[3] - emissions[2] == pytest.approx(np.log(1.5), abs=0.03)
    assert special.logit(stay) == pytest.approx(special.logit(0.97), abs=0.3)


def test_one_regime_tells_nothing_of_stickiness():
    learner = RegimeStickiness()
    belief = learner.posterior(run(learner, make.regimes(np.random.default_rng(15), 0.95, 1.0, 1.0, 2000)))
    prior = learner.posterior(learner.init())
    assert belief.mean() == pytest.approx(prior.mean(), abs=0.6 * prior.std())
    assert belief.std() > 0.6 * prior.std()


def test_a_second_has_the_spread_at_its_start_and_the_return_that_follows():
    tape = make.regimes(np.random.default_rng(16), 0.9, 3.0, 1.5, 200)
    series = run(RegimeStickiness(), tape, 13.0).series
    bid, ask = tape.quotes["bid"].to_numpy(), tape.quotes["ask"].to_numpy()
    log_mid = np.log(0.5 * (bid + ask))
    np.testing.assert_array_equal(series[:, 0], np.arange(199.0))
    np.testing.assert_allclose(series[:, 1], np.diff(log_mid) * 1e4, atol=1e-8)
    np.testing.assert_allclose(series[:, 2], np.log((ask - bid) / np.exp(log_mid))[:-1], rtol=1e-9)
