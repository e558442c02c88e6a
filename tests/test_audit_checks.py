"""The checks find what is wrong, clear what is right, and say undecided when they cannot see."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import stats

from mmresearch.audit.agreement import compare
from mmresearch.audit.battery import battery
from mmresearch.audit.beliefs import Summary, summarise
from mmresearch.audit.calibration import p_value
from mmresearch.audit.exactness import belief_faults
from mmresearch.audit.result import VERDICTS, Finding
from mmresearch.audit.verdict import decide
from mmresearch.belief.beta import Beta
from mmresearch.learn import BUNDLED, AlphaTouch, KappaExposure, LearnerError

SEED = 11


@pytest.fixture(scope="module")
def found():
    """What the worlds say of the bundled learners: name -> check -> finding."""
    return {n: {f.check: f for f in battery(make(), SEED, quick=True)} for n, make in BUNDLED.items()}


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
        ("DeployedFloor", "sign"),  # F2
        ("FloorKnownVariance", "calibration"),  # F4
    ],
)
def test_known_flaws_fail_the_right_check(found, name, first):
    assert found[name][first].status == "fail"


@dataclass(frozen=True)
class TooSure(AlphaTouch):
    """An AlphaTouch whose posterior believes each label three times."""

    name: str = "TooSure"

    def posterior(self, state):
        return super().posterior(replace(state, informed=3 * state.informed, total=3 * state.total))


@dataclass(frozen=True)
class Raises(AlphaTouch):
    """A learner that breaks on the first update."""

    name: str = "Raises"

    def update(self, state, tape):
        raise RuntimeError("no such column")


def test_strangers_are_caught_too():
    checks = {f.check: f for f in battery(TooSure(), SEED, quick=True)}
    assert checks["ledger"].status == "fail"
    assert checks["calibration"].status == "fail"


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


ALL = [_pass(c) for c in ("ledger", "units", "sign", "exactness", "estimand", "policy")] + [
    _pass("calibration", "calibration"),
    _pass("reference", "reference", None),
    _pass("agreement", "calibration"),
    _pass("decision", "money"),
]
NORMAL = np.random.default_rng(0).normal(10.0, 2.0, 20_000)


def belief(mean: float = 10.0, sd: float = 2.0):
    law = stats.norm(mean, sd)
    return compare(summarise(law, "test"), law.ppf((np.arange(1000) + 0.5) / 1000), NORMAL)


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
        (ALL[:7], None, "worlds", "undecided"),
    ],
)
def test_headline_follows_precedence(findings, agreement, provenance, headline):
    assert headline in VERDICTS
    assert decide(findings, agreement, provenance).headline == headline


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
