"""Laws of the learners: slices equal the whole, right ones recover, deployed ones do what they are known for."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import integrate

from mmresearch.learn import (
    BUNDLED,
    AlphaTouchLabelError,
    DeployedKappa,
    KappaExposure,
    LearnerError,
    load_learner,
    run,
)
from mmresearch.learn.sound.alpha import label_error_posterior
from mmresearch.learn.sound.floor import Moments
from mmresearch.sim.population import population
from mmresearch.sim.worlds import simulate
from mmresearch.tape.columns import FILL_COLUMNS
from mmresearch.tape.schema import Tape, TapeMeta

TRUTH = population(1, 3)[0]
TAPE = simulate(TRUTH, 3600.0, seed=3)


def numbers(learner, state) -> np.ndarray:
    belief = learner.posterior(state)
    return np.array([belief.mean(), belief.std(), *belief.ppf(np.array([0.05, 0.5, 0.95]))])


@pytest.mark.parametrize("name", BUNDLED)
def test_slices_and_pickling_equal_the_whole(name):
    learner = BUNDLED[name]()
    whole = numbers(learner, run(learner, TAPE))
    state = run(learner, TAPE.between(0.0, 1234.5), slice_s=7.7)
    state = pickle.loads(pickle.dumps(state))
    state = run(learner, TAPE.between(1234.5, 3600.0), slice_s=100.0, state=state)
    np.testing.assert_allclose(numbers(learner, state), whole, rtol=1e-9)
    empty = learner.update(state, TAPE.between(3600.0, 3600.0))
    np.testing.assert_allclose(numbers(learner, empty), whole, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("KappaExposure", TRUTH.kappa),
        ("KappaMarketOrders", TRUTH.kappa),
        ("AlphaTouch", TRUTH.alpha_touch),
        ("AlphaTouchLabelError", TRUTH.alpha_touch),
        ("SpreadFloor", TRUTH.spread_floor_bps),
    ],
)
def test_right_learners_recover(name, truth):
    learner = BUNDLED[name]()
    belief = learner.posterior(run(learner, TAPE, 60.0))
    assert abs(belief.mean() - truth) < 4 * belief.std()
    prior = learner.posterior(learner.init())
    assert belief.std() < 0.3 * prior.std()


def steady_tape(seconds: float, every_s: float, spread_bps: float) -> Tape:
    """One fill every few seconds and a spread that never changes."""
    ts = np.arange(0.0, seconds, 1.0)
    half = 100.0 * spread_bps * 1e-4 / 2
    quotes = pd.DataFrame({"ts": ts, "bid": 100 - half, "bid_sz": 1.0, "ask": 100 + half, "ask_sz": 1.0})
    at = np.arange(every_s, seconds, every_s) - 0.5
    fills = pd.DataFrame({"ts": at, "order_id": np.arange(at.size), "side": 1, "price": 100 - half, "size": 1.0})
    return Tape("X", 0.0, seconds, quotes, fills=fills[list(FILL_COLUMNS)], meta=TapeMeta(tick=0.01))


def test_deployed_kappa_reads_125_and_counts_129600():
    learner = DeployedKappa()
    state = run(learner, steady_tape(3605.0, 10.0, 8.0), 60.0)
    assert learner.posterior(state).mean() == pytest.approx(125.0, rel=0.01)
    assert learner.posterior(state).shape == pytest.approx(129_600, rel=0.01)


def test_deployed_kappa_cannot_learn_that_nobody_fills():
    learner = DeployedKappa()
    state = run(learner, steady_tape(3600.0, 30.0, 5.0), 60.0)  # 66.7, outside (100, 1e5)
    assert learner.posterior(state).mean() > 100
    unfiltered = DeployedKappa(filtered=False)
    assert unfiltered.posterior(run(unfiltered, steady_tape(3600.0, 30.0, 5.0))).mean() == pytest.approx(66.7, rel=0.02)


def test_kappa_posterior_equals_quadrature_over_both():
    """The marginal of kappa, A integrated out in closed form, against a brute-force double integral."""
    learner = KappaExposure()
    state = run(learner, TAPE.between(0.0, 300.0))
    used = state.exposure_s > 0
    e, n = state.exposure_s[used], state.fills[used]
    d = np.maximum(state.depth_s[used] / e, 0.0)

    def joint(a: float, k: float) -> float:
        log = 3 * np.log(k) - 4 * k / 2000 - learner.A_rate_s * a
        return float(np.exp(log + (n * (np.log(a) - k * 1e-4 * d)).sum() - a * (e * np.exp(-k * 1e-4 * d)).sum() + 150))

    kappa = np.linspace(200, 6000, 200)
    mass = np.array([integrate.quad(joint, 1e-6, 8.0, args=(k,), limit=200)[0] for k in kappa])
    mean = integrate.trapezoid(kappa * mass, kappa) / integrate.trapezoid(mass, kappa)
    assert learner.posterior(state).mean() == pytest.approx(mean, rel=2e-3)


def test_joint_draws_agree_with_the_marginal_and_correlate():
    learner = KappaExposure()
    belief = learner.posterior(run(learner, TAPE))
    kappa, intensity = belief.joint(20_000, random_state=1)
    assert kappa.mean() == pytest.approx(belief.mean(), rel=0.01)
    assert np.corrcoef(kappa, np.log(intensity))[0, 1] > 0.3


def test_label_error_posterior_equals_quadrature():
    belief = label_error_posterior(2.0, 6.0, informed=30.0, total=200.0, noise=0.08)

    def density(a: float) -> float:
        return a * (1 - a) ** (5 + 170) * (0.08 + 0.92 * a) ** 30 * 1e30

    total = integrate.quad(density, 0, 1)[0]
    mean = integrate.quad(lambda a: a * density(a), 0, 1)[0] / total
    assert belief.mean() == pytest.approx(mean, rel=1e-4)
    assert belief.mean() < 30 / 200  # part of the labels is noise


def test_label_error_is_the_beta_when_noise_never_fires():
    learner = AlphaTouchLabelError()
    calm = simulate(TRUTH, 900.0, seed=4)
    a, b = (x.posterior(run(x, calm)) for x in (BUNDLED["AlphaTouch"](), learner))
    assert a.mean() == pytest.approx(b.mean(), abs=2e-3)


def test_moments_add_exactly():
    x = np.random.default_rng(0).normal(1e6, 1.0, 1000)
    whole, parts = Moments().add(x), Moments().add(x[:300]).add(x[300:301]).add(x[301:])
    assert parts.mean == pytest.approx(whole.mean, rel=1e-15)
    assert parts.m2 == pytest.approx(((x - x.mean()) ** 2).sum(), rel=1e-9)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nowhere", "package.module:Class"),
        ("nowhere:Thing", "cannot load"),
        ("mmresearch.learn:Nothing", "cannot load"),
        ("mmresearch.tape.schema:TapeMeta", "is not a learner: it lacks parameter"),
    ],
)
def test_bad_learner_paths_say_what_is_wrong(path, said):
    with pytest.raises(LearnerError, match=said):
        load_learner(path)
