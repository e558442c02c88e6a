"""Laws of what a wrong or uncertain belief costs, of the desk's rules, and of a risk aversion that is chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from glft_numbers import PARAMETERS, POLICIES

from mmresearch.quote.edge import Market
from mmresearch.quote.glft.choose_gamma import NoGammaError, gamma_for_inventory, gamma_for_loss, with_gamma
from mmresearch.quote.glft.deployed_quote import deployed_quotes
from mmresearch.quote.glft.desk import (
    JointBelief,
    Terms,
    certain_cost_bps,
    compare,
    fall_back,
    kelly_exposure,
    markets,
    quote,
)
from mmresearch.quote.glft.full_posterior import expected_growth, growth_and_slope
from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.moments import moments
from mmresearch.quote.glft.pnl_law import characteristic, pnl_law
from mmresearch.quote.glft.policy import Policy, constant_policy, policy
from mmresearch.quote.glft.quotes import table
from mmresearch.quote.glft.regret import regret, regret_map

PAPER = Model(**PARAMETERS["GLFT Fig1-3"])
TERMS = Terms(gamma_per_bp=0.01, sigma_bps_per_sqrt_s=1.0, Q=6)


def _belief(draws=300, seed=1, spread=0.35, correlation=0.84):
    """Draws as a ladder of fills leaves them: log A and log kappa correlated by .84."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(2, draws))
    log_A = 0.6 * (correlation * z[0] + np.sqrt(1 - correlation**2) * z[1])
    return JointBelief(
        0.2 * np.exp(spread * z[0]), 0.5 * np.exp(log_A), 3.0 + 0.5 * rng.normal(size=draws), rng.beta(5, 15, draws)
    )


# --- regret ----------------------------------------------------------------------------------------------------------


def test_the_exact_policy_of_the_truth_loses_nothing_and_the_others_what_the_reference_says():
    assert regret(policy(PAPER), PAPER).fraction == pytest.approx(0.0, abs=1e-9)
    for method in ("asymptotic", "closed", "as2008", "symmetric"):
        found = regret(policy(PAPER, method), PAPER)
        wanted = POLICIES["exact"][4] - POLICIES[method][4]
        assert found.certainty_equivalent == pytest.approx(wanted, rel=2e-4)
        assert found.per_unit_traded == pytest.approx(wanted / POLICIES["exact"][3], rel=2e-4)


def test_no_table_beats_the_exact_one():
    rng = np.random.default_rng(3)
    market = replace(PAPER, Q=4, T=60.0)
    for _ in range(20):
        noisy = policy(market, "asymptotic")
        noisy = Policy(noisy.bid + rng.normal(0, 0.5, 9), noisy.ask + rng.normal(0, 0.5, 9))
        assert regret(noisy, market).certainty_equivalent > 0


def test_the_map_is_the_slope_of_regrets_over_long_horizons():
    found = regret_map(PAPER, [1.2], [0.7], [0.01])
    quoted = policy(replace(PAPER, k=1.2 * PAPER.k, A=0.7 * PAPER.A), "asymptotic")
    longer, shorter = (regret(quoted, replace(PAPER, T=T)) for T in (2400.0, 1800.0))
    slope = (longer.certainty_equivalent - shorter.certainty_equivalent) / 600.0
    assert found.certainty_equivalent_per_s[0, 0, 0] == pytest.approx(slope, rel=1e-6)
    volume = (longer.best.mean_fills - shorter.best.mean_fills) / 600.0
    assert found.per_unit_traded[0, 0, 0] == pytest.approx(slope / volume, rel=1e-6)


def test_the_map_is_nothing_at_the_truth_and_positive_elsewhere():
    ratios, gammas = np.array([0.5, 0.8, 1.0, 1.25, 2.0]), np.array([0.003, 0.01, 0.03])
    found = regret_map(replace(PAPER, mu=0.001, cost=0.3), ratios, ratios, gammas)
    assert found.fraction.shape == (3, 5, 5)
    np.testing.assert_allclose(found.fraction[:, 2, 2], 0.0, atol=1e-13)
    away = np.ones((5, 5), dtype=bool)
    away[2, 2] = False
    assert np.all(found.fraction[:, away] > 1e-6)


def test_without_risk_the_map_is_the_regret_of_a_plug_in_depth():
    """With little risk and room for inventory the loss is 1 - r e^{1 - r}, r = kappa over its estimate."""
    ratios = np.array([0.6, 0.8, 1.3, 1.8])
    found = regret_map(replace(PAPER, sigma=1e-3, Q=150), ratios, [1.0], [1e-6])
    r = 1 / ratios
    np.testing.assert_allclose(found.fraction[0, 0], 1 - r * np.exp(1 - r), rtol=2e-3)


def test_regret_in_certainty_equivalent_needs_the_cara_model():
    with pytest.raises(ValueError, match="xi = gamma"):
        regret(policy(PAPER), Model(**PARAMETERS["Model B"]))


def test_quotes_far_beyond_the_mid_are_refused_rather_than_followed_for_ever():
    with pytest.raises(ValueError, match="wrong side of the mid"):
        moments(policy(with_gamma(PAPER, 3.0), "as2008"), PAPER)


# --- full posterior --------------------------------------------------------------------------------------------------


def test_the_slope_of_the_expected_growth():
    worlds = markets(_belief(40), TERMS)
    quoted = quote(_belief(40), TERMS, "plug-in")
    value, slope = growth_and_slope(quoted.bid, quoted.ask, worlds)
    assert value == pytest.approx(expected_growth(quoted, worlds), rel=1e-12)
    for side, i, at in (("bid", 0, 0), ("bid", 6, 6), ("ask", 6, 17), ("ask", 12, 23)):
        ends = []
        for h in (1e-4, -1e-4):
            depths = {"bid": quoted.bid.copy(), "ask": quoted.ask.copy()}
            depths[side][i] += h
            ends.append(expected_growth(Policy(**depths), worlds))
        assert slope[at] == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-5, abs=1e-11)


def test_the_full_posterior_is_best_and_the_marginal_rule_worse_than_the_plug_in():
    """Correlated as fills leave kappa and log A, the marginal rule loses more than the plug-in."""
    found = compare(_belief(), TERMS)
    assert found["full posterior"].loss_bps == 0.0
    assert 0 < found["plug-in"].loss_bps < found["marginal"].loss_bps
    assert found["marginal"].shift_bps > 0
    worlds, best = markets(_belief(), TERMS), found["full posterior"].quoted
    most, rng = expected_growth(best, worlds), np.random.default_rng(1)
    for _ in range(20):
        near = Policy(best.bid + rng.normal(0, 0.1, 13), best.ask + rng.normal(0, 0.1, 13))
        assert expected_growth(near, worlds) < most


def test_where_the_level_is_known_the_marginal_rule_is_the_better_one():
    belief = replace(_belief(), A_per_s=np.full(300, 0.5))
    found = compare(belief, TERMS)
    assert found["marginal"].loss_bps < found["plug-in"].loss_bps


def test_a_certain_belief_is_the_plug_in():
    one = JointBelief(np.full(3, 0.2), np.full(3, 0.5), np.full(3, 3.0), np.full(3, 0.25))
    found = compare(one, replace(TERMS, drift_bps_per_s=0.002))
    np.testing.assert_allclose(found["full posterior"].quoted.bid, found["plug-in"].quoted.bid, rtol=1e-4)
    assert abs(found["plug-in"].loss_fraction) < 1e-9


def test_without_risk_the_full_posterior_quotes_the_best_depth_of_the_edge():
    """At no inventory; elsewhere the limits bend even a riskless maker's quotes."""
    belief = replace(_belief(100), floor_bps=np.full(100, 3.0))
    terms = Terms(gamma_per_bp=1e-6, sigma_bps_per_sqrt_s=0.0, fee_bps=3.0, Q=6)
    best = Market(belief.kappa_per_bp, belief.A_per_s).best_depth_bps(3.0)
    assert quote(belief, terms).bid[6] == pytest.approx(best, rel=1e-3)


def test_the_certain_cost_is_that_of_a_jump_that_may_come():
    floor, alpha = np.array([3.0]), np.array([0.25])
    J, g = 1.5 / 0.25, 0.05
    wanted = 1.5 + np.log(0.75 + 0.25 * np.exp(g * J)) / g
    assert certain_cost_bps(floor, alpha, replace(TERMS, gamma_per_bp=g))[0] == pytest.approx(wanted, rel=1e-13)
    assert certain_cost_bps(floor, alpha, replace(TERMS, gamma_per_bp=1e-9))[0] == pytest.approx(3.0, rel=1e-6)


# --- fallback, deployed formula, size --------------------------------------------------------------------------------


def test_the_fallback_runs_from_configured_to_learned_without_a_jump():
    belief = _belief()
    cold = fall_back(belief, dict.fromkeys(("kappa", "alpha_touch", "spread_floor_bps"), 0.0))
    np.testing.assert_allclose(cold.kappa_per_bp, 0.2)
    np.testing.assert_allclose(cold.floor_bps, 5.0)
    np.testing.assert_array_equal(cold.A_per_s, belief.A_per_s)
    ready = fall_back(belief, {"kappa": 1.0, "A": 1.0})
    np.testing.assert_allclose(ready.kappa_per_bp, belief.kappa_per_bp, rtol=1e-14)
    weights = np.linspace(0, 1, 41)
    depths = [quote(fall_back(belief, {"kappa": w, "spread_floor_bps": w}), TERMS, "plug-in").bid[6] for w in weights]
    assert np.abs(np.diff(depths)).max() < 0.1
    assert fall_back(belief, {"A": 0.0}, {"A": 0.7}).A_per_s == pytest.approx(0.7)


def test_the_deployed_formula():
    """By hand at kappa .2 and gamma .01 per bp, sigma 1: T = 4 s, then the cap of 120 s, then the floor."""
    first = np.log1p(0.01 / 0.2) / 0.01
    short = deployed_quotes(0.2, 0.01, 1.0, 0.25)
    assert float(short.bid) == pytest.approx(first + 0.01 * 4 / 2 + 1.5, rel=1e-12)
    assert float(short.bid) == float(short.ask)
    long = deployed_quotes(0.2, 0.01, 1.0, 0.001, drift_bps_per_s=0.01)
    assert float(long.ask - long.bid) == pytest.approx(0.01 * 120)
    assert float(long.ask + long.bid) / 2 == pytest.approx(first + 0.01 * 120 / 2 + 1.5)
    assert float(deployed_quotes(0.2, 0.01, 1.0, 0.25, floor_bps=9.0).bid) == 9.0


def test_the_kelly_position_of_a_fill():
    one = JointBelief(np.full(2, 0.2), np.full(2, 0.5), np.full(2, 4.0), np.full(2, 0.25))
    found = kelly_exposure(one, 8.0, 1.5, share=1.0)
    W, L = 6.5e-4, (2.5 / 0.25 - 6.5) * 1e-4
    assert found == pytest.approx((0.75 * W - 0.25 * L) / (W * L), rel=1e-9)
    assert kelly_exposure(one, 8.0, 1.5) == pytest.approx(found / 4)
    with pytest.raises(ValueError, match="does not win"):
        kelly_exposure(one, 1.0, 1.5)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: JointBelief(np.ones(2), np.ones(3), np.ones(2), np.ones(2)), "one length"),
        (lambda: JointBelief(np.zeros(2), np.ones(2), np.ones(2), np.ones(2)), "positive"),
        (lambda: JointBelief(np.ones(2), np.ones(2), np.ones(2), np.zeros(2)), "alpha"),
        (lambda: quote(_belief(), TERMS, "best"), "rule must be"),
        (lambda: quote(replace(_belief(), kappa_per_bp=np.r_[9.0, np.full(299, 1e-3)]), TERMS, "marginal"), "no quote"),
        (lambda: quote(_belief(), replace(TERMS, gamma_per_bp=0.0)), "gamma"),
    ],
)
def test_what_no_desk_has_is_refused(make, match):
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=match):
        make()


# --- a risk aversion that is chosen, and the law of the PnL ----------------------------------------------------------


def test_gamma_meets_an_inventory():
    found = gamma_for_inventory(PAPER, 4.949305158733584)
    assert found.gamma == pytest.approx(0.01, rel=1e-6)
    assert found.moments.sd_q == pytest.approx(4.949305158733584, rel=1e-7)


def test_gamma_meets_a_loss():
    small = replace(PAPER, Q=8, T=60.0)
    wanted = -pnl_law(policy(small, "asymptotic"), small).quantile(0.05)
    found = gamma_for_loss(small, wanted, 0.05)
    assert found.reached == pytest.approx(wanted, rel=1e-8)
    assert found.gamma == pytest.approx(0.01, rel=1e-4)


def test_a_target_that_cannot_be_met_is_an_error_with_what_can():
    with pytest.raises(NoGammaError, match=r"can be from 1\.9\d+ to 11\.09"):
        gamma_for_inventory(PAPER, 40.0)


def test_the_law_has_its_moments_and_certainty_equivalent():
    quoted = policy(PAPER, "asymptotic")
    law = pnl_law(quoted, PAPER)
    x = np.linspace(law.low, law.high, 20001)
    weight, middle = np.diff(law.cdf(x)), (x[1:] + x[:-1]) / 2
    mean, sd, _, _, worth = POLICIES["asymptotic"]
    assert weight @ middle == pytest.approx(mean, rel=1e-9)
    assert np.sqrt(weight @ (middle - mean) ** 2) == pytest.approx(sd, rel=1e-6)
    assert mean - np.log(weight @ np.exp(-0.01 * (middle - mean))) / 0.01 == pytest.approx(worth, rel=1e-7)
    assert law.cdf(law.quantile(0.01)) == pytest.approx(0.01, rel=1e-6)


def test_without_fills_the_law_is_normal_and_without_volatility_there_is_none():
    silent = constant_policy(np.inf, 3)
    market = Model(sigma=0.5, A=1.0, k=0.3, gamma=0.01, T=16.0, Q=3, mu=0.1)
    law = pnl_law(silent, market, q0=2.0)
    assert law.quantile(0.05) == pytest.approx(3.2 - 1.6448536269514722 * 4.0, rel=1e-8)
    w = np.array([0.0, 0.3])
    np.testing.assert_allclose(characteristic(silent, market, w)[:, 5], np.exp(1j * w * 3.2 - (w * 4.0) ** 2 / 2))
    with pytest.raises(ValueError, match="jumps"):
        pnl_law(constant_policy(3.0, 3), replace(market, sigma=0.0, mu=0.0))
    with pytest.raises(ValueError, match="certain"):
        pnl_law(silent, market)


def test_plug_in_tables_come_in_the_units_of_the_desk():
    """bps and seconds: the table of the plug-in is the asymptotic table of the package's own model."""
    belief, terms = _belief(), replace(TERMS, fee_bps=0.0)
    zero = replace(belief, floor_bps=np.zeros(300))
    model = Model(sigma=1.0, A=zero.A_per_s.mean(), k=zero.kappa_per_bp.mean(), gamma=0.01, T=0.0, Q=6)
    np.testing.assert_allclose(quote(zero, terms, "plug-in").bid, table(model, "asymptotic").bid, rtol=1e-13)
