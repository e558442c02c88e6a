"""An audit from end to end, on real fits: what it says of a tape, of a market's tape, of no tape, and of bad input."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mmresearch as mm
from mmresearch.learn import AlphaTouch, KappaExposure, SkewSlope, SpreadFloor
from mmresearch.report.html import render
from mmresearch.sim.worlds import World
from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS, empty_table

with warnings.catch_warnings():
    # The samplers' packages warn at import about things of their own.
    warnings.simplefilter("ignore")
    from mmresearch.audit.identity import hash_of, seed_of
    from mmresearch.audit.references import Z_BOUND, backend_z
    from mmresearch.audit.run import audit

pytestmark = pytest.mark.filterwarnings("ignore")
SHARED = Path(__file__).parent.parent.parent / "shared" / "data" / "tapes"
WORLD = World(assets=3, seconds=1200.0)
TAPES = WORLD.tapes(5)
TRUTHS = {t.asset: {"spread_floor_bps": t.spread_floor_bps} for t in WORLD.truths(5)}


@dataclass(frozen=True)
class Guess:
    """A learner that never looks: its belief is its prior."""

    parameter: str = "gamma_base"
    name: str = "Guess"

    def init(self) -> int:
        return 0

    def update(self, state, tape) -> int:
        return state + len(tape.fills)

    def posterior(self, state):
        return stats.gamma(3.0, scale=0.05)


@pytest.fixture(scope="module")
def found():
    learners = [SpreadFloor(), Guess(), SkewSlope()]
    return audit(TAPES, learners, backend="both", quick=True, seed=3, jobs=1, truths=TRUTHS, references="fills")


def test_every_learner_gets_a_certificate_for_every_tape_it_can_be_judged_on(found):
    rows = [(c.learner, c.tape) for c in found.audit.certificates]
    assert rows == [*(("SpreadFloor", t.asset) for t in TAPES), ("Guess", None), ("SkewSlope", None)]
    for c in found.audit.certificates[:3]:
        assert c.lo < c.mean < c.hi
        assert c.reference_lo < c.reference_mean < c.reference_hi
        assert c.truth == TRUTHS[c.tape]["spread_floor_bps"]
        assert {f.check for f in c.findings} >= {"ledger", "calibration", "reference", "agreement", "decision"}
        assert 0 <= c.regret_bps < 0.1
        assert c.n_events > 50


def test_a_sound_learner_is_cleared_and_a_preference_is_not_identified(found):
    verdicts = {c.learner: c.verdict for c in found.audit.certificates}
    assert verdicts == {"SpreadFloor": "certified", "Guess": "not identified", "SkewSlope": "undecided"}


def test_a_learner_whose_reference_nobody_fitted_is_judged_in_worlds_and_says_so(found):
    certificate = found.audit.certificates[-1]
    assert certificate.reason.startswith("its reference was not fitted")
    assert "every check in worlds passes" in certificate.reason
    assert certificate.algebra == "pass: 6 of 6"
    assert (certificate.n_events, certificate.reference_mean, certificate.regret_bps) == (0, None, None)
    page = render(found.audit)
    assert "No reference was fitted of proactive_skew_sensitivity: learners of it are judged in worlds alone" in page
    assert "not applicable" in page


def test_both_backends_are_fitted_and_agree(found):
    assert [(f.parameter, f.backend, f.admitted) for f in found.audit.fits] == [
        ("spread_floor_bps", "pymc", True),
        ("spread_floor_bps", "numpyro", True),
    ]
    first, second = found.audit.fits
    np.testing.assert_allclose(first.means, second.means, atol=0.1)


def test_the_number_of_processes_changes_nothing(found):
    again = audit(
        TAPES, [SpreadFloor(), Guess(), SkewSlope()], backend="both", quick=True, seed=3, jobs=2, truths=TRUTHS,
        references="fills",
    )  # fmt: skip
    pd.testing.assert_frame_equal(again.audit.table, found.audit.table, check_exact=True)


def test_without_a_tape_nothing_is_certified():
    certificate = mm.certify(AlphaTouch(), seed=1, quick=True)
    assert certificate.verdict == "undecided"
    assert "give a tape" in certificate.reason
    assert set(certificate.table["status"]) == {"pass"}


def test_a_market_tape_ranks_and_never_certifies():
    bare = [replace(t, orders=empty_table(ORDER_COLUMNS), fills=empty_table(FILL_COLUMNS),
                    meta=replace(t.meta, provenance="market-proxy")) for t in TAPES]  # fmt: skip
    certificate = mm.certify(SpreadFloor(), tapes=bare, seed=1, quick=True)
    assert certificate.verdict != "certified"
    assert {c.provenance for c in certificate.certificates} == {"market-proxy"}
    assert "no own fills" in certificate.audit.notes[0]


@pytest.mark.parametrize(
    ("tapes", "learners", "options", "said"),
    [
        (TAPES, [], {}, "no learner to audit"),
        ([TAPES[0], TAPES[0]], [AlphaTouch()], {}, "different names"),
        (TAPES[:1], [AlphaTouch(), AlphaTouch(3.0, 5.0)], {}, "two learners are called AlphaTouch; tell them apart"),
        (TAPES, [AlphaTouch()], {"backend": "stan"}, "backend must be one of pymc, numpyro, both"),
    ],
)
def test_what_cannot_be_audited_is_said(tapes, learners, options, said):
    with pytest.raises(ValueError, match=said):
        audit(tapes, learners, **options)


def test_seeds_derive_from_learner_and_tapes():
    base = seed_of([AlphaTouch()], TAPES)
    assert base == seed_of([AlphaTouch()], TAPES)
    assert base != seed_of([KappaExposure()], TAPES)
    assert base != seed_of([AlphaTouch()], TAPES[:2])
    moved = replace(TAPES[0], quotes=TAPES[0].quotes.assign(bid=TAPES[0].quotes["bid"] * (1 - 1e-12)))
    assert hash_of(moved) != hash_of(TAPES[0])


def test_backends_that_differ_are_told_apart():
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, 4, 1000))
    assert backend_z(first, second) < Z_BOUND
    assert backend_z(first, second + 0.25) > Z_BOUND
    assert backend_z(first, 0.85 * second) > Z_BOUND


@pytest.mark.long
@pytest.mark.skipif(not SHARED.is_dir(), reason="the market data for development are not beside the checkout")
@pytest.mark.parametrize("names", [("hl_BTC", "hl_ETH", "hl_SOL", "hl_WLFI"), ("lobster_AAPL", "lobster_AMZN")])
def test_market_tapes_admit_their_references_and_certify_nobody(names):
    tapes = [mm.read(SHARED / name) for name in names]
    outcome = audit(tapes, backend="both", quick=True, jobs=2)
    refused = [(f.parameter, f.source, f.backend) for f in outcome.audit.fits if not f.admitted]
    assert refused == []
    verdicts = {(c.learner, c.verdict) for c in outcome.audit.certificates}
    assert not [v for v in verdicts if v[1] == "certified"]
    for name in ("DeployedKappa", "DeployedAlpha", "AlphaTwoLabels", "DeployedFloor"):
        assert {v for learner, v in verdicts if learner == name} == {"broken accounting"}
    for name in ("KappaFillDistances", "AlphaAdaptiveThreshold", "AlphaTwoSided", "AlphaFromPlacement"):
        assert {v for learner, v in verdicts if learner == name} == {"wrong target"}
