"""Laws of forgetting: weights halve with age wherever the tape is cut, silence returns to the prior, age survives."""

from __future__ import annotations

import math
import pickle
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from mmresearch.audit.accounting import ledger_faults, silence
from mmresearch.belief.gamma import Gamma
from mmresearch.learn.bundled import DEPLOYED, SOUND
from mmresearch.learn.contract import Learner, LearnerError, run
from mmresearch.learn.readiness.forgetting import Fading, Forgetting, Memory, sampling_cap, weight_cap
from mmresearch.learn.sound.alpha import AlphaTouch
from mmresearch.learn.sound.floor import Moments, SpreadFloor
from mmresearch.learn.sound.kappa import KappaExposure
from mmresearch.sim.population import population
from mmresearch.sim.truth import with_values
from mmresearch.sim.worlds import simulate
from mmresearch.tape.columns import FILL_COLUMNS
from mmresearch.tape.exposure import depth_bin
from mmresearch.tape.markouts import mid_at_or_after, mid_before
from mmresearch.tape.schema import Tape

TRUTH = population(1, 3)[0]
TAPE = simulate(TRUTH, 900.0, seed=3)
#: Sound learners of fills and of the depths of trades; the others are in `test_learn_forgetting_series`.
OF_FLOW = ["KappaExposure", "KappaMarketOrders", "AlphaTouch", "AlphaTouchLabelError", "SpreadFloor"]
HALF_LIFE_S, CELLS = 200.0, 25  # cells of 8 s: few, so that the tests are quick


@dataclass(frozen=True)
class Count:
    """State of a learner that counts fills over seconds."""

    fills: float = 0.0
    seconds: float = 0.0

    @property
    def events(self) -> float:
        return self.fills

    def decayed(self, factor: float) -> Count:
        return Count(self.fills * factor, self.seconds * factor)


@dataclass(frozen=True)
class FillRate:
    """Fills per second: the simplest learner there is."""

    parameter: str = "hawkes_mu"
    name: str = "FillRate"

    def init(self) -> Count:
        return Count()

    def update(self, state: Count, tape: Tape) -> Count:
        return Count(state.fills + len(tape.fills), state.seconds + tape.seconds)

    def posterior(self, state: Count) -> Gamma:
        return Gamma(1.0 + state.fills, 10.0 + state.seconds)


def fills_at(ts, t1: float, t0: float = 0.0) -> Tape:
    """A tape on which nothing happens but our fills."""
    ts = np.asarray(ts, dtype=float)
    quotes = pd.DataFrame({"ts": [t0], "bid": 99.99, "bid_sz": 1.0, "ask": 100.01, "ask_sz": 1.0})
    fills = pd.DataFrame({"ts": ts, "order_id": np.arange(ts.size), "side": 1, "price": 99.99, "size": 1.0})
    return Tape("X", t0, t1, quotes, fills=fills[list(FILL_COLUMNS)])


def numbers(learner: Learner, state) -> np.ndarray:
    belief = learner.posterior(state)
    return np.array([belief.mean(), belief.std(), *belief.ppf(np.array([0.05, 0.5, 0.95]))])


def in_pieces(learner: Learner, tape: Tape, cuts) -> Memory:
    state = learner.init()
    for a, b in pairwise([tape.t0, *sorted(cuts), tape.t1]):
        state = learner.update(state, tape.between(float(a), float(b)))
    return state


def test_every_sound_learner_says_what_of_its_state_is_evidence():
    assert [name for name, make in SOUND.items() if not isinstance(make().init(), Fading)] == []


@pytest.mark.parametrize("name", OF_FLOW)
def test_cuts_do_not_matter(name):
    """Cuts anywhere: between edges of the clock, on them, at fills, twice at one place."""
    learner = Forgetting(SOUND[name](), HALF_LIFE_S, CELLS)
    rng = np.random.default_rng(0)
    on_the_clock = learner.cell_s * rng.integers(1, 112, 10)
    cuts = [*rng.uniform(0, 900, 10), *on_the_clock, *rng.choice(TAPE.fills["ts"], 5), 700.0, 700.0]
    whole, pieces = run(learner, TAPE), in_pieces(learner, TAPE, cuts)
    np.testing.assert_allclose(numbers(learner, pieces), numbers(learner, whole), rtol=1e-9)
    assert pieces.age_s() == whole.age_s()
    assert pieces.seen == pytest.approx(whole.seen)
    assert pieces.sampling_size == pytest.approx(whole.sampling_size)


@pytest.mark.parametrize("cells", [10, 50, 200])
def test_weights_are_those_of_exact_age_within_one_cell(cells):
    """Against brute force over events: never too much, never short by more than one cell."""
    ts = np.sort(np.random.default_rng(1).uniform(0, 800, 300))
    learner = Forgetting(FillRate(), HALF_LIFE_S, cells)
    for t1 in (37.3, 800.0):
        state = run(learner, fills_at(ts, 800.0).between(0.0, t1), slice_s=301.3)
        exact = float(np.sum(0.5 ** ((t1 - ts[ts < t1]) / HALF_LIFE_S)))
        seconds = HALF_LIFE_S / math.log(2) * (1 - 0.5 ** (t1 / HALF_LIFE_S))
        for kept, right in ((learner.events_at(state), exact), (_seconds(learner, state), seconds)):
            assert 2 ** (-1 / cells) * right <= kept <= right * (1 + 1e-12)
        if cells == 200:
            assert learner.events_at(state) == pytest.approx(exact, rel=3.5e-3)


def _seconds(learner: Forgetting, state: Memory) -> float:
    """Discounted seconds, read off the posterior's rate."""
    belief = learner.posterior(state)
    return belief.shape / belief.mean() - 10.0


def test_a_weight_counts_from_the_start_of_its_cell():
    learner = Forgetting(FillRate(), 100.0, cells=10)  # cells of 10 s
    state = run(learner, fills_at([3.0, 17.0], 100.0))
    assert learner.events_at(state) == pytest.approx(0.5 ** (100 / 100) + 0.5 ** (90 / 100), rel=1e-12)
    assert state.age_s() == 90.0
    assert state.sampling_size == pytest.approx((0.5 + 0.5**0.9) ** 2 / (0.25 + 0.5**1.8), rel=1e-12)


def test_labels_are_weighted_by_the_age_at_which_they_became_known():
    """Fills and markouts of a simulated tape, label by label, against a sum over fills."""
    learner = Forgetting(AlphaTouch(), HALF_LIFE_S, cells=100)
    state = run(learner, TAPE, slice_s=60.0)
    belief = learner.posterior(state)
    plain = run(AlphaTouch(), TAPE)
    resolved_at, informed = _labels(TAPE)
    assert (resolved_at.size, informed.sum()) == (plain.total, plain.informed)
    weight = 0.5 ** ((TAPE.t1 - resolved_at) / HALF_LIFE_S)
    for kept, right in ((belief.a - 2.0, weight[informed].sum()), (belief.b - 6.0, weight[~informed].sum())):
        assert 2**-0.01 * right < kept < right


def _labels(tape: Tape):
    """When each touch fill's label became known, and whether it fired: first fills of orders, straight from tables."""
    fills = tape.fills.drop_duplicates("order_id")
    t, side = fills["ts"].to_numpy(), fills["side"].to_numpy()
    before = np.searchsorted(tape.quotes["ts"], t) - 1
    touch = np.where(side > 0, tape.quotes["bid"].to_numpy()[before], tape.quotes["ask"].to_numpy()[before])
    ours = np.abs(fills["price"].to_numpy() - touch) < 0.6 * tape.meta.tick
    start, later = mid_before(tape.quotes, t), mid_at_or_after(tape.quotes, t + 0.5)
    keep = ours & np.isfinite(start) & np.isfinite(later)
    known_at = tape.quotes["ts"].to_numpy()[np.searchsorted(tape.quotes["ts"], t[keep] + 0.5)]
    return known_at, (-side * (later - start) / start * 1e4 > 5.0)[keep]


@pytest.mark.parametrize("name", OF_FLOW)
def test_nothing_is_forgotten_with_an_infinite_half_life(name):
    plain, endless = SOUND[name](), Forgetting(SOUND[name](), math.inf)
    np.testing.assert_allclose(numbers(endless, run(endless, TAPE)), numbers(plain, run(plain, TAPE)), rtol=1e-10)


@pytest.mark.parametrize("name", OF_FLOW)
def test_silence_returns_to_the_prior(name):
    learner = Forgetting(SOUND[name](), HALF_LIFE_S, CELLS)
    state = run(learner, TAPE)
    prior = learner.posterior(learner.init())
    gaps, widths = [], []
    for half_lives in (0, 1, 3, 60, 5000):
        belief = learner.posterior_at(state, TAPE.t1 + half_lives * HALF_LIFE_S)
        gaps.append(abs(belief.mean() - prior.mean()) / prior.std())
        widths.append(belief.std())
    assert widths[0] < widths[1] < widths[2] < widths[3]
    # The label-error posterior is a grid, so the prior is met to the grid's precision.
    assert gaps[3] < 2e-3
    assert gaps[4] < 2e-3
    assert widths[4] == pytest.approx(prior.std(), rel=2e-3)
    assert gaps[0] > 10 * gaps[3]


@pytest.mark.parametrize("name", ["KappaMarketOrders", "AlphaTouch", "SpreadFloor"])
def test_one_half_life_of_silence_halves_the_evidence_exactly(name):
    learner = Forgetting(SOUND[name](), HALF_LIFE_S, CELLS)
    state = run(learner, TAPE)
    at_end, later = learner.events_at(state), learner.events_at(state, TAPE.t1 + HALF_LIFE_S)
    assert later == pytest.approx(at_end / 2, rel=1e-12)
    assert at_end > 20


def test_silence_seen_is_silence_slept_through():
    """Slices without events and a jump of the clock leave the same belief where silence says nothing."""
    learner = Forgetting(SpreadFloor(), HALF_LIFE_S, CELLS)
    state = run(learner, TAPE)
    state = learner.update(state, silence(TAPE, TAPE.t1, 10.0))  # pending markouts come due
    slept = learner.posterior_at(state, TAPE.t1 + 1010.0)
    seen = learner.posterior(learner.update(state, silence(TAPE, TAPE.t1 + 10.0, 1000.0)))
    assert (seen.location, seen.count, seen.scale) == pytest.approx((slept.location, slept.count, slept.scale))


def test_time_under_exposure_without_fills_is_evidence_and_not_silence():
    learner = Forgetting(FillRate(), HALF_LIFE_S, CELLS)
    state = run(learner, fills_at(np.arange(5.0, 1000.0, 10.0), 1000.0))
    unfilled = learner.update(state, fills_at([], 4000.0, t0=1000.0))
    assert learner.posterior(unfilled).mean() < 0.01  # seconds pass, fills do not
    assert learner.posterior_at(state, 4000.0).mean() > 0.09  # nobody watched


def test_weights_and_sampling_size_are_capped():
    """1.44 half-lives' worth of weight and 2.88 of sampling size, whatever the length of the tape."""
    rate, half_life = 0.5, 300.0
    ts = np.sort(np.random.default_rng(2).uniform(0, 6000, 3000))
    learner = Forgetting(FillRate(), half_life, cells=20)
    state = run(learner, fills_at(np.arange(0.5, 6000, 2.0), 6000.0))
    assert weight_cap(half_life, rate) == pytest.approx(1.4427 * half_life * rate, rel=1e-4)
    assert learner.events_at(state) == pytest.approx(weight_cap(half_life, rate), rel=0.03)
    assert state.sampling_size == pytest.approx(sampling_cap(half_life, rate), rel=0.03)
    assert state.seen == 3000
    random = run(learner, fills_at(ts, 6000.0))
    assert learner.events_at(random) == pytest.approx(weight_cap(half_life, rate), rel=0.2)


def test_a_discounted_mean_scatters_with_the_sampling_size():
    """About a truth that stands still the claimed variance is twice what is needed: 1.44 against 2.88."""
    rng, half_life, n = np.random.default_rng(3), 50.0, 2000
    weight = 0.5 ** (np.arange(400) / half_life)
    labels = rng.random((n, 400)) < 0.3
    means = labels @ weight / weight.sum()
    claimed = 0.3 * 0.7 / weight_cap(half_life, 1.0)
    assert means.var() == pytest.approx(0.3 * 0.7 / sampling_cap(half_life, 1.0), rel=0.1)
    assert means.var() == pytest.approx(claimed / 2, rel=0.1)


def test_age_survives_a_restart():
    learner = Forgetting(AlphaTouch(), HALF_LIFE_S, CELLS)
    state = run(learner, TAPE.between(0.0, 400.0), slice_s=60.0)
    restored = pickle.loads(pickle.dumps(state))
    assert restored.age_s() == state.age_s()
    down_s = HALF_LIFE_S
    assert restored.age_s(400.0 + down_s) == state.age_s() + down_s
    woken = learner.posterior_at(restored, 400.0 + down_s)
    assert woken.std() > 1.2 * learner.posterior(state).std()
    # What happens after the restart meets evidence that has aged meanwhile.
    after = learner.update(restored, TAPE.between(400.0 + down_s, 900.0))
    fresh = run(learner, TAPE.between(400.0 + down_s, 900.0))
    left = learner.events_at(after) - learner.events_at(fresh)
    assert left == pytest.approx(learner.events_at(state) * 0.5 ** ((900.0 - 400.0) / HALF_LIFE_S), rel=0.03)


def test_what_waits_is_not_forgotten():
    """A fill whose markout is pending during ten half-lives counts whole when it comes due."""
    learner = Forgetting(AlphaTouch(), 1.0, cells=2)
    fill_ts = float(TAPE.fills["ts"].iloc[10])
    state = run(learner, TAPE.between(0.0, np.nextafter(fill_ts, np.inf)))
    waiting = state.inner.follower.pending
    assert len(waiting) >= 1
    assert state.inner.decayed(0.25).follower is state.inner.follower
    known = learner.update(state, silence(TAPE, fill_ts + 10.0, 0.25))
    assert known.seen == state.seen + len(waiting)
    assert 0.7 * len(waiting) < learner.events_at(known) < len(waiting) + 0.3


def test_kappa_loses_exposure_and_fills_alike_and_keeps_its_orders():
    state = run(KappaExposure(), TAPE)
    half = state.decayed(0.5)
    np.testing.assert_allclose(half.exposure_s, state.exposure_s / 2)
    np.testing.assert_allclose(half.depth_s, state.depth_s / 2)
    np.testing.assert_allclose(half.fills, state.fills / 2)
    assert half.own is state.own
    assert half.fills[depth_bin(np.array([0.0]))].sum() >= 0
    full, less = (KappaExposure().posterior(s) for s in (state, half))
    assert 1.2 < less.std() / full.std() < 1.6


def test_noise_is_forgotten_as_labels_are():
    """Moves of the mid without fills are evidence about the chance of a false label: all four counts fade."""
    state = run(SOUND["AlphaTouchLabelError"](), TAPE)
    half = state.decayed(0.5)
    for name in ("quiet", "quiet_beyond", "every", "every_beyond"):
        assert getattr(half.quiet, name) == getattr(state.quiet, name) / 2
    assert (half.informed, half.total, half.events) == (state.informed / 2, state.total / 2, state.total / 2)
    assert half.quiet.pending is state.quiet.pending


def test_walks_lose_all_their_sums():
    state = run(SOUND["KappaMarketOrders"](), TAPE)
    half = state.decayed(0.5)
    assert (half.beyond, half.excess_bps, half.tick_bps_sum) == (
        state.beyond / 2,
        state.excess_bps / 2,
        state.tick_bps_sum / 2,
    )
    assert half.last_quote is state.last_quote


@pytest.mark.parametrize("half_life_s", [0.7, 14400.0, 1e6 / 3])
def test_edges_of_the_clock_begin_a_cell_whatever_the_rounding(half_life_s):
    """A cut on an edge must find the edge: k cells divided by the length of one may fall short of k."""
    learner = Forgetting(FillRate(), half_life_s, cells=7)
    edges = np.arange(3000) * learner.cell_s
    assert [learner._cell_of(float(t)) for t in edges] == list(range(3000))
    assert [learner._cell_of(float(np.nextafter(t, -1))) for t in edges[1:]] == list(range(2999))


def test_moments_keep_their_mean():
    x = np.random.default_rng(0).normal(1e6, 1.0, 100)
    half = Moments().add(x).decayed(0.5)
    assert (half.n, half.mean) == (50.0, Moments().add(x).mean)
    weighted = half.add(x[:10] + 3)
    values, weights = np.concatenate([x, x[:10] + 3]), np.repeat([0.5, 1.0], [100, 10])
    mean = np.average(values, weights=weights)
    assert weighted.mean == pytest.approx(mean, rel=1e-14)
    assert weighted.m2 == pytest.approx((weights * (values - mean) ** 2).sum(), rel=1e-8)
    assert Moments().add(x).decayed(0.0) == Moments()


def test_a_jump_of_the_truth_is_followed():
    """An hour at one alpha, half of one at another: the plain learner averages them, the forgetting one follows."""
    before = simulate(with_values(TRUTH, alpha_touch=0.15), 3600.0, seed=5)
    after = shifted(simulate(with_values(TRUTH, alpha_touch=0.6), 1800.0, seed=6), 3600.0)
    plain, forgetting = AlphaTouch(), Forgetting(AlphaTouch(), 300.0, cells=20)
    beliefs = [x.posterior(x.update(run(x, before), after)) for x in (plain, forgetting)]
    misses = [abs(b.mean() - 0.6) / b.std() for b in beliefs]
    assert misses[0] > 6
    assert misses[1] < 3


def shifted(tape: Tape, seconds: float) -> Tape:
    """The same tape, later, with order ids of its own."""

    def later(table):
        times = {c: table[c] + seconds for c in ("ts", "placed", "removed") if c in table}
        ids = {"order_id": table["order_id"] + 10**6} if "order_id" in table else {}
        return table.assign(**times, **ids)

    tables = {c: later(getattr(tape, c)) for c in ("quotes", "trades", "orders", "fills")}
    return replace(tape, t0=tape.t0 + seconds, t1=tape.t1 + seconds, **tables)


@pytest.mark.parametrize("name", ["KappaExposure", "AlphaTouchLabelError", "SpreadFloor"])
def test_the_ledger_of_the_audit_finds_no_fault(name):
    faults = ledger_faults(Forgetting(SOUND[name](), HALF_LIFE_S, CELLS), TAPE, np.random.default_rng(0))
    assert max(faults.values()) <= 1, faults


def test_an_empty_slice_changes_nothing():
    learner = Forgetting(KappaExposure(), HALF_LIFE_S, CELLS)
    state = run(learner, TAPE.between(0.0, 60.0))
    assert learner.update(state, TAPE.between(60.0, 60.0)) is state


def test_it_is_a_learner_of_the_same_parameter():
    learner = Forgetting(KappaExposure(), 14400.0)
    assert isinstance(learner, Learner)
    assert (learner.parameter, learner.reads, learner.horizon_s) == ("kappa", "fills", None)
    assert learner.name == "KappaExposure (half-life 14400 s)"
    assert Forgetting(AlphaTouch(), 1.0).horizon_s == 0.5


@pytest.mark.parametrize("name", DEPLOYED)
def test_states_that_hold_no_evidence_are_refused(name):
    """The deployed learners keep posteriors, or a memory of their own making: nothing in them can be discounted."""
    with pytest.raises(LearnerError, match="does not say what of it is evidence"):
        Forgetting(DEPLOYED[name](), HALF_LIFE_S)


def test_bad_input_is_refused():
    with pytest.raises(LearnerError, match="half_life_s must be positive"):
        Forgetting(AlphaTouch(), 0.0)
    with pytest.raises(LearnerError, match="cells must be at least 1"):
        Forgetting(AlphaTouch(), 1.0, cells=0)
    learner = Forgetting(FillRate(), 10.0, cells=2)
    state = run(learner, fills_at([1.0], 100.0))
    with pytest.raises(LearnerError, match="feed slices in order"):
        learner.update(state, fills_at([1.0], 50.0))
    with pytest.raises(LearnerError, match="it has no belief at 50"):
        learner.posterior_at(state, 50.0)
