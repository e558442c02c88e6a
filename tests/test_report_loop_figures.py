"""The picture of learning shows the curves that were found, each named once, and is the same bytes every time."""

import numpy as np
import pytest

from mmresearch.report.loop_figures import loop_figure, spread
from mmresearch.report.style import to_png, to_svg
from mmresearch.sim.loop.regret import Curves


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
