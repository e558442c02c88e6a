"""Figures show the numbers of the audit, are the same bytes every time, and leave no trace in the session."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from fake_audit import fake_audit
from matplotlib import pyplot as plt

from mmresearch.report.figures import forest, scores, shrinkage
from mmresearch.report.grouping import by_parameter
from mmresearch.report.style import MARKERS, themed, to_png, to_svg
from mmresearch.report.verdicts import LOOKS

DRAWINGS = (forest, scores, shrinkage)


def _marks(axes, marker):
    """Return x positions of single marks."""
    lines = [x for x in axes.lines if x.get_marker() == marker and len(x.get_xdata()) == 1]
    return np.sort([float(x.get_xdata()[0]) for x in lines])


def test_the_forest_shows_means_intervals_references_and_truths():
    group = by_parameter(fake_audit())[1]
    panels = [a for a in forest(group).axes if a.get_visible()]
    assert [a.get_title(loc="left") for a in panels] == [x.name for x in group.learners]
    for axes, learner in zip(panels, group.learners, strict=True):
        cs = learner.certificates
        assert {c.mean for c in cs} <= set(_marks(axes, MARKERS[learner.verdict][0]))
        assert set(_marks(axes, "|")) == {c.reference_mean for c in cs}
        segments = {tuple(map(float, x.get_xdata())) for x in axes.lines if len(x.get_xdata()) == 2}
        assert {(c.lo, c.hi) for c in cs} <= segments
        assert {(c.reference_lo, c.reference_hi) for c in cs} <= segments
        assert {c.truth for c in cs} <= set(_marks(axes, "^"))


def test_the_scores_show_every_certificate_and_floor_only_what_is_nothing():
    group = by_parameter(fake_audit())[0]
    bias, width, cost = scores(group).axes
    certificates = [c for x in group.learners for c in x.certificates]
    for axes, field in ((bias, "bias_sd"), (width, "sd_ratio"), (cost, "regret_bps")):
        shown = np.sort([float(x.get_xdata()[0]) for x in axes.lines if x.get_linestyle() == "None"])
        wanted = np.array([getattr(c, field) for c in certificates])
        np.testing.assert_array_equal(shown, np.sort(np.maximum(wanted, 1e-3) if field == "regret_bps" else wanted))
        low, high = axes.get_xlim()
        assert low < shown.min()
        assert shown.max() < high


def test_the_shrinkage_figure_has_a_panel_per_source_and_every_estimate():
    group = by_parameter(fake_audit())[0]
    other = replace(group.fits[0], source="trades")
    figure = shrinkage(replace(group, fits=(*group.fits, other)))
    assert len(figure.axes) == 2
    shown = set(_marks(figure.axes[0], "o"))
    assert shown == set(group.fits[0].means) | set(group.fits[0].unpooled)


def test_without_references_there_is_nothing_to_draw():
    audit = fake_audit(1)
    none = {"tape": None, "sd_ratio": None, "bias_sd": None, "regret_bps": None, "reference_mean": None}
    bare = [replace(c, reference_lo=None, reference_hi=None, **none) for c in audit.certificates]
    group = by_parameter(replace(audit, certificates=tuple(bare), fits=()))[0]
    assert [draw(group) for draw in DRAWINGS] == [None, None, None]


@pytest.mark.parametrize("draw", DRAWINGS)
def test_the_same_audit_gives_the_same_bytes(draw):
    one, two = (draw(by_parameter(fake_audit(3))[0]) for _ in range(2))
    assert to_svg(one, "a") == to_svg(two, "a")
    assert to_png(one, 50) == to_png(two, 50)


def test_the_session_is_as_it_was():
    with mpl.rc_context({"font.size": 23.0, "axes.facecolor": "red", "svg.hashsalt": "mine"}):
        before = dict(mpl.rcParams)
        for draw in DRAWINGS:
            to_svg(draw(by_parameter(fake_audit(2))[0]), "x")
        assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []


def test_every_verdict_has_a_marker_of_its_own():
    assert set(MARKERS) == set(LOOKS)
    assert len(set(MARKERS.values())) == len(MARKERS)


def test_a_themed_drawing_has_the_colours_of_the_page_and_identifiers_of_its_own():
    svg = to_svg(forest(by_parameter(fake_audit(2))[0]), "kappa")
    page = themed(svg, "kappa", 'a "label" <of> it')
    assert "var(--ink)" in page
    assert "var(--v-certified)" in page
    assert LOOKS["certified"].colour not in page
    assert 'aria-label="a &quot;label&quot; &lt;of> it"' in page
    assert 'id="kappa-' in page
    assert "url(#p" not in page


def test_names_with_dollars_and_brackets_are_names():
    audit = fake_audit(1)
    odd = [replace(c, learner=r"<b>$\frac{$ & co", tape="$x$") for c in audit.certificates]
    svg = to_svg(forest(by_parameter(replace(audit, certificates=tuple(odd)))[0]), "x")
    assert r"&lt;b&gt;$\frac{$ &amp; co" in svg
    assert "$x$" in svg
