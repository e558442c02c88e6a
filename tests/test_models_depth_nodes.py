"""Few depths in place of many: which sums they keep, and where they are exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmresearch.models.depth_nodes import NODES, depth_nodes

KAPPAS = np.geomspace(1e-3, 30.0, 40)


def reach(seconds, depth, kappa):
    return (seconds[:, None, :] * np.exp(-kappa[:, None] * depth[:, None, :])).sum(axis=2)


def dense(rng, windows=3):
    depth = np.sort(rng.uniform(0.02, 300.0, (windows, 400)), axis=1)
    return rng.gamma(0.3, 100.0, (windows, 400)), depth


@pytest.mark.parametrize("seed", range(5))
def test_moments_of_every_octave_are_kept(seed):
    seconds, depth = dense(np.random.default_rng(seed))
    weight, place = depth_nodes(seconds, depth)
    assert weight.shape[1] <= NODES * 15
    for octave in range(-6, 9):
        here, there = (np.floor(np.log2(np.maximum(x, 2.0**-6))) == octave for x in (depth, place))
        for power in range(2 * NODES):
            many = (seconds * here * depth**power).sum(axis=1)
            few = (weight * there * place**power).sum(axis=1)
            np.testing.assert_allclose(few, many, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_intensity_is_right_to_a_millionth_and_never_too_high(seed):
    many = dense(np.random.default_rng(seed))
    near = KAPPAS[KAPPAS * many[1].min() < 1]
    exact, ours = reach(*many, near), reach(*depth_nodes(*many), near)
    assert (ours <= exact * (1 + 1e-9)).all()
    np.testing.assert_allclose(ours, exact, rtol=1e-6)
    assert np.abs(reach(*depth_nodes(*many, nodes=2), near) / exact - 1).max() > 1e-4, "two nodes would not do"


def test_where_all_orders_rest_deep_it_is_still_right():
    edges = 2.0 ** (np.arange(8 * 48 + 1) / 48)
    many = np.diff(edges)[None, :], ((edges[1:] + edges[:-1]) / 2)[None, :]
    kappa = np.array([0.1, 1.0, 5.0, 8.0])
    off = 1 - reach(*depth_nodes(*many), kappa)[0] / reach(*many, kappa)[0]
    assert (off < [1e-7, 1e-6, 1e-5, 1e-4]).all()
    assert (off > -1e-12).all()


@given(
    st.lists(st.sampled_from([0.0, 1e-3, 1.0, 1.0 + 1e-9, 1.5, 2.0, 3.0, 700.0]), min_size=1, max_size=6),
    st.lists(st.sampled_from([0.0, 1e-9, 1.0, 1e9]), min_size=6, max_size=6),
)
def test_few_bins_are_kept_as_they_are(depths, seconds):
    """Bins that are empty, or alike to the last digits, or hold a billion times less than others, do no harm."""
    depth = np.array([depths])
    exposure = np.array([seconds[: len(depths)]])
    weight, place = depth_nodes(exposure, depth)
    assert (weight >= 0).all()
    assert np.isfinite(place).all()
    np.testing.assert_allclose(
        reach(weight, place, KAPPAS), reach(exposure, depth, KAPPAS), rtol=1e-6, atol=1e-6 * exposure.sum()
    )


def test_windows_do_not_know_of_each_other():
    many = dense(np.random.default_rng(1))
    together = depth_nodes(*many)
    for w in range(3):
        alone = depth_nodes(*(a[[w]] for a in many))
        np.testing.assert_allclose(reach(*alone, KAPPAS)[0], reach(*together, KAPPAS)[w], rtol=1e-12)


def test_no_exposure_has_no_nodes():
    assert [a.shape for a in depth_nodes(np.zeros((2, 3)), np.ones((2, 3)))] == [(2, 0), (2, 0)]
    assert [a.shape for a in depth_nodes(np.zeros((2, 0)), np.zeros((2, 0)))] == [(2, 0), (2, 0)]
