"""Laws of the edge: closed forms with known parameters, and the joint rule beats every marginal one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmresearch.quote.edge import Market, plug_in_depth_bps, regret


@given(st.floats(0.02, 3.0), st.floats(0.01, 20.0), st.floats(-2.0, 10.0))
def test_known_kappa_quotes_cost_plus_one_over_kappa(kappa, intensity, cost):
    market = Market(np.array([kappa]), np.array([intensity]))
    assert market.best_depth_bps(cost) == pytest.approx(cost + 1 / kappa, rel=1e-4)


@given(st.floats(0.3, 3.0))
def test_loss_of_a_point_error_is_the_closed_form(ratio):
    kappa = 0.2
    market = Market(np.array([kappa]), np.array([0.5]))
    found = regret(plug_in_depth_bps(kappa / ratio, 1.5), market, 1.5)
    assert found.fraction == pytest.approx(1 - ratio * np.exp(1 - ratio), abs=1e-6)
    assert found.edge_bps == pytest.approx(1 / kappa, rel=1e-4)


def test_gamma_marginal_with_known_intensity_quotes_b_over_a_minus_one():
    """With A known and kappa ~ Gamma(4, mean .2/bp), the best depth is b/(a - 1) = 6.67 bps; the plug-in quotes 5."""
    draws = np.random.default_rng(0).gamma(4.0, 0.05, 400_000)
    market = Market(draws, np.ones_like(draws))
    assert market.best_depth_bps(0.0) == pytest.approx(20 / 3, rel=0.01)


def test_best_depth_beats_a_grid():
    rng = np.random.default_rng(2)
    market = Market(rng.lognormal(np.log(0.3), 0.8, 500), rng.lognormal(0.0, 1.0, 500))
    best = market.best_depth_bps(2.0)
    grid = market.edge_bps_per_s(np.linspace(2.01, 60, 4000), 2.0)
    assert market.edge_bps_per_s(best, 2.0)[0] >= grid.max() - 1e-9


@pytest.mark.parametrize(("kappa", "intensity"), [([0.1, -1], [1, 1]), ([0.1], [0.0]), ([0.1, 0.2], [1.0])])
def test_impossible_draws_are_refused(kappa, intensity):
    with pytest.raises(ValueError, match=r"draws|positive"):
        Market(np.array(kappa, dtype=float), np.array(intensity, dtype=float))
