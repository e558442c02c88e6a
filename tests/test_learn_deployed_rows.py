"""Laws of the deployed rules of the other rows: what they do, with the known numbers, however the tape is cut."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import random_tapes

from mmresearch.belief.catalogue import CATALOGUE, prior
from mmresearch.learn.batch.deployed import BATCH_DEPLOYED, BatchHawkes
from mmresearch.learn.contract import Learner, run
from mmresearch.learn.deployed.events import NEVER_UPDATED, DeployedFillWidth, DeployedHawkesMu, NeverUpdated
from mmresearch.learn.deployed.signals import (
    DeployedChangepointThreshold,
    DeployedGammaBase,
    DeployedHazard,
    DeployedStickiness,
)
from mmresearch.tape.columns import FILL_COLUMNS, QUOTE_COLUMNS, TRADE_COLUMNS, empty_table
from mmresearch.tape.schema import Tape, TapeMeta

ROWS = {
    cls().name: cls
    for cls in (
        DeployedGammaBase, DeployedHazard, DeployedChangepointThreshold, DeployedStickiness, DeployedHawkesMu,
        DeployedFillWidth,
    )
}  # fmt: skip
ALL = {**ROWS, **{f"batch {k}": v for k, v in BATCH_DEPLOYED.items()}, "never": NEVER_UPDATED["kalman_q"]}


def signal_tape(seconds: float, **columns) -> Tape:
    """A tape that carries signals on a 1 s grid and nothing else."""
    ts = np.arange(0.0, seconds, 1.0)
    return Tape("X", 0.0, seconds, empty_table(QUOTE_COLUMNS), signals=pd.DataFrame({"ts": ts, **columns}))


def trade_tape(times: np.ndarray, seconds: float) -> Tape:
    trades = pd.DataFrame({"ts": times, "price": 100.0, "size": 1.0, "side": 1})[list(TRADE_COLUMNS)]
    return Tape("X", 0.0, seconds, empty_table(QUOTE_COLUMNS), trades)


def with_signals(seed: int) -> Tape:
    """A random tape of many ties, with every signal, holes in them, and profits at the times of fills."""
    rng = np.random.default_rng(seed)
    tape = random_tapes.tape(seed, n_quotes=60)
    grid = np.arange(0.0, random_tapes.T1, 1.0)
    interest = 1e6 * np.cumprod(1 - rng.choice([0.0, 0.01, 0.03], grid.size))
    signals = pd.DataFrame(
        {
            "ts": grid,
            "changepoint": np.where(rng.random(grid.size) < 0.1, np.nan, rng.random(grid.size) < 0.3),
            "regime": np.where(rng.random(grid.size) < 0.1, np.nan, rng.integers(0, 2, grid.size)),
            "open_interest": np.where(rng.random(grid.size) < 0.1, np.nan, interest),
        }
    )
    pnl = pd.DataFrame({"ts": tape.fills["ts"], "pnl": rng.normal(0, 1e-3, len(tape.fills))})
    both = pd.concat([signals, pnl]).sort_values("ts", kind="stable", ignore_index=True)
    return replace(tape, signals=both)


def numbers(learner: Learner, state) -> np.ndarray:
    belief = learner.posterior(state)
    return np.array([belief.mean(), belief.std(), *belief.ppf(np.array([0.05, 0.5, 0.95]))])


# ------------------------------------------------------------------ the contract


@pytest.mark.parametrize("name", ALL)
def test_slices_and_pickling_equal_the_whole(name):
    for seed in range(6):
        tape, learner = with_signals(seed), ALL[name]()
        whole = numbers(learner, run(learner, tape))
        state = learner.init()
        for piece in random_tapes.sliced(tape, seed):
            state = pickle.loads(pickle.dumps(learner.update(state, piece)))
        np.testing.assert_allclose(numbers(learner, state), whole, rtol=1e-9)


@pytest.mark.parametrize("name", [n for n in ALL if n != "never"])
def test_each_rule_is_moved_by_its_evidence(name):
    learner = ALL[name]()
    moved = [
        not np.allclose(numbers(learner, run(learner, busy(seed))), numbers(learner, learner.init())) for seed in (1, 2)
    ]
    assert any(moved)


def busy(seed: int) -> Tape:
    """Two hours with a fill a second and everything else, on a falling market in the first hour."""
    rng = np.random.default_rng(seed)
    ts = np.sort(rng.uniform(0, 7200, 9000))
    mid = 100 * np.exp(np.cumsum(rng.normal(0, 2e-4, ts.size) - 3e-4 * (ts < 3600)))
    quotes = pd.DataFrame({"ts": ts, "bid": mid * (1 - 2e-4), "bid_sz": 1.0, "ask": mid * (1 + 2e-4), "ask_sz": 1.0})
    at = np.sort(rng.uniform(10, 7000, 2000))
    known = mid[np.searchsorted(ts, at) - 1]
    fills = pd.DataFrame(
        {"ts": at, "order_id": np.arange(at.size), "side": 1, "price": known * (1 - 2e-4), "size": 1.0}
    )
    grid = np.arange(7200.0)
    signals = pd.DataFrame(
        {"ts": grid, "changepoint": rng.random(7200) < 0.01, "regime": rng.integers(0, 2, 7200).astype(float),
         "open_interest": 1e6 * np.exp(-1e-4 * grid), "pnl": 1e-4}
    )  # fmt: skip
    trades = pd.DataFrame({"ts": at + 0.01, "price": 100.0, "size": 1.0, "side": 1})[list(TRADE_COLUMNS)]
    meta = TapeMeta(tick=0.01)
    return Tape("X", 0.0, 7200.0, quotes, trades, fills=fills[list(FILL_COLUMNS)], signals=signals, meta=meta)


@pytest.mark.parametrize("name", ALL)
def test_a_tape_without_their_evidence_leaves_the_prior(name):
    learner = ALL[name]()
    for signals in (None, pd.DataFrame({"ts": [0.0, 1.0], "other": [1.0, 2.0]})):
        bare = replace(trade_tape(np.empty(0), 10.0), signals=signals)
        assert learner.posterior(run(learner, bare)) == prior(learner.parameter)


def test_rows_without_evidence_stay_at_the_prior_for_ever():
    assert set(NEVER_UPDATED) == {p.name for p in CATALOGUE.values() if p.deployed == "none"}
    assert len(NEVER_UPDATED) == 12
    for name, make in NEVER_UPDATED.items():
        learner = make()
        assert learner.name == f"NeverUpdated({name})"
        assert learner.posterior(run(learner, busy(0), 600.0)) == prior(name)
    thin = NeverUpdated("kappa", "thin")
    assert thin.posterior(thin.init()).mean() == 1000.0


# ------------------------------------------------------------------ gamma_base (F1)


@pytest.mark.parametrize(("pnl", "mean"), [(5e-4, 5.14), (10.0, 0.101)])
def test_gamma_base_reads_the_unit_of_profit_from_the_tape(pnl, mean):
    learner = DeployedGammaBase()
    signed = np.where(np.arange(200) % 2, np.nan, pnl * np.where(np.arange(200) % 4, 1, -1))
    belief = learner.posterior(run(learner, signal_tape(200, pnl=signed), 30.0))
    assert belief.mean() == pytest.approx(mean, abs=10**-2 if mean > 1 else 5e-4)
    assert belief.shape == 103
    in_percent = DeployedGammaBase(pnl_unit=100.0)
    assert in_percent.posterior(run(in_percent, signal_tape(200, pnl=signed))).mean() < 0.9 * mean


# ------------------------------------------------------------------ fill width (F5)


def depth_tape(depth_bps: float, n: int) -> Tape:
    """Buys at one depth below a mid that never moves."""
    ts = np.arange(0.0, n + 10.0)
    quotes = pd.DataFrame({"ts": ts, "bid": 99.99, "bid_sz": 1.0, "ask": 100.01, "ask_sz": 1.0})
    price = 100.0 * (1 - depth_bps * 1e-4)
    fills = pd.DataFrame({"ts": np.arange(n) + 1.5, "order_id": np.arange(n), "side": 1, "price": price, "size": 1.0})
    return Tape("X", 0.0, n + 10.0, quotes, fills=fills[list(FILL_COLUMNS)], meta=TapeMeta(tick=0.01))


@pytest.mark.parametrize(("n", "mean", "sd"), [(10, 6.29, 0.267), (100, 7.77, 0.098)])
def test_fill_width_learns_where_we_quoted(n, mean, sd):
    learner = DeployedFillWidth()
    belief = learner.posterior(run(learner, depth_tape(8.0, n), 3.0))
    assert round(belief.mean(), 2) == mean
    assert round(belief.std(), 3) == sd
    moved = learner.posterior(run(learner, depth_tape(3.0, n)))
    assert abs(moved.mean() - belief.mean()) > 10 * belief.std()


def test_a_fill_that_no_quote_preceded_has_no_distance():
    learner, tape = DeployedFillWidth(), depth_tape(8.0, 10)
    late = replace(tape, quotes=tape.quotes[tape.quotes["ts"] > 4.6])
    assert learner.parameters(run(learner, late)).n == 10 - 4


# ------------------------------------------------------------------ Hawkes (F14, F15)


def clusters(rng: np.random.Generator, mu: float, branching: float, beta: float, seconds: float) -> np.ndarray:
    """Hawkes times as a tree: Poisson roots, each event with Poisson(branching) children after exponential waits."""
    generation = rng.uniform(0, seconds, rng.poisson(mu * seconds))
    events = [generation]
    while generation.size:
        children = rng.poisson(branching, generation.size)
        generation = np.repeat(generation, children) + rng.exponential(1 / beta, int(children.sum()))
        generation = generation[generation < seconds]
        events.append(generation)
    return np.sort(np.concatenate(events))


@pytest.mark.parametrize(("branching", "factor"), [(0.3, 1.43), (0.5, 2.0), (0.8, 5.0)])
def test_hawkes_mu_reads_the_total_rate_and_is_too_sure(branching, factor):
    rng, learner, mu, seconds = np.random.default_rng(7), DeployedHawkesMu(), 0.5, 2000.0
    beliefs = [
        learner.posterior(run(learner, trade_tape(clusters(rng, mu, branching, 1.0, seconds), seconds)))
        for _ in range(150)
    ]
    means = np.array([b.mean() for b in beliefs])
    assert means.mean() / mu == pytest.approx(factor, rel=0.03)
    claimed = np.mean([b.std() for b in beliefs])
    assert means.std() / claimed == pytest.approx(1 / (1 - branching), rel=0.25)


def test_trades_of_one_instant_leave_no_gap():
    learner = DeployedHawkesMu()
    state = learner.parameters(run(learner, trade_tape(np.array([1.0, 1.0, 3.0, 3.0, 3.0, 4.5]), 10.0), 2.0))
    assert (state.n, state.p1, state.p2) == (2, 7.0, 10.0 + 3.5)


@pytest.mark.parametrize(
    ("branching", "beta", "reads"),
    [(0.3, 1.0, 0.5), (0.5, 1.0, 0.5), (0.8, 1.0, 0.5), (0.3, 0.1, 0.25), (0.5, 0.1, 0.25)],
)
def test_batch_branching_is_a_constant(branching, beta, reads):
    rng, learner, seconds = np.random.default_rng(3), BatchHawkes(), 20_000.0
    tape = trade_tape(clusters(rng, 0.5, branching, beta, seconds), seconds)
    state = run(learner, tape)
    assert learner.guess(state).branching == pytest.approx(reads, abs=0.005)
    shape = learner.posterior(state)
    assert shape.a + shape.b in (109, 110)  # a hundred counts, cut to whole ones, however many trades


# ------------------------------------------------------------------ changepoints (F17, F18)


@pytest.mark.parametrize(("steps", "hits", "mean"), [(0, 0, 0.7), (100, 1, 0.073), (1000, 4, 0.011)])
def test_the_changepoint_threshold_becomes_a_frequency(steps, hits, mean):
    learner = DeployedChangepointThreshold()
    said = np.zeros(steps)
    said[np.linspace(0, steps - 1, hits).astype(int)] = 1.0
    assert round(learner.posterior(run(learner, signal_tape(steps, changepoint=said), 7.0)).mean(), 3) == mean


def test_runs_are_counted_from_changepoint_to_changepoint():
    learner = DeployedHazard()
    said = np.zeros(30)
    said[[4, 5, 19]] = 1.0  # runs of 5, 1 and 14 samples; ten more are under way
    state = run(learner, signal_tape(30, changepoint=said), 4.0)
    assert (state.gamma.n, state.gamma.sum_x, state.run) == (3, 20.0, 10)
    with_holes = said.copy()
    with_holes[[2, 12]] = np.nan  # a step that says nothing is no sample
    state = run(learner, signal_tape(30, changepoint=with_holes), 4.0)
    assert (state.gamma.n, state.gamma.sum_x, state.run) == (3, 18.0, 10)


def test_hazard_ignores_the_run_under_way():
    """An hour without a changepoint leaves the prior, though 1/3850 is what it says."""
    learner = DeployedHazard()
    quiet = learner.posterior(run(learner, signal_tape(3600, changepoint=np.zeros(3600))))
    assert quiet == prior("bocpd_hazard_rate")
    assert quiet.mean() > 15 * (1 / (250 + 3600))


def test_hazard_is_too_high_where_runs_are_long():
    rng, learner, hazard, steps = np.random.default_rng(5), DeployedHazard(), 1 / 1000, 2000
    deployed, censored = [], []
    for _ in range(300):
        said = (rng.random(steps) < hazard).astype(float)
        state = run(learner, signal_tape(steps, changepoint=said))
        deployed.append(learner.posterior(state).mean())
        censored.append((1 + said.sum()) / (250 + steps))
    assert np.mean(censored) == pytest.approx((1 + hazard * steps) / (250 + steps), rel=0.1)
    assert np.mean(deployed) > 1.7 * hazard
    assert np.mean(deployed) > 1.3 * np.mean(censored)


def test_hazard_learns_its_own_detector():
    """A detector that hears half of the changepoints halves the hazard."""
    rng, learner = np.random.default_rng(6), DeployedHazard()
    said = rng.random(200_000) < 0.02
    heard = said & (rng.random(said.size) < 0.5)
    full, half = (
        learner.posterior(run(learner, signal_tape(said.size, changepoint=s.astype(float)))) for s in (said, heard)
    )
    assert full.mean() / half.mean() == pytest.approx(2.0, rel=0.05)
    assert half.std() < 0.05 * half.mean()


# ------------------------------------------------------------------ stickiness (F19)


def chain(rng: np.random.Generator, stay: float, steps: int) -> np.ndarray:
    """Two regimes that exchange with probability 1 - stay per step."""
    return np.cumsum(rng.random(steps) > stay) % 2.0


def decoded(seen: np.ndarray, stay: float) -> np.ndarray:
    """Most probable regime of a two-state filter: states 0 and 1 seen through unit noise."""
    odds, out, labels = 0.0, np.exp(seen - 0.5), np.empty(seen.size)
    p = 0.5
    for k, ratio in enumerate(out):
        p = p * stay + (1 - p) * (1 - stay)
        odds = p / (1 - p) * ratio
        p = odds / (1 + odds)
        labels[k] = float(p > 0.5)
    return labels


def test_stickiness_of_true_labels_is_right_at_the_stated_step():
    path = chain(np.random.default_rng(8), 0.8, 50_000)
    learner = DeployedStickiness()
    assert learner.posterior(run(learner, signal_tape(path.size, regime=path), 999.0)).mean() == pytest.approx(
        0.8, abs=0.01
    )


def test_stickiness_counts_what_a_sticky_filter_decoded():
    rng, learner = np.random.default_rng(9), DeployedStickiness()
    path = chain(rng, 0.8, 50_000)
    labels = decoded(path + rng.normal(0, 1, path.size), stay=0.99)
    belief = learner.posterior(run(learner, signal_tape(path.size, regime=labels)))
    assert belief.mean() > 0.88  # the truth is .8
    assert belief.mean() - 0.8 > 50 * belief.std()


def test_stickiness_depends_on_the_sampling_rate():
    path, learner = chain(np.random.default_rng(10), 0.8, 20_000), DeployedStickiness()
    twice = np.repeat(path, 2)  # the same history, labelled every half second
    slow, fast = (learner.posterior(run(learner, signal_tape(p.size, regime=p))).mean() for p in (path, twice))
    assert slow == pytest.approx(0.8, abs=0.01)
    assert fast == pytest.approx(0.9, abs=0.01)


def test_a_label_before_a_hole_is_compared_with_the_one_after_it():
    learner = DeployedStickiness()
    labels = np.array([0, 0, np.nan, 0, 1, np.nan, np.nan, 1, 0.0])
    for slice_s in (None, 1.0, 2.0):
        state = learner.parameters(run(learner, signal_tape(9, regime=labels), slice_s))
        assert (state.p1, state.p2, state.n) == pytest.approx((98.0, 7.0, 5))
