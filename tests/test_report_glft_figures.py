"""The pictures of the model show its numbers, and are the same bytes every time."""

import json

import numpy as np
import pytest
from glft_numbers import PARAMETERS, QUOTES

from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.regret import regret_map
from mmresearch.report.glft_figures import quotes_figure, regret_figure, write_glft_figures
from mmresearch.report.style import to_png, to_svg

PAPER = Model(**PARAMETERS["GLFT Fig1-3"])


def test_the_quotes_are_the_exact_ones_over_inventory_and_time():
    over_q, over_t = quotes_figure(PAPER, "ticks").axes
    first, mirrored = over_q.lines[:2]
    np.testing.assert_allclose(first.get_ydata(), QUOTES["GLFT Fig1-3"]["bid", "exact"][:-1], rtol=1e-10)
    np.testing.assert_allclose(mirrored.get_ydata(), QUOTES["GLFT Fig1-3"]["ask", "exact"][1:], rtol=1e-10)
    assert [line.get_label() for line in over_q.lines[:8:2]] == ["600 s left", "30 s left", "6 s left", "at the end"]
    flat = over_t.lines[2]
    assert flat.get_ydata()[0] == pytest.approx(3.313045409843934, rel=1e-12)
    assert flat.get_ydata()[-1] == pytest.approx(PAPER.base, rel=1e-12)
    assert "ticks" in over_q.get_ylabel()


def test_the_map_has_a_panel_for_each_risk_aversion_and_marks_the_truth():
    ratios = np.geomspace(0.5, 2.0, 9)
    found = regret_map(PAPER, ratios, ratios, [0.003, 0.03])
    *panels, _bar = regret_figure(found).axes
    assert [a.get_title(loc="left") for a in panels] == ["γ = 0.003", "γ = 0.03"]
    for axes in panels:
        mark = axes.lines[0]
        assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (1.0, 1.0)
        assert axes.get_xscale() == axes.get_yscale() == "log"


def test_the_same_numbers_give_the_same_bytes():
    ratios = np.geomspace(0.5, 2.0, 5)
    for make in (lambda: quotes_figure(PAPER), lambda: regret_figure(regret_map(PAPER, ratios, ratios, [0.01]))):
        assert to_svg(make(), "a") == to_svg(make(), "a")
        assert to_png(make(), 40) == to_png(make(), 40)


def test_the_files_are_those_of_their_manifest(tmp_path):
    *drawn, manifest = write_glft_figures(tmp_path)
    facts = json.loads(manifest.read_text())
    assert {p.name for p in drawn} == set(facts["figures"])
    assert facts["figures"]["regret.svg"] == "mmresearch.report.glft_figures.regret_figure"
    assert Model(**facts["parameters"]) == PAPER
