"""Laws of grids that find their mass, of mixtures, and of the belief about a standard deviation."""

import numpy as np
import pytest
from scipy import integrate, stats

from mmresearch.belief.scale import RootInverseGamma
from mmresearch.belief.zoom import student_mixture, zoomed

P = np.array([0.01, 0.05, 0.5, 0.95, 0.99])


@pytest.mark.parametrize(("centre", "sd"), [(0.0, 1.0), (37.0, 0.4), (-80.0, 0.02), (0.01, 30.0)])
def test_zoomed_finds_a_normal_wherever_it_is(centre, sd):
    belief = zoomed(lambda x: stats.norm.logpdf(x, centre, sd), -1000.0, 1000.0)
    np.testing.assert_allclose((belief.ppf(P) - centre) / sd, stats.norm.ppf(P), atol=5e-3)
    assert belief.std() == pytest.approx(sd, rel=2e-3)


@pytest.mark.parametrize("median", [1e-9, 1.0, 1e6])
def test_zoomed_looks_over_decades(median):
    frozen = stats.lognorm(0.5, scale=median)
    belief = zoomed(frozen.logpdf, 1e-12, 1e9, positive=True)
    np.testing.assert_allclose(belief.ppf(P), frozen.ppf(P), rtol=2e-3)


def test_a_mixture_has_the_cdf_of_its_parts():
    location, width, weight = np.array([0.0, 3.0, 8.0]), np.array([1.0, 0.2, 2.0]), np.array([1.0, 2.0, 0.5])
    belief = student_mixture(5.0, location, width, weight)
    x = np.linspace(-4, 14, 60)
    want = stats.t.cdf((x[:, None] - location) / width, 5.0) @ weight / weight.sum()
    np.testing.assert_allclose(belief.cdf(x), want, atol=2e-3)


def test_a_mixture_of_one_is_a_student_t():
    belief = student_mixture(9.0, np.array([2.0]), np.array([0.5]), np.array([1.0]))
    np.testing.assert_allclose(belief.ppf(P), stats.t(9.0, 2.0, 0.5).ppf(P), atol=2e-3)


@pytest.mark.parametrize("cv", [0.05, 0.5, 2.0])
def test_the_scale_has_the_mean_and_cv_it_was_asked_for(cv):
    belief = RootInverseGamma.from_mean_cv(20.0, cv)
    assert belief.mean() == pytest.approx(20.0, rel=1e-10)
    assert belief.std() == pytest.approx(20.0 * cv, rel=1e-9)


def test_the_scale_is_the_root_of_the_variance():
    belief = RootInverseGamma(7.0, 300.0)
    np.testing.assert_allclose(np.square(belief.ppf(P)), belief.square.ppf(P), rtol=1e-12)
    np.testing.assert_allclose(belief.cdf(belief.ppf(P)), P, rtol=1e-10)
    for power, want in ((0, 1.0), (1, belief.mean()), (2, belief.var() + belief.mean() ** 2)):
        got = integrate.quad(lambda s, k=power: s**k * np.exp(belief.logpdf(s)), 0.01, 200.0, limit=200)[0]
        assert got == pytest.approx(want, rel=1e-8)


def test_the_scale_learns_by_bayes():
    x = np.random.default_rng(0).normal(0.0, 4.0, 25)
    prior = RootInverseGamma.from_mean_cv(20.0, 0.5)
    s = np.linspace(2.0, 80.0, 20001)
    log = prior.logpdf(s) + stats.norm.logpdf(x[:, None], 0.0, s).sum(axis=0)
    mass = np.exp(log - log.max())
    mean = integrate.simpson(mass * s, x=s) / integrate.simpson(mass, x=s)
    assert prior.update(25, float(x @ x)).mean() == pytest.approx(mean, rel=1e-8)


def test_the_scale_has_no_moments_where_none_exist():
    assert RootInverseGamma(0.5, 1.0).mean() == np.inf
    assert RootInverseGamma(1.0, 1.0).var() == np.inf
    with pytest.raises(ValueError, match="mean"):
        RootInverseGamma.from_mean_cv(-1.0, 0.5)
