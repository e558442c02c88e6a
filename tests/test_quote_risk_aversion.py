"""Laws of the inverse half-spread: it gives back the gamma that made the quote, the smaller of two, or says none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import lambertw

from mmresearch.quote import derived_deployed, risk_aversion_glft
from mmresearch.quote.risk_aversion import (
    NoSolutionError,
    RiskAversion,
    gamma_from_glft,
    half_spread,
    solve_gamma,
)
from mmresearch.quote.risk_aversion_glft import closed_form_half_spread, solve_gamma_closed_form

DEFAULTS = {"sigma_per_sqrt_s": 2e-4, "horizon_s": 60.0}


def test_published_numbers_of_the_first_term():
    assert gamma_from_glft(3e-4, 2000.0) == pytest.approx(3158, abs=0.5)
    assert gamma_from_glft(10e-4, 500.0) == pytest.approx(1256, abs=0.5)
    assert derived_deployed.gamma_from_glft(3e-4, 2000.0, **DEFAULTS) == 5.0
    with pytest.raises(NoSolutionError, match=r"below 1/kappa, 5 bps"):
        gamma_from_glft(5e-4, 2000.0)


def test_the_first_term_is_inverted_by_the_lower_branch_of_lambert():
    """ln(1 + x) = u x has x = -W_{-1}(-u e^{-u})/u - 1: an independent closed form."""
    u = np.linspace(0.02, 0.98, 200)
    closed = -lambertw(-u * np.exp(-u), k=-1).real / u - 1.0
    np.testing.assert_allclose(gamma_from_glft(u / 2000.0, 2000.0), 2000.0 * closed, rtol=1e-11)


@given(
    st.floats(-3, 3),
    st.floats(5, 10),
    st.floats(-14, -6),
    st.floats(0.0, 200.0),
)
def test_a_quote_gives_back_its_gamma_or_a_smaller_one(log_ratio, log_kappa, log_sigma, horizon_s):
    kappa, sigma = np.exp(log_kappa), np.exp(log_sigma)
    gamma = kappa * np.exp(log_ratio)
    quote = half_spread(gamma, kappa, sigma, horizon_s)
    found = solve_gamma(quote, kappa, sigma, horizon_s)
    if found.roots == 0:
        # Only where the quote *is* the least one, which rounding may put on either side.
        assert quote == pytest.approx(found.least_half_spread_fraction, rel=1e-14)
        return
    assert half_spread(found.gamma, kappa, sigma, horizon_s) == pytest.approx(quote, rel=1e-13)
    assert found.gamma <= gamma * (1 + 1e-6)
    if found.roots == 1:
        assert found.gamma == pytest.approx(gamma, rel=1e-6)


def _roots_by_scan(target, kappa, sigma, horizon_s):
    """Every sign change on a fine grid of gamma, polished."""

    def miss(gamma):
        return np.log1p(gamma / kappa) / gamma + 0.5 * gamma * sigma**2 * horizon_s - target

    grid = kappa * np.geomspace(1e-7, 1e9, 4000)
    heights = miss(grid)
    change = np.flatnonzero(np.sign(heights[1:]) != np.sign(heights[:-1]))
    return [brentq(miss, grid[i], grid[i + 1], xtol=1e-300, rtol=1e-14) for i in change]


@pytest.mark.parametrize("sigma", [1e-6, 1e-5, 3e-5, 6e-5, 1e-4, 2e-4, 1e-3])
@pytest.mark.parametrize("target_bps", [1.0, 2.0, 3.0, 4.5, 4.99, 5.0, 5.01, 8.0, 40.0])
def test_number_of_roots_and_the_smaller_of_them_by_scan(target_bps, sigma):
    kappa, horizon_s = 2000.0, 60.0
    scan = _roots_by_scan(target_bps * 1e-4, kappa, sigma, horizon_s)
    found = solve_gamma(target_bps * 1e-4, kappa, sigma, horizon_s)
    assert found.roots == len(scan)
    if scan:
        assert found.gamma == pytest.approx(min(scan), rel=1e-8)


def test_two_roots_are_told_and_the_smaller_is_returned():
    found = solve_gamma(4e-4, 2000.0, 2e-5, 60.0)
    small, large = _roots_by_scan(4e-4, 2000.0, 2e-5, 60.0)
    assert found.roots == 2
    assert found.gamma == pytest.approx(small, rel=1e-10)
    assert large > 10 * small


def test_the_least_half_spread_is_the_minimum_over_gamma():
    kappa, gamma = 2000.0, 2000.0 * np.geomspace(1e-6, 1e8, 200_001)
    for sigma in (1e-6, 1e-5, 5e-5, 2e-4):
        least = solve_gamma(1e-3, kappa, sigma, 60.0).least_half_spread_fraction
        assert least == pytest.approx(half_spread(gamma, kappa, sigma, 60.0).min(), rel=1e-5)


def test_at_the_systems_own_volatility_no_gamma_quotes_below_one_over_kappa():
    """At 2 bps/sqrt(s) over 60 s the volatility term wins from the start: 3 bps at kappa = 2000 has no solution."""
    found = solve_gamma(3e-4, 2000.0, **DEFAULTS)
    assert found.roots == 0
    assert found.least_half_spread_fraction == pytest.approx(5e-4)
    with pytest.raises(NoSolutionError, match="at least 5 bps"):
        _ = found.gamma


def test_draws_without_a_solution_are_counted_and_never_silent():
    kappa = np.array([1000.0, 2000.0, 4000.0, 8000.0])
    found = solve_gamma(2e-4, kappa)
    assert isinstance(found, RiskAversion)
    assert found.roots.tolist() == [1, 1, 1, 0]
    assert found.share_without_solution == 0.25
    assert found.solved.shape == (3,)
    np.testing.assert_allclose(half_spread(found.solved, kappa[:3], 0.0, 0.0), 2e-4, rtol=1e-13)
    with pytest.raises(NoSolutionError, match=r"25\.00% of the draws.*1\.25 bps"):
        _ = found.gamma
    assert solve_gamma(2e-4, kappa[:3]).gamma.shape == (3,)


def test_labelled_draws_come_back_labelled():
    xr = pytest.importorskip("xarray")
    kappa = xr.DataArray(np.full((2, 5), 2000.0), dims=("chain", "draw"))
    found = solve_gamma(3e-4, kappa)
    assert found.roots.dims == ("chain", "draw")
    assert found.gamma.attrs == {"units": "1/(fraction of price)"}
    np.testing.assert_allclose(found.gamma.values, 3158.016, rtol=1e-6)


def test_prices_scale_out():
    """Half-spread and sigma times c, kappa over c: gamma over c."""
    base = gamma_from_glft(4e-4, 2000.0, 2e-5, 60.0)
    assert gamma_from_glft(8e-4, 1000.0, 4e-5, 60.0) == pytest.approx(base / 2, rel=1e-10)


def test_the_deployed_formula_moves_the_wrong_way():
    """A wider target needs *less* risk aversion in the first term; deployed asks for more (before its clip)."""
    wide, tight = gamma_from_glft(4e-4, 2000.0), gamma_from_glft(2e-4, 2000.0)
    assert wide < tight
    loose = [derived_deployed.gamma_from_glft(d, 0.01, **DEFAULTS) for d in (600.0, 60.0)]
    assert loose[0] >= loose[1]


# --- the closed form of GLFT -----------------------------------------------------------------------------------------


def test_closed_form_gives_the_published_half_spread_and_its_gamma_back():
    """Parameters of the paper: sigma .3, A .9, k .3, gamma .01, in ticks."""
    assert closed_form_half_spread(0.01, 0.3, 0.3, 0.9) == pytest.approx(3.312915198564529, rel=1e-13)
    assert solve_gamma_closed_form(3.312915198564529, 0.3, 0.3, 0.9).gamma == pytest.approx(0.01, rel=1e-10)


def test_closed_form_without_volatility_is_the_first_term():
    targets = np.array([1e-4, 3e-4, 4.9e-4])
    closed = solve_gamma_closed_form(targets, 2000.0, 0.0, 1.0)
    np.testing.assert_allclose(closed.gamma, gamma_from_glft(targets, 2000.0), rtol=1e-11)
    assert solve_gamma_closed_form(5e-4, 2000.0, 0.0, 1.0).roots == 0


def _closed_roots_by_scan(target, kappa, sigma, A):
    def miss(x):
        c = np.sqrt(sigma**2 * x / (2 * A) * (1 + x) ** (1 + 1 / x))
        return np.log1p(x) / x / kappa + 0.5 * c - target

    grid = np.geomspace(1e-15, 1e12, 20_001)
    heights = miss(grid)
    change = np.flatnonzero(np.sign(heights[1:]) != np.sign(heights[:-1]))
    return [kappa * brentq(miss, grid[i], grid[i + 1], xtol=1e-300, rtol=1e-14) for i in change]


@pytest.mark.parametrize("sigma", [1e-6, 2e-5, 5e-5, 1e-4, 1.5e-4, 2e-4, 1e-3])
@pytest.mark.parametrize("target_bps", [2.0, 4.0, 4.8, 4.999, 5.001, 5.05, 5.3, 6.0, 40.0])
def test_closed_form_roots_by_scan(target_bps, sigma):
    scan = _closed_roots_by_scan(target_bps * 1e-4, 2000.0, sigma, 1.0)
    found = solve_gamma_closed_form(target_bps * 1e-4, 2000.0, sigma, 1.0)
    assert found.roots == len(scan)
    if scan:
        assert found.gamma == pytest.approx(min(scan), rel=1e-8)


def test_closed_form_can_have_three_roots():
    found = solve_gamma_closed_form(5.05e-4, 2000.0, 1.2e-4, 1.0)
    assert found.roots == 3
    assert found.gamma < 2000.0 * risk_aversion_glft.PEAK_X


def test_closed_form_quotes_below_one_over_kappa_only_under_the_peak_of_its_slopes():
    A = 1.0
    at_peak = risk_aversion_glft.PEAK * 2 * np.sqrt(2 * A) / 2000.0
    above = solve_gamma_closed_form(4e-4, 2000.0, at_peak * (1 + 1e-6), A)
    assert above.least_half_spread_fraction == 5e-4
    gamma = 2000.0 * np.geomspace(1e-6, 1e3, 20_001)
    heights = closed_form_half_spread(gamma, 2000.0, at_peak * (1 + 1e-6), A)
    assert np.all(np.diff(heights) > 0)
    heights = closed_form_half_spread(gamma, 2000.0, at_peak * 0.99, A)
    assert not np.all(np.diff(heights) > 0)
