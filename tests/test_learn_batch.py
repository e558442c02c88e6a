"""Laws of the batch calibrators: the deployed one equals plain loops, the right one equals the stream."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import naive_batch as naive
import numpy as np
import pandas as pd
import pytest
import random_tapes

from mmresearch.audit.designs import DESIGNS
from mmresearch.audit.designs.signals import SIGNAL_DESIGNS
from mmresearch.audit.exactness import QUADRATURE_BOUND, quadrature_gap
from mmresearch.belief.beta import Beta
from mmresearch.belief.catalogue import prior
from mmresearch.belief.gamma import Gamma
from mmresearch.learn.batch.calibration import COLUMNS, calibrate, share_of_prior, shown
from mmresearch.learn.batch.counts import count_events
from mmresearch.learn.batch.deployed import BATCH_DEPLOYED, BatchHawkes, calibrate_deployed
from mmresearch.learn.batch.deployed_fills import BatchAlpha, BatchFloor
from mmresearch.learn.batch.deployed_risk import BatchCascade, BatchToxicHours, DropState, HourSums
from mmresearch.learn.bundled import SOUND
from mmresearch.learn.contract import run
from mmresearch.learn.deployed.families import deployed_state
from mmresearch.learn.sound.hawkes import HawkesBeta, HawkesMu
from mmresearch.sim.population import population
from mmresearch.sim.worlds import plain, simulate
from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS, QUOTE_COLUMNS, TRADE_COLUMNS, empty_table
from mmresearch.tape.read import read
from mmresearch.tape.schema import Tape, TapeMeta

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "tapes"
NAIVE = {
    "alpha_touch": naive.alpha,
    "kappa": naive.kappa,
    "hawkes_mu": lambda t: naive.hawkes(t)[0],
    "hawkes_alpha": lambda t: naive.hawkes(t)[1],
    "hawkes_beta": lambda t: naive.hawkes(t)[2],
    "toxic_hour_gamma_mult": naive.toxic,
    "spread_floor_bps": naive.floor,
    "cascade_oi_threshold": naive.cascade,
    "regime_sticky_diagonal": naive.stickiness,
}


def rough_tape(seed: int) -> Tape:
    """Five hours with three hundred fills, unequal hours, falling open interest, bursts of trades and labels."""
    rng = np.random.default_rng(seed)
    ts = np.sort(rng.uniform(0, 18_000, 900))
    drift = -4e-4 * (ts > 14_400) - 1e-4
    mid = 100 * np.exp(np.cumsum(rng.normal(0, 12e-4, ts.size) + drift))
    half = rng.uniform(1e-5, 8e-4, ts.size)
    quotes = pd.DataFrame({"ts": ts, "bid": mid * (1 - half), "bid_sz": 1.0, "ask": mid * (1 + half), "ask_sz": 1.0})
    at = np.sort(rng.uniform(50, 17_990, 300))
    price = mid[np.searchsorted(ts, at) - 1] * (1 - rng.uniform(0, 12e-4, at.size))
    fills = pd.DataFrame({"ts": at, "order_id": np.arange(at.size), "side": 1, "price": price, "size": 1.0})
    times = np.sort(np.concatenate([rng.uniform(0, 18_000, 150), 3000 + rng.exponential(0.5, 100).cumsum()]))
    trades = pd.DataFrame({"ts": times, "price": 100.0, "size": 1.0, "side": 1})
    grid = np.arange(0.0, 18_000, 60.0)
    interest = 1e6 * np.cumprod(1 - rng.choice([-0.01, 0.0, 0.004, 0.02, 0.09], grid.size, p=[0.6, 0.1, 0.1, 0.1, 0.1]))
    signals = pd.DataFrame(
        {"ts": grid, "open_interest": np.where(rng.random(grid.size) < 0.2, np.nan, interest),
         "regime": np.cumsum(rng.random(grid.size) < 0.2) % 3.0}
    )  # fmt: skip
    return Tape(
        "ROUGH", 0.0, 18_000.0, quotes, trades[list(TRADE_COLUMNS)], fills=fills[list(FILL_COLUMNS)], signals=signals,
        meta=TapeMeta(tick=0.01),
    )  # fmt: skip


@pytest.mark.parametrize("name", BATCH_DEPLOYED)
def test_each_rule_equals_the_naive_loop(name):
    learnt = 0
    for seed in range(4):
        tape = rough_tape(seed)
        rule, want = BATCH_DEPLOYED[name](), NAIVE[name](tape)
        state = rule.outcome(run(rule, tape)).state
        assert (state is None) == (want is None)
        if state is not None:
            learnt += 1
            assert (state.p1, state.p2) == pytest.approx(want, rel=1e-9)
    assert learnt >= 2, "the tapes say too little for this rule"


@pytest.mark.parametrize("name", ["alpha_touch", "kappa", "cascade_oi_threshold"])
def test_rules_equal_the_naive_loop_where_ties_are_the_rule(name):
    for seed in range(40):
        tape = random_tapes.tape(seed, n_quotes=40)
        grid = np.arange(0.0, random_tapes.T1, 1.0)
        interest = 1e6 * 0.98 ** np.arange(grid.size)
        tape = replace(tape, signals=pd.DataFrame({"ts": grid, "open_interest": interest}))
        rule = BATCH_DEPLOYED[name]()
        outcome, want = rule.outcome(run(rule, tape)), NAIVE[name](tape)
        assert (outcome.state is None) == (want is None)
        if want is not None:
            assert (outcome.state.p1, outcome.state.p2) == pytest.approx(want, rel=1e-9)


def test_the_calibrator_gives_every_rule_and_says_why_not():
    full, bare = calibrate_deployed(rough_tape(0)), calibrate_deployed(Tape("X", 0.0, 9.0, empty_table(QUOTE_COLUMNS)))
    assert set(full) == set(bare) == set(BATCH_DEPLOYED)
    for name, outcome in bare.items():
        assert outcome.state is None
        assert outcome.reason
        assert outcome.belief() == prior(name)
    assert full["alpha_touch"].reason == f"{full['alpha_touch'].state.p1 - 2:.0f} of 300 fills called informed"
    sliced = calibrate_deployed(rough_tape(0), slice_s=901.0)
    for name, outcome in full.items():
        a, b = outcome.belief(), sliced[name].belief()
        assert (a.mean(), a.std()) == pytest.approx((b.mean(), b.std()), rel=1e-9)


# ------------------------------------------------------------------ F23, F24: the move from the price of the fill


def still_tape(depth_bps: float, move_bps: float = 0.0, n: int = 40) -> Tape:
    """Buys at one depth; the mid falls by a fixed move after each and is back before the next."""
    ts = np.arange(0.0, 10.0 * n + 10, 0.5)
    low = (ts % 10 >= 5.5) & (ts % 10 < 8.0)
    mid = 100.0 * np.where(low, 1 - move_bps * 1e-4, 1.0)
    quotes = pd.DataFrame({"ts": ts, "bid": mid * (1 - 1e-5), "bid_sz": 1.0, "ask": mid * (1 + 1e-5), "ask_sz": 1.0})
    fills = pd.DataFrame(
        {"ts": 10.0 * np.arange(n) + 5.2, "order_id": np.arange(n), "side": 1, "price": 100 * (1 - depth_bps * 1e-4),
         "size": 1.0}
    )  # fmt: skip
    return Tape("X", 0.0, float(ts[-1]) + 1, quotes, fills=fills[list(FILL_COLUMNS)], meta=TapeMeta(tick=0.01))


def test_a_fill_at_depth_8_without_a_move_books_12():
    rule = BatchFloor()
    state = run(rule, still_tape(8.0), 13.0)
    assert rule.booked_bps(state)[5.0] == pytest.approx(12.0, abs=0.02)
    outcome = rule.outcome(state)
    assert (outcome.state.n, outcome.state.sum_x) == (1, 6.0)  # the edge of the bucket and a buffer: one observation
    assert "break-even 5 bps: lowest bucket" in outcome.reason


def test_the_batch_floor_books_a_profit_where_each_fill_loses():
    """Depth 8 and a fall of 11: three bps lost and a fee of 1.5 on top, yet the bucket shows a profit."""
    rule = BatchFloor()
    state = run(rule, still_tape(8.0, 11.0))
    assert rule.booked_bps(state)[5.0] == pytest.approx(1.0, abs=0.05)
    assert "lowest bucket" in rule.outcome(state).reason
    lost = run(rule, still_tape(8.0, 13.0))
    assert rule.booked_bps(lost)[5.0] < 0
    assert "default" in rule.outcome(lost).reason


def test_the_batch_floor_needs_ten_fills_in_a_bucket():
    rule = BatchFloor()
    assert "lowest bucket" in rule.outcome(run(rule, still_tape(18.0, n=10))).reason
    few = rule.outcome(run(rule, still_tape(18.0, n=9)))
    assert "default" in few.reason
    assert few.state.sum_x == 6.0


@pytest.mark.parametrize(("depth_bps", "informed"), [(0.5, 40), (2.0, 40), (4.0, 0), (8.0, 0)])
def test_the_batch_label_needs_5_bps_plus_the_depth(depth_bps, informed):
    rule = BatchAlpha()
    outcome = rule.outcome(run(rule, still_tape(depth_bps, move_bps=8.0)))
    assert outcome.state.p1 == 2 + informed
    assert outcome.observations == 40


def test_the_batch_label_falls_with_depth_on_one_market():
    rng = np.random.default_rng(2)
    ts = np.arange(0.0, 4000.0, 0.5)
    mid = 100 * np.exp(np.cumsum(rng.normal(0, 4e-4, ts.size)))
    quotes = pd.DataFrame({"ts": ts, "bid": mid * (1 - 1e-5), "bid_sz": 1.0, "ask": mid * (1 + 1e-5), "ask_sz": 1.0})
    at = np.arange(2.25, 3990.0, 2.0)
    known, rule, means = mid[np.searchsorted(ts, at) - 1], BatchAlpha(), []
    for depth_bps in (0.0, 2.0, 5.0, 10.0):
        fills = pd.DataFrame({"ts": at, "order_id": np.arange(at.size), "side": 1, "size": 1.0})
        fills["price"] = known * (1 - depth_bps * 1e-4)
        tape = Tape("X", 0.0, 4000.0, quotes, fills=fills[list(FILL_COLUMNS)], meta=TapeMeta(tick=0.01))
        means.append(rule.posterior(run(rule, tape)).mean())
    assert np.all(np.diff(means) < -0.03)
    assert means[-1] < 0.4 * means[0]


# ------------------------------------------------------------------ F25 and the other rules


@pytest.mark.parametrize(("threshold", "mean", "digits"), [(0.02, 0.11, 2), (0.03, 0.16, 2), (0.10, 0.5, 1)])
def test_the_cascade_threshold_is_booked_as_a_tenfold_share(threshold, mean, digits):
    rule = BatchCascade()
    outcome = rule.outcome(DropState(drops=(threshold,) * 5))
    assert round(outcome.belief().mean(), digits) == mean
    assert rule.outcome(DropState(drops=(threshold,) * 4)).state is None
    assert rule.outcome(DropState(drops=(0.5,) * 9)).belief() == rule.outcome(DropState(drops=(0.10,) * 5)).belief()


def test_a_drop_counts_only_where_fills_went_bad():
    tape = still_tape(0.1, move_bps=20.0, n=12)
    grid = np.arange(5.0, 125.0, 10.0)  # each fill comes just after a sample, long before its interval ends
    rule = BatchCascade()
    falling = replace(tape, signals=pd.DataFrame({"ts": grid, "open_interest": 100 * 0.97 ** np.arange(12)}))
    assert rule.outcome(run(rule, falling, 3.0)).belief().mean() == pytest.approx(0.16, abs=0.006)
    rising = replace(tape, signals=pd.DataFrame({"ts": grid, "open_interest": 100 * 1.03 ** np.arange(12)}))
    calm = replace(falling, quotes=still_tape(0.1, move_bps=9.0, n=12).quotes)
    for harmless in (rising, calm):
        assert rule.outcome(run(rule, harmless)).state is None


def test_drops_are_found_however_the_tape_is_cut():
    rule, found = BatchCascade(), 0
    for seed in range(20):
        tape = random_tapes.tape(seed, n_quotes=40)
        grid = np.arange(0.0, random_tapes.T1, 2.0)
        tape = replace(tape, signals=pd.DataFrame({"ts": grid, "open_interest": 1e6 * 0.98**grid}))
        state = rule.init()
        for piece in random_tapes.sliced(tape, seed):
            state = rule.update(state, piece)
        assert state.drops == pytest.approx(run(rule, tape).drops, rel=1e-12)
        found += len(state.drops)
    assert found > 10


def hours(**means: float) -> HourSums:
    n, total = np.zeros(24), np.zeros(24)
    for name, mean in means.items():
        n[int(name[1:])], total[int(name[1:])] = 10, 10 * mean
    return HourSums(n=n, total_bps=total)


def test_toxic_hours_compare_the_worst_with_the_mean_of_all():
    rule = BatchToxicHours()
    state = hours(h1=-1, h2=-1, h3=-4)  # mean -2, limit -3: hour 3, ratio 2
    assert rule.hours(state) == (3,)
    outcome = rule.outcome(state)
    assert (outcome.state.n, outcome.state.sum_x) == (1, pytest.approx(np.log(2.0)))
    assert outcome.state.p2 == deployed_state("toxic_hour_gamma_mult").p2
    assert rule.hours(HourSums()) == (6, 7, 14)
    assert rule.outcome(HourSums()).state is None
    clipped = rule.outcome(hours(h1=0, h2=0, h3=0, h4=0, h5=0, h6=-1))
    assert clipped.state.sum_x == pytest.approx(np.log(4.0))
    assert rule.outcome(hours(h1=-1, h2=-1.1)).state is None
    assert rule.outcome(hours(h1=0, h2=-0.15)).state is None  # a mean of -.075 is too close to zero for a ratio
    assert rule.outcome(hours(h1=0, h2=-0.25)).state is not None


def three_hours(*moves_bps: float) -> Tape:
    """Ten buys at the mid in each hour; the mid falls by the hour's move after each and comes back."""
    start = np.concatenate([3600.0 * k + 100 * np.arange(10) for k in range(len(moves_bps))])
    fall = np.repeat(moves_bps, 10) * 1e-4
    ts = np.column_stack([start, start + 2, start + 50]).ravel()
    mid = 100 * (1 - np.column_stack([0 * fall, fall, 0 * fall]).ravel())
    quotes = pd.DataFrame({"ts": ts, "bid": mid - 0.01, "bid_sz": 1.0, "ask": mid + 0.01, "ask_sz": 1.0})
    fills = pd.DataFrame({"ts": start + 1, "order_id": np.arange(start.size), "side": 1, "price": 100.0, "size": 1.0})
    return Tape("X", 0.0, float(ts[-1]) + 1, quotes, fills=fills[list(FILL_COLUMNS)], meta=TapeMeta(tick=0.01))


def test_the_audit_sees_that_the_lognormal_is_not_the_posterior_of_its_own_model():
    rule, tape = BatchToxicHours(), three_hours(0.1, 0.1, 3.0)
    state = run(rule, tape)
    assert rule.outcome(state).state.sum_x == pytest.approx(np.log(3.0 / (3.2 / 3)))
    right = deployed_state(rule.parameter).belief().update(1, rule.outcome(state).state.sum_x, 1.0)
    assert quadrature_gap(rule, tape, right) < 0.2 * QUADRATURE_BOUND
    assert quadrature_gap(rule, tape, rule.posterior(state)) > 3 * QUADRATURE_BOUND


def test_toxic_hours_call_good_hours_toxic_where_fills_pay():
    rule = BatchToxicHours()
    assert rule.hours(hours(h1=2, h2=2, h3=2)) == (1, 2, 3)


def test_hawkes_needs_a_hundred_trades():
    rule = BatchHawkes("hawkes_mu")
    trades = pd.DataFrame({"ts": np.arange(100.0), "price": 1.0, "size": 1.0, "side": 1})[list(TRADE_COLUMNS)]
    tape = Tape("X", 0.0, 100.0, empty_table(QUOTE_COLUMNS), trades)
    assert rule.outcome(run(rule, replace(tape, trades=trades[:99]))).state is None
    outcome = rule.outcome(run(rule, tape))  # cv 0: alpha .05, beta .2, mu .75
    assert (outcome.state.n, outcome.state.sum_x) == (1, pytest.approx(4 / 3))


def test_kappa_books_trades_of_the_last_second_over_the_time_to_the_next_snapshot():
    quotes = pd.DataFrame({"ts": [10.0, 12.0, 40.0], "bid": 99.95, "bid_sz": 1.0, "ask": 100.05, "ask_sz": 1.0})
    trades = pd.DataFrame({"ts": [8.9, 9.5, 10.0, 11.9], "price": 100.0, "size": 1.0, "side": 1})[list(TRADE_COLUMNS)]
    outcome = calibrate_deployed(Tape("X", 0.0, 50.0, quotes, trades))["kappa"]
    assert outcome.observations == 1  # the second gap is longer than 10 s
    assert outcome.state.sum_x == pytest.approx(1 / (2 / 2.0 / 1e-3))  # two trades in (9, 10], 2 s, 10 bps


# ------------------------------------------------------------------ the right batch


TAPES = [simulate(truth, 600.0, seed=k) for k, truth in enumerate(population(2, 5))]


#: Learners of our own fills; the others read trades, quotes and signals.
OF_FILLS = ("KappaExposure", "AlphaTouch", "AlphaTouchLabelError", "SpreadFloor", "ToxicHours")
OF_FLOW = (*OF_FILLS[:4], "KappaMarketOrders")


def test_one_row_for_each_asset_and_learner_equal_to_the_stream():
    told = []
    table = calibrate(TAPES, progress=lambda *what: told.append(what))
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 2 * len(SOUND) == len(told)
    assert told[-1] == (len(table), len(table), f"{TAPES[1].asset}: {list(SOUND)[-1]}")
    for row in table.to_dict("records"):
        tape = next(t for t in TAPES if t.asset == row["asset"])
        learner = SOUND[row["learner"]]()
        belief = learner.posterior(run(learner, tape, 61.3))
        want = [belief.mean(), belief.std(), *belief.ppf(np.array([0.05, 0.5, 0.95]))]
        assert [row[c] for c in ("mean", "sd", "p05", "p50", "p95")] == pytest.approx(want, rel=1e-9)
        start = learner.posterior(learner.init())
        assert (row["prior_mean"], row["prior_sd"]) == pytest.approx((start.mean(), start.std()))
        assert row["events"] == ("own fills" if row["learner"] in OF_FILLS else "trades")


def test_counts_and_shares_of_the_prior_agree():
    table = calibrate(TAPES[0]).set_index("learner")
    n = table.loc["AlphaTouch", "n"]
    assert table.loc["AlphaTouch", "share_of_prior"] == pytest.approx(8 / (8 + n), rel=1e-9)
    assert table.loc["SpreadFloor", "n"] == n
    assert table.loc["KappaExposure", "n"] == len(TAPES[0].fills)
    assert table.loc["KappaMarketOrders", "n"] > 50
    assert (table.loc[list(OF_FLOW), "share_of_prior"] < 0.2).all()
    assert table.loc["ToxicHours", "n"] == n
    assert table.loc["MoveScale", "n"] == 9  # of 600 s, from the first minute after a quote on
    assert table.loc["MicropriceDecay", "n"] == pytest.approx(599, rel=0.05)
    for name in ("SkewSlope", "ChangepointBias", "CascadeThreshold"):  # the tape has no signal
        assert (table.loc[name, "n"], table.loc[name, "share_of_prior"]) == (0, pytest.approx(1.0, rel=1e-3))


def test_series_are_counted_as_their_learners_see_them():
    tapes = {name: plain(name, DESIGNS[name].typical, 3600.0, 1) for name in SIGNAL_DESIGNS}
    learners = {make().parameter: make() for make in SOUND.values() if make().parameter in tapes}
    states = {name: run(learner, tapes[name]) for name, learner in learners.items()}
    counts = {name: count_events(learner, tapes[name]) for name, learner in learners.items()}
    assert counts["momentum_normalizer_bps"] == states["momentum_normalizer_bps"].n
    assert counts["proactive_skew_sensitivity"] == states["proactive_skew_sensitivity"].pairs.n
    assert counts["microprice_decay"] == states["microprice_decay"].n
    # Not every report counts: some come too close to another, and the last minute has no move after it.
    assert 0 <= counts["predictive_bias_sensitivity"] - states["predictive_bias_sensitivity"].moves.n < 15
    assert 0 <= counts["cascade_oi_threshold"] - states["cascade_oi_threshold"].total.sum() <= 1


def test_the_count_of_a_filtered_series_is_what_its_learner_takes_in():
    for name in ("KalmanQ", "KalmanR", "HazardRate", "RegimeStickiness"):
        learner = SOUND[name]()
        tape = plain(learner.parameter, DESIGNS[learner.parameter].typical, 3600.0, 1)
        # The first report ends a step of unknown length, and its changepoint would not count.
        late = 1 if name == "HazardRate" else 0
        assert 0 <= count_events(learner, tape) - run(learner, tape).events <= late
        assert count_events(learner, tape) > 20


def test_a_tape_without_own_fills_is_shown_hypothetical_orders():
    bare = replace(TAPES[0], orders=empty_table(ORDER_COLUMNS), fills=empty_table(FILL_COLUMNS))
    table = calibrate(bare).set_index("learner")
    assert table["events"].to_dict() == {
        "KappaExposure": "rotating", "KappaMarketOrders": "trades", "AlphaTouch": "at touch",
        "AlphaTouchLabelError": "at touch", "SpreadFloor": "at touch", "MoveScale": "trades", "SkewSlope": "trades",
        "ChangepointBias": "trades", "MicropriceDecay": "trades", "CascadeThreshold": "trades",
        "ToxicHours": "at touch", "HawkesMu": "trades", "HawkesAlpha": "trades", "HawkesBeta": "trades",
        "KalmanQ": "trades", "KalmanR": "trades", "HazardRate": "trades", "RegimeStickiness": "trades",
    }  # fmt: skip
    assert (table.loc[list((*OF_FLOW, "ToxicHours")), "n"] > 50).all()
    seen, _ = shown(SOUND["SpreadFloor"](), bare)
    assert seen.meta.provenance == "market-proxy"
    again = calibrate(bare, seed=1).set_index("learner")
    assert again.loc["KappaExposure", "mean"] != table.loc["KappaExposure", "mean"]
    assert again.loc["SpreadFloor", "mean"] == table.loc["SpreadFloor", "mean"]


def test_without_events_the_prior_is_all_there_is():
    of_flow = [SOUND[name]() for name in OF_FLOW]
    quiet = calibrate(Tape("X", 0.0, 60.0, TAPES[0].between(0.0, 60.0).quotes), of_flow)
    nothing = Tape("X", 0.0, 60.0, TAPES[0].between(0.0, 0.0).quotes)  # nor a quote, from which series learn
    others = [make() for make in SOUND.values() if not make().parameter.startswith("hawkes_")]
    bare = calibrate(nothing, others)
    table = pd.concat([quiet, bare])
    assert set(quiet["events"]) == set(bare["events"]) == {"none", "trades"}
    assert (table["n"] == 0).all()
    assert table["share_of_prior"].tolist() == pytest.approx([1.0] * len(table), rel=1e-3)
    assert table["mean"].tolist() == pytest.approx(table["prior_mean"].tolist(), rel=1e-3)


def test_silence_speaks_of_the_rate_of_events_and_of_nothing_else():
    nothing = Tape("X", 0.0, 60.0, TAPES[0].between(0.0, 0.0).quotes)
    table = calibrate(nothing, [HawkesMu(), HawkesBeta()]).set_index("parameter")
    assert (table["n"] == 0).all()
    assert table.loc["hawkes_mu", "mean"] < 0.5 * table.loc["hawkes_mu", "prior_mean"]
    assert table.loc["hawkes_beta", "mean"] == pytest.approx(table.loc["hawkes_beta", "prior_mean"], rel=0.05)


def test_other_learners_may_be_given():
    table = calibrate(TAPES[0], [BatchAlpha(), BatchHawkes("hawkes_mu")])
    assert table["learner"].tolist() == ["BatchAlpha", "BatchHawkesMu"]
    assert table["n"].tolist()[1] > 100
    assert table["events"].tolist() == ["own fills", "trades"]


def test_the_share_of_the_prior_is_exact_for_conjugate_families():
    assert share_of_prior(Beta(2, 6), Beta(12, 36), (0.0, 1.0)) == pytest.approx(8 / 48)
    assert share_of_prior(Gamma(4, 0.002), Gamma(40, 0.05), (0.0, np.inf)) == pytest.approx(0.1)
    start = prior("spread_floor_bps")
    after = start.update(3, 9.0, 4.0)
    assert share_of_prior(start, after, (-np.inf, np.inf)) == pytest.approx(0.25)
    assert share_of_prior(start, start, (-np.inf, np.inf)) == 1.0


# ------------------------------------------------------------------ real tapes


@pytest.mark.parametrize(("asset", "branching"), [("hl_BTC", 0.39), ("hl_ETH", 0.64)])
def test_the_deployed_rules_run_on_real_tapes(asset, branching):
    if not REAL.is_dir():
        pytest.skip("real tapes are not here")
    tape = read(REAL / asset).at_touch()
    tape = tape.between(tape.t0, tape.t0 + 600.0)
    found = calibrate_deployed(tape)
    rule = BatchHawkes()
    read_as = rule.guess(run(rule, tape)).branching
    assert read_as == pytest.approx(0.25, abs=0.02)  # decay here is .1 to .3 per s: the floor of beta answers
    assert branching > 1.4 * read_as
    assert len(tape.quotes) > 500
    assert found["kappa"].observations < 50  # spreads are below .5 bps, so nearly no snapshot counts
    assert found["alpha_touch"].observations > 100
    assert found["regime_sticky_diagonal"].state is None
