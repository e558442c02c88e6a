"""JUnit counts what the audit found: each shared check once, each tape's own checks once per tape."""

import xml.etree.ElementTree as ET
from dataclasses import replace

from fake_audit import fake_audit

from mmresearch.report.junit import to_junit, write_junit


def _root(audit):
    return ET.fromstring(to_junit(audit))


def test_one_suite_per_learner_and_counts_that_add_up():
    root = _root(fake_audit())
    suites = root.findall("testsuite")
    assert len(suites) == 9
    for name in ("tests", "failures", "errors", "skipped"):
        assert int(root.get(name)) == sum(int(s.get(name)) for s in suites)
    assert int(root.get("tests")) == len(list(root.iter("testcase")))


def test_case_names_are_unique_within_their_class():
    names = [(c.get("classname"), c.get("name")) for c in _root(fake_audit()).iter("testcase")]
    assert len(names) == len(set(names))


def test_status_becomes_the_right_element():
    audit = fake_audit(1)
    learner = replace(
        audit.certificates[0],
        findings=tuple(
            replace(audit.certificates[0].findings[0], check=s, status=s)
            for s in ("pass", "fail", "undecided", "not applicable", "error")
        ),
    )
    cases = {c.get("name"): [e.tag for e in c] for c in _root(replace(audit, certificates=(learner,))).iter("testcase")}
    assert cases == {
        "pass": [], "fail": ["failure"], "undecided": ["skipped"], "not applicable": ["skipped"], "error": ["error"],
    }  # fmt: skip


def test_a_failure_says_why_and_how_to_mend():
    failure = next(_root(fake_audit()).iter("failure"))
    assert "depends on where the tape is cut" in failure.get("message")
    assert "Feed each event once" in failure.text


def test_text_that_xml_cannot_hold_is_replaced(tmp_path):
    audit = fake_audit(1)
    nasty = replace(audit.certificates[0], learner='a"<b>&\x00\x1b', reason="\ud800 ]]>")
    path = write_junit(replace(audit, certificates=(nasty,)), tmp_path)
    suite = ET.parse(path).getroot().find("testsuite")
    assert suite.get("name") == 'kappa.a"<b>&��'
