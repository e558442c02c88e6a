"""Five seconds, the horizon of 120 s and kappa as deployed are, in the loop, what a plain loop makes of their rules."""

from dataclasses import asdict

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from naive_loop import DeployedKappa, DepthsOfFills, closed_form, deployed_formula, ride
from scipy import stats

from mmresearch.quote.glft.deployed_quote import deployed_quotes
from mmresearch.sim.loop.deployed import FillsPerSecond
from mmresearch.sim.loop.makers import FillDistances, NeverLearns, Oracle
from mmresearch.sim.loop.posterior import JointPosterior, PlugIn, Recursive
from mmresearch.sim.loop.quoting import CLOSED_FORM, DeployedFormula
from mmresearch.sim.loop.regret import regret_curve
from mmresearch.sim.loop.run import BLOCK, refresh_intervals, run
from mmresearch.sim.loop.world import Plan, Setting, draw_truths, truths, values

SETTING = Setting(cost=1.5)
FORMULA = DeployedFormula()
#: A maker of ours, the plain learner and rule, and seconds between refreshes.
PAIRS = {
    "depths, closed form, 5 s": (FillDistances(refresh_s=5.0), DepthsOfFills, closed_form, 5.0),
    "depths, the formula, 5 s": (FillDistances(quote=FORMULA, refresh_s=5.0), DepthsOfFills, deployed_formula, 5.0),
    "depths, the formula, always": (
        FillDistances(quote=FORMULA, refresh_s=0.0), DepthsOfFills, deployed_formula, 0.25,
    ),
    "as deployed": (FillsPerSecond(), lambda: DeployedKappa(4.0), deployed_formula, 5.0),
    "as deployed, narrow market": (
        FillsPerSecond(spread_bps=1.0), lambda: DeployedKappa(1.0), deployed_formula, 5.0,
    ),
    "deployed kappa, closed form, 20 s": (
        FillsPerSecond(quote=CLOSED_FORM, refresh_s=20.0), lambda: DeployedKappa(4.0), closed_form, 20.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_the_loop_is_the_plain_loop(name):
    maker, learner, quote, refresh_s = PAIRS[name]
    truth, blocks, seed = draw_truths(3, 5), 12, 11
    last = run(maker, truth, SETTING, [1, blocks], seed, at_once=2)[-1]
    for r in range(3):
        naive = learner()
        made = ride(naive, quote, refresh_s, truth.A[r], truth.kappa[r], asdict(SETTING), seed, r, blocks * BLOCK)
        sums = jax.tree.map(lambda x, r=r: x[r], last.sums)
        assert (last.q[r], sums.fills) == (made["q"], made["fills"])
        assert made["fills"] > 0
        found, wanted = (sums.edge, sums.swing, sums.penalty), (made["edge"], made["swing"], made["penalty"])
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose((last.plan.base[r], last.plan.slope[r]), made["quotes"][-1], rtol=1e-9)
        if isinstance(maker, FillsPerSecond):
            kappa_per_bp = last.state.shape[r] / last.state.rate[r]
            assert kappa_per_bp == pytest.approx(naive.believes(1.0)[1], rel=1e-9)
            assert naive.fed > 0


def test_quotes_rest_for_five_seconds_and_no_longer():
    made = ride(DepthsOfFills(), closed_form, 5.0, 0.5, 0.2, asdict(SETTING), 3, 0, 400)["quotes"]
    changes = np.flatnonzero(np.diff([base for base, _ in made])) + 1
    assert len(changes) > 5
    assert np.all(changes % 20 == 0)
    # The same in the loop: where the refresh falls just after a block, the next block changes the quotes.
    truth = draw_truths(64, 8)
    early, at, late = (c.plan.base for c in run(FillDistances(refresh_s=5.0), truth, SETTING, [3, 4, 5], 3))
    assert np.mean(early != at) > 0.9
    assert np.mean(at != late) > 0.9
    slow = [c.plan.base for c in run(FillDistances(refresh_s=64.0), truth, SETTING, [3, 4, 5], 3)]
    np.testing.assert_array_equal(slow[0], slow[1])
    assert np.mean(slow[1] != slow[2]) > 0.9


def test_a_refresh_of_one_block_is_the_usual_one():
    truth = draw_truths(8, 2)
    usual, same = (
        run(m, truth, SETTING, [5], 1)[-1] for m in (FillDistances(), FillDistances(refresh_s=BLOCK * SETTING.dt))
    )
    np.testing.assert_array_equal(usual.sums.realised, same.sums.realised)
    assert refresh_intervals(PlugIn(), SETTING) == BLOCK
    assert refresh_intervals(Recursive(), SETTING) == 1
    assert refresh_intervals(PlugIn(refresh_s=5.0), SETTING) == 20


@pytest.mark.parametrize("rate", [0.0, 1e-3, 1 / 120, 0.05, 3.0])
@pytest.mark.parametrize("kappa", [0.05, 0.2, 0.9])
def test_the_formula_is_that_of_the_room_of_quotes(rate, kappa):
    """Of `deployed_quotes`, which no loop and no JAX is near; a rate of 0 is the longest horizon."""
    with jax.enable_x64(True):
        plan = FORMULA(jnp.asarray(0.5), jnp.asarray(kappa), SETTING, jnp.asarray(rate))
    wanted = deployed_quotes(kappa, SETTING.gamma, SETTING.sigma, max(rate, 1e-12), fee_bps=SETTING.cost)
    assert float(plan.base) == pytest.approx(float(wanted.bid), rel=1e-12)
    assert float(plan.slope) == 0.0


def test_a_belief_expects_the_fills_that_its_quotes_get():
    """lambda = 2 A e^{-kappa d} at the half-spread without risk: what a maker who quotes there measures."""
    setting = Setting(cost=1.5, sigma=0.0, Q=150)
    truth = draw_truths(256, 4)
    calm = DeployedFormula(floor_bps=0.0)
    fills = run(Oracle(quote=calm), truth, setting, [40], 2)[-1].sums.fills
    half = np.log1p(setting.gamma / truth.kappa) / setting.gamma + setting.cost
    believed = 2.0 * truth.A * np.exp(-truth.kappa * half)
    # One fill a side and interval at most.
    expected = 2.0 * -np.expm1(-believed / 2.0 * setting.dt) * 40 * BLOCK
    z = (fills - expected) / np.sqrt(expected)
    assert abs(z.mean()) < 4 / 16
    assert stats.kstest(z, "norm").pvalue > 1e-4


def test_what_the_formula_loses_is_the_lean_by_inventory():
    truth = draw_truths(64, 3)
    with jax.enable_x64(True):
        base, slope = (np.asarray(x) for x in CLOSED_FORM(truth.A, truth.kappa, SETTING))
        formula = np.asarray(FORMULA(truth.A, truth.kappa, SETTING).base)
    best, level, deployed, leaning = (
        values(Plan(b, s), truth, SETTING).gain.mean()
        for b, s in ((base, slope), (base, 0.0), (formula, 0.0), (formula, slope))
    )
    assert 0.2 < 1.0 - deployed / best < 0.4
    assert abs(deployed - level) < 0.01 * best
    assert 1.0 - leaning / best < 0.01


def test_five_seconds_cost_a_learner_little_and_the_formula_costs_for_ever():
    truth = draw_truths(128, 6)
    makers = [
        Recursive(name="always"),
        Recursive(name="every 5 s", refresh_s=5.0),
        Oracle(name="formula", quote=FORMULA, refresh_s=5.0),
        FillsPerSecond(name="as deployed"),
    ]
    found = regret_curve(makers, truth, SETTING, 96 * BLOCK, seed=6, looks=7)
    always, seldom, formula, deployed = (found.of(m.name)[:, -1] for m in makers)
    delay = seldom - always
    assert abs(delay.mean()) < 0.1 * always.mean() + 4 * stats.sem(delay)
    assert formula.mean() > 5 * seldom.mean()
    assert deployed.mean() > 2 * formula.mean()
    slope, noise = found.exponent("as deployed", 0.1 * found.time_s[-1])
    assert slope - 3 * noise > 0.9


def test_kappa_as_deployed_is_a_count_of_fills_at_the_floor_or_a_spiral_away_from_them():
    """Fills per second over the spread: at the floor of 5 bps 2 A e^{-5 kappa}/spread, whatever kappa is."""
    truth = truths(np.full(64, 0.6), np.full(64, 0.15))
    narrow, wide = (run(FillsPerSecond(spread_bps=s), truth, SETTING, [200], 1)[-1] for s in (1.0, 4.0))
    at_floor = narrow.plan.base == 5.0
    assert np.mean(at_floor) > 0.9
    counted = 2.0 * truth.A * np.exp(-5.0 * truth.kappa) / 1.0
    ratio = (narrow.state.shape / narrow.state.rate / counted)[at_floor]
    assert abs(np.median(ratio) - 1.0) < 0.1
    # Over 4 bps the same count is a small kappa, its quotes are wide, and fills go away.
    assert np.median(wide.state.shape / wide.state.rate) < 0.25 * 0.15
    assert wide.sums.fills.mean() < 0.2 * narrow.sums.fills.mean()


def test_what_makes_no_rule_is_refused():
    with pytest.raises(ValueError, match="no whole number of intervals"):
        run(PlugIn(refresh_s=0.3), draw_truths(2, 1), SETTING, [1], 1)
    with pytest.raises(ValueError, match="no whole number of intervals"):
        run(FillsPerSecond(feed_s=0.6), draw_truths(2, 1), SETTING, [1], 1)
    with pytest.raises(ValueError, match="use PlugIn"):
        JointPosterior(quote=FORMULA)
    with pytest.raises(ValueError, match="floor_bps must be finite"):
        DeployedFormula(floor_bps=-1.0)
    with pytest.raises(ValueError, match="spread_bps must be finite and positive"):
        FillsPerSecond(spread_bps=0.0)
    quiet = run(NeverLearns(0.5, 0.2, quote=FORMULA), draw_truths(2, 1), Setting(gamma=0.0), [1], 1)[-1]
    assert np.all(quiet.plan.base == 5.0)
