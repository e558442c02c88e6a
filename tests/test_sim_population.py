"""Laws of the population: its moments are those of `Hyper`, and a seed means one thing."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mmresearch.sim.population import Hyper, population

DRAWN = population(3000, seed=4)
HYPER = Hyper()


def column(name):
    return np.array([getattr(truth, name) for truth in DRAWN])


@pytest.mark.parametrize(
    ("values", "centre", "spread"),
    [
        (np.log(column("kappa")), np.log(HYPER.kappa), HYPER.kappa_log_sd),
        (np.log(column("A")), np.log(HYPER.A), HYPER.A_log_sd),
        (stats.logistic.ppf(column("alpha_touch")), stats.logistic.ppf(HYPER.alpha), HYPER.alpha_logit_sd),
        (np.log(column("sigma_bps_per_sqrt_s")), np.log(HYPER.sigma_bps_per_sqrt_s), HYPER.sigma_log_sd),
        (np.log(column("adverse_bps")), np.log(HYPER.adverse_bps), HYPER.adverse_log_sd),
    ],
    ids=["kappa", "A", "alpha", "sigma", "adverse"],
)
def test_every_truth_is_normal_on_its_own_scale_with_the_moments_given(values, centre, spread):
    assert stats.kstest((values - centre) / spread, "norm").pvalue > 1e-3


def test_only_kappa_and_intensity_go_together():
    names = ("kappa", "A", "alpha_touch", "sigma_bps_per_sqrt_s", "adverse_bps")
    found = np.corrcoef([np.log(column(name)) for name in names])
    expected = np.eye(5)
    expected[0, 1] = expected[1, 0] = HYPER.correlation
    np.testing.assert_allclose(found, expected, atol=4 / np.sqrt(len(DRAWN)))


def test_jumps_are_well_above_what_a_label_asks_for():
    assert column("adverse_bps").min() > 7.5
    np.testing.assert_allclose(column("adverse_sd_bps") / column("adverse_bps"), HYPER.adverse_cv)


def test_the_first_assets_do_not_depend_on_how_many_are_drawn():
    assert population(2, seed=4) == DRAWN[:2]
    assert population(2, seed=5) != DRAWN[:2]


def test_names_are_unique_and_spreads_sensible():
    assert len({truth.asset for truth in DRAWN}) == len(DRAWN)
    assert column("half_spread_bps").min() >= 0.5
    assert column("half_spread_bps").max() <= 3.0


def test_another_population_moves_what_it_names_and_nothing_else():
    moved = population(5, 4, replace(HYPER, kappa=4000.0, alpha_decay_bps=15.0))
    for truth, plain in zip(moved, DRAWN, strict=False):
        assert truth.kappa == pytest.approx(2 * plain.kappa)
        assert (truth.A, truth.alpha_touch, truth.alpha_decay_bps) == (plain.A, plain.alpha_touch, 15.0)
