"""Laws of a density on a grid: one distribution, exact for its own density, close to the smooth one."""

from __future__ import annotations

import pickle
import timeit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from mmresearch.belief.grid import GridBelief


@given(st.lists(st.floats(-30, 0), min_size=2, max_size=40), st.integers(0, 10_000))
def test_every_method_is_of_one_distribution(logp, seed):
    x = np.cumsum(np.random.default_rng(seed).uniform(0.01, 1.0, len(logp))) - 3.0
    belief = GridBelief(x, logp)
    p = np.linspace(1e-6, 1 - 1e-6, 51)
    np.testing.assert_allclose(belief.cdf(belief.ppf(p)), p, atol=1e-12)
    f = belief.density

    def pieces(power):  # Simpson is exact for the cubic x^2 f(x)
        a, b, m = x[:-1], x[1:], (x[:-1] + x[1:]) / 2
        fm = (f[:-1] + f[1:]) / 2
        return float(((b - a) / 6 * (a**power * f[:-1] + 4 * m**power * fm + b**power * f[1:])).sum())

    assert pieces(0) == pytest.approx(1.0, rel=1e-12)
    assert belief.mean() == pytest.approx(pieces(1), rel=1e-10, abs=1e-10)
    assert belief.var() == pytest.approx(pieces(2) - pieces(1) ** 2, rel=1e-6, abs=1e-9)


def test_close_to_the_smooth_density():
    exact = stats.gamma(30.0, scale=1 / 0.015)
    x = np.linspace(exact.ppf(1e-12), exact.ppf(1 - 1e-12), 320)
    belief = GridBelief(x, exact.logpdf(x))
    assert belief.mean() == pytest.approx(exact.mean(), rel=1e-4)
    assert belief.std() == pytest.approx(exact.std(), rel=2e-3)
    p = np.array([0.01, 0.05, 0.5, 0.95, 0.99])
    np.testing.assert_allclose(belief.ppf(p), exact.ppf(p), rtol=1e-3)
    assert integrate.trapezoid(np.exp(belief.logpdf(x)), x) == pytest.approx(1.0, rel=1e-12)


def test_outside_and_ends():
    belief = GridBelief([0.0, 1.0, 3.0], [0.0, 1.0, -np.inf])
    assert belief.cdf(-1) == 0.0
    assert belief.cdf(9) == 1.0
    assert belief.ppf(0.0) == 0.0
    assert belief.ppf(1.0) == 3.0
    assert np.isnan(belief.ppf(1.5))
    assert belief.logpdf(-1) == -np.inf


@pytest.mark.parametrize(
    ("x", "logp"), [([0, 0, 1], [0, 0, 0]), ([0, 1], [0, 0, 0]), ([0.0], [0.0]), ([0, 1], [-np.inf, -np.inf])]
)
def test_impossible_grids_are_refused(x, logp):
    with pytest.raises(ValueError, match="grid"):
        GridBelief(x, logp)


@pytest.mark.parametrize("points", [101, 201, 401])
def test_error_against_the_grid_is_what_the_module_says(points):
    x = np.linspace(-8.0, 8.0, points)
    belief, h = GridBelief(x, stats.norm.logpdf(x)), 16.0 / (points - 1)
    assert belief.mean() == pytest.approx(0.0, abs=1e-12)
    assert belief.var() - 1.0 == pytest.approx(h**2 / 6, rel=0.01)
    at = np.linspace(-4, 4, 997)
    assert np.max(np.abs(belief.cdf(at) - stats.norm.cdf(at))) < h**2 / 40


def test_uneven_grids_are_as_good():
    x = np.sort(np.concatenate([np.linspace(-9, 9, 400), np.random.default_rng(3).normal(0, 1, 1500)]))
    belief = GridBelief(x, stats.norm.logpdf(x))
    assert belief.std() == pytest.approx(1.0, rel=1e-4)
    np.testing.assert_allclose(belief.ppf([0.05, 0.5, 0.95]), stats.norm.ppf([0.05, 0.5, 0.95]), atol=2e-4)


def test_a_narrow_peak_far_from_zero_on_a_wide_grid_keeps_its_digits():
    z = np.linspace(-8, 8, 401)
    near = GridBelief(z, stats.norm.logpdf(z))
    x = np.concatenate([[0.0], 2.0**20 + z * 2.0**-10, [2.0**21]])
    far = GridBelief(x, np.concatenate([[-np.inf], stats.norm.logpdf(z), [-np.inf]]))
    assert far.mean() == pytest.approx(2.0**20, rel=1e-9)
    assert near.var() == pytest.approx(1.000266, rel=1e-5)
    # The two long cells beside the peak carry e^-32 of the height over 2^20: no more than the density says.
    tail = np.exp(stats.norm.logpdf(8.0)) * 2.0**20 * 2.0**10
    assert 1 - (far.cdf(x[-2]) - far.cdf(x[1])) == pytest.approx(tail / (1 + tail), rel=1e-4)


def test_moments_do_not_cancel_at_an_offset():
    z = np.linspace(-8, 8, 401) * 2.0**-10
    near, far = (GridBelief(z + at, stats.norm.logpdf(z * 2.0**10)) for at in (0.0, 2.0**20))
    assert far.var() == pytest.approx(near.var(), rel=1e-10)
    assert far.mean() == 2.0**20


def test_flat_stretches_and_steep_steps():
    belief = GridBelief([0.0, 1.0, 2.0, 3.0, 4.0], [0.0, -np.inf, -np.inf, -np.inf, 0.0])
    assert belief.ppf(0.5) == pytest.approx(1.0)
    assert belief.cdf([1.0, 2.0, 3.0]).tolist() == [0.5, 0.5, 0.5]
    assert belief.mean() == pytest.approx(2.0)
    steep = GridBelief([0.0, 1e-300, 1.0], [0.0, -700.0, -700.0])
    p = np.linspace(0, 1, 11)
    np.testing.assert_allclose(steep.cdf(steep.ppf(p)), p, atol=1e-12)


def test_scale_of_the_log_density_does_not_matter():
    x = np.linspace(0, 1, 50)
    logp = stats.beta.logpdf(x[1:-1], 3, 4)
    low, high = (GridBelief(x[1:-1], logp + shift) for shift in (-1e6, 1e6))
    np.testing.assert_allclose(low.density, high.density, rtol=1e-9)


def test_draws_follow_the_cdf_and_the_seed():
    x = np.linspace(0.01, 0.99, 200)
    belief = GridBelief(x, stats.beta.logpdf(x, 3, 4))
    draws = belief.rvs(5000, random_state=1)
    assert stats.kstest(belief.cdf(draws), "uniform").pvalue > 1e-3
    np.testing.assert_array_equal(draws, belief.rvs(5000, random_state=np.random.default_rng(1)))
    low, high = belief.interval(0.8)
    assert belief.cdf(high) - belief.cdf(low) == pytest.approx(0.8, rel=1e-12)


def test_grid_beliefs_are_values():
    x = np.linspace(0, 1, 9)
    belief = GridBelief(x, -x)
    again = pickle.loads(pickle.dumps(belief))
    assert again == belief
    assert hash(again) == hash(belief)
    assert belief != GridBelief(x, -2 * x)
    x[0] = -5.0
    assert belief.x[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        belief.x[0] = 3.0


def test_construction_takes_microseconds():
    x = np.linspace(-8, 8, 400)
    logp = -(x**2) / 2
    assert min(timeit.repeat(lambda: GridBelief(x, logp), number=100, repeat=9)) / 100 < 250e-6
