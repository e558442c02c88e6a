"""The report is one file that needs nothing else, tells everything, and believes no text."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from fake_audit import fake_audit

from mmresearch.audit.result import VERDICTS, Audit
from mmresearch.report.html import render, write_html

VOID = {"meta", "br", "link", "img", "hr"}


class Page(HTMLParser):
    """Tags, identifiers, links and text of a page; wrong nesting fails."""

    def __init__(self, text: str):
        super().__init__()
        self.ids, self.links, self.tags, self.words, self._open = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for key, value in attrs:
            self.ids += [value] if key == "id" else []
            self.links += [value] if key in ("href", "src", "xlink:href", "action", "data") else []
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def full() -> str:
    return render(fake_audit())


def test_it_is_well_formed_and_every_link_leads_somewhere(full):
    page = Page(full)
    assert len(page.ids) == len(set(page.ids))
    assert page.links
    assert all(link.startswith("#") for link in page.links)
    assert {link[1:] for link in page.links} <= set(page.ids)


def test_it_needs_no_network_and_runs_nothing(full):
    page = Page(full)
    assert not {"script", "link", "iframe", "img", "object", "base"} & set(page.tags)
    assert set(re.findall(r"https?://[^\s\"'<>)]+", full)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "@import" not in full
    assert not re.search(r"url\((?!#)", full)
    assert not re.search(r"\son\w+=", full)


def test_everything_is_told(full):
    audit, text = fake_audit(), Page(full).text
    for c in audit.certificates:
        assert c.learner in text
        assert c.tape in text
    for f in {f for c in audit.certificates for f in c.findings}:
        assert f.why in text
        assert f.mend in text
    for verdict in VERDICTS:
        assert verdict in text
    for key, value in {**audit.settings, **audit.versions}.items():
        assert f"{key} {value}" in text
    assert audit.notes[0] in text
    assert audit.tapes[2].account[0] in text
    assert "3 cleared" in text


def test_no_colour_of_a_verdict_is_without_its_symbol(full):
    cells = re.findall(r'<td class="cell f-([\w-]+)".*?>([^<]+)</span></td>', full)
    assert len(cells) == 72
    assert len({(name, symbol) for name, symbol in cells}) == len({name for name, _ in cells})


def test_the_same_audit_gives_the_same_page(full):
    assert render(fake_audit()) == full


def test_text_of_others_stays_text():
    audit = fake_audit(2)
    nasty = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>"
    bad = [
        replace(c, learner=nasty if c.learner == "Mute" else c.learner, reason=nasty, tape=f"{nasty}{c.tape}")
        for c in audit.certificates
    ]
    page = Page(render(replace(audit, certificates=tuple(bad), notes=(nasty,))))
    assert not {"script", "img"} & set(page.tags)
    assert nasty in page.text


@pytest.mark.parametrize("what", ["worlds only", "one learner, one tape", "nothing known", "nothing at all"])
def test_small_audits(what):
    audit = fake_audit(1)
    bare = {"sd_ratio": None, "bias_sd": None, "regret_bps": None, "reference_mean": None, "reference_sd": None}
    ends = {"reference_lo": None, "reference_hi": None, "truth": None}
    cases = {
        "worlds only": replace(
            audit,
            tapes=(),
            fits=(),
            certificates=tuple(replace(c, tape=None, **bare, **ends) for c in audit.certificates),
        ),
        "one learner, one tape": replace(audit, certificates=audit.certificates[:1], fits=audit.fits[:1]),
        "nothing known": replace(audit, certificates=tuple(replace(c, **bare, **ends) for c in audit.certificates)),
        "nothing at all": Audit((), (), (), {}, {}, 0.0),
    }
    assert "Glossary" in Page(render(cases[what])).text


def test_many_tapes_stay_one_readable_page(tmp_path):
    path = write_html(fake_audit(30), tmp_path)
    page = Page(path.read_text(encoding="utf-8"))
    assert path.name == "report.html"
    assert path.stat().st_size < 4e6
    assert "ASSET29" in page.text
