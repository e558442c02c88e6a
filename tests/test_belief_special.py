"""Laws of the special functions: equal to 30-digit arithmetic from no counts at all to a billion."""

from __future__ import annotations

import math
import timeit

import mpmath
import numpy as np
import pytest
from scipy import special as scipy_special

from mmresearch.belief import special

REL = 1e-13


def stirling_rest(z):
    z = mpmath.mpf(z)
    return mpmath.loggamma(z) - ((z - 0.5) * mpmath.log(z) - z + mpmath.log(2 * mpmath.pi) / 2)


@pytest.mark.parametrize("z", [1e-3, 0.5, 3.0, 9.99, 10.0, 11.0, 1e4, 1e9])
def test_remainder_is_what_stirling_leaves(z):
    with mpmath.workdps(40):
        assert special.remainder(z) == pytest.approx(float(stirling_rest(z)), abs=2e-15, rel=1e-12)


@pytest.mark.parametrize("w", [-0.999, -0.3, -0.29, -1e-5, 1e-12, 0.2999, 0.31, 5.0, 1e10])
def test_log1p_minus_does_not_cancel(w):
    with mpmath.workdps(40):
        assert float(special.log1p_minus(w)) == pytest.approx(float(mpmath.log1p(w) - mpmath.mpf(w)), rel=REL)


def test_log1p_minus_at_the_ends():
    assert special.log1p_minus(0.0) == 0.0
    assert special.log1p_minus(-1.0) == -math.inf
    assert special.log1p_minus(math.inf) == -math.inf


@pytest.mark.parametrize(("k", "m"), [(1e9, 1e9 + 3e4), (4.0, 4.0), (0.001, 7.0), (1e9, 1.0), (3.0, 1e-9)])
def test_deviance_is_its_definition_and_never_negative(k, m):
    with mpmath.workdps(40):
        exact = float(mpmath.mpf(k) * mpmath.log(mpmath.mpf(k) / mpmath.mpf(m)) - mpmath.mpf(k) + mpmath.mpf(m))
    assert float(special.deviance(k, m)) == pytest.approx(exact, rel=REL)
    assert special.deviance(k, m) >= 0


@pytest.mark.parametrize(
    ("z", "k"), [(1e9, 3.0), (1e-3, 1e9), (1e9, 1e9), (40.0, 0.5), (49.0, 2.0), (1e9, 1e-3), (2.0, 0)]
)
def test_log_rising_is_a_difference_of_log_gammas(z, k):
    with mpmath.workdps(40):
        exact = float(mpmath.loggamma(mpmath.mpf(z) + mpmath.mpf(k)) - mpmath.loggamma(mpmath.mpf(z)))
    assert special.log_rising(z, k) == pytest.approx(exact, rel=REL, abs=0)


def lower_tail(u, shape):
    """P(shape, u) by quadrature of the density, in steps of a standard deviation."""
    a, u, sd = mpmath.mpf(shape), mpmath.mpf(u), mpmath.sqrt(shape)
    points = [u - k * sd for k in (14, 9, 6, 4, 3, 2, 1, 0.5, 0)]
    return mpmath.quad(lambda t: mpmath.exp((a - 1) * mpmath.log(t) - t - mpmath.loggamma(a)), points)


@pytest.mark.parametrize("shape", [1e5, 1e7, 1e9])
@pytest.mark.parametrize("p", [1e-12, 1e-6, 0.02, 0.6])
def test_gamma_tails_of_a_large_shape_equal_quadrature(shape, p):
    with mpmath.workdps(30):
        u = float(special.gamma_ppf(p, shape))
        exact = float(lower_tail(u, shape))
        assert float(special.gamma_cdf(u, shape)) == pytest.approx(exact, rel=1e-12)
        assert float(special.gamma_sf(u, shape)) == pytest.approx(1 - exact, rel=1e-12)
    # One bit of u moves the tail by this much; no quantile can do better.
    bit = np.spacing(u) * math.exp(float(special.gamma_logpdf(u, shape))) / u / p
    assert exact == pytest.approx(p, rel=3 * bit + 1e-13)


@pytest.mark.parametrize("q", [1e-12, 1e-6, 0.02, 0.6])
@pytest.mark.parametrize("shape", [1e5, 1e9])
def test_upper_quantiles_of_a_large_shape_invert_the_upper_tail(shape, q):
    u = float(special.gamma_isf(q, shape))
    assert float(special.gamma_sf(u, shape)) == pytest.approx(q, rel=1e-10)


def test_both_sides_of_the_switch_agree():
    shape = special.LARGE_SHAPE
    u = shape + np.sqrt(shape) * np.linspace(-4, 4, 33)
    np.testing.assert_allclose(special.gamma_cdf(u, shape), scipy_special.gammainc(shape, u), rtol=1e-12)
    np.testing.assert_allclose(special.gamma_sf(u, shape), scipy_special.gammaincc(shape, u), rtol=1e-12)


def test_ends_of_the_large_shape():
    assert special.gamma_cdf(0.0, 1e6) == 0.0
    assert special.gamma_cdf(np.inf, 1e6) == 1.0
    np.testing.assert_array_equal(special.gamma_ppf([0.0, 1.0, 1.5], 1e6), [0.0, np.inf, np.nan])
    np.testing.assert_array_equal(special.gamma_isf([0.0, 1.0, -1.0], 1e6), [np.inf, 0.0, np.nan])


def test_quantiles_of_many_shapes_are_those_of_each():
    shapes, p = np.array([0.3, 40.0, 9.9e4, 1e5, 3e6, 1e9]), np.array([[1e-6], [0.3], [0.95]])
    for quantile in (special.gamma_ppf, special.gamma_isf):
        each = [[quantile(float(q), float(shape)) for shape in shapes] for q in p[:, 0]]
        np.testing.assert_array_equal(quantile(p, shapes), each)


def test_a_quantile_of_a_large_shape_takes_microseconds():
    special.gamma_ppf(0.05, 1e6)
    assert min(timeit.repeat(lambda: special.gamma_ppf(0.05, 1e6), number=100, repeat=9)) / 100 < 50e-6
