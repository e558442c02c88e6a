"""The audit of rows that speak of moves and signals: right learners are cleared, flaws go red where they should."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mmresearch.audit import estimand as estimand_module
from mmresearch.audit.accounting import ledger_faults
from mmresearch.audit.battery import CHECKS, apply_checks
from mmresearch.audit.designs import DESIGNS
from mmresearch.audit.designs.fills import FILL_DESIGNS
from mmresearch.audit.designs.signals import SIGNAL_DESIGNS
from mmresearch.audit.information import overclaim
from mmresearch.audit.mutants import CountsTwice, FedTwice, Late, LosesBeginning, LosesFirstFill, mutants_of
from mmresearch.audit.trials import Trials
from mmresearch.belief.catalogue import CATALOGUE
from mmresearch.learn.batch.deployed_risk import BatchCascade, BatchToxicHours
from mmresearch.learn.bundled import BUNDLED
from mmresearch.learn.contract import run
from mmresearch.learn.sound.cascade import CascadeThreshold
from mmresearch.learn.sound.decay import MicropriceDecay
from mmresearch.learn.sound.location import ChangepointBias, SkewSlope
from mmresearch.learn.sound.moves import MoveScale
from mmresearch.learn.sound.toxic import ToxicHours
from mmresearch.sim.plain import PLAIN_PARAMETERS
from mmresearch.sim.worlds import plain
from mmresearch.tape.faults import SliceOrderError
from mmresearch.tape.schema import Tape

SEED = 11
SOUND = (MoveScale, SkewSlope, ChangepointBias, MicropriceDecay, CascadeThreshold, ToxicHours)
NEVER = tuple(name for name in BUNDLED if name.startswith("NeverUpdated"))
ORDER = ("ledger", "units", "sign", "exactness", "liveness", "policy", "estimand", "calibration")


def statuses(learner, checks=tuple(CHECKS), quick=True, seed=SEED):
    (found,) = apply_checks(checks, [learner], seed, quick=quick)
    return {f.check: f for f in found}


def first_fault(found) -> str:
    return next(check for check in ORDER if check in found and found[check].status == "fail")


# ------------------------------------------------------------------ designs


@pytest.mark.parametrize("name", DESIGNS)
def test_a_design_asks_for_what_its_world_can_make(name):
    design, row = DESIGNS[name], CATALOGUE[name]
    assert row.kind == "learned"
    assert name in PLAIN_PARAMETERS
    assert list(design.truths) == sorted(design.truths)
    assert design.truths[0] < design.typical < design.truths[-1]
    assert design.support[0] < design.truths[0]
    assert design.truths[-1] < design.support[1]
    assert row.plausible[0] <= design.typical <= row.plausible[1]
    assert design.short_seconds < design.seconds
    assert design.tolerance > 0


def test_policies_are_asked_of_rows_that_speak_of_our_fills_alone():
    assert set(SIGNAL_DESIGNS) == {kind().parameter for kind in SOUND}
    assert [name for name, design in SIGNAL_DESIGNS.items() if design.policies] == ["toxic_hour_gamma_mult"]
    assert all(design.policies for design in FILL_DESIGNS.values())
    (found,) = statuses(MoveScale(), ("policy",)).values()
    assert (found.status, found.value, found.power) == ("not applicable", None, None)
    assert "not our fills" in found.why


def test_errors_of_a_factor_per_second_are_those_of_its_rate():
    decay, scale = Trials("microprice_decay", SEED), Trials("momentum_normalizer_bps", SEED)
    assert decay.scale(np.exp(-0.002), 0.998) == pytest.approx(np.log(0.002))
    assert scale.scale(20.0, 20.0) == pytest.approx(np.log(20.0))
    assert (decay.scale_name, scale.scale_name) == ("(log rate)", "(log)")


def test_every_truth_of_the_estimand_has_seeds_of_its_own(monkeypatch):
    seen = []

    def mean(learner, trials, theta, replicate, **world):
        seen.append((theta, replicate))
        return theta + 1e-3 * np.random.default_rng(replicate).normal()

    monkeypatch.setattr(estimand_module, "_means", mean)
    assert estimand_module.estimand(SkewSlope(), Trials("proactive_skew_sensitivity", SEED)).status != "error"
    over_truths = [r for _, r in seen if r < 20]
    assert len(over_truths) == len(set(over_truths)) == 18


def test_the_mirror_turns_what_has_a_direction_and_nothing_else():
    quotes = pd.DataFrame({"ts": [0.0, 1.0], "bid": [99.0, 100.0], "bid_sz": 1.0, "ask": [101.0, 102.0], "ask_sz": 2.0})
    signals = pd.DataFrame({"ts": [0.0, 1.0], "momentum": [0.5, np.nan], "changepoint": [0.0, 1.0]})
    signals["open_interest"] = 1e6
    tape = Tape("X", 0.0, 2.0, quotes, signals=signals)
    mirror = tape.mirrored()
    np.testing.assert_array_equal(mirror.signals["momentum"], [-0.5, np.nan])
    pd.testing.assert_frame_equal(mirror.signals.drop(columns="momentum"), signals.drop(columns="momentum"))
    pd.testing.assert_frame_equal(mirror.mirrored().signals, signals)
    assert replace(tape, signals=None).mirrored().signals is None


# ------------------------------------------------------------------ fast checks of each sound learner


@pytest.mark.parametrize("kind", SOUND)
def test_sound_learners_pass_the_quick_checks(kind):
    checks = ("units", "sign", "exactness", "liveness")
    assert {c: f.why for c, f in statuses(kind(), checks).items() if f.status != "pass"} == {}


@pytest.fixture(scope="module")
def short_tapes():
    return {name: plain(name, d.typical, 2 * d.short_seconds, SEED) for name, d in SIGNAL_DESIGNS.items()}


@pytest.mark.parametrize("kind", SOUND)
def test_the_ledger_clears_a_learner_and_catches_each_that_spoils_its_evidence(kind, short_tapes):
    learner = kind()
    tape, design = short_tapes[learner.parameter], SIGNAL_DESIGNS[learner.parameter]
    faults = ledger_faults(learner, tape, np.random.default_rng(0))
    assert max(faults.values()) <= 1, faults
    for mutant in (m for m in mutants_of(design) if m is not CountsTwice):
        assert notices(mutant(learner), tape), mutant.__name__


def notices(mutant, tape) -> bool:
    """Whether the ledger sees a mutant: by what it believes, or because the learner refuses a slice fed twice."""
    try:
        return max(ledger_faults(mutant, tape, np.random.default_rng(0)).values()) > 1
    except SliceOrderError:
        return type(mutant) is FedTwice


def test_what_a_learner_can_lose_depends_on_its_evidence():
    by_row = {name: mutants_of(design) for name, design in DESIGNS.items()}
    assert by_row["toxic_hour_gamma_mult"] == (FedTwice, Late, LosesFirstFill)
    assert by_row["momentum_normalizer_bps"] == (FedTwice, Late, LosesBeginning)
    assert by_row["kappa"] == (FedTwice, Late, LosesFirstFill, CountsTwice)
    assert by_row["microprice_decay"] == (FedTwice, Late, LosesBeginning, CountsTwice)


@pytest.mark.parametrize("name", NEVER)
def test_a_number_that_nothing_moves_is_not_alive(name):
    found = statuses(BUNDLED[name](), ("ledger", "units", "sign", "exactness", "liveness"))
    assert first_fault(found) == "liveness"
    assert found["units"].status == "undecided"
    assert found["ledger"].power == 0.0  # a belief that stands still hides whatever is done to its evidence


# ------------------------------------------------------------------ learners that are wrong


def spoilt(belief, factor: float = 1.0, narrower: float = 1.0):
    return stats.norm(factor * belief.mean(), abs(factor) * belief.std() / narrower)


@dataclass(frozen=True)
class PerPrice(MoveScale):
    """Reports a fraction of price under a name in bps."""

    name: str = "PerPrice"

    def posterior(self, state):
        return spoilt(super().posterior(state), 1e-4)


@dataclass(frozen=True)
class RawMoves(MoveScale):
    """Measures moves in units of price, not as a fraction of it."""

    name: str = "RawMoves"

    def update(self, state, tape):
        mid = 0.5 * (tape.quotes["bid"] + tape.quotes["ask"])
        at = np.flatnonzero(np.diff(np.floor(tape.quotes["ts"].to_numpy() / 60.0)) > 0)
        moves = np.diff(mid.to_numpy()[at])
        return replace(state, n=state.n + moves.size, squares_bps2=state.squares_bps2 + float(moves @ moves))


@dataclass(frozen=True)
class AgainstMomentum(SkewSlope):
    """Reads momentum upside down."""

    name: str = "AgainstMomentum"

    def update(self, state, tape):
        return super().update(state, replace(tape, signals=tape.signals.assign(momentum=-tape.signals["momentum"])))


@dataclass(frozen=True)
class NoDirection(ChangepointBias):
    """Takes the mean move by its size."""

    name: str = "NoDirection"

    def posterior(self, state):
        return super().posterior(replace(state, moves=replace(state.moves, mean=abs(state.moves.mean))))


@dataclass(frozen=True)
class InPercent(CascadeThreshold):
    """Reports per cent under a name that is a fraction."""

    name: str = "InPercent"

    def posterior(self, state):
        return spoilt(super().posterior(state), 100.0)


@dataclass(frozen=True)
class FallsOnly(CascadeThreshold):
    """Calls a minute bad only if the mid falls."""

    name: str = "FallsOnly"

    def update(self, state, tape):
        after = super().update(state, tape)
        fell = tape.quotes["bid"].iloc[-1] < tape.quotes["bid"].iloc[0]
        return after if fell else replace(after, bad=state.bad)


@dataclass(frozen=True)
class NoFee(ToxicHours):
    """Forgets the maker fee."""

    name: str = "NoFee"

    def update(self, state, tape):
        return super().update(state, replace(tape, meta=replace(tape.meta, fee_bps=0.0)))


@dataclass(frozen=True)
class StepsTwice(MicropriceDecay):
    """Counts every step twice."""

    name: str = "StepsTwice"

    def posterior(self, state):
        return super().posterior(replace(state, n=2 * state.n, sums=2 * state.sums))


@dataclass(frozen=True)
class PairsTwice(SkewSlope):
    """Counts every move twice."""

    name: str = "PairsTwice"

    def posterior(self, state):
        doubled = {k: 2 * getattr(state.pairs, k) for k in ("n", "xx", "xy", "yy")}
        return super().posterior(replace(state, pairs=replace(state.pairs, **doubled)))


@dataclass(frozen=True)
class MovesTwice(ChangepointBias):
    """Counts every move twice."""

    name: str = "MovesTwice"

    def posterior(self, state):
        return super().posterior(replace(state, moves=replace(state.moves, n=2 * state.moves.n, m2=2 * state.moves.m2)))


@pytest.mark.parametrize(
    ("learner", "check"),
    [
        (RawMoves(), "units"),
        (PerPrice(), "estimand"),
        (AgainstMomentum(), "estimand"),
        (NoDirection(), "sign"),
        (FallsOnly(), "sign"),
        (InPercent(), "estimand"),
        (StepsTwice(), "ledger"),
    ],
    ids=lambda v: v if isinstance(v, str) else v.name,
)
def test_a_sound_learner_that_is_broken_goes_red(learner, check):
    (found,) = statuses(learner, (check,)).values()
    assert found.status == "fail", found.why


# ------------------------------------------------------------------ the whole battery


@pytest.mark.long
@pytest.mark.parametrize("kind", SOUND)
def test_sound_learners_pass_their_battery(kind):
    found = statuses(kind(), quick=False)
    assert {c: f.why for c, f in found.items() if f.status not in ("pass", "not applicable")} == {}
    applies = "pass" if kind is ToxicHours else "not applicable"
    assert found["policy"].status == applies


@pytest.mark.long
@pytest.mark.parametrize(
    ("learner", "first"),
    [
        *((BUNDLED[name](), "liveness") for name in NEVER),  # F30
        (BatchToxicHours(), "exactness"),  # F20
        (BatchCascade(), "liveness"),  # F25: the drops that it waits for are those of fills, which the world has not
    ],
    ids=lambda v: v if isinstance(v, str) else v.name,
)
def test_known_flaws_fail_the_right_check(learner, first):
    found = statuses(learner, quick=False)
    assert first_fault(found) == first
    assert found["estimand"].status == "fail"


@pytest.mark.long
@pytest.mark.parametrize(
    ("learner", "check"),
    [(PairsTwice(), "calibration"), (MovesTwice(), "calibration"), (NoFee(), "estimand")],
    ids=lambda v: v if isinstance(v, str) else v.name,
)
def test_doubled_events_and_forgotten_costs_go_red(learner, check):
    (found,) = statuses(learner, (check,), quick=False).values()
    assert found.status == "fail", found.why


@pytest.mark.long
def test_an_honest_mean_moves_as_far_as_its_variance_lets_it():
    trials = [Trials("microprice_decay", seed, quick=True) for seed in range(3)]
    ratios = [overclaim(MicropriceDecay(), t.typical_slices()) for t in trials]
    assert 0.8 < np.mean(ratios) < 1.25
    assert run(MicropriceDecay(), trials[0].typical()).n > 40_000
