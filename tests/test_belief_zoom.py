"""Laws of grids that find their mass, and of mixtures."""

import numpy as np
import pytest
from scipy import stats

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
