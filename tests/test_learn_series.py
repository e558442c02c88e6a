"""Laws of the learners of series and signals: slices equal the whole, silence says nothing, brute force agrees."""

from __future__ import annotations

import itertools
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import series_tapes as make
from scipy import integrate, special, stats

from mmresearch.audit.accounting import silence
from mmresearch.audit.exactness import belief_faults
from mmresearch.belief.catalogue import CATALOGUE, prior
from mmresearch.learn.contract import Learner, run
from mmresearch.learn.sound.cascade import EDGES, CascadeState, CascadeThreshold
from mmresearch.learn.sound.decay import MicropriceDecay
from mmresearch.learn.sound.floor import Moments
from mmresearch.learn.sound.hawkes import HawkesAlpha, HawkesBeta, HawkesMu
from mmresearch.learn.sound.hazard import HazardRate
from mmresearch.learn.sound.levels import KalmanQ, KalmanR, wide_about
from mmresearch.learn.sound.location import ChangepointBias, SkewSlope
from mmresearch.learn.sound.moves import MoveScale
from mmresearch.learn.sound.regimes import RegimeStickiness
from mmresearch.learn.sound.toxic import ToxicHours, ToxicState
from mmresearch.sim.population import population
from mmresearch.sim.worlds import simulate
from mmresearch.tape.faults import SliceOrderError
from mmresearch.tape.schema import Tape

LEARNERS = (
    SkewSlope, ChangepointBias, HazardRate, MoveScale, ToxicHours, CascadeThreshold, KalmanQ, KalmanR, MicropriceDecay,
    RegimeStickiness, HawkesMu, HawkesAlpha, HawkesBeta,
)  # fmt: skip
SIGNALS = {SkewSlope: "momentum", ChangepointBias: "changepoint", HazardRate: "changepoint",
           CascadeThreshold: "open_interest"}  # fmt: skip
SECONDS = 1800.0


def busy_tape() -> Tape:
    """A simulated market with every signal, across a change of hour into a toxic one."""
    plain = simulate(population(1, 3)[0], SECONDS, seed=3)
    rng = np.random.default_rng(0)
    n = int(SECONDS)
    signals = pd.DataFrame({"ts": np.arange(n).astype(float), "momentum": rng.normal(size=n)})
    signals["changepoint"] = (rng.random(n) < 0.02).astype(float)
    signals["open_interest"] = 1e6 * np.exp(np.cumsum(rng.normal(0.0, 2e-3, n)))
    signals.loc[rng.random(n) < 0.1, "momentum"] = np.nan
    # Six hours in, less a quarter: the second half of the tape is toxic.
    tables = {k: getattr(plain, k) for k in ("quotes", "trades", "orders", "fills")} | {"signals": signals}
    shift = 6 * 3600 - SECONDS / 2
    moved = {k: t.assign(**{c: t[c] + shift for c in ("ts", "placed", "removed") if c in t}) for k, t in tables.items()}
    return replace(plain, t0=shift, t1=shift + SECONDS, **moved)


TAPE = busy_tape()


def numbers(learner: Learner, state) -> np.ndarray:
    belief = learner.posterior(state)
    return np.array([belief.mean(), belief.std(), *belief.ppf(np.array([0.05, 0.5, 0.95]))])


def in_pieces(learner: Learner, tape: Tape, seed: int):
    """Feed a tape in random slices, some of no length, pickled now and then."""
    rng = np.random.default_rng(seed)
    cuts = np.sort(np.concatenate([rng.uniform(tape.t0, tape.t1, 30), np.floor(rng.uniform(tape.t0, tape.t1, 10))]))
    cuts = np.concatenate([[tape.t0], cuts, cuts[::7], [tape.t1]])
    state = learner.init()
    for a, b in itertools.pairwise(np.sort(cuts)):
        state = learner.update(pickle.loads(pickle.dumps(state)), tape.between(float(a), float(b)))
    return state


@pytest.mark.parametrize("kind", LEARNERS)
def test_it_is_a_learner_of_the_catalogue(kind):
    learner = kind()
    assert isinstance(learner, Learner)
    row = CATALOGUE[learner.parameter]
    assert row.kind == "learned"
    assert learner.name == kind.__name__
    if row.horizon_s is not None:
        assert learner.horizon_s == row.horizon_s


@pytest.mark.parametrize("kind", [k for k in LEARNERS if k is not HawkesAlpha])
def test_the_prior_is_the_catalogues(kind):
    learner = kind()
    mine, want = learner.posterior(learner.init()), prior(learner.parameter)
    # Grids start somewhere: .2 % of the prior decay of a Hawkes process lies below theirs, u_oi is in 2.3 % bins.
    p = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    np.testing.assert_allclose(mine.ppf(p), want.ppf(p), rtol=2e-3, atol=4e-3 * want.std())
    assert mine.mean() == pytest.approx(want.mean(), rel=3e-3)
    assert mine.std() == pytest.approx(want.std(), rel=5e-3)


@pytest.mark.parametrize("kind", LEARNERS)
@pytest.mark.parametrize("seed", [1, 2])
def test_cuts_and_pickling_change_nothing(kind, seed):
    learner = kind()
    whole = run(learner, TAPE)
    want = numbers(learner, whole)
    np.testing.assert_allclose(numbers(learner, in_pieces(learner, TAPE, seed)), want, rtol=1e-9)
    empty = learner.update(whole, TAPE.between(TAPE.t1, TAPE.t1))
    np.testing.assert_allclose(numbers(learner, empty), want, rtol=1e-12)
    assert not np.allclose(want, numbers(learner, learner.init()), rtol=1e-3, atol=0.0)


@pytest.mark.parametrize("kind", [k for k in LEARNERS if k not in (HazardRate, ToxicHours)])
def test_a_series_that_is_fed_twice_is_refused(kind):
    learner = kind()
    state = run(learner, TAPE)
    with pytest.raises(SliceOrderError, match="feed slices in order, each once"):
        learner.update(state, TAPE)


@pytest.mark.parametrize("kind", LEARNERS)
def test_silence_says_nothing(kind):
    """After pending moves came due, quotes that stand still teach nothing; of event times, exposure alone."""
    learner = kind()
    settled = learner.update(run(learner, TAPE), silence(TAPE, TAPE.t1, 700.0))
    before = numbers(learner, settled)
    after = numbers(learner, learner.update(settled, silence(TAPE, TAPE.t1 + 700.0, 1400.0)))
    if kind in (HawkesMu, HawkesAlpha, HawkesBeta):
        assert min(1 - after[1] / before[1], 1 - after[1] / after[0] * before[0] / before[1]) < 0.01
    else:
        np.testing.assert_allclose(after, before, rtol=1e-12)


@pytest.mark.parametrize(("kind", "column"), SIGNALS.items())
def test_a_missing_signal_is_no_evidence(kind, column):
    learner = kind()
    want = numbers(learner, learner.init())
    for signals in (None, TAPE.signals.drop(columns=column), TAPE.signals.assign(**{column: np.nan})):
        got = numbers(learner, run(learner, replace(TAPE, signals=signals), 100.0))
        np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("kind", [MoveScale, CascadeThreshold, KalmanQ, KalmanR, MicropriceDecay, RegimeStickiness])
def test_a_mirrored_tape_says_the_same(kind):
    learner = kind()
    want = numbers(learner, run(learner, TAPE))
    got = numbers(learner, run(learner, TAPE.mirrored()))
    np.testing.assert_allclose(got, want, atol=1e-3 * want[1])


@pytest.mark.parametrize("kind", LEARNERS)
def test_a_predictive_is_a_distribution(kind):
    learner = kind()
    if not hasattr(learner, "predictive"):
        assert kind in (HawkesMu, HawkesAlpha, HawkesBeta, RegimeStickiness)
        return
    law = learner.predictive(run(learner, TAPE))
    x = np.asarray(law.ppf(np.array([0.1, 0.5, 0.9])))
    assert np.all(np.diff(x) >= 0)
    assert np.all(np.asarray(law.cdf(x)) >= np.array([0.1, 0.5, 0.9]) - 1e-6)


# What each learner says, against brute force.


def grid_moments(x, log_density):
    mass = np.exp(log_density - log_density.max())
    total = integrate.trapezoid(mass, x)
    mean = integrate.trapezoid(mass * x, x) / total
    return mean, np.sqrt(integrate.trapezoid(mass * (x - mean) ** 2, x) / total)


def test_skew_is_the_regression_with_its_noise_integrated_out():
    tape = make.drift_to_momentum(np.random.default_rng(1), 1.0, 1.5, 400)
    learner = SkewSlope()
    belief = learner.posterior(run(learner, tape, 33.0))
    mid = 0.5 * (tape.quotes["bid"] + tape.quotes["ask"]).to_numpy()
    y, x = np.diff(np.log(mid)) * 1e4, tape.signals["momentum"].to_numpy()[:400:10]
    design = np.column_stack([np.ones(x.size), x])

    def log_density(b):
        # The intercept by least squares at every b; noise variance by quadrature over its logarithm.
        e = y - b * x
        rss = float(((e - e.mean()) ** 2).sum())
        u = np.linspace(-3, 9, 1500)
        log = -0.5 * (y.size - 1) * u - 0.5 * rss * np.exp(-u) - learner.shape * u - 25 * learner.shape * np.exp(-u)
        return special.logsumexp(log) + stats.norm.logpdf(b, 2.0, 0.5)

    assert design.shape == (40, 2)
    b = np.linspace(-1, 4, 400)
    mean, sd = grid_moments(b, np.array([log_density(v) for v in b]))
    assert (belief.mean(), belief.std()) == pytest.approx((mean, sd), rel=1e-3)


def test_a_bias_is_measured_in_quiet_sigmas_and_overlaps_do_not_count():
    rng = np.random.default_rng(2)
    tape = make.changes(rng, 0.01, 3.0, 2.0, 20_000)
    learner = ChangepointBias(mean=0.0, sd=50.0)
    state = run(learner, tape, 777.0)
    at = tape.signals["ts"][tape.signals["changepoint"] > 0].to_numpy()
    lone = np.array([np.sum(np.abs(at - t) <= 10.0) == 1 for t in at]) & (at > 200)
    assert lone.sum() <= state.moves.n <= lone.sum() + 3  # a few came in the first 200 s
    assert np.sqrt(state.squares_bps2 / state.quiet) == pytest.approx(2.0, rel=0.02)
    belief = learner.posterior(state)
    assert belief.mean() == pytest.approx(3.0, abs=3 * belief.std())
    assert belief.std() == pytest.approx(1 / np.sqrt(state.moves.n), rel=0.2)


def test_the_hazard_counts_the_run_that_is_under_way():
    ts = np.arange(1000.0)
    signals = pd.DataFrame({"ts": ts, "changepoint": np.isin(ts, [100.0, 300.0]).astype(float)})
    tape = make.tape(make.quotes(ts, np.zeros(1000)), 1000)
    learner = HazardRate()
    belief = learner.posterior(run(learner, replace(tape, signals=signals)))
    assert (belief.shape, belief.rate) == (3.0, 250.0 + 999.0)
    # The same reports three times as far apart: the rate is a third. A pause of the detector is no exposure.
    slow = learner.posterior(run(learner, replace(tape, t1=3000.0, signals=signals.assign(ts=3 * ts))))
    assert slow.rate == 250.0 + 3 * 999.0
    gone = signals.assign(changepoint=signals["changepoint"].where((ts < 500) | (ts > 800)))
    assert learner.posterior(run(learner, replace(tape, signals=gone), 50.0)).rate == 250.0 + 999.0 - 301.0


def test_the_scale_sees_moves_over_whole_minutes():
    tape = make.walk(np.random.default_rng(3), 3.0, 3601, 1.0)
    state = run(MoveScale(), tape, 47.0)
    mid = 0.5 * (tape.quotes["bid"] + tape.quotes["ask"]).to_numpy()[::60]
    assert state.n == 60
    moves = np.diff(np.log(mid)) * 1e4
    assert state.squares_bps2 == pytest.approx(float(moves @ moves))
    s = np.linspace(10.0, 50.0, 2000)
    log = stats.norm.logpdf(moves[:, None], 0.0, s).sum(axis=0) + stats.gamma.logpdf(s, 4, scale=5)
    belief = MoveScale().posterior(state)
    assert (belief.mean(), belief.std()) == pytest.approx(grid_moments(s, log), rel=2e-3)
    law = MoveScale().predictive(state)
    assert law.std() == pytest.approx(np.hypot(belief.mean(), belief.std()), rel=5e-3)


def test_the_ratio_is_that_of_two_means_each_of_its_own_variance():
    rng = np.random.default_rng(4)
    normal, toxic = rng.normal(4.0, 5.0, 60), rng.normal(9.0, 11.0, 25)
    hours = [Moments()] * 24
    hours[3], hours[5], hours[7] = Moments().add(normal[:20]), Moments().add(normal[20:]), Moments().add(toxic)
    learner = ToxicHours()
    belief = learner.posterior(ToxicState(hours=tuple(hours)))

    def log_t(x, mean):
        rest = ((x - mean[..., None]) ** 2).sum(axis=-1)
        return -(2.0 + x.size / 2) * np.log(36.0 + 0.5 * rest)

    m, c = np.linspace(0.3, 7.0, 600), np.linspace(0.01, 14.0, 1200)
    log = stats.norm.logpdf(c, 5, 2) + log_t(normal, c) + log_t(toxic, np.multiply.outer(m, c))
    mean, sd = grid_moments(m, special.logsumexp(log, axis=1) + prior("toxic_hour_gamma_mult").logpdf(m))
    assert (belief.mean(), belief.std()) == pytest.approx((mean, sd), rel=2e-3)


def test_fills_go_to_the_hour_in_which_they_happened():
    state = run(ToxicHours(), TAPE, 100.0)
    toxic, normal = ToxicHours().groups(state)
    assert toxic.n > 20
    assert normal.n > 20
    assert {h for h, m in enumerate(state.hours) if m.n} == {5, 6}
    dear, cheap = ToxicHours().predictive(state, hour=6), ToxicHours().predictive(state, hour=0)
    assert cheap.mean() == pytest.approx(normal.mean, abs=0.5)
    assert dear.mean() > cheap.mean()
    with pytest.raises(ValueError, match="not all"):
        ToxicHours(hours=tuple(range(24)))


def test_the_threshold_is_a_change_point_with_both_rates_integrated_out():
    rng = np.random.default_rng(5)
    # Few falls, and as many bad ones after the smallest: which rate is the larger must be part of the model.
    size = 0.03 * np.exp(0.7 * rng.normal(size=16))
    bad = (size > 0.03) | (size < np.quantile(size, 0.3))
    learner = CascadeThreshold()
    bins = np.searchsorted(EDGES, size, side="left")
    state = CascadeState(bad=np.bincount(bins[bad], minlength=401), total=np.bincount(bins, minlength=401))
    u = np.linspace(1e-4, 0.2, 900)
    p = np.linspace(0.0005, 0.9995, 400)

    def log_likelihood(v):
        low = p[:, None] ** bad[size <= v].sum() * (1 - p[:, None]) ** (~bad[size <= v]).sum()
        high = p ** bad[size > v].sum() * (1 - p) ** (~bad[size > v]).sum()
        return np.log((low * high * (p[:, None] < p)).sum())

    log = stats.beta.logpdf(u, 2, 98) + np.array([log_likelihood(v) for v in u])
    mean, sd = grid_moments(u, log)
    belief = learner.posterior(state)
    assert belief.mean() == pytest.approx(mean, rel=0.02)
    assert belief.std() == pytest.approx(sd, rel=0.04)


def test_falls_are_paired_with_the_minute_after():
    tape = make.falls(np.random.default_rng(6), 0.02, 0.0, 0.0, 200)
    state = run(CascadeThreshold(), tape, 130.0)
    assert state.total.sum() == pytest.approx(100, abs=1)
    large = np.append(EDGES, 1.0) > 0.021
    np.testing.assert_array_equal(state.bad[large], state.total[large])
    assert state.bad[np.append(EDGES, 1.0) < 0.019].sum() == 0


def joint_level(y, ts, q, r):
    """Log density of noisy levels as one Gaussian, the start known up to a flat constant: of differences."""
    n = y.size
    noise = r * (np.eye(n - 1, n, 1) - np.eye(n - 1, n)) @ (np.eye(n - 1, n, 1) - np.eye(n - 1, n)).T
    return stats.multivariate_normal(np.zeros(n - 1), noise + q * np.diag(np.diff(ts))).logpdf(np.diff(y))


def test_the_levels_are_a_joint_gaussian():
    rng = np.random.default_rng(7)
    tape = make.level(rng, 2e-8, 3e-9, 40)
    seconds = tape.quotes.groupby(np.ceil(tape.quotes["ts"])).last()
    seen = seconds[seconds.index <= 39]
    ts = seen["ts"].to_numpy()
    y = np.log(0.5 * (seen["bid"] + seen["ask"])).to_numpy()
    lq, lr = np.linspace(np.log(1e-9), np.log(2e-7), 50), np.linspace(np.log(2e-11), np.log(2e-8), 50)
    log = np.array([[joint_level(y, ts, np.exp(a), np.exp(b)) for b in lr] for a in lq])
    q, r = prior("kalman_q"), prior("kalman_r")
    for learner, axis, grid, of_q, of_r in (
        (KalmanQ(), 1, lq, q, wide_about(2.5e-9)),
        (KalmanR(), 0, lr, wide_about(1e-8), r),
    ):
        both = log + of_q.logpdf(np.exp(lq))[:, None] + lq[:, None] + of_r.logpdf(np.exp(lr)) + lr
        marginal = special.logsumexp(both, axis=axis) - grid
        mean, sd = grid_moments(np.exp(grid), marginal)
        belief = learner.posterior(run(learner, tape, 7.0))
        assert (belief.mean(), belief.std()) == pytest.approx((mean, sd), rel=3e-3)


def test_no_price_is_foretold_before_one_was_seen():
    with pytest.raises(ValueError, match="where prices start"):
        KalmanQ().predictive(KalmanQ().init())


def test_the_decay_is_that_of_an_ornstein_uhlenbeck_process_at_its_quotes():
    tape = make.lead(np.random.default_rng(8), 0.9, 0.5, 300)
    learner = MicropriceDecay(a=9.0, b=1.0)
    seconds = tape.quotes.groupby(np.ceil(tape.quotes["ts"])).last()
    seen = seconds[seconds.index <= 299]
    micro = (seen["bid"] * seen["ask_sz"] + seen["ask"] * seen["bid_sz"]) / (seen["bid_sz"] + seen["ask_sz"])
    mid = 0.5 * (seen["bid"] + seen["ask"])
    x, gap = ((micro - mid) / mid * 1e4).to_numpy(), np.diff(seen["ts"].to_numpy())
    phi = np.linspace(0.6, 0.999, 500)
    left = 1 - phi[:, None] ** (2 * gap)
    squares = ((x[1:] - phi[:, None] ** gap * x[:-1]) ** 2 / left).sum(axis=1)
    log = stats.beta.logpdf(phi, 9, 1) - 0.5 * np.log(left).sum(axis=1)
    log -= (learner.shape + 0.5 * gap.size) * np.log(learner.shape * learner.sd_bps**2 + 0.5 * squares)
    mean, sd = grid_moments(phi, log)
    belief = learner.posterior(run(learner, tape, 7.0))
    assert (belief.mean(), belief.std()) == pytest.approx((mean, sd), rel=2e-3)


@pytest.mark.parametrize("kind", LEARNERS)
def test_a_belief_is_one_distribution(kind):
    learner = kind()
    for state in (learner.init(), run(learner, TAPE)):
        faults = belief_faults(learner.posterior(state), np.random.default_rng(0))
        assert max(faults.values()) < 1.0, faults


@pytest.mark.parametrize("kind", [MoveScale, CascadeThreshold, KalmanQ, KalmanR, MicropriceDecay, RegimeStickiness])
def test_prices_in_other_units_change_nothing(kind):
    learner = kind()
    np.testing.assert_allclose(
        numbers(learner, run(learner, TAPE.scaled(price=7.0))), numbers(learner, run(learner, TAPE)), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("learner", "tape"),
    [
        (KalmanQ(), make.level(np.random.default_rng(20), 2e-8, 3e-9, 4000)),
        (KalmanR(), make.level(np.random.default_rng(21), 2e-8, 3e-8, 4000)),
        (MicropriceDecay(a=1.0, b=1.0), make.lead(np.random.default_rng(22), 0.9, 0.5, 4000)),
        (RegimeStickiness(), make.regimes(np.random.default_rng(23), 0.97, 3.0, 1.5, 4000)),
    ],
)
def test_time_in_other_units_moves_it_by_the_power_of_its_row(learner, tape):
    row = CATALOGUE[learner.parameter]
    base = learner.posterior(run(learner, tape)).mean()
    slow = learner.posterior(run(learner, tape.scaled(time=3.0))).mean()
    want = row.scaled(base, time=3.0)
    moved, asked = (-np.log([slow, want])) if row.scaled_as == "rate" else (slow, want)
    assert np.log(moved / asked) / np.log(3.0) == pytest.approx(0.0, abs=0.1)
