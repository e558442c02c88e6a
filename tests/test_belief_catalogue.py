"""Contract of the catalogue: 25 complete rows whose priors have the stated means and intervals."""

from __future__ import annotations

import numpy as np
import pytest

from mmresearch.belief.catalogue import CATALOGUE, UnknownParameterError, catalogue_table, parameter, prior
from mmresearch.belief.units import (
    bps,
    fraction,
    hazard_per_second,
    kappa_per_bp,
    kappa_per_fraction,
    stay_per_second,
)

MEANS = {
    "alpha_touch": 0.25, "gamma_base": 0.15, "spread_floor_bps": 5, "proactive_skew_sensitivity": 2,
    "toxic_hour_gamma_mult": 2, "predictive_bias_sensitivity": 2, "max_daily_loss_fraction": 0.02,
    "max_drawdown": 0.05, "cascade_oi_threshold": 0.02, "bocpd_hazard_rate": 0.004, "bocpd_threshold": 0.7,
    "quote_latch_threshold_bps": 2.5, "kappa": 2000, "hawkes_mu": 0.5, "hawkes_alpha": 0.3, "hawkes_beta": 0.1,
    "kappa_ewma_alpha": 0.9, "kelly_tracker_decay": 0.99, "regime_sticky_diagonal": 0.95, "kalman_q": 1e-8,
    "kalman_r": 2.5e-9, "momentum_normalizer_bps": 20, "depth_spacing_ratio": 1.5, "fill_probability_width_bps": 2,
    "microprice_decay": 0.999,
}  # fmt: skip


def test_all_rows_are_there_by_tier():
    assert set(CATALOGUE) == set(MEANS)
    assert catalogue_table()["tier"].value_counts().to_dict() == {1: 6, 2: 6, 3: 7, 4: 6}


@pytest.mark.parametrize("name", CATALOGUE)
def test_rows_read_as_sentences(name):
    row = parameter(name)
    for words in (row.estimand, row.reason, row.evidence, row.deployed, row.consumer, row.unit, row.symbol):
        assert words.strip()
    assert row.estimand.endswith(".")
    assert row.reason.endswith(".")
    assert row.kind in ("learned", "derived", "policy")
    low, high = row.plausible
    assert low < prior(name).mean() < high or row.kind == "derived"


@pytest.mark.parametrize("name", CATALOGUE)
def test_priors_have_the_stated_means(name):
    assert prior(name).mean() == pytest.approx(MEANS[name], rel=1e-12)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("kappa", 545, 4384), ("bocpd_hazard_rate", 0.0001, 0.0148), ("max_drawdown", 0.0013, 0.176)],
)
def test_exact_intervals(name, low, high):
    found = prior(name).interval(0.95)
    assert found[0] == pytest.approx(low, rel=0.03)
    assert found[1] == pytest.approx(high, rel=0.01)


def test_presets():
    assert prior("alpha_touch", "liquid").mean() == pytest.approx(0.20)
    assert prior("kappa", "thin").shape == 3
    assert prior("spread_floor_bps", "thin").variance == 4
    assert prior("regime_sticky_diagonal", "thin").mean() == pytest.approx(0.98)
    with pytest.raises(ValueError, match="no preset 'odd'; it has default, liquid, thin"):
        prior("kappa", "odd")


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(UnknownParameterError, match="did you mean kappa"):
        parameter("kapa")


def test_units():
    assert kappa_per_bp(2000.0) == pytest.approx(0.2)
    assert kappa_per_fraction(kappa_per_bp(np.array([2000.0]))) == pytest.approx(2000.0)
    assert bps(fraction(3.0)) == pytest.approx(3.0)
    assert stay_per_second(0.95, 2.0) ** 2 == pytest.approx(0.95)
    assert hazard_per_second(0.1, 1.0) == pytest.approx(0.10536, rel=1e-4)
    with pytest.raises(ValueError, match="positive time"):
        hazard_per_second(0.1, 0.0)
