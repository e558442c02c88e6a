"""The audit of rows of event times and filtered series: right learners are cleared, flaws go red where they should."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from scipy import stats

from mmresearch.audit.accounting import ledger_faults, silence
from mmresearch.audit.battery import CHECKS, apply_checks
from mmresearch.audit.beliefs import believe
from mmresearch.audit.designs.series import SERIES_DESIGNS
from mmresearch.audit.information import overclaim
from mmresearch.audit.trials import Trials
from mmresearch.audit.verdict import decide
from mmresearch.learn.bundled import BUNDLED
from mmresearch.learn.contract import name_of, run
from mmresearch.learn.sound.hawkes import HawkesAlpha, HawkesBeta, HawkesMu
from mmresearch.learn.sound.hazard import HazardRate
from mmresearch.learn.sound.levels import KalmanQ, KalmanR
from mmresearch.learn.sound.regimes import RegimeStickiness

SEED = 11
SOUND = (HawkesMu, HawkesAlpha, HawkesBeta, KalmanQ, KalmanR, HazardRate, RegimeStickiness)
#: Deployed learner or single flaw -> the checks that its flaws are to be found by.
FLAWS = {
    "DeployedHawkesMu": ("ledger", "estimand", "calibration"),  # F14: all trades; clustered ones taken for independent
    "DeployedHazard": ("units", "calibration"),  # samples for seconds; F18
    "HazardCompleteRuns": ("calibration",),  # F18
    "HazardRateNormalIntervals": ("exactness",),  # F21
    "DeployedStickiness": ("units", "estimand", "calibration"),  # F19
    "NeverUpdated(kalman_q)": ("liveness", "estimand"),  # F30
    "NeverUpdated(kalman_r)": ("liveness", "estimand"),
}
QUICK = ("units", "sign", "exactness", "liveness", "estimand", "calibration")
ALGEBRA = ("units", "sign", "exactness", "liveness")


@cache
def found(name, checks=tuple(CHECKS), quick=True, seed=SEED):
    (findings,) = apply_checks(checks, [BUNDLED[name]()], seed, quick=quick)
    return {f.check: f for f in findings}


def test_there_is_a_design_for_every_row_of_a_series():
    assert set(SERIES_DESIGNS) == {kind().parameter for kind in SOUND}
    assert not any(design.policies for design in SERIES_DESIGNS.values())


@pytest.mark.parametrize("kind", SOUND, ids=lambda k: k.__name__)
def test_sound_learners_pass_every_quick_check(kind):
    wrong = {c: (f.status, f.why) for c, f in found(kind().name, QUICK).items() if f.status != "pass"}
    assert wrong == {}


@pytest.mark.parametrize("kind", [HazardRate, RegimeStickiness, HawkesBeta], ids=lambda k: k.__name__)
def test_the_ledger_clears_them_and_would_see_every_mutant(kind):
    (finding,) = found(kind().name, ("ledger",)).values()
    assert (finding.status, finding.power) == ("pass", 1.0)


@pytest.mark.long
@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize("kind", SOUND, ids=lambda k: k.__name__)
def test_sound_learners_pass_the_whole_battery(kind, seed):
    findings = found(kind().name, quick=False, seed=seed)
    wrong = {c: (f.status, f.why) for c, f in findings.items() if f.status not in ("pass", "not applicable")}
    assert wrong == {}
    assert findings["policy"].status == "not applicable"


@pytest.mark.parametrize("name", FLAWS)
def test_flaws_are_found_by_the_checks_that_name_them(name):
    findings = found(name, QUICK)
    assert {c for c in QUICK if findings[c].status == "fail"} == set(FLAWS[name]) - {"ledger"}


@pytest.mark.parametrize(
    ("name", "headline"),
    [
        ("DeployedHazard", "broken accounting"),
        ("HazardRateNormalIntervals", "broken accounting"),
        ("DeployedStickiness", "broken accounting"),
        ("DeployedHawkesMu", "wrong target"),
        ("NeverUpdated(kalman_q)", "wrong target"),
    ],
)
def test_the_headline_is_that_of_the_flaw(name, headline):
    assert decide(tuple(found(name, QUICK).values()), None, "worlds").headline == headline


def test_all_trades_read_as_the_baseline_are_off_by_what_they_bring():
    """With branching n, all trades come at 1/(1 - n) times the rate of those that no other brought."""
    why = found("DeployedHawkesMu", QUICK)["estimand"]
    assert why.value == pytest.approx(np.log(1 / 0.6), abs=0.15)


def test_clustered_trades_claim_more_than_they_tell():
    trials = Trials("hawkes_mu", SEED, quick=True)
    assert overclaim(BUNDLED["DeployedHawkesMu"](), trials.typical_slices()) > 1.4
    assert 0.6 < overclaim(HawkesMu(), trials.typical_slices()) < 1.4


# Sound learners, broken.


@dataclass(frozen=True)
class PerMinute(HawkesMu):
    """Reports a rate per minute under a name that is per second."""

    name: str = "PerMinute"

    def posterior(self, state):
        found_ = super().posterior(state)
        return stats.norm(60 * found_.mean(), 60 * found_.std())


@dataclass(frozen=True)
class SdForVariance(KalmanR):
    """Reports a standard deviation under the name of a variance."""

    name: str = "SdForVariance"

    def posterior(self, state):
        found_ = super().posterior(state)
        return stats.norm(np.sqrt(found_.mean()), 0.5 * found_.std() / np.sqrt(found_.mean()))


@dataclass(frozen=True)
class TrialsTwice(HazardRate):
    """Counts every changepoint and every second twice."""

    name: str = "TrialsTwice"

    def posterior(self, state):
        return super().posterior(state.decayed(2.0))


@dataclass(frozen=True)
class LevelsTwice(KalmanR):
    """Counts every observation twice."""

    name: str = "LevelsTwice"

    def posterior(self, state):
        return super().posterior(state.decayed(2.0))


@dataclass(frozen=True)
class ArrivalsTwice(HawkesAlpha):
    """Counts every event and every second twice."""

    name: str = "ArrivalsTwice"

    def posterior(self, state):
        return super().posterior(state.decayed(2.0))


@dataclass(frozen=True)
class DecaysTwice(HawkesBeta):
    """Counts every event and every second twice, in a row whose information the ledger does not follow."""

    name: str = "DecaysTwice"

    def posterior(self, state):
        return super().posterior(state.decayed(4.0))


@dataclass(frozen=True)
class StaysPerTwoSeconds(RegimeStickiness):
    """Reports the probability of staying for two seconds."""

    name: str = "StaysPerTwoSeconds"

    def posterior(self, state):
        found_ = super().posterior(state)
        return stats.norm(found_.mean() ** 2, 2 * found_.mean() * found_.std())


@pytest.mark.parametrize(
    ("learner", "check"),
    [
        (PerMinute(), "estimand"),
        (SdForVariance(), "estimand"),
        (StaysPerTwoSeconds(), "estimand"),
        (TrialsTwice(), "ledger"),
        (LevelsTwice(), "ledger"),
        (ArrivalsTwice(), "ledger"),
        (DecaysTwice(), "calibration"),
    ],
    ids=lambda v: v if isinstance(v, str) else name_of(v),
)
def test_a_broken_sound_learner_goes_red(learner, check):
    ((finding,),) = apply_checks([check], [learner], SEED, quick=True)
    assert finding.status == "fail", finding.why


@dataclass(frozen=True)
class SparesTime(HazardRate):
    """Believes a rate of which a fifth of the unit was lost, from seconds that scatter from tape to tape."""

    spare: float = 0.2
    scatter: float = 0.3
    name: str = "SparesTime"

    def posterior(self, state):
        found_ = super().posterior(state)
        gap_s = max(state.exposure_s, 1.0) / max(state.changes, 1.0)
        noise = np.random.default_rng(int(1e6 * gap_s)).normal()
        factor = gap_s**self.spare * np.exp(self.scatter * noise)
        return stats.norm(found_.mean() * factor, found_.std() * factor)


@pytest.mark.parametrize(("spare", "status"), [(0.2, "fail"), (0.0, "pass")])
def test_a_spare_unit_is_told_from_chance_by_more_tapes(spare, status):
    learner = SparesTime(spare=spare, scatter=0.05)
    judged = [apply_checks(["units"], [learner], seed, quick=True)[0][0] for seed in range(6)]
    assert [f.status for f in judged] == [status] * 6
    trials, alone = [Trials(learner.parameter, seed, quick=True) for seed in range(6)], []
    for t in trials:
        a, b = (believe(learner, t.typical().scaled(time=c)).mean for c in (1.0, 3.0))
        alone.append(np.log(b / a) / np.log(3.0) + 1.0)
    assert max(map(abs, alone)) > 0.05


def test_the_ledger_knows_a_learner_that_loses_the_gap_between_slices():
    tape = Trials("bocpd_hazard_rate", SEED, quick=True).typical()

    @dataclass(frozen=True)
    class LosesRuns(HazardRate):
        """Forgets where a slice began, so that its first gap is lost."""

        def update(self, state, tape):
            return super().update(replace(state, last_s=np.nan), tape)

    faults = ledger_faults(LosesRuns(), tape, np.random.default_rng(0))
    assert faults["posterior depends on where the tape is cut"] > 1


# The worlds.


@pytest.mark.parametrize("name", SERIES_DESIGNS)
def test_tapes_of_event_times_end_with_the_market(name):
    tape = Trials(name, SEED, quick=True).tape(SERIES_DESIGNS[name].typical, seconds=60.0)
    assert (tape.sessions is not None) == name.startswith("hawkes")
    if tape.sessions is not None:
        assert tape.sessions.to_numpy().tolist() == [[tape.t0, tape.t1]]


def test_an_open_and_silent_market_is_evidence_about_its_rate_and_a_shut_one_is_none():
    learner, shut = HawkesMu(), Trials("hawkes_mu", SEED, quick=True).tape(0.5, seconds=1800.0)
    before = learner.posterior(run(learner, shut))
    after = [
        learner.posterior(learner.update(run(learner, tape), silence(tape, tape.t1, 700.0)))
        for tape in (shut, replace(shut, sessions=None))
    ]
    assert after[0].mean() == pytest.approx(before.mean(), abs=0.2 * before.std())
    assert after[1].mean() < before.mean() - 2 * before.std()
