"""Laws of the weight on the old value: the gain of the filter it stands for, and a likelihood that is the dense one."""

import numpy as np
import pytest
from scipy import stats

from mmresearch.belief.beta import Beta
from mmresearch.quote.tracking import level_log_likelihood, ratio_of_weight, tracking_belief, tracking_weight

RATIOS = np.array([1e-6, 1e-3, 0.1, 1.0, 30.0])


def flat(weight):
    return np.zeros_like(weight)


def wandering(rng, weight, n):
    """A level that wanders as that weight tracks best, seen with noise of sd 1."""
    steps = np.sqrt(ratio_of_weight(weight)) * rng.standard_normal(n)
    return np.cumsum(steps) + rng.standard_normal(n)


def test_the_weight_is_one_minus_the_gain_at_which_the_filter_settles():
    for ratio, weight in zip(RATIOS, tracking_weight(RATIOS), strict=True):
        variance = 1.0
        for _ in range(100_000):
            gain = (variance + ratio) / (variance + ratio + 1.0)
            variance = gain
        assert 1.0 - gain == pytest.approx(weight, rel=1e-6)


def test_ratio_and_weight_are_inverse():
    np.testing.assert_allclose(ratio_of_weight(tracking_weight(RATIOS)), RATIOS, rtol=1e-6)
    assert tracking_weight(0.0) == 1.0


def test_the_likelihood_is_that_of_the_differences_of_the_series():
    rng = np.random.default_rng(1)
    y = rng.standard_normal(9)
    dense = []
    for ratio in RATIOS:
        # Differences do not know the start: q on the diagonal, and noise that neighbours share.
        covariance = (ratio + 2) * np.eye(8) - np.eye(8, k=1) - np.eye(8, k=-1)
        d = np.diff(y)
        square = d @ np.linalg.solve(covariance, d)
        dense.append(-0.5 * np.linalg.slogdet(covariance)[1] - 4 * np.log(square))
    found = level_log_likelihood(y, RATIOS)
    np.testing.assert_allclose(found - found[0], np.array(dense) - dense[0], rtol=1e-10, atol=1e-10)


def test_the_unit_of_the_values_does_not_matter():
    y = wandering(np.random.default_rng(2), 0.9, 200)
    one, two = tracking_belief(y, flat), tracking_belief(1e-4 * y + 7.0, flat)
    assert one.mean() == pytest.approx(two.mean(), rel=1e-6)


@pytest.mark.parametrize("weight", [0.6, 0.9, 0.97])
def test_a_long_series_finds_its_weight(weight):
    belief = tracking_belief(wandering(np.random.default_rng(3), weight, 4000), flat)
    assert abs(belief.mean() - weight) < 4 * belief.std()
    assert belief.std() < 0.03


def test_the_belief_is_calibrated_under_its_own_prior():
    rng, prior = np.random.default_rng(4), Beta(18.0, 2.0)
    u = []
    for weight in prior.ppf(rng.uniform(size=200)):
        u.append(float(tracking_belief(wandering(rng, weight, 60), prior.logpdf).cdf(weight)))
    assert stats.kstest(u, "uniform").pvalue > 0.005


def test_means_of_many_updates_tell_of_one_update():
    rng, weight, updates = np.random.default_rng(5), 0.97, 10
    y = wandering(rng, weight, 40_000).reshape(-1, updates).mean(axis=1)
    assert tracking_belief(y, flat, updates).mean() == pytest.approx(weight, abs=0.012)


def test_a_level_that_stands_still_is_never_forgotten():
    belief = tracking_belief(np.random.default_rng(6).standard_normal(2000), flat)
    assert belief.ppf(0.05) > 0.98


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [3.0] * 50])
def test_nothing_that_moves_leaves_the_prior(values):
    prior = Beta(90.0, 10.0)
    belief = tracking_belief(values, prior.logpdf)
    assert belief.mean() == pytest.approx(prior.mean(), abs=2e-4)
    assert belief.std() == pytest.approx(prior.std(), rel=0.02)
