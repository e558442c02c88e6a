"""Laws of the derived constants: as deployed to the digit; the right ones against brute force on their objective."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize, stats
from scipy.linalg import solve_banded

from mmresearch.belief.catalogue import CATALOGUE
from mmresearch.quote import derived, derived_deployed
from mmresearch.quote.derived_table import DERIVED, derived_table
from mmresearch.quote.loss_limits import drawdown_exceedance

# --- as deployed -----------------------------------------------------------------------------------------------------

PUBLISHED = [
    ("spread_floor", (1.5, 3.0, 2e-4, 50.0), 5.442, 5e-4),
    ("max_daily_loss", (10_000.0, 0.25, 0.02), 100.0, 1e-12),
    ("max_drawdown", (0.02, 3.0), 0.0723, 5e-5),
    ("ewma_alpha", (10.0,), 0.06697, 5e-6),
    ("toxic_hour_multiplier", (5.0, 15.0, 1.5), 2.5385, 5e-5),
    ("reduce_only_threshold", (10.0, 0.05, 0.03), 0.94, 1e-12),
    ("depth_spacing_ratio", (5.0, 20.0), 1.2214, 5e-5),
    ("confidence_threshold", (0.3, 1.0, 3.0), 0.5625, 1e-12),
]


@pytest.mark.parametrize(("name", "inputs", "value", "tolerance"), PUBLISHED, ids=[p[0] for p in PUBLISHED])
def test_deployed_gives_the_published_value(name, inputs, value, tolerance):
    assert DERIVED[name].deployed(*inputs) == pytest.approx(value, abs=tolerance)


def test_deployed_filter_noises():
    noise = derived_deployed.kalman_noise(2e-4, 100.0, 5.0)
    assert noise.q == pytest.approx(4e-9, rel=1e-12)
    assert noise.r == pytest.approx(1.5625e-8, rel=1e-12)


CLIPPED = [
    ("gamma_from_glft", (1e-9, 2000.0, 2e-4, 60.0), 0.05),
    ("gamma_from_glft", (5e-4, 2000.0, 2e-4, 60.0), 5.0),
    ("spread_floor", (0.0, 0.0, 0.0, 0.0), 2.0),
    ("spread_floor", (1.5, 80.0, 2e-4, 50.0), 50.0),
    ("max_drawdown", (0.001, 1.0), 0.02),
    ("max_drawdown", (0.2, 10.0), 0.20),
    ("hazard_rate", (3600.0,), 0.001),
    ("hazard_rate", (2.0,), 0.1),
    ("cascade_threshold", (0.001, 2.0), 0.01),
    ("cascade_threshold", (0.1, 2.0), 0.10),
    ("toxic_hour_multiplier", (5.0, 5.0, 1.5), 1.5),
    ("toxic_hour_multiplier", (1.0, 30.0, 1.5), 4.0),
    ("quote_latch_threshold", (0.1, 0.1, 1.0), 1.0),
    ("quote_latch_threshold", (10.0, 5.0, 2.0), 10.0),
    ("reduce_only_threshold", (3.0, 0.05, 0.10), 0.5),
    ("reduce_only_threshold", (50.0, 0.05, 0.03), 0.95),
    ("depth_spacing_ratio", (20.0, 20.0), 1.1),
    ("depth_spacing_ratio", (2.0, 1000.0), 1.0 + 2 * (np.exp(0.5) - 1)),
    ("momentum_normalizer", (1.0, 4.0), 5.0),
    ("momentum_normalizer", (30.0, 60.0), 100.0),
    ("confidence_threshold", (0.99, 1.0, 9.0), 0.9),
    ("confidence_threshold", (0.01, 9.0, 1.0), 0.1),
    ("ir_based_threshold", (1.0, 0.5, 1.0), 0.05),
    ("ir_based_threshold", (0.0, 0.5, 1.0), 0.5),
]
SPECIAL = [
    ("gamma_from_glft", (0.0, 2000.0, 2e-4, 60.0), 0.15),
    ("gamma_from_glft", (3e-4, -1.0, 2e-4, 60.0), 0.15),
    ("ewma_alpha", (0.0,), 0.1),
    ("ewma_alpha", (-3.0,), 0.1),
    ("hazard_rate", (0.0,), 0.004),
    ("toxic_hour_multiplier", (0.0, 15.0, 0.05), 2.0),
    ("toxic_hour_multiplier", (1.0, 15.0, -2.0), 2.0),
    ("depth_spacing_ratio", (1.0, 20.0), 1.0),
    ("confidence_threshold", (0.3, 0.0, 0.0), 0.5),
    ("ir_based_threshold", (1.0, 0.0, 2.0), 0.15),
]
INSIDE = [
    # kappa (1 - e^{-d kappa}) (1 + .5 (4 - 1)) / 2, with T above its cap of 240 s
    ("gamma_from_glft", (0.2, 1.0, 8e-4, 1000.0), (1 - np.exp(-0.2)) * 2.5 / 2.0),
    # ... and without the volatility factor, T below 15 s
    ("gamma_from_glft", (0.2, 1.0, 1e-4, 1.0), (1 - np.exp(-0.2)) / 0.5),
    ("gamma_from_glft", (0.2, 1.0, 3e-4, 30.0), (1 - np.exp(-0.2)) * 1.25 / np.sqrt(0.5)),
    ("hazard_rate", (250.0,), 0.004),
    ("cascade_threshold", (0.01, 3.0), 0.03),
    ("quote_latch_threshold", (1.5, 0.5, 1.25), 2.5),
    ("momentum_normalizer", (2.0, 25.0), 10.0),
    ("ir_based_threshold", (1.1, 0.5, 1.0), 0.2),
    ("depth_spacing_ratio", (3.0, 10.0), 1 + 0.5 * (np.exp(1 / 3) - 1)),
    ("depth_spacing_ratio", (2.0, 5.0), 1 + 0.5 * (np.exp(1 / 2) - 1)),
    ("depth_spacing_ratio", (3.0, 30.0), 1 + 1.5 * (np.exp(1 / 3) - 1)),
]


@pytest.mark.parametrize(("name", "inputs", "value"), CLIPPED + SPECIAL + INSIDE)
def test_deployed_clips_special_cases_and_what_lies_between(name, inputs, value):
    assert DERIVED[name].deployed(*inputs) == pytest.approx(value, rel=1e-12)


def test_deployed_confidence_is_refused_where_it_would_be_zero_over_zero():
    with pytest.raises(ValueError, match="base_rate makes the only cost impossible"):
        derived_deployed.confidence_threshold(0.0, 0.0, 1.0)


# --- the right ones --------------------------------------------------------------------------------------------------


def _bayes_threshold(base_rate, cost_false_positive, cost_false_negative):
    """Posterior probability at the best cut of a Normal score, found by minimising the Bayes risk itself."""

    def risk(cut):
        missed = base_rate * cost_false_negative * stats.norm.cdf(cut, 1.0)
        return missed + (1 - base_rate) * cost_false_positive * stats.norm.sf(cut, -1.0)

    cut = optimize.minimize_scalar(risk, bounds=(-8, 8), method="bounded", options={"xatol": 1e-10}).x
    there, not_there = base_rate * stats.norm.pdf(cut, 1.0), (1 - base_rate) * stats.norm.pdf(cut, -1.0)
    return there / (there + not_there)


@pytest.mark.parametrize("base_rate", [0.05, 0.3, 0.8])
@pytest.mark.parametrize("costs", [(1.0, 3.0), (3.0, 1.0), (1.0, 1.0), (0.2, 5.0)])
def test_confidence_threshold_minimises_bayes_risk_whatever_the_base_rate(base_rate, costs):
    assert derived.confidence_threshold(*costs) == pytest.approx(_bayes_threshold(base_rate, *costs), abs=2e-6)


def test_confidence_threshold_of_the_flaw():
    assert derived.confidence_threshold(1.0, 3.0) == 0.25
    assert derived_deployed.confidence_threshold(0.3, 1.0, 3.0) == pytest.approx(0.5625)
    with pytest.raises(ValueError, match="must be positive"):
        derived.confidence_threshold(0.0, 0.0)


def test_filter_noise_is_that_of_simulated_trade_prices():
    """Roll: neighbouring price changes covary by -R; their variance is Q + 2 R. Prices alternate at bid and ask."""
    rng = np.random.default_rng(7)
    n, sigma, tick_ms, spread_bps = 1_000_000, 2e-4, 100.0, 5.0
    mid = np.cumsum(rng.normal(0.0, sigma * np.sqrt(tick_ms / 1e3), n))
    price = mid + rng.choice([-0.5, 0.5], n) * spread_bps * 1e-4
    change = np.diff(price)
    noise = derived.kalman_noise(sigma, tick_ms, spread_bps)
    assert noise.r == pytest.approx(6.25e-8, rel=1e-12)
    assert -np.mean(change[1:] * change[:-1]) == pytest.approx(noise.r, rel=0.01)
    assert change.var() == pytest.approx(noise.q + 2 * noise.r, rel=0.01)
    assert noise.r == pytest.approx(4 * derived_deployed.kalman_noise(sigma, tick_ms, spread_bps).r)


def test_noise_of_mids_follows_from_no_formula():
    with pytest.raises(ValueError, match="R of mids follows from no spread; estimate it"):
        derived.kalman_noise(2e-4, 100.0, 5.0, observed="mids")


def test_the_floor_prices_latency_as_the_option_that_it_gives():
    sd_bps = 2.0 * np.sqrt(0.05)
    worth = integrate.quad(lambda m: m * stats.norm.pdf(m, 0.0, sd_bps), 0, np.inf)[0]
    assert derived.spread_floor(1.5, 3.0, 2e-4, 50.0) == pytest.approx(4.5 + worth, rel=1e-10)
    assert derived.spread_floor(1.5, 3.0) == 4.5
    assert derived.spread_floor(-0.5, -3.0) == -3.5


@given(st.floats(-30, 30), st.floats(-30, 30), st.floats(-1, 5))
def test_more_adverse_moves_never_cost_less(one, other, fee):
    low, high = sorted((one, other))
    assert derived.spread_floor(fee, low) <= derived.spread_floor(fee, high)
    assert derived.toxic_hour_multiplier(3.0, low, fee) <= derived.toxic_hour_multiplier(3.0, high, fee)
    assert derived.toxic_hour_multiplier(low, 3.0, fee) >= derived.toxic_hour_multiplier(high, 3.0, fee)


def test_deployed_counts_favourable_moves_as_cost():
    assert derived_deployed.spread_floor(1.5, -3.0, 2e-4, 50.0) == derived_deployed.spread_floor(1.5, 3.0, 2e-4, 50.0)
    assert derived_deployed.toxic_hour_multiplier(5.0, -15.0, 1.5) == pytest.approx(2.5385, abs=5e-5)
    assert derived.toxic_hour_multiplier(5.0, -15.0, 1.5) == pytest.approx(0.1 / 6.5)


def test_toxic_hours_cost_their_ratio():
    assert derived.toxic_hour_multiplier(5.0, 15.0, 1.5) == pytest.approx(16.5 / 6.5)
    assert derived.toxic_hour_multiplier(5.0, 5.0, 1.5) == 1.0
    assert derived.toxic_hour_multiplier(-9.0, 4.9, 0.1, least_cost_bps=0.5) == pytest.approx(10.0)


def test_daily_loss_is_exceeded_as_often_as_stated():
    """A position that swings through the day, marked to a martingale."""
    rng = np.random.default_rng(3)
    steps, days, volatility = 48, 100_000, 0.02
    position = 0.8 * np.sin(np.arange(steps) * 0.7) + 0.1
    profit = 1e4 * rng.normal(0.0, volatility / np.sqrt(steps), (days, steps)) @ position
    rms = float(np.sqrt(np.mean(position**2)))
    for p in (0.01, 0.05):
        limit = derived.max_daily_loss(1e4, rms, volatility, p)
        assert np.mean(-profit > limit) == pytest.approx(p, abs=4 * np.sqrt(p / days))


def test_daily_loss_of_two_sds_is_the_deployed_number_where_exposure_is_meant():
    assert derived.max_daily_loss(1e4, 0.25, 0.02, stats.norm.sf(2.0)) == pytest.approx(100.0)


def test_drawdown_is_exceeded_as_often_as_stated():
    """Simulated running maxima, without Levy's theorem; the deployed .0723 is exceeded by 7 %, not 1 %."""
    rng = np.random.default_rng(11)
    paths, steps, sigma, days = 20_000, 1000, 0.02, 3.0
    value, top = np.zeros(paths), np.zeros(paths)
    worst = np.zeros(paths)
    for _ in range(steps):
        value += rng.normal(0.0, sigma * np.sqrt(days / steps), paths)
        np.maximum(top, value, out=top)
        np.maximum(worst, top - value, out=worst)
    # Between two steps a path goes on average .5826 step sds beyond each of its two extremes.
    unseen = 2 * 0.5826 * sigma * np.sqrt(days / steps)
    for p in (0.01, 0.1, 0.5):
        limit = derived.max_drawdown(sigma, days, p)
        assert np.mean(worst + unseen > limit) == pytest.approx(p, abs=5 * np.sqrt(p / paths))
    deployed = derived_deployed.max_drawdown(sigma, days)
    assert np.mean(worst + unseen > deployed) == pytest.approx(0.0737, abs=0.01)


def test_drawdown_has_the_known_mean_and_the_series_meet():
    mean = integrate.quad(drawdown_exceedance, 0, 1)[0] + integrate.quad(drawdown_exceedance, 1, 9)[0]
    assert mean == pytest.approx(np.sqrt(np.pi / 2), rel=1e-10)
    around = drawdown_exceedance([1.0, np.nextafter(1.0, 2.0)])
    assert around[0] == pytest.approx(around[1], abs=1e-14)


@given(st.floats(0.001, 0.99), st.floats(0.001, 0.2), st.floats(0.1, 30.0))
def test_drawdown_quantile_inverts_and_scales_as_a_driftless_path(p, sigma, days):
    limit = derived.max_drawdown(sigma, days, p)
    assert drawdown_exceedance(limit / (sigma * np.sqrt(days))) == pytest.approx(p, rel=1e-9)
    assert derived.max_drawdown(sigma, 4 * days, p) == pytest.approx(2 * limit, rel=1e-12)


@pytest.mark.parametrize("expected", [1.0, 1.5, 250.0, 3600.0])
def test_hazard_gives_runs_of_the_stated_mean(expected):
    runs = np.random.default_rng(5).geometric(derived.hazard_rate(expected), 200_000)
    assert runs.mean() == pytest.approx(expected, abs=4 * expected / np.sqrt(200_000))


def test_hazard_divides_by_ten_when_samples_are_ten_times_as_dense():
    assert derived.hazard_rate(5000.0) == pytest.approx(derived.hazard_rate(500.0) / 10)
    assert derived_deployed.hazard_rate(5000.0) == derived_deployed.hazard_rate(500.0) / 2


def _cost_of_a_band(half_width_bps, requote_cost, sigma_bps, kappa_per_bp, rate, cells=200):
    """Cost per second of requoting at +-b: a random walk on a grid, its expected time and loss by a linear system."""
    step = half_width_bps / cells
    x = step * np.arange(-cells + 1, cells)
    n = x.size
    # A fill at offset y from the best depth earns 1/kappa + y, at rate lambda e^{-kappa y}; both sides.
    edge = sum(rate * np.exp(-kappa_per_bp * y) * (1 / kappa_per_bp + y) for y in (x, -x))
    loss = 2 * rate / kappa_per_bp - edge
    bands = np.zeros((3, n))
    bands[0, 1:], bands[1], bands[2, :-1] = -0.5, 1.0, -0.5
    per_visit = step**2 / sigma_bps**2
    time, lost = solve_banded((1, 1), bands, np.column_stack([np.full(n, per_visit), per_visit * loss]))[n // 2]
    return (requote_cost + lost) / time


@pytest.mark.parametrize(("requote_cost", "sigma_bps", "rate"), [(0.002, 1.0, 0.3), (0.01, 0.5, 0.1), (1e-4, 2.0, 1.0)])
def test_latch_minimises_the_cost_of_requoting_and_of_stale_quotes(requote_cost, sigma_bps, rate):
    kappa = 2000.0
    band = derived.quote_latch_threshold(requote_cost, sigma_bps * 1e-4, kappa, rate)
    best = optimize.minimize_scalar(
        lambda b: _cost_of_a_band(b, requote_cost, sigma_bps, kappa * 1e-4, rate),
        bounds=(band / 4, band * 4),
        method="bounded",
        options={"xatol": 1e-5 * band},
    )
    assert band == pytest.approx(best.x, rel=0.02)
    assert _cost_of_a_band(band, requote_cost, sigma_bps, kappa * 1e-4, rate) == pytest.approx(best.fun, rel=1e-3)


def test_latch_doubles_when_volatility_quadruples():
    one = derived.quote_latch_threshold(0.05, 1e-4, 2000.0, 0.1)
    assert derived.quote_latch_threshold(0.05, 4e-4, 2000.0, 0.1) == pytest.approx(2 * one)


def _survives(share, leverage, margin, move):
    """Whether a long and a short of this share of the largest position both keep their margin after an adverse move."""
    notional = share * leverage  # per unit of equity
    long = (1 - notional * move) >= margin * notional * (1 - move)
    short = (1 - notional * move) >= margin * notional * (1 + move)
    return long and short


@pytest.mark.parametrize("leverage", [2.0, 10.0, 20.0, 40.0])
@pytest.mark.parametrize(("margin", "move"), [(0.05, 0.03), (0.01, 0.05), (0.02, 0.3)])
def test_reduce_only_is_the_largest_position_that_survives_the_move(leverage, margin, move):
    share = derived.reduce_only_threshold(leverage, margin, move)
    assert _survives(share * (1 - 1e-9), leverage, margin, move)
    assert share == 1.0 or not _survives(share * (1 + 1e-9), leverage, margin, move)


def test_deployed_reduce_only_lets_a_riskier_account_go_further():
    deployed = [derived_deployed.reduce_only_threshold(lev, 0.05, 0.03) for lev in (3.0, 6.0, 10.0)]
    assert deployed == sorted(deployed)
    assert deployed[0] < deployed[-1]
    assert not _survives(derived_deployed.reduce_only_threshold(20.0, 0.05, 0.03), 20.0, 0.05, 0.03)
    assert derived.reduce_only_threshold(20.0, 0.05, 0.03) == pytest.approx(0.6135, abs=1e-4)


@pytest.mark.parametrize("levels", [1, 2, 5, 12])
def test_the_ladder_of_equal_fills_has_equal_fills(levels):
    depths = derived.equal_fill_depths_bps(levels, 20.0, 5.0)
    shares = -np.diff(np.append(np.exp(-depths / 20.0), 0.0))
    assert depths[0] == 5.0
    np.testing.assert_allclose(shares, np.exp(-5.0 / 20.0) / levels, rtol=1e-12)


@given(st.integers(2, 30), st.floats(0.5, 100.0), st.floats(0.5, 100.0), st.floats(0.1, 10.0))
def test_the_spacing_ratio_ends_where_equal_fills_do_and_knows_no_unit(levels, decay, first, scale):
    ratio = derived.depth_spacing_ratio(levels, decay, first)
    last = derived.equal_fill_depths_bps(levels, decay, first)[-1]
    assert first * ratio ** (levels - 1) == pytest.approx(last, rel=1e-9)
    assert derived.depth_spacing_ratio(levels, scale * decay, scale * first) == pytest.approx(ratio, rel=1e-9)


def test_the_deployed_ratio_changes_with_the_unit_and_one_level_has_none():
    assert derived_deployed.depth_spacing_ratio(5, 40.0) > derived_deployed.depth_spacing_ratio(5, 20.0)
    assert derived.depth_spacing_ratio(1, 20.0, 5.0) == 1.0


@given(st.floats(0.01, 3.0), st.floats(-2.0, 3.0), st.floats(0.01, 0.99))
def test_a_mean_ratio_at_the_threshold_beats_the_target_with_the_stated_confidence(sd, target, confidence):
    threshold = derived.ir_based_threshold(sd, target, confidence)
    assert stats.norm.sf(target, threshold, sd) == pytest.approx(confidence, rel=1e-9)


def test_deployed_ratio_threshold_ignores_the_sign():
    assert derived_deployed.ir_based_threshold(1.2, 1.0, 1.0) == derived_deployed.ir_based_threshold(0.8, 1.0, 1.0)


@given(st.floats(0.5, 500.0))
def test_the_old_value_keeps_half_its_weight_after_a_half_life(half_life):
    assert (1 - derived_deployed.ewma_alpha(half_life)) ** half_life == pytest.approx(0.5, rel=1e-9)


# --- the table -------------------------------------------------------------------------------------------------------

ORDER = [
    "gamma_from_glft",
    "spread_floor",
    "max_daily_loss",
    "max_drawdown",
    "ewma_alpha",
    "kalman_noise",
    "hazard_rate",
    "cascade_threshold",
    "toxic_hour_multiplier",
    "quote_latch_threshold",
    "reduce_only_threshold",
    "depth_spacing_ratio",
    "momentum_normalizer",
    "confidence_threshold",
    "ir_based_threshold",
]


def test_the_table_has_the_fifteen_in_order():
    table = derived_table()
    assert isinstance(table, pd.DataFrame)
    assert list(table.index) == list(DERIVED) == ORDER
    assert set(table["verdict"]) == {"right", "wrong", "convention"}
    assert not table["unit"].eq("").any()
    assert table["why"].str.contains(r"\d").all()


@pytest.mark.parametrize("constant", DERIVED.values(), ids=DERIVED)
def test_a_wrong_constant_has_the_right_one_beside_it_and_no_other_has(constant):
    assert (constant.right is not None) == (constant.verdict == "wrong")
    assert constant.best is (constant.right or constant.deployed)
    assert constant.deployed.__name__ == constant.name
    assert set(constant.parameters) <= set(CATALOGUE)


def test_what_a_clip_forbids_is_the_mass_of_the_prior_outside():
    table = derived_table()
    # An exponential with mean .004: 1 - e^{-1/4} below, e^{-25} above.
    assert table.loc["hazard_rate", "prior_outside_clip"] == pytest.approx(-np.expm1(-0.25) + np.exp(-25), rel=1e-9)
    assert table.loc["spread_floor", "prior_outside_clip"] == pytest.approx(stats.norm.cdf(-1.5), rel=1e-9)
    drawdown = stats.beta(1, 19)
    assert table.loc["max_drawdown", "prior_outside_clip"] == pytest.approx(drawdown.cdf(0.02) + drawdown.sf(0.2))
    assert np.isnan(table.loc["kalman_noise", "prior_outside_clip"])


def test_the_reasons_quote_what_the_formulas_give():
    """Numbers in the table's sentences, recomputed."""
    assert derived.spread_floor(1.5, -3.0, 2e-4, 50.0) == pytest.approx(-1.32, abs=0.005)
    assert derived.max_drawdown(0.02, 3.0) == pytest.approx(0.0972, abs=5e-5)
    assert derived_deployed.hazard_rate(3600.0) / derived.hazard_rate(3600.0) == pytest.approx(3.6)
    assert derived.depth_spacing_ratio(5, 20.0, 5.0) == pytest.approx(1.65, abs=0.005)
    assert derived.depth_spacing_ratio(5, 20.0, 20.0) == pytest.approx(1.27, abs=0.005)
    assert stats.t(3).cdf(-3 * np.sqrt(3)) == pytest.approx(0.0069, abs=5e-5)
    assert (1 - derived_deployed.ewma_alpha(0.0)) ** 6.6 == pytest.approx(0.5, abs=0.002)
