"""Laws of forgetting for learners of series and of rare events: a decayed state is a likelihood raised to a power."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import series_tapes as make

from mmresearch.belief.gamma import Gamma
from mmresearch.learn.contract import run
from mmresearch.learn.readiness.forgetting import Fading, Forgetting
from mmresearch.learn.sound.cascade import CascadeThreshold
from mmresearch.learn.sound.decay import MicropriceDecay
from mmresearch.learn.sound.hawkes import HawkesAlpha, HawkesBeta, HawkesMu
from mmresearch.learn.sound.hawkes_table import BETA
from mmresearch.learn.sound.hazard import HazardRate
from mmresearch.learn.sound.hidden_markov import log_likelihood, series_of
from mmresearch.learn.sound.levels import LOG_DET, SQUARES, KalmanQ, KalmanR
from mmresearch.learn.sound.location import ChangepointBias, SkewSlope
from mmresearch.learn.sound.moments import PairMoments
from mmresearch.learn.sound.moves import MoveScale
from mmresearch.learn.sound.regimes import SECONDS, RegimeStickiness
from mmresearch.learn.sound.toxic import ToxicHours
from mmresearch.sim.worlds import plain


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


#: Learner -> a tape that says something else than its prior does.
TAPES = {
    SkewSlope: make.drift_to_momentum(rng(), 1.0, 1.0, 600),
    ChangepointBias: make.changes(rng(), 0.01, 0.5, 1.0, 2000),
    HazardRate: make.changes(rng(), 0.03, 1.0, 1.0, 900),
    MoveScale: make.walk(rng(), 8.0, 3001, 60.0),
    CascadeThreshold: make.falls(rng(), 0.05, 0.05, 0.05, 120),
    MicropriceDecay: make.lead(rng(), 0.9, 0.5, 600),
    KalmanQ: make.level(rng(), 4e-8, 2.5e-9, 600),
    KalmanR: make.level(rng(), 1e-8, 8e-9, 600),
    RegimeStickiness: make.regimes(rng(), 0.8, 3.0, 1.5, 900),
    HawkesMu: make.flow(make.cluster(rng(), 1.5, 0.4, 1.0, 900), 900),
    HawkesAlpha: make.flow(make.cluster(rng(), 1.5, 0.5, 0.6, 900), 900),
    HawkesBeta: make.flow(make.cluster(rng(), 1.5, 0.5, 1.0, 900), 900),
    ToxicHours: plain("toxic_hour_gamma_mult", 3.0, 8 * 3600.0, 3),
}
STATES = {kind: run(kind(), tape) for kind, tape in TAPES.items()}


def numbers(kind, state) -> np.ndarray:
    belief = kind().posterior(state)
    return np.array([belief.mean(), belief.std(), *belief.ppf(np.array([0.05, 0.5, 0.95]))])


@pytest.mark.parametrize("kind", TAPES)
def test_states_declare_their_evidence(kind):
    assert isinstance(kind().init(), Fading)
    assert kind().init().events == 0
    assert STATES[kind].events > 10
    assert STATES[kind].decayed(0.5).events == pytest.approx(STATES[kind].events / 2, rel=1e-12)


@pytest.mark.parametrize("kind", TAPES)
def test_a_factor_of_one_changes_nothing(kind):
    np.testing.assert_allclose(numbers(kind, STATES[kind].decayed(1.0)), numbers(kind, STATES[kind]), rtol=1e-10)


@pytest.mark.parametrize("kind", TAPES)
def test_decays_compose(kind):
    twice, once = STATES[kind].decayed(0.5).decayed(0.25), STATES[kind].decayed(0.125)
    np.testing.assert_allclose(numbers(kind, twice), numbers(kind, once), rtol=1e-8)
    assert twice.events == pytest.approx(once.events, rel=1e-12)


@pytest.mark.parametrize("kind", TAPES)
def test_silence_returns_to_the_prior_and_widens_on_the_way(kind):
    prior = numbers(kind, kind().init())
    gaps = [np.max(np.abs(numbers(kind, STATES[kind].decayed(w)) - prior)) / prior[1] for w in (1.0, 1e-12, 1e-320)]
    assert gaps[0] > 0.3
    assert max(gaps[1:]) < 1e-3
    # Nearer to the prior, and less sure of what the data said.
    half = numbers(kind, STATES[kind].decayed(0.3))
    assert abs(half[0] - prior[0]) < abs(numbers(kind, STATES[kind])[0] - prior[0]) + 0.02 * prior[1]


@pytest.mark.parametrize("kind", TAPES)
def test_a_half_life_of_silence_halves_what_it_knows(kind):
    learner, tape = Forgetting(kind(), 0.3 * TAPES[kind].seconds, 10), TAPES[kind]
    state = run(learner, tape)
    later = tape.t1 + learner.half_life_s
    assert learner.events_at(state, later) == pytest.approx(learner.events_at(state) / 2, rel=1e-12)
    # Volatility is known a little later where quiet seconds fade, and a changepoint before that does not count.
    late = 1.0 if kind is ChangepointBias else 1e-9
    assert 0.0 <= STATES[kind].events - state.seen <= late


@pytest.mark.parametrize("kind", TAPES)
def test_cuts_do_not_matter_to_a_forgetting_learner(kind):
    learner, tape = Forgetting(kind(), 0.2 * TAPES[kind].seconds, 10), TAPES[kind]
    cut = [tape.t0, *np.sort(rng().uniform(tape.t0, tape.t1, 12)), tape.t1]
    state = learner.init()
    for a, b in pairwise(cut):
        state = learner.update(state, tape.between(float(a), float(b)))
    whole = run(learner, tape)
    np.testing.assert_allclose(numbers(kind, state.inner), numbers(kind, whole.inner), rtol=1e-7)
    assert state.age_s() == whole.age_s()


@pytest.mark.parametrize("kind", TAPES)
def test_nothing_is_forgotten_with_an_infinite_half_life(kind):
    endless = run(Forgetting(kind(), math.inf), TAPES[kind])
    np.testing.assert_allclose(numbers(kind, endless.inner), numbers(kind, STATES[kind]), rtol=1e-7)


# Each against its likelihood.


def test_a_forgotten_hazard_is_gamma_with_half_the_counts():
    belief, state = HazardRate().posterior(STATES[HazardRate].decayed(0.5)), STATES[HazardRate]
    assert belief == Gamma(1.0 + state.changes / 2, 250.0 + state.exposure_s / 2)


def test_forgotten_moves_keep_their_scale_and_pairs_their_slope():
    state, half = STATES[MoveScale], STATES[MoveScale].decayed(0.5)
    assert half.squares_bps2 / half.n == pytest.approx(state.squares_bps2 / state.n)
    x, y = rng().normal(size=(2, 50))
    full, less = PairMoments().add(x, y), PairMoments().add(x, y).decayed(0.5)
    assert less.slope().estimate == pytest.approx(full.slope().estimate)
    assert less.slope().information == pytest.approx(full.slope().information / 2)
    assert less.slope().residual == pytest.approx(full.slope().residual / 2)
    weights, more = np.repeat([0.5, 1.0], [50, 20]), rng(2).normal(size=(2, 20))
    both = less.add(*more)
    xs, ys = np.append(x, more[0]), np.append(y, more[1])
    assert both.xy == pytest.approx(np.cov(xs, ys, aweights=weights, ddof=0)[0, 1] * weights.sum())


def test_forgotten_pairs_never_have_less_than_no_freedom():
    assert PairMoments().add(*rng().normal(size=(2, 50))).decayed(1e-3).slope().freedom == 0.0


@pytest.mark.parametrize("kind", [KalmanQ, KalmanR])
def test_a_forgotten_level_is_a_likelihood_raised_to_a_power(kind):
    state, half = STATES[kind], STATES[kind].decayed(0.5)
    np.testing.assert_array_equal(half.filters[[LOG_DET, SQUARES]], state.filters[[LOG_DET, SQUARES]] / 2)
    np.testing.assert_array_equal(half.filters[:2], state.filters[:2])  # where the level is, and how well known
    assert (half.n, half.last_s, half.origin) == (state.n / 2, state.last_s, state.origin)


def test_a_forgotten_second_weighs_less_in_the_likelihood_of_regimes():
    returns, spread = rng().normal(0, 2, 60), rng(2).normal(-8, 0.2, 60)
    emissions = np.array([0.8, 2.5, -8.1, -7.9, 0.15, 0.03])
    series = series_of(np.ones(60), returns, spread, np.ones(60), 0.02)

    def value(weight):
        n = len(weight)
        rows = {"gap": np.ones(n), "returns": returns[:n], "log_spread": spread[:n], "weight": weight}
        return log_likelihood(series._replace(**rows), 0.9, emissions)

    # The rows after the first forty, given those.
    assert value(np.repeat([0.0, 1.0], [40, 20])) == pytest.approx(value(np.ones(60)) - value(np.ones(40)))
    assert value(np.full(60, 0.25)) == pytest.approx(0.25 * value(np.ones(60)))


def test_seconds_count_though_only_the_newest_are_kept():
    """Or age would grow while data come, once the series is full."""
    learner = RegimeStickiness()
    state = run(learner, make.regimes(rng(), 0.9, 3.0, 1.5, SECONDS + 200))
    assert len(state.series) == SECONDS
    assert state.events == SECONDS + 199
    assert len(state.decayed(1e-7).series) == 0


#: Stretches of a tape, and the weights that they have left after two decays by a quarter.
STRETCHES = ((0.0, 70.0, 0.0625), (70.0, 150.0, 0.25), (150.0, 200.0, 1.0))


def weighted_hawkes(times, mu, branching, beta):
    """Log likelihood with a weight for every moment, event by event and stretch by stretch."""
    value = 0.0
    for start, end, weight in STRETCHES:
        for u in times[(times >= start) & (times < end)]:
            value += weight * np.log(mu + branching * beta * np.exp(-beta * (u - times[times < u])).sum())
        born = times[times < end]
        passed = np.exp(-beta * np.maximum(start - born, 0.0)) - np.exp(-beta * (end - born))
        value -= weight * (mu * (end - start) + branching * passed.sum())
    return float(value)


@pytest.mark.parametrize(("mu", "branching", "k"), [(0.3, 0.5, 36), (1.2, 0.2, 40), (0.1, 0.8, 33)])
def test_forgotten_events_and_forgotten_time_are_those_of_the_weighted_likelihood(mu, branching, k):
    times = make.cluster(rng(), 0.5, 0.5, 0.4, 200)
    tape, state, beta = make.flow(times, 200), HawkesMu().init(), float(BETA[k])
    for start, end, _ in STRETCHES:
        state = HawkesMu().update(state.decayed(0.25), tape.between(start, end))
    got = state.likelihood()(np.log(mu), np.asarray(branching), np.log(beta))
    assert float(got) == pytest.approx(weighted_hawkes(times, mu, branching, beta), abs=0.01)


def test_excitation_and_whatever_else_waits_is_no_evidence():
    state = STATES[HawkesMu]
    np.testing.assert_array_equal(state.decayed(0.1).excitation, state.excitation)
    assert state.decayed(0.1).seen == state.seen
    for kind, what in ((SkewSlope, "resampler"), (ChangepointBias, "pending"), (MoveScale, "resampler"),
                       (CascadeThreshold, "resampler"), (ToxicHours, "follower"), (KalmanQ, "resampler")):  # fmt: skip
        assert getattr(STATES[kind].decayed(0.1), what) is getattr(STATES[kind], what)


def test_volatility_is_forgotten_with_the_moves_that_it_measures():
    state, half = STATES[ChangepointBias], STATES[ChangepointBias].decayed(0.5)
    assert (half.quiet, half.squares_bps2) == (state.quiet / 2, state.squares_bps2 / 2)
    assert (half.moves.n, half.moves.mean) == (state.moves.n / 2, state.moves.mean)


def test_a_base_rate_that_jumps_is_followed():
    """Half an hour at one rate, as long at another: the plain learner averages them, the forgetting one follows."""
    times = np.append(make.cluster(rng(3), 0.3, 0.3, 1.0, 1800), 1800 + make.cluster(rng(4), 1.2, 0.3, 1.0, 1800))
    tape = make.flow(times, 3600)
    plain_one, forgetting = HawkesMu(), Forgetting(HawkesMu(), 300.0, cells=10)
    beliefs = [x.posterior(run(x, tape)) for x in (plain_one, forgetting)]
    misses = [abs(b.mean() - 1.2) / b.std() for b in beliefs]
    assert misses[0] > 5
    assert misses[1] < 3
