"""The picture of learning shows the curves that were found, each named once, and is the same bytes every time."""

import json

import numpy as np
import pandas as pd
import pytest

from mmresearch.report.loop_figures import growth_figure, loop_figure, spread, write_loop_figures
from mmresearch.report.style import to_png, to_svg
from mmresearch.sim.loop.makers import Oracle
from mmresearch.sim.loop.regret import Curves
from mmresearch.sim.loop.run import run
from mmresearch.sim.loop.study import SEED, SETTING, study


def _curves(names, factor=1.0):
    t = np.geomspace(10, 1e5, 9)
    noise = np.random.default_rng(1).uniform(0.5, 1.5, size=(len(names), 40, 1))
    regret = factor * noise * np.stack([np.log(t) if i else 0.01 * t for i in range(len(names))])[:, None]
    return Curves(tuple(names), t, regret, regret, regret, regret)


def test_the_curves_are_the_means_and_each_is_named_at_its_end():
    left, right = _curves(["F13", "right"]), _curves(["F13", "other"], 3.0)
    figure = loop_figure({"a": left, "b": right})
    for axes, curves, title in zip(figure.axes, (left, right), "ab", strict=True):
        assert axes.get_title(loc="left") == title
        assert axes.get_xscale() == axes.get_yscale() == "log"
        drawn = {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}
        assert set(drawn) == set(curves.makers)
        for name in curves.makers:
            np.testing.assert_allclose(drawn[name].get_ydata(), curves.of(name).mean(axis=0))
        assert {text.get_text() for text in axes.texts} == {*curves.makers, "∝ T"}
    first, second = ({line.get_label(): line.get_color() for line in axes.lines} for axes in figure.axes)
    assert first["F13"] == second["F13"] != second["other"]


def test_labels_are_moved_apart_and_keep_their_middle():
    at = spread([0.0, 1.0, 1.05, 1.1, 3.0], 0.2)
    assert np.diff(at).min() >= 0.2 - 1e-12
    assert np.mean(at[1:4]) == pytest.approx(1.05)
    assert (at[0], at[-1]) == (0.0, 3.0)
    assert spread([0.0, 0.3, 0.31], 0.2) == pytest.approx([0.0, 0.205, 0.405])


def test_the_same_curves_give_the_same_bytes():
    def make():
        return loop_figure({"a": _curves(["x", "y"])})

    assert to_svg(make(), "a") == to_svg(make(), "a")
    assert to_png(make(), 40) == to_png(make(), 40)


def test_too_many_makers_and_no_panels_are_refused():
    with pytest.raises(ValueError, match="one panel at least"):
        loop_figure({})
    with pytest.raises(ValueError, match="makers at most"):
        loop_figure({"a": _curves([str(i) for i in range(9)])})


def test_those_who_stop_losing_are_drawn_over_the_logarithm_of_time():
    curves = _curves(["F13", "right", "left"])
    figure = growth_figure(curves, {"few": ["right", "left"], "one": ["left"]}, {"one": 0.5})
    everyone, few, one = figure.axes
    assert (everyone.get_yscale(), few.get_yscale(), one.get_yscale()) == ("log", "linear", "linear")
    assert {a.get_xscale() for a in figure.axes} == {"log"}
    for axes, names in ((everyone, curves.makers), (few, ("right", "left")), (one, ("left",))):
        drawn = {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}
        assert set(drawn) == set(names)
        for name in names:
            np.testing.assert_allclose(drawn[name].get_ydata(), curves.of(name).mean(axis=0))
        # The band is two standard errors, of the mean over replications.
        band = axes.collections[0].get_paths()[0].vertices
        x = curves.of(names[0])[:, -1]
        ends = band[np.isclose(band[:, 0], curves.time_s[-1]), 1]
        wide = 2 * x.std(ddof=1) / 40**0.5
        assert (ends.min(), ends.max()) == pytest.approx((x.mean() - wide, x.mean() + wide))
    guide = one.lines[-1]
    slope = np.diff(guide.get_ydata()) / np.diff(np.log(guide.get_xdata()))
    assert slope == pytest.approx(0.5)
    assert guide.get_ydata()[-1] == pytest.approx(curves.of("left")[:, -1].mean())
    with pytest.raises(ValueError, match="no maker 'nobody'"):
        growth_figure(curves, {"few": ["nobody"]})
    with pytest.raises(ValueError, match="one panel at least"):
        growth_figure(curves, {})


@pytest.mark.long
def test_what_is_written_is_what_was_measured(tmp_path):
    size = {"replications": 48, "intervals": 64 * 64, "looks": 9}
    *files, manifest = write_loop_figures(tmp_path, **size)
    facts = json.loads(manifest.read_text())
    assert {f.name for f in files} == {*facts["figures"], *facts["numbers"]}
    assert facts["parameters"]["replications"] == 48
    curves, growth = (pd.read_csv(tmp_path / name) for name in facts["numbers"])
    again = study(**size)
    for name in again.curves.makers:
        rows = curves[curves["maker"] == name]
        np.testing.assert_allclose(rows["regret_bps"], again.curves.of(name).mean(axis=0), rtol=1e-5, atol=1e-9)
    ends = growth.set_index("maker")["regret_bps"]
    deployed = ends["as deployed"]
    assert deployed > ends["truth, deployed formula"] > 5 * ends["plug-in"] > 5 * ends["hierarchical, A known"]
    # The right learner hardly minds when it is asked.
    assert ends["hierarchical prior, every 5 s"] == pytest.approx(ends["hierarchical prior"], rel=0.1)
    # What the oracle gains, of which the shares are: its value per interval.
    gained = (growth["regret_bps"] / growth["share"]).to_numpy()
    oracle = run(Oracle(), again.truth, SETTING, [64], SEED)[-1].sums.realised
    assert abs(gained[0] - oracle.mean()) < 4 * oracle.std(ddof=1) / 48**0.5
    assert np.ptp(gained) < 1e-4 * gained[0]
