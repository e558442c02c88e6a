"""What worlds said of a learner is recalled only where nothing can have changed it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from mmresearch.audit import kept, work
from mmresearch.audit.battery import SHARES, apply_checks
from mmresearch.audit.kept import KeptFindings, kept_findings
from mmresearch.audit.result import Finding
from mmresearch.learn import AlphaTouch, SkewSlope, SpreadFloor

CHECKS = SHARES[-1]
FOUND = (Finding("calibration", "calibration", "pass", 0.1 + 0.2, 1.0, None, "because", "so"),)


@dataclass(frozen=True)
class Elsewhere(AlphaTouch):
    """A learner whose code is not the package's."""


@pytest.fixture
def known(tmp_path):
    known = KeptFindings(tmp_path)
    known.keep(CHECKS, AlphaTouch(), 3, True, FOUND)
    return known


def test_what_was_kept_comes_back_to_the_last_digit(known):
    assert known.recall(CHECKS, AlphaTouch(), 3, True) == FOUND


def test_anything_else_is_not_known(known, monkeypatch):
    assert known.recall(CHECKS, AlphaTouch(), 4, True) is None
    assert known.recall(CHECKS, AlphaTouch(), 3, False) is None
    assert known.recall(CHECKS, SpreadFloor(), 3, True) is None
    assert known.recall(SHARES[0], AlphaTouch(), 3, True) is None
    other = AlphaTouch(a=2.5)
    assert known.recall(CHECKS, other, 3, True) is None
    monkeypatch.setattr(kept, "_code", lambda: "another line of code")
    assert known.recall(CHECKS, AlphaTouch(), 3, True) is None


def test_a_learner_from_elsewhere_is_always_asked(known, tmp_path):
    assert known.keep(CHECKS, Elsewhere(), 3, True, FOUND) is None
    assert known.recall(CHECKS, Elsewhere(), 3, True) is None


@dataclass(frozen=True)
class Holder:
    """Somebody else's code inside a learner of ours."""

    twice: bool = False


def test_a_learner_of_ours_is_asked_where_it_is_not_as_bundled(known):
    for changed in (AlphaTouch(a=2.5), AlphaTouch(name="Mine"), AlphaTouch(horizon_s=Holder())):
        assert known.keep(CHECKS, changed, 3, True, FOUND) is None
        assert known.recall(CHECKS, changed, 3, True) is None


def test_a_check_that_broke_is_not_kept(known):
    broke = (replace(FOUND[0], status="error"),)
    assert known.keep(CHECKS, SpreadFloor(), 3, True, broke) is None
    assert known.recall(CHECKS, SpreadFloor(), 3, True) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'[{"check": "calibration"}]', b'[{"no": 1}]'])
def test_a_damaged_file_counts_as_none(known, content):
    (file,) = [path for path in known.folder.iterdir() if path.suffix == ".json"]
    file.write_bytes(content)
    assert known.recall(CHECKS, AlphaTouch(), 3, True) is None


def test_nothing_is_kept_where_nobody_wants_it(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kept_findings() == KeptFindings(tmp_path / "mmresearch" / "worlds")
    monkeypatch.setenv("MMRESEARCH_NO_CACHE", "1")
    assert kept_findings() is None


def test_an_audit_asks_only_of_whom_it_does_not_know(tmp_path):
    known = KeptFindings(tmp_path)
    learners = [AlphaTouch(), SkewSlope(), Elsewhere()]
    first = work.worlds_to_visit(learners, 1, True, known)
    assert [call.key for call in first.calls] == [
        (name, checks) for checks in SHARES for name in ("alpha_touch", "proactive_skew_sensitivity")
    ]
    pretended = {}
    for call in first.calls:
        checks, members, *_ = call.arguments
        pretended[call.key] = [
            tuple(Finding(c, "algebra", "pass", float(i)) for c in checks) for i in range(len(members))
        ]
        call.then(pretended[call.key])
    again = work.worlds_to_visit(learners, 1, True, known)
    assert [call.arguments[1] for call in again.calls] == [[learners[2]]] * len(SHARES)
    rest = {c.key: [pretended[c.key][1]] for c in again.calls}
    assert again.findings(rest) == first.findings(pretended)


def test_a_learner_alone_is_told_what_it_is_told_beside_others():
    """Recalling some of a group may not change what the others are told."""
    learners = [SpreadFloor(), Elsewhere2()]
    together = apply_checks(CHECKS, learners, 1, True)
    assert apply_checks(CHECKS, learners[1:], 1, True) == together[1:]


@dataclass(frozen=True)
class Elsewhere2(SpreadFloor):
    """Another floor."""
