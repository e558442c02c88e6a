"""Grouping loses nothing: every certificate and every finding is told, shared ones once."""

from dataclasses import replace

from fake_audit import LEARNERS, fake_audit

from mmresearch.audit.result import VERDICTS
from mmresearch.report.grouping import by_parameter, tapes_of
from mmresearch.report.verdicts import LOOKS, at_least_as_bad, slug, worst


def test_every_certificate_is_in_one_group():
    audit = fake_audit()
    seen = [c for g in by_parameter(audit) for x in g.learners for c in x.certificates]
    assert sorted(map(id, seen)) == sorted(map(id, audit.certificates))
    assert [g.parameter for g in by_parameter(audit)] == list(LEARNERS)


def test_shared_and_own_findings_are_all_findings_in_order():
    for group in by_parameter(fake_audit()):
        for learner in group.learners:
            assert learner.shared
            for c in learner.certificates:
                told = set(learner.shared) | set(learner.own(c))
                assert told == set(c.findings)
                assert not set(learner.shared) & set(learner.own(c))


def test_the_headline_is_the_worst_verdict_and_the_reasons_cover_every_tape():
    audit = fake_audit()
    first = audit.certificates[0]
    mixed = replace(
        audit, certificates=(replace(first, verdict="biased", reason="agreement: off."), *audit.certificates[1:])
    )
    learner = by_parameter(mixed)[0].learners[0]
    assert learner.verdict == "biased"
    assert not learner.cleared
    assert dict(learner.counts) == {"biased": 1, "certified": 7}
    assert [r.verdict for r in learner.reasons] == ["biased", "certified"]
    assert sorted(t for r in learner.reasons for t in r.tapes) == sorted(tapes_of(mixed))


def test_the_costliest_case_speaks_for_its_reason():
    learner = by_parameter(fake_audit())[0].learners[2]
    worst_case = learner.costliest
    assert worst_case is not None
    assert worst_case.regret_bps == max(c.regret_bps for c in learner.certificates)
    assert learner.reasons[0].text == worst_case.reason


def test_every_verdict_has_a_look_of_its_own():
    assert set(LOOKS) == set(VERDICTS)
    for attribute in ("symbol", "ascii", "colour", "dark", "meaning"):
        assert len({getattr(look, attribute) for look in LOOKS.values()}) == len(LOOKS)
    assert all(len(look.symbol) == len(look.ascii) == 1 and look.ascii.isascii() for look in LOOKS.values())
    assert slug("broken accounting") == "broken-accounting"


def test_colours_can_be_read_on_their_page():
    """Contrast of 4.5 to 1 (WCAG AA) of every verdict against the page, light and dark."""
    for look in LOOKS.values():
        assert _contrast(look.colour, "#ffffff") >= 4.5
        assert _contrast(look.dark, "#14171b") >= 4.5


def test_precedence():
    assert worst(["usable", "biased", "certified"]) == "biased"
    assert at_least_as_bad("not identified", "biased")
    assert at_least_as_bad("biased", "biased")
    assert not at_least_as_bad("usable", "biased")


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
