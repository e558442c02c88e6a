"""Laws of Kelly sizing: brute-force growth agrees, doubt counts where it should, and a sure edge is not a sure win."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from mmresearch.belief.beta import Beta
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.quote.kelly import (
    TradeBelief,
    TradeRecord,
    adverse_probability,
    deployed_kelly,
    deployed_win_probability,
    full_kelly,
    log_growth,
    posterior_exposure,
    posterior_kelly,
    predictive_win_probability,
)


def test_a_sure_edge_is_taken_for_a_sure_win():
    """z = 2: .962 of equity against .25 at a win rate of .55 and b = 1.5."""
    p = deployed_win_probability(2.0, 1.0)
    assert p == pytest.approx(0.97725, abs=5e-6)
    assert full_kelly(p, 1.5) == pytest.approx(0.962, abs=5e-4)
    assert full_kelly(0.55, 1.5) == pytest.approx(0.25, rel=1e-12)


def test_deployed_takes_a_quarter_none_if_negative_and_its_cap_never_binds():
    assert deployed_kelly(2.0, 1.0, 6.0, 4.0) == pytest.approx(0.25 * 0.962083, abs=1e-6)
    assert deployed_kelly(-2.0, 1.0, 6.0, 4.0) == 0.0
    assert deployed_kelly(50.0, 1.0, 1000.0, 1.0) == pytest.approx(0.25)
    assert deployed_kelly(2.0, 1.0, 6.0, 4.0, kelly_share=1.0) == 0.5


def test_with_trades_the_deployed_stake_tends_to_the_whole_and_the_right_one_to_kelly():
    """Trades of +6 or -4 bps, 55 % wins: edge 1.5 bps, sd 4.97 bps a trade."""
    edge, sd, n = 1.5, 10 * np.sqrt(0.55 * 0.45), np.array([10.0, 100.0, 1000.0, 10_000.0])
    deployed = full_kelly(deployed_win_probability(edge, sd / np.sqrt(n)), 1.5)
    right = [TradeBelief().given(TradeRecord(0.55 * m, 0.45 * m, 3.3 * m, 1.8 * m)).plug_in_kelly() for m in n]
    assert deployed[-1] == pytest.approx(1.0, abs=1e-12)
    assert right[-1] == pytest.approx(0.25, abs=1e-3)
    assert np.all(deployed > right)


def test_predictive_win_probability_is_that_of_simulated_trades():
    rng = np.random.default_rng(2)
    mean = rng.normal(1.5, 4.0, 400_000)
    wins = np.mean(rng.normal(mean, 5.0) > 0)
    assert predictive_win_probability(1.5, 4.0, 5.0) == pytest.approx(wins, abs=0.003)
    assert predictive_win_probability(1.5, 4.0, 5.0) < deployed_win_probability(1.5, 4.0)


@given(st.floats(0.01, 0.99), st.floats(0.05, 20.0))
def test_known_odds_stake_the_closed_form(p, odds):
    assert posterior_kelly(p, odds) == pytest.approx(max(full_kelly(p, odds), 0.0), abs=1e-10)


@given(st.floats(0.05, 0.95), st.floats(0.2, 5.0))
def test_the_closed_form_beats_every_stake(p, odds):
    best = max(full_kelly(p, odds), 0.0)
    stakes = np.linspace(0.0, 0.999, 2000)
    assert log_growth(best, p, odds) >= np.max(log_growth(stakes, p, odds)) - 1e-15


def _brute_stake(p, odds):
    """Stake of largest mean growth by three ever finer grids."""
    low, high = 0.0, 0.9999
    for _ in range(3):
        grid = np.linspace(low, high, 201)
        growth = [np.mean(p * np.log1p(odds * f) + (1 - p) * np.log1p(-f)) for f in grid]
        k = int(np.argmax(growth))
        low, high = grid[max(k - 1, 0)], grid[min(k + 1, 200)]
    return 0.5 * (low + high)


@pytest.mark.parametrize("seed", range(4))
def test_posterior_stake_is_the_maximum_of_mean_growth(seed):
    rng = np.random.default_rng(seed)
    p = rng.beta(6, 4, 2000)
    odds = rng.lognormal(0.3, 0.6, 2000) * np.exp(p - 0.6)
    assert posterior_kelly(p, odds) == pytest.approx(_brute_stake(p, odds), abs=1e-5)


def test_doubt_about_p_alone_changes_nothing():
    p = stats.beta(5.5, 4.5).ppf((np.arange(4000) + 0.5) / 4000)
    assert posterior_kelly(p, 1.5) == pytest.approx(full_kelly(float(p.mean()), 1.5), abs=1e-10)


@given(st.floats(0.1, 0.9))
def test_doubt_about_the_odds_at_the_same_mean_lowers_the_stake(doubt):
    odds = 1.5 * np.array([1 - doubt, 1 + doubt])
    assert posterior_kelly(0.55, odds) < posterior_kelly(0.55, 1.5)


def test_odds_that_rise_with_p_are_worth_more_than_odds_that_do_not():
    """The joint posterior decides, not its margins."""
    p, odds = np.array([0.4, 0.7]), np.array([1.0, 2.0])
    assert posterior_kelly(p, odds) > posterior_kelly(p, odds[::-1]) + 0.05


def test_ends_no_edge_stakes_nothing_and_a_sure_win_stakes_all():
    assert posterior_kelly(0.3, 1.0) == 0.0
    assert posterior_kelly(0.5, 1.0) == 0.0
    assert posterior_kelly(1.0, 1.5) == 1.0


def test_position_is_the_maximum_of_mean_growth_and_no_draw_ruins():
    rng = np.random.default_rng(9)
    p, won, lost = rng.beta(60, 40, 1000), rng.gamma(20, 3, 1000), rng.gamma(20, 2, 1000)
    n = posterior_exposure(p, won, lost)
    grid = np.linspace(0.0, 1.0, 4001)[:-1] * 1e4 / lost.max()
    growth = [np.mean(p * np.log1p(m * won * 1e-4) + (1 - p) * np.log1p(-m * lost * 1e-4)) for m in grid]
    assert n == pytest.approx(grid[int(np.argmax(growth))], abs=grid[1])
    assert 0 < n < 1e4 / lost.max()


def test_position_with_known_sizes_is_the_stake_over_the_loss():
    assert posterior_exposure(0.55, 6.0, 4.0) == pytest.approx(0.25 / 4e-4, rel=1e-9)


def test_labelled_draws_count_like_any_others():
    xr = pytest.importorskip("xarray")
    rng = np.random.default_rng(1)
    p, odds = rng.beta(6, 4, (2, 50)), rng.lognormal(0.3, 0.5, (2, 50))
    labelled = (xr.DataArray(a, dims=("chain", "draw")) for a in (p, odds))
    assert posterior_kelly(*labelled) == posterior_kelly(p, odds)


def test_records_add_and_scratches_count_as_neither():
    outcomes = np.array([3.0, -2.0, 0.0, 5.5, -1.0, 0.0])
    record = TradeRecord.of(outcomes)
    assert record == TradeRecord(2.0, 2.0, 8.5, 3.0)
    assert TradeRecord.of(outcomes[:2]) + TradeRecord.of(outcomes[2:]) == record
    with pytest.raises(ValueError, match="outcomes_bps must be finite, 1 of 2 are not"):
        TradeRecord.of([1.0, np.nan])
    with pytest.raises(ValueError, match="losses must be finite and not negative"):
        TradeRecord(losses=-1.0)


def test_posterior_of_the_mean_win_by_quadrature():
    """Exponential sizes under an inverse-gamma prior of their mean."""
    record = TradeRecord(wins=3.0, losses=2.0, won_bps=25.0, lost_bps=6.0)
    belief = TradeBelief(Beta(2.0, 2.0), InverseGamma(3.0, 8.0), InverseGamma(4.0, 9.0)).given(record)

    def joint(mean):
        return stats.invgamma(3.0, scale=8.0).pdf(mean) * mean**-3.0 * np.exp(-25.0 / mean)

    mass = integrate.quad(joint, 0, np.inf)[0]
    expected = integrate.quad(lambda m: m * joint(m), 0, np.inf)[0] / mass
    assert belief.mean_win_bps.mean() == pytest.approx(expected, rel=1e-7)
    assert belief.mean_loss_bps == InverseGamma(6.0, 15.0)
    assert belief.win_probability == Beta(5.0, 4.0)


def test_little_evidence_stakes_less_than_the_plug_in_and_much_stakes_the_same():
    few = TradeBelief().given(TradeRecord(12.0, 8.0, 72.0, 32.0))
    many = TradeBelief().given(TradeRecord(12e3, 8e3, 72e3, 32e3))
    assert few.posterior_kelly(random_state=1) < 0.95 * few.plug_in_kelly()
    assert many.posterior_kelly(random_state=1) == pytest.approx(many.plug_in_kelly(), rel=2e-3)
    assert many.plug_in_kelly() == pytest.approx(full_kelly(0.6, 1.5), rel=2e-3)


def test_adverse_probability_falls_by_e_every_fifteen_bps():
    assert adverse_probability(0.25, 0.0) == 0.25
    np.testing.assert_allclose(adverse_probability(0.25, np.array([15.0, 30.0])), 0.25 * np.exp([-1.0, -2.0]))
