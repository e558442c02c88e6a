"""Beliefs in the loop are posteriors, and the regret of learning grows as it should: like ln T, or for ever."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from mmresearch.learn.sound.kappa import ExposureState, KappaExposure
from mmresearch.quote.edge import Market
from mmresearch.sim.loop.exposure import NODES, Evidence, Prior, interpolate, population_prior, posterior
from mmresearch.sim.loop.makers import FillDistances, NeverLearns
from mmresearch.sim.loop.posterior import (
    Gauss,
    JointPosterior,
    PlugIn,
    Recursive,
    RegularisedLikelihood,
    best_depth,
    vertex,
)
from mmresearch.sim.loop.regret import LAWS, Curves, fit_laws, regret_curve
from mmresearch.sim.loop.run import BLOCK, run
from mmresearch.sim.loop.world import Seen, Setting, Truth, affine_plan, draw_truths, truths
from mmresearch.tape.exposure import DEPTH_BINS

SETTING = Setting()
FLAT = Setting(gamma=0.0, Q=30)
#: Of KappaExposure, per bp.
CATALOGUE = Prior(0.2, 4.0, 1.0, 1.5)


def _evidence(prior, depth, seconds, fills):
    survives = np.exp(-np.multiply.outer(prior.nodes(), depth)) @ seconds
    return Evidence(*(jnp.asarray(x) for x in (fills.sum(), fills @ depth, survives, 0.0)))


@pytest.mark.parametrize("seconds", [0.0, 30.0, 3e3, 3e6])
def test_the_posterior_is_that_of_the_learner_of_tapes(seconds):
    rng = np.random.default_rng(3)
    depth = np.linspace(2.0, 9.0, 15)
    exposure = np.full(15, seconds / 15)
    fills = rng.poisson(exposure * 0.5 * np.exp(-0.2 * depth)).astype(float)
    bins = np.zeros((3, DEPTH_BINS))
    bins[:, :15] = exposure, exposure * depth, fills
    tape = KappaExposure().posterior(ExposureState(exposure_s=bins[0], depth_s=bins[1], fills=bins[2]))
    with jax.enable_x64(True):
        belief = posterior(_evidence(CATALOGUE, depth, exposure, fills), CATALOGUE)
        A, kappa = (float(x) for x in belief.mean())
        sd = float(jnp.sqrt(jnp.sum(belief.weight * (belief.kappa - kappa) ** 2)))
    # Before any evidence the ends of the nodes cut one part in a thousand from the prior.
    close = 5e-3 if seconds == 0 else 1e-3
    assert kappa == pytest.approx(tape.mean() * 1e-4, rel=close)
    assert sd == pytest.approx(tape.std() * 1e-4, rel=2 * close)
    assert A == pytest.approx(tape.fill_rate(0.0)[0], rel=close)  # noqa: SIM300


def test_between_nodes_the_table_is_the_function():
    depth, seconds = np.array([0.5, 4.0, 9.0, 15.0]), np.array([3.0, 50.0, 20.0, 5.0])
    prior = Prior(0.2)
    kappa = np.linspace(prior.low, prior.low + prior.step * (NODES - 1), 501)

    def log_s(k):
        return np.log(2.0 + np.exp(-np.multiply.outer(k, depth)) @ seconds)

    with jax.enable_x64(True):
        found = interpolate(jnp.asarray(log_s(prior.nodes())), jnp.asarray(kappa), prior)
    np.testing.assert_allclose(found, log_s(kappa), atol=5e-5)
    assert np.abs(np.interp(kappa, prior.nodes(), log_s(prior.nodes())) - log_s(kappa)).max() > 5e-4


@pytest.mark.parametrize("cost", [0.0, 2.0])
def test_the_depth_of_a_joint_belief_is_that_of_the_edge_of_its_draws(cost):
    rng = np.random.default_rng(7)
    depth, seconds, fills = np.array([3.0, 6.0]), np.array([10.0, 10.0]), np.array([3.0, 1.0])
    with jax.enable_x64(True):
        belief = posterior(_evidence(CATALOGUE, depth, seconds, fills), CATALOGUE)
        found = float(best_depth(belief, cost))
        plug_in = cost + 1.0 / float(belief.mean()[1])
    weight = np.asarray(belief.weight) / np.asarray(belief.weight).sum()
    at = rng.choice(weight.size, 200_000, p=weight)
    # Given kappa the edge is linear in A, so its mean will do.
    market = Market(np.asarray(belief.kappa)[at], np.asarray(belief.A)[at])
    assert found == pytest.approx(market.best_depth_bps(cost), rel=0.01)
    assert abs(found - plug_in) > 0.05 * found


def test_the_vertex_of_a_parabola_is_found_between_points():
    x = jnp.linspace(0.0, 1.0, 11)
    assert float(vertex(x, -((x - 0.437) ** 2))) == pytest.approx(0.437, rel=1e-4)


def _prior_truths(prior, count, seed):
    """Truths from the prior, cut where its nodes end."""
    rng = np.random.default_rng(seed)
    kappa = rng.gamma(prior.kappa_shape, prior.kappa_mean / prior.kappa_shape, 8 * count)
    kappa = kappa[(kappa > prior.low) & (kappa < prior.nodes()[-1])][:count]
    return truths(rng.gamma(prior.A_shape, 1 / prior.A_rate_s, count), kappa)


@pytest.mark.parametrize("rule", [PlugIn, pytest.param(JointPosterior, marks=pytest.mark.long)])
def test_beliefs_are_calibrated_though_they_chose_what_to_see(rule):
    maker = rule(Prior(A_shape=4.0, A_rate_s=8.0))
    truth = _prior_truths(maker.prior, 256, 21)
    state = run(maker, truth, SETTING, [30], seed=5)[-1].state
    with jax.enable_x64(True):
        belief = jax.vmap(lambda e: posterior(e, maker.prior))(jax.tree.map(jnp.asarray, state))
    kappa, weight = np.asarray(belief.kappa), np.asarray(belief.weight)
    below = np.clip((truth.kappa[:, None] - kappa) / (kappa[:, 1:2] - kappa[:, :1]) + 0.5, 0, 1)
    assert stats.kstest(np.sum(weight * below, axis=1), "uniform").pvalue > 1e-3
    # The depths of fills, under the same prior, are no posterior.
    known = run(FillDistances(), truth, SETTING, [30], seed=5)[-1].state
    claimed = stats.gamma(known.shape, scale=1 / known.depth).cdf(truth.kappa)
    assert stats.kstest(claimed, "uniform").pvalue < 1e-6


def test_the_recursion_comes_to_the_posterior():
    truth = draw_truths(64, 12)
    gauss = run(Recursive(), truth, SETTING, [600], seed=9)[-1].state
    z = (np.log(truth.kappa) - gauss.log_kappa) * np.sqrt(gauss.s - gauss.r**2 / gauss.p)
    assert np.all(np.abs(z) < 5)
    assert stats.kstest(z, "norm").pvalue > 1e-3
    assert np.all(gauss.s > 10 / 0.25)


def test_a_step_of_the_recursion_is_that_of_the_natural_gradient():
    seen = Seen(*(jnp.asarray(x) for x in (4.0, 7.0, 1.0, 0.0, 0.11, 0.25)))
    with jax.enable_x64(True):
        before = Gauss(*(jnp.asarray(x, jnp.float64) for x in (np.log(0.6), np.log(0.18), 9.0, -4.0, 7.0)))
        after = Recursive().observe(before, seen, SETTING)
    precision, score = np.array([[9.0, -4.0], [-4.0, 7.0]]), np.zeros(2)
    for depth, n, seconds in ((4.0, 1.0, 0.11), (7.0, 0.0, 0.25)):
        m, x = 0.6 * np.exp(-0.18 * depth) * seconds, np.array([1.0, -0.18 * depth])
        precision, score = precision + m * np.outer(x, x), score + (n - m) * x
    mean = np.log([0.6, 0.18]) + np.linalg.solve(precision, score)
    np.testing.assert_allclose(after[:2], mean, rtol=1e-6)
    np.testing.assert_allclose(after[2:], (precision[0, 0], precision[0, 1], precision[1, 1]), rtol=1e-6)


def test_one_maker_twice_differs_by_nothing_and_its_error_is_that_of_pairs():
    twice = [Recursive(name="a"), Recursive(name="b"), NeverLearns(0.5, 0.2)]
    found = regret_curve(twice, draw_truths(32, 2), SETTING, 10 * BLOCK, seed=3, looks=4)
    np.testing.assert_array_equal(found.behind[0], found.behind[1])
    np.testing.assert_array_equal(found.regret[0], found.regret[1])
    assert np.abs(found.behind[0] - found.behind[2]).max() > 0
    table = found.table()
    assert list(table["maker"].unique()) == ["a", "b", "never learns"]
    row = table[table["maker"] == "never learns"].iloc[-1]
    assert row["regret_bps"] == pytest.approx(found.of("never learns")[:, -1].mean(), rel=1e-12)
    assert row["regret_se"] == pytest.approx(stats.sem(found.of("never learns")[:, -1]))


def test_with_known_intensity_regret_grows_by_log_time_over_two_kappa():
    kappa = 0.2
    truth = truths(np.full(512, 0.5), np.full(512, kappa))
    learner = PlugIn(known_A=True)
    found = regret_curve([learner], truth, FLAT, 128 * BLOCK, seed=14, looks=5)
    assert np.all(found.depth_sd == 0.0)
    steps = np.diff(found.of(learner.name)[:, [2, 4]], axis=1)[:, 0]
    expected = np.log(found.time_s[4] / found.time_s[2]) / (2 * kappa)
    assert abs(steps.mean() - expected) < 4 * stats.sem(steps)
    assert stats.sem(steps) < 0.1 * expected


def test_fills_alone_lose_for_ever_and_likelihoods_stop_losing():
    makers = [PlugIn(known_A=True, name="right"), RegularisedLikelihood(known_A=True), FillDistances(name="F13")]
    found = regret_curve(makers, draw_truths(256, 4), SETTING, 160 * BLOCK, seed=6, looks=9)
    tail = 0.05 * found.time_s[-1]
    slope, noise = found.exponent("F13", tail)
    assert slope - 3 * noise > 0.9
    for name in ("right", "regularised likelihood"):
        slope, noise = found.exponent(name, tail)
        assert slope + 3 * noise < 0.4
        laws = found.growth(name, found.time_s[2])
        assert laws.loc["ln T", "p"] > 1e-3
        assert laws.loc["T", "p"] < 1e-6
    assert found.of("right")[:, -1].mean() < 0.1 * found.of("F13")[:, -1].mean()


@pytest.mark.long
def test_a_prior_of_other_assets_spares_regret_at_first():
    others = draw_truths(40, 31, spread=0.2)
    informed = PlugIn(population_prior(others.A, others.kappa), name="hierarchical prior")
    wide = PlugIn(Prior(kappa_mean=0.4), name="wide")
    found = regret_curve([informed, wide], draw_truths(256, 32, spread=0.2), SETTING, 30 * BLOCK, seed=1, looks=4)
    spared = found.of("wide")[:, -1] - found.of("hierarchical prior")[:, -1]
    assert spared.mean() > 5 * stats.sem(spared)


@pytest.mark.long
def test_over_a_million_intervals_the_bound_of_ln_squared_holds_with_room():
    """Known A: ln T, below the bound. Unknown A: within a + b ln^2 T, and no power of T."""
    makers = [PlugIn(known_A=True, name="A known"), PlugIn(name="A learned"), FillDistances(name="F13")]
    found = regret_curve(makers, draw_truths(256, 1), SETTING, 1_000_000, seed=3)
    laws = found.growth("A known", 500.0)
    assert laws.loc["ln T", "p"] > 1e-3
    assert max(laws.loc[["sqrt T", "T"], "p"]) < 1e-9
    # (kappa d)^2 is a little above 1 where inventory leans on quotes, so the loss a little below ln T/(2 kappa).
    limit = np.mean(0.5 / draw_truths(256, 1).kappa)
    assert abs(laws.loc["ln T", "per_unit"] - limit) < 4 * laws.loc["ln T", "se"]
    learned = found.growth("A learned", 5000.0)
    assert max(learned.loc[["ln T", "ln^2 T"], "p"]) > 1e-3
    assert max(learned.loc[["sqrt T", "T"], "p"]) < 1e-9
    slope, noise = found.exponent("F13", 25_000.0)
    assert slope - 3 * noise > 0.95


@pytest.mark.parametrize("law", LAWS)
def test_a_law_is_recognised_and_the_others_are_refuted(law):
    rng = np.random.default_rng(4)
    t = np.geomspace(100, 1e5, 12)
    steps = np.diff(LAWS[law](t), prepend=0.0)
    noisy = np.cumsum(2.0 * steps * (1 + 0.2 * rng.normal(size=(400, 12))), axis=1)
    found = fit_laws(t, noisy)
    assert found["aic"].idxmin() == law
    assert found.loc[law, "p"] > 1e-3
    assert abs(found.loc[law, "per_unit"] - 2.0) < 4 * found.loc[law, "se"]
    assert found.drop(index=law)["p"].max() < 1e-9
    # Eleven independent increments, each known to 20 % in 400 replications.
    assert found.loc[law, "se"] == pytest.approx(0.2 * 2.0 / (11 * 400) ** 0.5, rel=0.15)


def test_what_cannot_be_fitted_or_run_is_refused():
    with pytest.raises(ValueError, match="different names"):
        regret_curve([PlugIn(), PlugIn()], draw_truths(2, 1), SETTING, 100, 1)
    with pytest.raises(ValueError, match="at least 64 intervals"):
        regret_curve([PlugIn()], draw_truths(2, 1), SETTING, 10, 1)
    with pytest.raises(ValueError, match="three increments"):
        fit_laws(np.array([1.0, 2.0, 3.0]), np.ones((50, 3)))
    with pytest.raises(ValueError, match="three assets"):
        population_prior([1.0, 2.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="all assets"):
        population_prior([1.0, 1.0, 1.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="kappa_mean must be finite and positive"):
        Prior(kappa_mean=0.0)
    none = np.zeros((1, 5, 2))
    curves = Curves(("a",), np.array([1.0, 2.0]), none, none, none, none)
    with pytest.raises(ValueError, match="no maker 'b'"):
        curves.of("b")
    with pytest.raises(ValueError, match="no look"):
        curves.exponent("a", 2.0)


def test_a_likelihood_that_is_told_the_truth_quotes_it():
    with jax.enable_x64(True):
        truth = Truth(jnp.asarray(0.5), jnp.asarray(0.23))
        depth, seconds = np.array([3.0, 7.0]), np.array([4e6, 3e6])
        rates = 0.5 * np.exp(-0.23 * depth) * seconds
        for maker in (RegularisedLikelihood(), RegularisedLikelihood(known_A=True), PlugIn(known_A=True)):
            seen = _evidence(maker.prior, depth, seconds, rates)._replace(A=truth.A)
            plan, right = maker.plan(seen, SETTING), affine_plan(truth.A, truth.kappa, SETTING)
            np.testing.assert_allclose(plan, right, rtol=2e-4)


@pytest.mark.long
def test_a_cost_of_fills_makes_kappa_easier_to_see():
    """With A known, ln T/(2 kappa (1 + kappa c)^2)."""
    kappa, cost = 0.2, 2.5
    truth = truths(np.full(512, 0.5), np.full(512, kappa))
    learner = PlugIn(known_A=True)
    found = regret_curve([learner], truth, Setting(gamma=0.0, Q=30, cost=cost), 256 * BLOCK, seed=15, looks=5)
    steps = np.diff(found.of(learner.name)[:, [2, 4]], axis=1)[:, 0]
    free = np.log(found.time_s[4] / found.time_s[2]) / (2 * kappa)
    expected = free / (1.0 + kappa * cost) ** 2
    assert abs(steps.mean() - expected) < 4 * stats.sem(steps)
    assert free - expected > 4 * stats.sem(steps)
