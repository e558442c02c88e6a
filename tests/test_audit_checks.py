"""The checks find what is wrong, clear what is right, and say undecided when they cannot see."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import stats

from mmresearch.audit.agreement import Draws, compare
from mmresearch.audit.battery import CHECKS, SHARES, apply_checks, battery
from mmresearch.audit.beliefs import Summary, summarise
from mmresearch.audit.calibration import _fault, p_value
from mmresearch.audit.designs.fills import FILL_DESIGNS
from mmresearch.audit.exactness import belief_faults
from mmresearch.audit.information import overclaim
from mmresearch.audit.result import VERDICTS, Finding
from mmresearch.audit.trials import Trials
from mmresearch.audit.verdict import decide
from mmresearch.belief.beta import Beta
from mmresearch.learn import BUNDLED, AlphaTouch, KappaExposure, LearnerError, SpreadFloor

SEED = 11


@pytest.fixture(scope="module")
def found():
    """What the worlds say of the bundled learners of our own fills: name -> check -> finding."""
    learners = [make() for make in BUNDLED.values()]
    findings = {x.name: {} for x in learners}
    for parameter in FILL_DESIGNS:
        group = [x for x in learners if x.parameter == parameter]
        for learner, each in zip(group, apply_checks(tuple(CHECKS), group, SEED, quick=True), strict=True):
            findings[learner.name] = {f.check: f for f in each}
    return findings


def test_shares_of_work_hold_every_check_once_in_order():
    assert [check for share in SHARES for check in share] == list(CHECKS)


@pytest.mark.parametrize(
    "name", ["KappaExposure", "KappaMarketOrders", "AlphaTouch", "AlphaTouchLabelError", "SpreadFloor"]
)
def test_sound_learners_pass_every_check(found, name):
    assert {c: f.why for c, f in found[name].items() if f.status != "pass"} == {}


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("DeployedKappa", "ledger"),  # F7, then units (F6) and the dropped values (F8)
        ("KappaFillRate", "units"),  # F6
        ("KappaFillDistances", "policy"),  # F13
        ("AlphaTwoLabels", "ledger"),  # F9
        ("AlphaAdaptiveThreshold", "estimand"),  # F10
        ("AlphaTwoSided", "estimand"),  # F11
        ("AlphaFromPlacement", "policy"),  # F12
        ("DeployedAlpha", "ledger"),  # F9 before F10 to F12
        ("DeployedFloor", "sign"),  # F2
        ("FloorKnownVariance", "calibration"),  # F4
    ],
)
def test_known_flaws_fail_the_right_check(found, name, first):
    assert found[name][first].status == "fail"
    before = ("ledger", "units", "sign", "exactness", "policy", "estimand", "calibration")
    assert [c for c in before[: before.index(first)] if found[name][c].status == "fail"] == []


@dataclass(frozen=True)
class Twice(KappaExposure):
    """Books every fill and every second of exposure twice."""

    name: str = "Twice"

    def posterior(self, state):
        doubled = {n: 2 * getattr(state, n) for n in ("exposure_s", "depth_s", "fills")}
        return super().posterior(replace(state, **doubled))


@dataclass(frozen=True)
class LabelsTwice(AlphaTouch):
    """Counts every label twice."""

    name: str = "LabelsTwice"

    def posterior(self, state):
        return super().posterior(replace(state, informed=2 * state.informed, total=2 * state.total))


@dataclass(frozen=True)
class PerBp(KappaExposure):
    """Reports kappa per bp under a name that is per fraction of price."""

    name: str = "PerBp"

    def posterior(self, state):
        found = super().posterior(state)
        return stats.norm(found.mean() * 1e-4, found.std() * 1e-4)


@dataclass(frozen=True)
class Slow(AlphaTouch):
    """Believes a thousand labels that nobody saw."""

    name: str = "Slow"
    a: float = 250.0
    b: float = 750.0


@dataclass(frozen=True)
class NoFee(SpreadFloor):
    """Forgets the maker fee."""

    name: str = "NoFee"

    def update(self, state, tape):
        return super().update(state, replace(tape, meta=replace(tape.meta, fee_bps=0.0)))


@dataclass(frozen=True)
class BuysOnly(SpreadFloor):
    """Reads the moves after sales as if they were buys."""

    name: str = "BuysOnly"

    def update(self, state, tape):
        return super().update(state, replace(tape, fills=tape.fills.assign(side=1)))


@dataclass(frozen=True)
class Narrow(SpreadFloor):
    """Halves its own sd."""

    name: str = "Narrow"

    def posterior(self, state):
        found = super().posterior(state)
        return stats.norm(found.mean(), 0.5 * found.std())


@dataclass(frozen=True)
class Liar(AlphaTouch):
    """Draws from another distribution than it states."""

    name: str = "Liar"

    def posterior(self, state):
        return _Lying(super().posterior(state))


class _Lying(Beta):
    def __init__(self, belief):
        super().__init__(belief.a, belief.b)

    def rvs(self, size=None, random_state=None):
        return np.clip(super().rvs(size, random_state) + 0.5 * self.std(), 0.0, 1.0)


@dataclass(frozen=True)
class ByHand:
    """What a stranger would write: counts in a tuple, a frozen scipy distribution out."""

    parameter: str = "alpha_touch"
    name: str = "ByHand"

    def init(self):
        return AlphaTouch().init()

    def update(self, state, tape):
        return AlphaTouch().update(state, tape)

    def posterior(self, state):
        return stats.beta(2 + state.informed, 6 + state.total - state.informed)


@pytest.mark.parametrize(
    ("learner", "check"),
    [
        (Twice(), "ledger"),
        (LabelsTwice(), "ledger"),
        (PerBp(), "estimand"),
        (Slow(), "estimand"),
        (NoFee(), "estimand"),
        (BuysOnly(), "sign"),
        (Narrow(), "calibration"),
        (Liar(), "exactness"),
    ],
    ids=lambda v: v if isinstance(v, str) else v.name,
)
def test_flaws_that_nobody_told_the_audit_of_are_found(learner, check):
    ((finding,),) = apply_checks([check], [learner], SEED, quick=True)
    assert finding.status == "fail", finding.why


def test_a_frozen_scipy_distribution_is_a_belief():
    assert {f.check: f.why for f in battery(ByHand(), SEED, quick=True) if f.status != "pass"} == {}


@dataclass(frozen=True)
class Raises(AlphaTouch):
    """A learner that breaks on the first update."""

    name: str = "Raises"

    def update(self, state, tape):
        raise RuntimeError("no such column")


@pytest.mark.parametrize("name", ["KappaExposure", "KappaMarketOrders", "AlphaTouch", "SpreadFloor"])
def test_honest_means_move_as_far_as_variances_let_them(name):
    learner = BUNDLED[name]()
    ratios = [overclaim(learner, Trials(learner.parameter, s, quick=True).typical_slices()) for s in range(3)]
    assert 0.8 < np.mean(ratios) < 1.25


def test_an_error_is_an_error_and_never_passes():
    findings = battery(Raises(), SEED, quick=True)
    broken = [f for f in findings if f.status == "error"]
    assert broken
    assert "no such column" in broken[0].why
    assert decide(findings, None, "synthetic").headline == "undecided"


def test_policy_parameters_have_no_likelihood():
    @dataclass(frozen=True)
    class Gamma(KappaExposure):
        parameter: str = "gamma_base"

    (finding,) = battery(Gamma(), SEED)
    assert finding.check == "identified"
    assert decide([finding], None, "synthetic").headline == "not identified"


def _pass(check: str, axis: str = "algebra", power: float | None = 1.0) -> Finding:
    return Finding(check, axis, "pass", 0.0, 1.0, power, "fine.")


ALL = [_pass(c) for c in ("ledger", "units", "sign", "exactness", "liveness", "estimand", "policy")] + [
    _pass("calibration", "calibration"),
    _pass("reference", "reference", None),
    _pass("agreement", "calibration"),
    _pass("decision", "money"),
]
NORMAL = np.random.default_rng(0).normal(10.0, 2.0, 20_000)


def belief(mean: float = 10.0, sd: float = 2.0):
    law = stats.norm(mean, sd)
    return compare(summarise(law, "test"), law.ppf((np.arange(1000) + 0.5) / 1000), Draws.of(NORMAL))


def failing(check: str, why: str = "bad.") -> list[Finding]:
    return [replace(f, status="fail", why=why) if f.check == check else f for f in ALL]


@pytest.mark.parametrize(
    ("findings", "agreement", "provenance", "headline"),
    [
        (ALL, belief(), "synthetic", "certified"),
        (ALL, belief(), "own-fills", "certified"),
        (ALL, belief(), "market-proxy", "usable"),
        (failing("ledger"), belief(), "synthetic", "broken accounting"),
        (failing("policy"), belief(), "synthetic", "wrong target"),
        (failing("decision"), belief(11.0), "synthetic", "biased"),
        (failing("agreement"), belief(11.0), "synthetic", "usable"),
        (failing("agreement"), belief(sd=1.2), "synthetic", "overconfident"),
        (failing("calibration", "overconfident: so much."), belief(), "synthetic", "overconfident"),
        (failing("reference"), None, "synthetic", "undecided"),
        ([replace(f, power=0.2) if f.check == "policy" else f for f in ALL], belief(), "synthetic", "undecided"),
        (ALL[:8], None, "worlds", "undecided"),
        (ALL[:8], None, "no reference", "undecided"),
        (failing("liveness"), belief(), "synthetic", "wrong target"),
        (failing("liveness"), None, "no reference", "wrong target"),
        (
            [replace(f, status="not applicable", power=None) if f.check == "policy" else f for f in ALL],
            belief(),
            "synthetic",
            "certified",
        ),
    ],
)
def test_headline_follows_precedence(findings, agreement, provenance, headline):
    assert headline in VERDICTS
    assert decide(findings, agreement, provenance).headline == headline


def test_checks_that_do_not_apply_are_not_counted():
    some = [replace(f, status="not applicable", power=None) if f.check == "policy" else f for f in ALL]
    verdict = decide(some, belief(), "synthetic")
    assert verdict.algebra == "pass: 6 of 6"
    assert verdict.reason.startswith(f"all {len(ALL) - 1} checks that apply pass")
    assert decide(ALL, belief(), "synthetic").algebra == "pass: 7 of 7"
    only = [f for f in some if f.check == "policy"]
    assert decide(only, None, "worlds").algebra == "not examined"


@pytest.mark.parametrize(
    ("findings", "says"),
    [
        (ALL[:8], "every check in worlds passes that applies"),
        ([replace(f, power=0.2) if f.check == "estimand" else f for f in ALL[:8]], "estimand cannot be decided"),
    ],
)
def test_without_a_reference_model_the_reason_says_so(findings, says):
    verdict = decide(findings, None, "no reference")
    assert verdict.headline == "undecided"
    assert verdict.reason.startswith("no reference model yet: ")
    assert says in verdict.reason


@pytest.mark.parametrize(
    ("mean", "sd", "biased", "overconfident"),
    [
        (10, 2, False, False),
        (10.7, 2, True, False),
        (10, 1.4, False, True),
        (10, 3, False, False),
        (10, 1.7, False, False),
    ],
)
def test_agreement_sees_bias_and_overconfidence(mean, sd, biased, overconfident):
    found = belief(mean, sd)
    assert (found.biased, found.overconfident) == (biased, overconfident)
    assert found.w1_sd == pytest.approx(stats.wasserstein_distance(NORMAL, stats.norm(mean, sd).ppf(
        (np.arange(1000) + 0.5) / 1000)) / NORMAL.std(ddof=1), abs=0.01)  # fmt: skip


def test_damage_moves_quantiles_with_the_sd():
    hurt = Summary(10, 2, 6, 10, 14).damaged(sd=0.5, shift=1.0)
    assert (hurt.mean, hurt.sd, hurt.q05, hurt.q95) == (12, 1, 10, 14)


def test_uniform_ranks_pass_and_narrow_posteriors_fail():
    rng = np.random.default_rng(3)
    honest = [p_value(rng.uniform(size=150)) for _ in range(400)]
    assert np.mean(np.array(honest) < 1e-2) < 0.03
    narrow = stats.norm.cdf(rng.standard_normal((100, 150)) / 0.6)
    assert np.mean([p_value(u) < 1e-3 for u in narrow]) > 0.9


def test_a_belief_that_contradicts_itself_is_found():
    class Off(Beta):
        def std(self) -> float:
            return 1.2 * super().std()

    assert max(belief_faults(Beta(2.0, 6.0), np.random.default_rng(0)).values()) < 1
    assert belief_faults(Off(2.0, 6.0), np.random.default_rng(0))["std is not that of ppf"] > 1


def test_senseless_beliefs_are_refused():
    with pytest.raises(LearnerError, match="all must be finite"):
        summarise(stats.cauchy(), "Cauchy")


@pytest.mark.parametrize(
    ("mean", "sd", "fault"),
    [(-5.8, 0.7, "off centre"), (0.1, 1.6, "overconfident"), (0.1, 0.5, "underconfident"), (0.6, 1.3, "off centre")],
)
def test_a_calibration_that_fails_is_named_by_what_is_worst(mean, sd, fault):
    z = mean + sd * np.array([-1.0, 1.0])
    assert _fault(z) == fault
