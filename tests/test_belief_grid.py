"""Laws of a density on a grid: one distribution, exact for its own density, close to the smooth one."""

from __future__ import annotations

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
