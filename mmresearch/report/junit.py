"""An audit as JUnit XML: one suite per learner, one case per check and tape, for the test pages of a build server.

A failed check is a failure, a broken one an error; undecided and not applicable are skipped, with their reason. A
finding that speaks of the worlds, and so is the same for every tape, is one case.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

from mmresearch.audit.result import Audit, Finding
from mmresearch.report.files import write_file
from mmresearch.report.grouping import LearnerResult, by_parameter
from mmresearch.report.numbers import significant

# Characters that XML 1.0 cannot hold, however they are escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS = {"fail": "failure", "error": "error", "undecided": "skipped", "not applicable": "skipped"}


def to_junit(audit: Audit) -> str:
    """Write an audit as a JUnit XML document."""
    root = ET.Element("testsuites", {"name": "mmresearch audit", "time": f"{audit.seconds:.3f}"})
    for group in by_parameter(audit):
        for learner in group.learners:
            _suite(root, learner)
    for name, count in _counts(root).items():
        root.set(name, str(count))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def write_junit(audit: Audit, folder: str | Path) -> Path:
    """Write ``junit.xml`` into a folder; return its path."""
    return write_file(Path(folder) / "junit.xml", to_junit(audit))


def _suite(root: ET.Element, learner: LearnerResult) -> None:
    suite = ET.SubElement(root, "testsuite", {"name": _clean(f"{learner.parameter}.{learner.name}")})
    properties = ET.SubElement(suite, "properties")
    for c in learner.certificates:
        value = _clean(f"{c.verdict}: {c.reason}")
        ET.SubElement(properties, "property", {"name": _clean(f"verdict.{c.tape or 'worlds'}"), "value": value})
    for finding in learner.shared:
        _case(suite, learner, finding, "")
    for c in learner.certificates:
        for finding in learner.own(c):
            _case(suite, learner, finding, f" on {c.tape or 'worlds'}")
    for name, count in _counts(suite).items():
        suite.set(name, str(count))


def _case(suite: ET.Element, learner: LearnerResult, finding: Finding, where: str) -> None:
    name = {"name": _clean(finding.check + where), "classname": _clean(f"{learner.parameter}.{learner.name}")}
    case = ET.SubElement(suite, "testcase", name | {"time": "0"})
    if finding.status not in _TAGS:
        return
    numbers = f"value {significant(finding.value)}, bound {significant(finding.bound)}"
    message = {"message": _clean(f"{finding.status}: {finding.why}"), "type": finding.status}
    ET.SubElement(case, _TAGS[finding.status], message).text = _clean(f"{numbers}. {finding.mend}")


def _counts(element: ET.Element) -> dict[str, int]:
    cases = list(element.iter("testcase"))
    tags = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    return {"tests": len(cases)} | {k: sum(c.find(t) is not None for c in cases) for k, t in tags.items()}


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("�", text)
