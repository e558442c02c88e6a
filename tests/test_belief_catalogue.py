"""Contract of the catalogue: 25 complete rows whose priors have the stated means and intervals."""

from __future__ import annotations

import pytest
from matplotlib.mathtext import MathTextParser

from mmresearch.belief.beta import Beta
from mmresearch.belief.catalogue import CATALOGUE, UnknownParameterError, catalogue_table, parameter, prior
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.normal import Normal

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


#: Name -> (family, mean, strength or variance or cv), as typed in.
TYPED_IN = {
    "alpha_touch": ("Beta", 0.25, 8), "gamma_base": ("Gamma", 0.15, 3), "spread_floor_bps": ("Normal", 5, 4),
    "proactive_skew_sensitivity": ("Normal", 2, 0.25), "toxic_hour_gamma_mult": ("LogNormal", 2, 0.3),
    "predictive_bias_sensitivity": ("Normal", 2, 1), "max_daily_loss_fraction": ("Beta", 0.02, 50),
    "max_drawdown": ("Beta", 0.05, 20), "cascade_oi_threshold": ("Beta", 0.02, 100),
    "bocpd_hazard_rate": ("Gamma", 0.004, 1), "bocpd_threshold": ("Beta", 0.7, 10),
    "quote_latch_threshold_bps": ("Normal", 2.5, 1), "kappa": ("Gamma", 2000, 4), "hawkes_mu": ("Gamma", 0.5, 5),
    "hawkes_alpha": ("Beta", 0.3, 10), "hawkes_beta": ("Gamma", 0.1, 1), "kappa_ewma_alpha": ("Beta", 0.9, 100),
    "kelly_tracker_decay": ("Beta", 0.99, 100), "regime_sticky_diagonal": ("Beta", 0.95, 100),
    "kalman_q": ("InverseGamma", 1e-8, 20), "kalman_r": ("InverseGamma", 2.5e-9, 20),
    "momentum_normalizer_bps": ("Gamma", 20, 4), "depth_spacing_ratio": ("LogNormal", 1.5, 0.2),
    "fill_probability_width_bps": ("Normal", 2, 0.25), "microprice_decay": ("Beta", 0.999, 1000),
}  # fmt: skip


def strength(belief) -> float:
    """Strength, variance or cv, read back from a family's own parameters."""
    match belief:
        case Beta():
            return belief.a + belief.b
        case Gamma():
            return belief.shape
        case InverseGamma():
            return 2 * belief.shape
        case Normal():
            return belief.variance
    return belief.std() / belief.mean()


@pytest.mark.parametrize("name", CATALOGUE)
def test_priors_are_as_typed_in(name):
    family, mean, firmness = TYPED_IN[name]
    belief = prior(name)
    assert type(belief).__name__ == family == parameter(name).prior["family"]
    assert (belief.mean(), strength(belief)) == pytest.approx((mean, firmness), rel=1e-12)


@pytest.mark.parametrize(
    ("name", "preset", "mean", "firmness"),
    [
        ("alpha_touch", "liquid", 0.20, 10), ("kappa", "liquid", 3000, 5), ("spread_floor_bps", "liquid", 4, 1),
        ("alpha_touch", "thin", 0.30, 6), ("kappa", "thin", 1000, 3), ("spread_floor_bps", "thin", 8, 4),
        ("regime_sticky_diagonal", "thin", 0.98, 100),
    ],
)  # fmt: skip
def test_presets_are_as_typed_in(name, preset, mean, firmness):
    belief = prior(name, preset)
    assert (belief.mean(), strength(belief)) == pytest.approx((mean, firmness), rel=1e-12)


def test_one_is_policy_eight_are_derived_the_rest_is_learned():
    kinds = {kind: {n for n, p in CATALOGUE.items() if p.kind == kind} for kind in ("policy", "derived", "learned")}
    assert kinds["policy"] == {"gamma_base"}
    assert kinds["derived"] == {
        "max_daily_loss_fraction", "max_drawdown", "bocpd_threshold", "quote_latch_threshold_bps", "kappa_ewma_alpha",
        "kelly_tracker_decay", "depth_spacing_ratio", "fill_probability_width_bps",
    }  # fmt: skip
    assert len(kinds["learned"]) == 16


def test_order_is_by_tier():
    tiers = [p.tier for p in CATALOGUE.values()]
    assert tiers == sorted(tiers)
    assert list(catalogue_table()["name"]) == list(CATALOGUE)


@pytest.mark.parametrize("name", CATALOGUE)
def test_ranges_are_nested(name):
    row = parameter(name)
    assert row.support[0] <= row.plausible[0] < row.plausible[1] <= row.support[1]
    low, high = prior(name).interval(0.9)
    if row.prior_of == "the parameter itself":
        assert low < row.plausible[1]
        assert high > row.plausible[0]
    assert row.horizon_s is None or row.horizon_s > 0
    assert (row.step_s is None) or row.step_s > 0


@pytest.mark.parametrize("name", CATALOGUE)
def test_symbols_are_mathtext(name):
    MathTextParser("path").parse(f"${parameter(name).symbol}$")


@pytest.mark.parametrize(
    ("name", "value", "price", "time", "scaled"),
    [
        ("kappa", 2000.0, 7.0, 3.0, 2000.0),
        ("hawkes_mu", 0.6, 7.0, 3.0, 0.2),
        ("bocpd_hazard_rate", 0.004, 2.0, 2.0, 0.002),
        ("kalman_q", 1e-8, 2.0, 4.0, 2.5e-9),
        ("kalman_r", 1e-8, 2.0, 4.0, 1e-8),
        ("momentum_normalizer_bps", 20.0, 2.0, 4.0, 10.0),
        ("regime_sticky_diagonal", 0.81, 2.0, 2.0, 0.9),
        ("microprice_decay", 0.81, 2.0, 0.5, 0.6561),
    ],
)
def test_truths_scale_with_the_units_of_their_world(name, value, price, time, scaled):
    assert parameter(name).scaled(value, price, time) == pytest.approx(scaled, rel=1e-12)


def test_a_row_reads_as_a_sentence():
    assert str(parameter("kappa")).startswith("kappa (1/(fraction of price)) is the decay of fill intensity")
