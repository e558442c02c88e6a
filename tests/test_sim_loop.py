"""The loop does what a plain loop does on the same draws, whatever runs beside it; its accounts are the model's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize_scalar

from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.quotes import table
from mmresearch.sim.loop.exposure import Prior
from mmresearch.sim.loop.makers import FillDistances, Maker, NeverLearns, Oracle
from mmresearch.sim.loop.posterior import JointPosterior, PlugIn, Recursive, RegularisedLikelihood
from mmresearch.sim.loop.run import BLOCK, run
from mmresearch.sim.loop.words import draws, words
from mmresearch.sim.loop.world import Plan, Setting, affine_plan, draw_truths, truths, values

SETTING = Setting()
MAKERS = (
    Oracle(),
    NeverLearns(0.4, 0.3),
    FillDistances(),
    PlugIn(),
    JointPosterior(),
    RegularisedLikelihood(),
    Recursive(),
)


def _same(truth_A, truth_kappa, count):
    return truths(np.full(count, truth_A), np.full(count, truth_kappa))


def _naive(plan_of_block, A, kappa, s, words):
    """One replication in plain Python: words of shape (blocks, BLOCK, 2); a list of what was seen, and the sums."""
    q, seen, edge, swing, penalty = 0, [], 0.0, 0.0, 0.0
    for block, drawn in enumerate(words):
        for first, second in drawn.tolist():
            plan = plan_of_block(block, seen)
            base, slope = float(plan.base), float(plan.slope)
            penalty += s.gamma * s.sigma**2 / 2 * q * q * s.dt
            change = 0
            for side, word in ((1, first), (-1, second)):
                if side * q >= s.Q:
                    continue
                depth = base + slope * (0.5 + side * q)
                rate = A * np.exp(-kappa * depth)
                waits = -np.log1p(-(word >> 8) / 2**24) / rate
                seen.append((side, depth, waits < s.dt, min(waits, s.dt)))
                if waits < s.dt:
                    edge, change = edge + depth - s.cost, change + side
            q += change
            signs = (first & 255).bit_count() + (second & 255).bit_count()
            swing += q * s.sigma * s.dt**0.5 * (2 * signs - 16) / 4
    return q, seen, edge, swing, penalty


def _words(seed, path, blocks):
    made = words(jnp.uint32(seed), jnp.uint32(path), jnp.arange(blocks * BLOCK, dtype=jnp.uint32))
    return np.stack(made, axis=-1).reshape(blocks, BLOCK, 2)


@pytest.mark.parametrize(
    "setting",
    [pytest.param(SETTING, marks=pytest.mark.long), Setting(cost=1.0, Q=2, gamma=0.0, dt=1.0)],
    ids=["usual", "two lots"],
)
def test_the_loop_is_a_plain_loop_on_the_same_words(setting):
    maker, blocks = PlugIn(Prior(0.25)), 6
    marks = run(maker, draw_truths(3, 5), setting, list(range(1, blocks + 1)), seed=11, at_once=2)
    truth = draw_truths(3, 5)
    with jax.enable_x64(True):
        start = maker.plan(maker.init(setting, jax.tree.map(lambda x: jnp.asarray(x[0]), truth)), setting)
        plans = [[start] * 3]
        plans += [
            [maker.plan(jax.tree.map(lambda x, r=r: jnp.asarray(x[r]), mark.state), setting) for r in range(3)]
            for mark in marks[:-1]
        ]
    for r in range(3):
        q, seen, edge, swing, penalty = _naive(
            lambda b, _, r=r: plans[b][r], truth.A[r], truth.kappa[r], setting, _words(11, r, blocks)
        )
        last = jax.tree.map(lambda x, r=r: x[r], marks[-1])
        _, depth, filled, seconds = map(np.array, zip(*seen, strict=True))
        assert last.q == q
        assert last.state.fills == last.sums.fills == filled.sum() > 0
        np.testing.assert_allclose(last.state.travelled, depth[filled].sum(), rtol=1e-12)
        survives = np.exp(-np.multiply.outer(maker.prior.nodes(), depth)) @ seconds
        np.testing.assert_allclose(last.state.survives, survives, rtol=1e-11)
        found = (last.sums.edge, last.sums.swing, last.sums.penalty)
        np.testing.assert_allclose(found, (edge, swing, penalty), rtol=1e-11, atol=1e-9)


def test_the_depths_of_fills_are_counted_as_by_hand():
    setting, maker, truth = Setting(cost=0.5), FillDistances(strength=3.0), draw_truths(1, 9)
    *_, last = run(maker, truth, setting, [1], seed=2)
    with jax.enable_x64(True):
        one = jax.tree.map(lambda x: jnp.asarray(x[0]), truth)
        plan = maker.plan(maker.init(setting, one), setting)
    _, seen, *_ = _naive(lambda *_: plan, truth.A[0], truth.kappa[0], setting, _words(2, 0, 1))
    fills = [d for _, d, filled, _ in seen if filled]
    assert last.state.shape[0] == 3.0 + len(fills)
    np.testing.assert_allclose(last.state.depth[0], 3.0 / 0.2 + sum(fills), rtol=1e-12)
    np.testing.assert_allclose(last.state.exposure_s[0], 3.0 * np.e / 0.5 + sum(x[3] for x in seen), rtol=1e-12)


@pytest.mark.parametrize(
    "maker",
    [NeverLearns(0.4, 0.3), PlugIn(), pytest.param(Recursive(), marks=pytest.mark.long)],
    ids=["never learns", "posterior mean", "recursion"],
)
def test_results_do_not_depend_on_what_runs_beside_them(maker):
    truth = draw_truths(12, 3)
    whole, parts = (run(maker, truth, SETTING, [2, 7], seed=4, at_once=n)[-1] for n in (12, 4))
    for a, b in zip(jax.tree.leaves(whole), jax.tree.leaves(parts), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(whole.sums.fills, parts.sums.fills)
    split = run(maker, truth, SETTING, [7], seed=4)[-1]
    np.testing.assert_allclose(split.sums.realised, whole.sums.realised, rtol=1e-12)


def test_every_maker_keeps_the_contract():
    assert all(isinstance(maker, Maker) and hash(maker) == hash(maker) for maker in MAKERS)
    assert not isinstance(object(), Maker)


def test_one_who_never_learns_but_believes_the_truth_is_the_oracle():
    truth = _same(0.6, 0.15, 8)
    best, same = (run(m, truth, SETTING, [20], seed=1)[-1] for m in (Oracle(), NeverLearns(0.6, 0.15)))
    np.testing.assert_array_equal(best.sums.realised, same.sums.realised)
    np.testing.assert_array_equal(best.q, same.q)
    np.testing.assert_allclose(same.sums.regret, 0.0, atol=1e-10)


def test_expected_regret_of_fixed_quotes_is_the_gap_of_two_long_runs():
    truth, wrong = _same(0.5, 0.2, 128), NeverLearns(0.7, 0.14)
    *_, early, late = run(wrong, truth, SETTING, [20, 320], seed=8)
    plan = Plan(*(np.asarray(x) for x in affine_plan(jnp.float32(0.7), jnp.float32(0.14), SETTING)))
    best = Plan(*(np.asarray(x) for x in affine_plan(jnp.float32(0.5), jnp.float32(0.2), SETTING)))
    gap = values(best, truth, SETTING).gain[0] - values(plan, truth, SETTING).gain[0]
    per_interval = (late.sums.regret - early.sums.regret) / (300 * BLOCK)
    assert gap > 0.01 * values(best, truth, SETTING).gain[0]
    assert abs(per_interval.mean() - gap) < 4 * per_interval.std(ddof=1) / 128**0.5
    # What was realised says the same, with the noise of fills.
    oracle = run(Oracle(), truth, SETTING, [20, 320], seed=8)[-1]
    behind = oracle.sums.realised - late.sums.realised
    assert abs((behind - late.sums.regret).mean()) < 4 * (behind - late.sums.regret).std(ddof=1) / 128**0.5


def test_without_the_expected_regret_everything_else_is_the_same():
    truth, maker = draw_truths(12, 3), NeverLearns(0.4, 0.3)
    whole, fast = (run(maker, truth, SETTING, [7], 4, at_once=12, expected=e)[-1] for e in (True, False))
    assert np.all(np.isnan(fast.sums.regret))
    assert np.all(whole.sums.regret > 0)
    np.testing.assert_allclose(fast.sums.realised, whole.sums.realised, rtol=1e-12)


def test_single_precision_tells_the_same_story():
    truth = draw_truths(64, 6)
    for maker in (FillDistances(), Recursive()):
        double, single = (run(maker, truth, SETTING, [40], 3, dtype=d)[-1] for d in ("float64", "float32"))
        assert single.q.dtype == np.float32
        np.testing.assert_allclose(single.sums.regret.mean(), double.sums.regret.mean(), rtol=1e-3)


@pytest.mark.parametrize("cost", [0.0, 1.5])
@pytest.mark.parametrize("dt", [0.05, 0.25, 1.0])
def test_without_inventory_risk_the_plan_maximises_the_edge_of_an_interval(cost, dt):
    setting, A, kappa = Setting(gamma=0.0, cost=cost, dt=dt), 0.5, 0.2

    def loss(depth):
        return np.expm1(-A * dt * np.exp(-kappa * depth)) * (depth - cost)

    with jax.enable_x64(True):
        plan = affine_plan(jnp.asarray(A), jnp.asarray(kappa), setting)
    best = minimize_scalar(loss, bounds=(cost, cost + 30), method="bounded", options={"xatol": 1e-10})
    assert float(plan.base) == pytest.approx(best.x, rel=1e-4)
    assert float(plan.slope) == 0.0
    assert loss(float(plan.base)) == pytest.approx(best.fun, rel=1e-7)
    assert abs(float(plan.base) - cost - 5.0) > 1e-3


def test_short_intervals_give_the_closed_form_of_model_b():
    setting = Setting(sigma=1.3, gamma=0.02, cost=0.7, dt=1e-7, Q=5)
    with jax.enable_x64(True):
        plan = affine_plan(jnp.asarray(0.5), jnp.asarray(0.2), setting)
    market = Model(sigma=1.3, A=0.5, k=0.2, gamma=0.02, T=1.0, Q=5, cost=0.7, xi=0.0)
    q = np.arange(-5, 5)
    bid = float(plan.base) + float(plan.slope) * (0.5 + q)
    np.testing.assert_allclose(bid, table(market, "closed").bid[:-1], rtol=1e-6)


def test_no_affine_quotes_gain_much_more_than_the_closed_form():
    truth = _same(0.5, 0.2, 1)
    with jax.enable_x64(True):
        plan = affine_plan(jnp.asarray(0.5), jnp.asarray(0.2), SETTING)
    base, slope = float(plan.base), float(plan.slope)
    best = values(Plan(base, slope), truth, SETTING).gain[0]
    others = [
        values(Plan(base * a, slope * b), truth, SETTING).gain[0]
        for a in np.linspace(0.9, 1.1, 21)
        for b in np.linspace(0.7, 1.3, 21)
    ]
    assert max(others) < best * (1 + 2e-3)
    assert min(others) < best * (1 - 2e-3)


def test_words_make_exponential_clocks_and_independent_moves_of_unit_variance():
    with jax.enable_x64(True):
        made = words(jnp.uint32(5), jnp.arange(1000, dtype=jnp.uint32)[:, None], jnp.arange(200, dtype=jnp.uint32))
        bid, ask, moves = (np.asarray(x).ravel() for x in draws(made, jnp.float64))
    clocks = np.stack([bid, ask], axis=1)
    assert stats.kstest(bid, "expon").pvalue > 1e-4
    assert stats.kstest(ask, "expon").pvalue > 1e-4
    # From one interval to the next, too.
    assert abs(np.corrcoef(bid[1:], bid[:-1])[0, 1]) < 4 / 200_000**0.5
    assert abs(moves.mean()) < 4 / 200_000**0.5
    assert abs(moves.var() - 1.0) < 4 * (2 / 200_000) ** 0.5
    for column in (clocks[:, 0], clocks[:, 1]):
        assert abs(np.corrcoef(column, moves)[0, 1]) < 4 / 200_000**0.5
    assert abs(np.corrcoef(clocks.T)[0, 1]) < 4 / 200_000**0.5


def test_what_no_market_has_is_refused():
    with pytest.raises(ValueError, match="gamma must be finite"):
        Setting(gamma=-1.0)
    with pytest.raises(ValueError, match="dt must be positive"):
        Setting(dt=0.0)
    with pytest.raises(ValueError, match="Q counts lots"):
        Setting(Q=0)
    with pytest.raises(ValueError, match="two vectors of one length"):
        truths([0.5], [0.2, 0.3])
    with pytest.raises(ValueError, match="must be positive"):
        truths([0.5], [0.0])
    with pytest.raises(ValueError, match="increase from at least 1"):
        run(Oracle(), draw_truths(2, 1), SETTING, [3, 3], 1)
    with pytest.raises(ValueError, match="a seed is"):
        run(Oracle(), draw_truths(2, 1), SETTING, [3], -1)
    with pytest.raises(ValueError, match="counted by 32 bits"):
        run(Oracle(), draw_truths(2, 1), SETTING, [2**26], 1)
    with pytest.raises(ValueError, match="at_once"):
        run(Oracle(), draw_truths(2, 1), SETTING, [3], 1, at_once=0)
