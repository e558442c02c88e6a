"""Laws of the bank: it is many scalar learners at once, however the events are batched, ordered or split."""

from __future__ import annotations

import dataclasses
import math
import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mmresearch as mm
from mmresearch.belief.beta import Beta
from mmresearch.belief.gamma import Gamma
from mmresearch.belief.inverse_gamma import InverseGamma
from mmresearch.belief.lognormal import LogNormal
from mmresearch.belief.normal import Normal, NormalInverseGamma
from mmresearch.learn.bank.bank import Bank, BankError
from mmresearch.learn.contract import run
from mmresearch.learn.follow import FillFollower
from mmresearch.learn.sound.alpha import HORIZON_S, THRESHOLD_BPS, AlphaTouch
from mmresearch.learn.sound.floor import Moments, SpreadFloor
from mmresearch.tape.markouts import PendingMarkouts

REL = 1e-12
PRIORS = {
    "alpha_touch": Beta(2.0, 6.0),
    "kappa": Gamma(4.0, 0.002),
    "kalman_q": InverseGamma(10.0, 9.0),
    "spread_floor_bps": NormalInverseGamma(5.0, 9.0, 2.5, 36.0),
    "proactive_skew_sensitivity": Normal(2.0, 0.25),
    "toxic_hour_gamma_mult": LogNormal(0.65, 0.0862),
}
NAMES = list(PRIORS)
VARIANCE = {"proactive_skew_sensitivity": 1.7, "toxic_hour_gamma_mult": 0.04}
ASSETS = ["BTC", "ETH", "SOL"]


def bank(**kwargs) -> Bank:
    return Bank.across(ASSETS, PRIORS, observation_variance=VARIANCE, **kwargs)


def stream(seed: int, count: int, rows: int = len(ASSETS) * len(PRIORS)):
    """Random events for every family: rows, values, sizes."""
    rng = np.random.default_rng(seed)
    at = rng.integers(0, rows, count)
    size = rng.uniform(0.0, 3.0, count) * (rng.random(count) > 0.05)
    kind = at % len(PRIORS)
    level = rng.choice([1.0, 50.0])
    value = np.select(
        [kind == 0, kind == 1, kind == 5],
        [size * rng.random(count), rng.integers(0, 4, count).astype(float), rng.lognormal(0.6, 0.3, count)],
        level + rng.normal(0.0, 2.0, count),
    )
    return at, value, size


def scalar(row: int, at, value, size):
    """One row by the scalar families alone, from all of its events in exact arithmetic."""
    name = NAMES[row % len(NAMES)]
    prior, v, s = PRIORS[name], value[at == row], size[at == row]
    n = exact_sum(s)
    if name == "alpha_touch":
        failures = exact_sum(Fraction(b) - Fraction(a) for a, b in zip(v, s, strict=True))
        return prior.update(float(exact_sum(v)), float(failures))
    if name == "kappa":
        return prior.update(float(exact_sum(v)), float(n))
    if name == "kalman_q":
        squares = exact_sum(Fraction(b) * Fraction(a) ** 2 for a, b in zip(v, s, strict=True))
        return prior.update(float(n), float(squares))
    y = np.array([math.log(x) for x in v]) if name == "toxic_hour_gamma_mult" else v
    mean = exact_sum(Fraction(a) * Fraction(b) for a, b in zip(y, s, strict=True)) / n if n else Fraction(0)
    if name == "spread_floor_bps":
        m2 = exact_sum(Fraction(b) * (Fraction(a) - mean) ** 2 for a, b in zip(y, s, strict=True))
        return prior.update(float(n), float(mean), float(m2))
    return prior.update(float(n), float(mean), VARIANCE[name])


def exact_sum(numbers) -> Fraction:
    return sum((Fraction(x) for x in numbers), Fraction(0))


def numbers(belief) -> tuple[float, ...]:
    return dataclasses.astuple(belief)


def in_batches(start: Bank, events, cuts) -> Bank:
    for piece in np.split(np.arange(len(events[0])), sorted(cuts)):
        start = start.update(*(column[piece] for column in events))
    return start


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 120), st.lists(st.integers(0, 120), max_size=6))
def test_a_bank_is_its_scalar_learners_however_events_are_batched_and_ordered(seed, count, cuts):
    events = stream(seed, count)
    order = np.random.default_rng(seed + 1).permutation(count)
    learned = in_batches(bank(), events, cuts)
    shuffled = in_batches(bank(), tuple(column[order] for column in events), range(count))
    for row, key in enumerate(learned.keys):
        exact = scalar(row, *events)
        assert numbers(learned.belief(key)) == pytest.approx(numbers(exact), rel=REL)
        assert numbers(shuffled.belief(key)) == pytest.approx(numbers(exact), rel=REL)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_answers_are_those_of_the_scalar_beliefs(seed):
    learned = bank().update(*stream(seed, 300))
    beliefs = [learned.belief(key) for key in learned.keys]
    table = learned.to_frame(level=0.8)
    np.testing.assert_allclose(table["mean"], [b.mean() for b in beliefs], rtol=REL)
    np.testing.assert_allclose(table["sd"], [b.std() for b in beliefs], rtol=REL)
    np.testing.assert_allclose(table[["lower", "upper"]], [b.interval(0.8) for b in beliefs], rtol=REL)
    assert table["family"].tolist() == [type(b).__name__ for b in beliefs]
    np.testing.assert_array_equal(learned.posterior_ppf(0.3), [b.ppf(0.3) for b in beliefs])


def test_answers_of_many_counts_are_those_of_the_scalar_beliefs():
    learned = bank().update(np.arange(18), np.tile([3e5, 7e6, 2.0, 5.5, 2.5, 2.0], 3), np.repeat([1e6, 1e7, 1e9], 6))
    beliefs = [learned.belief(key) for key in learned.keys]
    lower, upper = learned.posterior_interval(0.95)
    np.testing.assert_allclose(np.transpose([lower, upper]), [b.interval(0.95) for b in beliefs], rtol=REL)


def test_where_a_moment_does_not_exist_the_bank_says_what_the_scalar_says():
    priors = {
        "a": InverseGamma(0.7, 2.0), "b": InverseGamma(1.5, 2.0), "c": NormalInverseGamma(1.0, 1.0, 0.4, 1.0),
        "d": NormalInverseGamma(1.0, 1.0, 0.9, 1.0),
    }  # fmt: skip
    empty = Bank.across(["BTC"], priors)
    np.testing.assert_array_equal(empty.posterior_mean(), [p.mean() for p in priors.values()])
    np.testing.assert_array_equal(empty.posterior_sd(), [p.std() for p in priors.values()])


def test_a_bank_without_evidence_answers_by_its_priors():
    for (_, name), belief in ((key, bank().belief(key)) for key in bank().keys):
        assert belief == PRIORS[name]


# --- Digits.
def test_a_hundred_million_events_one_by_one_lose_no_digits():
    x = np.random.default_rng(3).normal(1000.0, 0.5, 500_000)
    rounds, rows = 200, np.zeros(x.size, dtype=np.int64)
    learned = Bank.across(["BTC"], {"floor": NormalInverseGamma(0.0, 1.0, 2.0, 1.0)})
    for _ in range(rounds):
        learned = learned.update(rows, x, donate=True)
    mean = Fraction(math.fsum(x)) / x.size
    gaps = x - float(mean)
    n, found, m2 = learned.evidence[0]
    assert n == rounds * x.size == 1e8
    assert found == pytest.approx(float(mean), rel=1e-15)
    assert m2 == pytest.approx(rounds * math.fsum(gaps * gaps), rel=REL)


def test_ten_million_equal_exposures_add_to_their_product():
    learned = Bank.across(["BTC"], {"kappa": Gamma(1.0, 1.0)})
    rows = np.zeros(1_000_000, dtype=np.int64)
    for _ in range(10):
        learned = learned.update(rows, 0.0, 0.1)
    exact = float(Fraction(0.1) * 10_000_000)
    assert learned.evidence[0, 1] == pytest.approx(exact, rel=1e-15)
    # A plain running sum is where the scalar learner would be: it has lost a thousand times more than is allowed here.
    assert abs(np.cumsum(np.full(10_000_000, 0.1))[-1] / exact - 1) > 1e-11


def test_moments_far_from_zero_keep_their_digits_one_by_one():
    x = 1e9 + np.random.default_rng(4).normal(0.0, 1.0, 5000)
    one_by_one = Bank.across(["BTC"], {"floor": NormalInverseGamma(0.0, 1.0, 2.0, 1.0)}).update(np.zeros(5000, int), x)
    mean = exact_sum(x) / x.size
    assert one_by_one.evidence[0, 2] == pytest.approx(float(exact_sum((Fraction(v) - mean) ** 2 for v in x)), rel=REL)


def test_a_rare_failure_among_many_successes_is_not_cancelled():
    learned = bank().update(np.zeros(200, int), 1e12, 1e12).update([0], [0.0], [1e-3])
    assert learned.belief(("BTC", "alpha_touch")).b == 6.0 + 1e-3


# --- Forgetting.
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 200.0))
def test_silence_halves_evidence_per_half_life_and_leaves_means(seed, seconds):
    half_life = {name: 20.0 * (k + 1) for k, name in enumerate(NAMES[:-1])}
    before = bank(half_life_s=half_life).update(*stream(seed, 200))
    after = before.decay(seconds)
    left = np.tile([0.5 ** (seconds / half_life.get(name, math.inf)) for name in NAMES], len(ASSETS))
    moments = np.array([n in NAMES[3:] for n in after.keys.get_level_values("parameter")])
    np.testing.assert_allclose(after.evidence[:, 0], before.evidence[:, 0] * left, rtol=REL)
    np.testing.assert_allclose(after.evidence[:, 2], before.evidence[:, 2] * left, rtol=REL)
    expected = np.where(moments, before.evidence[:, 1], before.evidence[:, 1] * left)
    np.testing.assert_allclose(after.evidence[:, 1], expected, rtol=REL)
    np.testing.assert_allclose(before.decay(seconds / 2).decay(seconds / 2).evidence, after.evidence, rtol=1e-11)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_a_batch_with_ages_is_a_stream_with_silences(seed):
    at, value, size = stream(seed, 60)
    when = np.sort(np.random.default_rng(seed).uniform(0.0, 100.0, 60))
    whole = bank(half_life_s=30.0).update(at, value, size, age_s=100.0 - when)
    streamed, clock = bank(half_life_s=30.0), 0.0
    for k in range(60):
        streamed = streamed.decay(when[k] - clock).update(at[k : k + 1], value[k : k + 1], size[k : k + 1])
        clock = when[k]
    np.testing.assert_allclose(whole.evidence, streamed.decay(100.0 - clock).evidence, rtol=REL, atol=1e-13)


def test_a_long_silence_returns_the_prior():
    learned = bank(half_life_s=60.0).update(*stream(1, 500)).decay(60.0 * 200)
    np.testing.assert_allclose(learned.posterior_mean(), bank().posterior_mean(), rtol=1e-15)


# --- Values.
def test_merged_pieces_are_the_whole():
    events = stream(5, 2000)
    first, second = (tuple(column[k::2] for column in events) for k in (0, 1))
    merged = bank().update(*first).merge(bank().update(*second))
    np.testing.assert_allclose(merged.evidence, bank().update(*events).evidence, rtol=REL)
    np.testing.assert_array_equal(merged.merge(bank()).evidence, merged.evidence)
    np.testing.assert_array_equal(bank().merge(merged).evidence, merged.evidence)


def test_a_bank_is_a_value_unless_it_is_given_away():
    start = bank()
    learned = start.update(*stream(6, 50))
    kept = learned.evidence
    assert (start.evidence == 0).all()
    with pytest.raises(BankError, match="event 1 names row 18"):
        learned.update([0, 18], [1.0, 1.0], donate=True)
    assert (learned.evidence == kept).all()
    after = learned.update(*stream(7, 50), donate=True)
    np.testing.assert_array_equal(after.evidence, start.update(*stream(6, 50)).update(*stream(7, 50)).evidence)
    with pytest.raises(BankError, match="the memory of this bank was given"):
        learned.posterior_mean()
    np.testing.assert_array_equal(
        after.decay(0.0, donate=True).posterior_mean(),
        start.update(*stream(6, 50)).update(*stream(7, 50)).posterior_mean(),
    )


def test_a_bank_is_picklable_and_takes_other_priors_without_replay():
    learned = pickle.loads(pickle.dumps(bank().update(*stream(8, 50))))
    assert learned.keys.names == ["asset", "parameter"]
    firmer = dataclasses.replace(learned, prior=learned.prior * 2.0)
    a, b = learned.belief(("ETH", "alpha_touch")), firmer.belief(("ETH", "alpha_touch"))
    assert (b.a - a.a, b.b - a.b) == pytest.approx((2.0, 6.0), rel=REL)


def test_rows_follow_their_keys():
    start = Bank.from_priors({("ETH", "kappa"): Gamma(4.0, 0.002), ("BTC", "alpha_touch"): Beta(2.0, 6.0)})
    assert start.rows(["BTC", "BTC"], "alpha_touch").tolist() == [1, 1]
    assert start.rows("ETH", ["kappa"]).tolist() == [0]
    fills = pd.DataFrame({"asset": ["SOL", "BTC", "SOL"], "informed": [True, False, False]})
    learned = bank().update(bank().rows(fills["asset"], "alpha_touch"), fills["informed"])
    assert learned.to_frame().loc[("SOL", "alpha_touch"), ["events", "mean"]].tolist() == [2.0, 0.3]
    assert learned.update([], []).to_frame().equals(learned.to_frame())


@pytest.mark.parametrize(
    ("row", "value", "size", "needs"),
    [
        (0, 2.0, 1.0, "Beta needs a number of successes from 0 to the size"),
        (0, -1.0, 1.0, "Beta needs"),
        (1, -1.0, 1.0, "Gamma needs a finite count that is not negative"),
        (1, 1.0, -1.0, "a finite size that is not negative"),
        (2, math.nan, 1.0, "InverseGamma needs a finite residual"),
        (3, math.inf, 1.0, "NormalInverseGamma needs a finite observation"),
        (4, 1.0, math.nan, "Normal needs"),
        (5, 0.0, 1.0, "LogNormal needs a finite, positive observation"),
    ],
)
def test_events_that_cannot_be_are_refused_by_name(row, value, size, needs):
    with pytest.raises(BankError, match=f"event 1, row {row} .*{NAMES[row]}.*{needs}"):
        bank().update([1, row], [1.0, value], [1.0, size])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: bank().update([0.5], [1.0]), "rows must be a column of whole numbers"),
        (lambda: bank().update([-1], [1.0]), "event 0 names row -1; the bank has rows 0 to 17"),
        (lambda: bank().update([0, 1], [1.0, 1.0, 1.0]), "values has shape"),
        (lambda: bank().update([0], [1.0], age_s=[-1.0]), "age_s of event 0 is -1.0"),
        (lambda: bank().decay(-1.0), "silence of .* is -1.0; it must be finite and not negative"),
        (lambda: bank().rows("BTC", "kapa"), "no parameter 'kapa'; did you mean kappa"),
        (lambda: bank().belief(("BTX", "kappa")), "no asset 'BTX'; did you mean BTC"),
        (lambda: bank().posterior_interval(1.0), "level must lie strictly between"),
        (lambda: Bank.across(["BTC"], {"x": Normal(0.0, 1.0)}), "observation_variance of .*'x'.* is nan"),
        (lambda: Bank.across(["BTC", "BTC"], {"x": Beta(1.0, 1.0)}), "appears twice"),
        (lambda: bank(half_life_s={"kapa": 1.0}), "no key has the parameter 'kapa'"),
        (lambda: bank(half_life_s=0.0), "half_life_s of .* is 0.0; it must be positive"),
        (lambda: dataclasses.replace(bank(), prior=-bank().prior), "a of .* is -2.0; it must be finite and positive"),
        (lambda: dataclasses.replace(bank(), sums=np.zeros((3, 6))), "sums has shape"),
        (lambda: bank().merge(Bank.across(["BTC"], PRIORS, VARIANCE)), "only banks of the same keys"),
    ],
)
def test_what_a_bank_cannot_take_is_refused(call, said):
    with pytest.raises(BankError, match=said):
        call()


# --- The learners of a tape.
def test_a_bank_learns_from_tapes_what_the_learners_learn():
    tapes = mm.example()[:3]
    priors = {"alpha_touch": Beta(2.0, 6.0), "spread_floor_bps": SpreadFloor().prior()}
    learned = Bank.across([t.asset for t in tapes], priors)
    for tape in tapes:
        _, done = FillFollower(PendingMarkouts((HORIZON_S,))).step(tape)
        adverse = done.adverse_bps[done.at_touch, 0]
        rows = learned.rows(np.full(adverse.size, tape.asset), "alpha_touch")
        learned = learned.update(rows, adverse > THRESHOLD_BPS)
        learned = learned.update(rows + 1, tape.meta.fee_bps + adverse)
    for tape in tapes:
        for learner in (AlphaTouch(), SpreadFloor()):
            exact = learner.posterior(run(learner, tape))
            found = learned.belief((tape.asset, learner.parameter))
            assert numbers(found) == pytest.approx(numbers(exact), rel=REL)
            assert found.interval() == pytest.approx(exact.interval(), rel=REL)


def test_a_row_of_moments_is_the_moments_of_the_scalar_learner():
    x = np.random.default_rng(9).normal(2.0, 5.0, 1000)
    state = Moments()
    for piece in np.split(x, [1, 2, 30, 31, 500]):
        state = state.add(piece)
    learned = bank().update(np.full(1000, 3), x)
    assert tuple(learned.evidence[3]) == pytest.approx((state.n, state.mean, state.m2), rel=REL)
