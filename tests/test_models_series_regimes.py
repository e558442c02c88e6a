"""Hidden regimes: the forward algorithm is the sum over every path, in both backends, and reads what the learner reads.

The oracles are written here with numpy and scipy alone.
"""

from __future__ import annotations

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import series_tapes as made
from scipy import optimize, special, stats
from test_models_series import Pair, agree, seconds, small_series

import mmresearch as mm
import mmresearch.models.numpyro as in_numpyro
import mmresearch.models.pymc as in_pymc
from mmresearch.learn import RegimeStickiness
from mmresearch.learn.sound.hidden_markov import log_likelihood
from mmresearch.learn.sound.regimes import observed
from mmresearch.models.data import EvidenceError
from mmresearch.models.numpyro.regimes import regime_log_likelihood
from mmresearch.models.pymc.chain_kernels import hidden_regimes
from mmresearch.models.series import LEAST_RETURN, RegimeSeries, regime_series, series_evidence
from mmresearch.models.series_centring import regime_weights

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:.*os.fork.*:RuntimeWarning"
)

STATES = (2, 3, 4)


def short(n: int, seed: int = 5) -> RegimeSeries:
    """A series cut to n rows: with a gap of two seconds, of three, and a new start."""
    s = seconds(np.random.default_rng(seed), "A", 8)
    return dataclasses.replace(s, gap_s=s.gap_s[:n], returns=s.returns[:n], log_spread=s.log_spread[:n])


def emissions(states: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Parameters of one asset: probability of staying, levels in order, scatter beyond rounding, share of jumps."""
    rng = np.random.default_rng(seed)
    levels = [np.sort(rng.normal(size=(1, states)), axis=1) * scale for scale in (1.0, 0.3)]
    return {"stay": np.array([0.9]), "log_sd": levels[0], "mean": levels[1], "own": np.array([0.2]),
            "jumps": np.array([0.03])}  # fmt: skip


def densities(s: RegimeSeries, at) -> np.ndarray:
    """Density of each row in each regime; shape (n, K)."""
    x, y = s.returns[:, None], s.log_spread[:, None]
    size = (1 - at["jumps"]) * stats.norm.pdf(x, scale=np.hypot(np.exp(at["log_sd"]), s.least_return))
    size = size + at["jumps"] * stats.norm.pdf(x, scale=s.jump)
    return size * stats.norm.pdf(y, at["mean"], np.hypot(at["own"], s.least_sd))


def every_path(s: RegimeSeries, at) -> float:
    """Log of the sum over all sequences of regimes, in exponential time."""
    states = at["log_sd"].shape[1]
    step = np.full((states, states), (1 - at["stay"][0]) / (states - 1))
    np.fill_diagonal(step, at["stay"][0])
    laws = [np.full((states, states), 1 / states) if np.isinf(g) else np.linalg.matrix_power(step, int(g))
            for g in s.gap_s]  # fmt: skip
    row = densities(s, at)
    paths = itertools.product(range(states), repeat=s.gap_s.size)
    return float(np.log(sum(np.prod([laws[t][path[t - 1], k] * row[t, k] for t, k in enumerate(path)])
                            for path in paths)))  # fmt: skip


def by_kernel(series, at):
    """Value and gradients of the compiled recursion, in its own parameters."""
    least = np.array([s.least_sd for s in series])
    rows = [np.concatenate([getattr(s, k) for s in series]) for k in ("gap_s", "returns", "log_spread")]
    start = np.cumsum([0, *(s.gap_s.size for s in series)])
    rounding = np.array([[s.least_return] for s in series])
    log_sd = np.log(np.hypot(np.exp(at["log_sd"]), rounding))
    free = (at["stay"], log_sd, at["mean"], np.hypot(at["own"], least), at["jumps"])
    return free, lambda *p: hidden_regimes(*p, *rows, np.array([s.jump for s in series]), start)


def by_jax(series, at) -> np.ndarray:
    with jax.enable_x64(True):
        given = special.logit(at["stay"]), at["log_sd"], at["mean"], np.log(at["own"]), at["jumps"]
        return np.asarray(regime_log_likelihood(series)(*(jnp.asarray(x) for x in given)))


def repeated(at, n: int):
    return {k: np.repeat(v, n, axis=0) for k, v in at.items()}


@pytest.mark.parametrize("stay", [0.9, 0.999, 0.15])
@pytest.mark.parametrize("states", STATES)
def test_the_forward_algorithm_is_the_sum_over_every_path(states, stay):
    """Also where a regime is left more often than not; over one row, an odd number of them and an even one."""
    series = [short(n) for n in (1, 5, 7, 8 if states < 4 else 6)]
    at = {**emissions(states), "stay": np.array([stay])}
    slow = np.array([every_path(s, at) for s in series])
    many = repeated(at, len(series))
    np.testing.assert_allclose(by_jax(series, many), slow, rtol=1e-11)
    free, kernel = by_kernel(series, many)
    assert kernel(*free)[0] == pytest.approx(slow.sum(), rel=1e-11)


@pytest.mark.parametrize("states", STATES)
def test_the_gradient_by_hand_is_that_of_finite_differences(states):
    series = [seconds(np.random.default_rng(i), "A", n) for i, n in enumerate((40, 25))]
    free, kernel = by_kernel(series, repeated(emissions(states), 2))
    slopes = kernel(*free)[1:]
    for place, (x, slope) in enumerate(zip(free, slopes, strict=True)):
        for index in np.ndindex(x.shape):

            def moved(by, place=place, index=index):
                shifted = [y.copy() for y in free]
                shifted[place][index] += by
                return float(kernel(*shifted)[0])

            h = 1e-4 * x[index]
            # Five points: an error of the fourth power of the step.
            found = (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h)
            assert slope[index] == pytest.approx(found, rel=1e-6, abs=1e-7), (place, index)


def test_names_of_regimes_do_not_matter_and_regimes_alike_are_one():
    series, at = [short(8)], emissions(3)
    value = by_jax(series, at)[0]
    other = {**at, "log_sd": at["log_sd"][:, [2, 0, 1]], "mean": at["mean"][:, [2, 0, 1]]}
    free, kernel = by_kernel(series, other)
    assert by_jax(series, other)[0] == pytest.approx(value, rel=1e-12)
    assert kernel(*free)[0] == pytest.approx(value, rel=1e-12)
    same = {**at, "log_sd": np.zeros((1, 3)), "mean": np.zeros((1, 3))}
    alone = np.log(densities(series[0], same)[:, 0]).sum()
    free, kernel = by_kernel(series, same)
    assert by_jax(series, same)[0] == pytest.approx(alone, rel=1e-12)
    assert kernel(*free)[0] == pytest.approx(alone, rel=1e-12)
    assert kernel(*free)[1] == pytest.approx(0.0, abs=1e-9)


def test_a_new_start_cuts_a_series_in_two():
    s, at = seconds(np.random.default_rng(2), "A", 20), emissions(2)
    halves = [dataclasses.replace(s, **{k: getattr(s, k)[part] for k in ("gap_s", "returns", "log_spread")})
              for part in (slice(0, 10), slice(10, 20))]  # fmt: skip
    assert np.isinf(halves[1].gap_s[0])
    assert by_jax([s], at)[0] == pytest.approx(by_jax(halves, repeated(at, 2)).sum(), rel=1e-12)


def test_a_row_that_rules_a_regime_out_leaves_value_and_slopes_as_they_are():
    """A spread a hundred sds from one regime: its density is zero in double precision, and so is its say."""
    s, at = short(8), {**emissions(2), "mean": np.array([[0.0, 30.0]])}
    s.log_spread[4] = 30.0
    free, kernel = by_kernel([s], at)
    value, *slopes = kernel(*free)
    assert value == pytest.approx(every_path(s, at), rel=1e-11)
    assert by_jax([s], at)[0] == pytest.approx(value, rel=1e-12)
    assert all(np.isfinite(slope).all() for slope in slopes)
    moved = [kernel(free[0], free[1], free[2] + np.array([[0.0, h]]), *free[3:])[0] for h in (1e-5, -1e-5)]
    assert slopes[2][0, 1] == pytest.approx((moved[0] - moved[1]) / 2e-5, rel=1e-6, abs=1e-6)


def test_returns_too_large_for_any_density_are_jumps():
    """A thousand typical returns: Normal densities are zero in double precision, their logarithms are not."""
    s = short(8)
    s.returns[[1, 5]] = 1e3, -400.0
    at = emissions(2)
    free, kernel = by_kernel([s], at)
    value, *slopes = kernel(*free)
    expected = sum(stats.norm.logpdf(x, scale=6.0) + np.log(0.03) for x in (1e3, -400.0))
    assert value == pytest.approx(expected, rel=1e-2)
    assert value == pytest.approx(by_jax([s], at)[0], rel=1e-12)
    assert all(np.isfinite(x).all() for x in slopes)


# The models --------------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("states", [3, 4])
def test_backends_agree_on_more_regimes(states):
    agree(Pair("regime_sticky_diagonal", states=states))


@pytest.mark.parametrize("backend", [in_pymc, in_numpyro])
@pytest.mark.parametrize("states", [1, 5, 2.5])
def test_other_numbers_of_regimes_are_refused(backend, states):
    with pytest.raises(EvidenceError, match="states must be 2, 3 or 4, got"):
        backend.regime_sticky_diagonal(small_series(), states=states)


def test_regimes_are_known_by_their_order():
    """Whatever the point, sds and means rise from regime to regime."""
    model = in_pymc.regime_sticky_diagonal(small_series(), states=4)
    assert model["rise"].eval().min() > 0
    assert model["widen"].eval().min() > 0
    assert model.coords["step"] == (1, 2, 3)


def test_the_more_seconds_the_more_centred():
    weight = regime_weights(small_series())
    assert weight[0] > weight[1] > weight[2]
    long = dataclasses.replace(
        small_series(), regimes=tuple(dataclasses.replace(short(8), gap_s=np.ones(n)) for n in (0, 400, 10_000))
    )
    none, some, many = regime_weights(long)
    assert none < 0.01
    assert 0.3 < some < 0.7
    assert many > 0.95


# What the learner saw ----------------------------------------------------------------------------------------------


def test_seconds_are_those_of_the_learner():
    """Its likelihood and ours differ by a constant, at any probability of staying and any emissions."""
    tape = mm.example(features=True)[0]
    learner = RegimeStickiness()
    theirs, s = observed(learner.update(learner.init(), tape)), regime_series(tape)
    assert s.gap_s.size == theirs.returns.size
    gaps = []
    for seed, stay in ((1, 0.9), (2, 0.99), (3, 0.6)):
        at = {**emissions(2, seed), "stay": np.array([stay])}
        free, kernel = by_kernel([s], at)
        sd = np.hypot(np.exp(at["log_sd"][0]), s.least_return) * s.typical_bps
        median = np.median(theirs.log_spread)
        row = np.array([*sd, *(at["mean"][0] + median), np.hypot(at["own"][0], s.least_sd), at["jumps"][0]])
        gaps.append(float(kernel(*free)[0]) - log_likelihood(theirs, stay, row))
    assert np.ptp(gaps) < 1e-6
    assert gaps[0] == pytest.approx(s.gap_s.size * (np.log(s.typical_bps) - np.log(2 * np.pi)), rel=1e-9)


def test_returns_are_known_to_the_rounding_of_quotes():
    """Bid and ask of two seconds, each rounded for itself: a tick over the root of twelve, in typical returns."""
    rng = np.random.default_rng(4)
    tape = made.regimes(rng, 0.9, 3.0, 1.5, 300)
    coarse = dataclasses.replace(tape, meta=dataclasses.replace(tape.meta, tick=0.05))
    s, mid = regime_series(coarse), float(np.median((tape.quotes["bid"] + tape.quotes["ask"]) / 2))
    errors = rng.uniform(-0.5, 0.5, (4, 100_000)) * 0.05
    seen = ((errors[0] + errors[1]) / 2 - (errors[2] + errors[3]) / 2).std() / mid * 1e4 / s.typical_bps
    assert s.least_return == pytest.approx(seen, rel=0.02)
    unknown = dataclasses.replace(tape, meta=dataclasses.replace(tape.meta, tick=None))
    assert regime_series(unknown).least_return == LEAST_RETURN


def test_a_mid_that_stands_still_now_and_then_is_no_regime_of_its_own():
    """Without rounding a tenth of zeros is told an sd of e^-20: the optimum is held to the law of the others."""
    rng = np.random.default_rng(6)
    lively = np.cumsum(rng.random(1000) < 0.05) % 2
    returns = rng.normal(size=1000) * np.exp(lively - 0.5) * (rng.random(1000) > 0.1)
    gap = np.where(np.arange(1000) == 0, np.inf, 1.0)
    spread = 0.3 * lively + 0.1 * rng.normal(size=1000)
    s = RegimeSeries("A", gap, returns, spread, 1.5, 6.0, 0.02, 0.1)
    at = {"stay": np.array([0.95]), "mean": np.array([[0.0, 0.3]]), "own": np.array([0.1]), "jumps": np.array([0.02])}

    levels = (-20.0, -10.0, -3.0, -0.5)
    heights = {c: float(by_jax([s], {**at, "log_sd": np.array([[c, 0.5]])})[0]) for c in levels}
    assert heights[-0.5] > heights[-3.0]
    assert heights[-20.0] == pytest.approx(heights[-10.0], abs=0.1)


def test_a_mid_that_never_moves_has_no_seconds_and_a_long_series_is_cut():
    rng = np.random.default_rng(3)
    assert regime_series(made.walk(rng, 0.0, 100, 1)).gap_s.size == 0
    tape = made.regimes(rng, 0.9, 3.0, 1.5, 300)
    cut, whole = regime_series(tape, 50), regime_series(tape)
    assert (cut.gap_s.size, np.isinf(cut.gap_s).sum()) == (50, 1)
    np.testing.assert_allclose(cut.returns * cut.typical_bps, whole.returns[-50:] * whole.typical_bps, rtol=1e-12)
    assert series_evidence(tape, 50).regimes[0].gap_s.size == 50


def test_the_likelihood_of_ten_thousand_seconds_peaks_at_the_truth():
    """Two assets; within four standard errors, from the curvature."""
    rng = np.random.default_rng(4)
    series = [regime_series(made.regimes(rng, stay, 3.0, 1.5, 10_000)) for stay in (0.9, 0.98)]
    at = {"stay": np.full(2, 0.95), "log_sd": np.tile([-0.4, 0.6], (2, 1)), "mean": np.tile([-0.2, 0.2], (2, 1)),
          "own": np.full(2, 0.1), "jumps": np.full(2, 0.01)}  # fmt: skip
    free, kernel = by_kernel(series, at)
    sizes = np.cumsum([x.size for x in free])[:-1]

    def natural(z):
        parts = [p.reshape(x.shape) for p, x in zip(np.split(z, sizes), free, strict=True)]
        return [special.expit(parts[0]), parts[1], parts[2], np.exp(parts[3]), special.expit(parts[4])]

    def down(z):
        p = natural(z)
        value, stay, log_sd, mean, scatter, jumps = kernel(*p)
        slopes = stay * p[0] * (1 - p[0]), log_sd, mean, scatter * p[3], jumps * p[4] * (1 - p[4])
        return -float(value), -np.concatenate([s.ravel() for s in slopes])

    begin = np.concatenate(
        [special.logit(free[0]), free[1].ravel(), free[2].ravel(), np.log(free[3]), special.logit(free[4])]
    )
    found = optimize.minimize(down, begin, jac=True, method="L-BFGS-B", bounds=[(-12, 12)] * begin.size)
    for i, truth in enumerate(special.logit([0.9, 0.98])):
        h = 0.02
        bend = (down(found.x + h * np.eye(begin.size)[i])[1] - down(found.x - h * np.eye(begin.size)[i])[1])[i] / (
            2 * h
        )
        assert abs(found.x[i] - truth) < 4 / np.sqrt(bend)
        assert 1 / np.sqrt(bend) < 0.1
    levels = natural(found.x)[1]
    np.testing.assert_allclose(np.diff(levels, axis=1), np.log(3.0), atol=0.06)
