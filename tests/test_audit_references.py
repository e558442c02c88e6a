"""Learners of series are judged against the fit of their series: sound ones cleared, wrong ones named, silence said."""

from __future__ import annotations

import warnings

import pytest

import mmresearch as mm
from mmresearch.learn.bundled import BUNDLED

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mmresearch.audit.agreement import Agreement
    from mmresearch.audit.references import Task, has_reference, read_by
    from mmresearch.audit.result import Finding
    from mmresearch.audit.run import audit
    from mmresearch.audit.verdict import decide

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def found():
    names = ("HazardRate", "HazardCompleteRuns")
    truths = mm.example_truths(features=True)
    return audit(
        mm.example(features=True), [BUNDLED[n]() for n in names], backend="pymc", quick=True, seed=4, truths=truths
    ).audit


def of(found, learner, tape):
    return next(c for c in found.certificates if (c.learner, c.tape) == (learner, tape))


@pytest.mark.long
def test_a_sound_learner_of_series_is_cleared_where_its_tape_teaches(found):
    for tape in ("INDI", "KILO"):
        c = of(found, "HazardRate", tape)
        assert c.verdict in ("certified", "usable")
        assert 0.8 < c.sd_ratio < 1.25
        assert c.reference_lo < c.truth < c.reference_hi
        assert c.n_events > 3
        assert c.regret_bps is None


@pytest.mark.long
def test_a_tape_without_the_series_decides_nothing(found):
    c = of(found, "HazardRate", "JULI")
    assert c.verdict == "undecided"
    assert "nothing on this tape could teach bocpd_hazard_rate" in c.reason


@pytest.mark.long
def test_runs_that_are_complete_are_too_short(found):
    """F18: the run under way is censored, and whoever leaves it out reads too high a rate."""
    c = of(found, "HazardCompleteRuns", "INDI")
    assert c.verdict == "biased"
    assert c.bias_sd > 0.25
    assert "no rule says how a quote depends on bocpd_hazard_rate" in c.reason


def test_one_fit_serves_every_parameter_of_its_model():
    assert {Task(mm.models.inputs.model_of(p), "series", "pymc").parameter for p in ("hawkes_mu", "hawkes_beta")} == {
        Task("hawkes", "series", "pymc").parameter
    }
    assert read_by("hawkes_mu", "at touch") == read_by("hawkes_beta", "trades") == "series"
    assert read_by("kappa", "rotating") == "rotating"
    assert has_reference("hawkes_mu", "all")
    assert not has_reference("hawkes_mu", "fills")


def agreeing(bias_sd):
    return Agreement(bias_sd, 1.0, abs(bias_sd), 0.9)


def test_without_a_price_half_a_sd_is_the_bound():
    unpriced = Finding("decision", "money", "not applicable", why="nothing prices it.")
    for bias, verdict in ((0.1, "certified"), (0.4, "usable"), (0.6, "biased"), (-0.6, "biased")):
        status = "pass" if abs(bias) < 0.25 else "fail"
        findings = [Finding("agreement", "calibration", status, bias, 0.25, 0.9, "why."), unpriced]
        assert decide(findings, agreeing(bias), "synthetic").headline == verdict
    priced = Finding("decision", "money", "pass", 0.01, 0.1, 1.0, "cheap.")
    findings = [Finding("agreement", "calibration", "fail", 0.6, 0.25, 0.9, "why."), priced]
    assert decide(findings, agreeing(0.6), "synthetic").headline == "usable"


def test_a_reference_that_nobody_fitted_is_not_called_missing():
    assert "its reference was not fitted" in decide([], None, "not fitted").reason
    assert "no reference model yet" in decide([], None, "no reference").reason
