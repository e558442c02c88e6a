"""Laws of the recursions in JAX: cut into blocks they are what a plain loop says, at any length, as is the slope."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmresearch.models.numpyro.recursions import in_blocks, in_rows, linear, moebius, sticky_chain

LENGTHS = (1, 2, 3, 5, 12, 16, 17, 101)
ASSETS = 3


@pytest.fixture(autouse=True)
def in_double_precision():
    with jax.enable_x64(True):
        yield


@pytest.fixture(params=LENGTHS)
def n(request):
    return request.param


def _uniform(low, high, *shape):
    return np.random.default_rng(sum(shape)).uniform(low, high, shape)


def test_blocks_put_back_are_the_rows(n):
    rows = _uniform(-1, 1, ASSETS, n)
    blocks = in_blocks(rows, 7.0)
    assert blocks.size >= rows.size
    assert blocks.shape[0] * blocks.shape[1] < n + blocks.shape[0]
    np.testing.assert_array_equal(in_rows(blocks, n), rows)


def test_linear_is_the_loop(n):
    a, b = _uniform(-1, 1, ASSETS, n), _uniform(0, 1, n, ASSETS).T
    x, path = np.zeros(ASSETS), np.zeros((ASSETS, n))
    for j in range(n):
        x = path[:, j] = a[:, j] * x + b[:, j]
    np.testing.assert_allclose(linear(a, b), path, rtol=1e-12)


def test_moebius_is_the_loop(n):
    m = _uniform(0, 2, ASSETS, n, 2, 2)
    x, path = np.zeros(ASSETS), np.zeros((ASSETS, n))
    for j in range(n):
        x = (m[:, j, 0, 0] * x + m[:, j, 0, 1]) / (m[:, j, 1, 0] * x + m[:, j, 1, 1])
        path[:, j] = x
    np.testing.assert_allclose(moebius(jnp.asarray(m)), path, rtol=1e-12)


def _chain(kept, density):
    """Log likelihood of one chain by the forward algorithm, row by row."""
    states, found = density.shape[1], 0.0
    belief = np.full(states, 1 / states)
    for same, seen in zip(kept, density, strict=True):
        joint = (same * belief + (1 - same) / states) * seen
        found += np.log(joint.sum())
        belief = joint / joint.sum()
    return found


@pytest.mark.parametrize("states", [2, 4])
def test_a_chain_is_the_forward_algorithm(n, states):
    kept, density = _uniform(0, 1, ASSETS, n), _uniform(0.01, 3, ASSETS, n, states)
    kept[:, n // 2] = 0.0
    loop = [_chain(k, d) for k, d in zip(kept, density, strict=True)]
    np.testing.assert_allclose(sticky_chain(kept, density), loop, rtol=1e-12)


def test_a_chain_that_hardly_ever_leaves_and_then_must_keeps_every_digit():
    """One state is right by e^40 a row and then wrong by as much: blocks must not lose what is improbable so far."""
    ratio = np.where(np.arange(60) < 30, -40.0, 40.0)
    density = np.exp(np.stack([np.minimum(0, -ratio), np.minimum(0, ratio)], axis=-1))
    kept = np.full(60, 1 - 1e-12)
    found = float(sticky_chain(kept[None], density[None])[0])
    assert found == pytest.approx(_chain(kept, density), rel=1e-12)


@pytest.mark.parametrize("length", [5, 17])
def test_slopes_are_difference_quotients(length):
    a, b = _uniform(0.1, 0.9, ASSETS, length), _uniform(0.5, 1, length, ASSETS).T
    m, density = _uniform(0.1, 2, ASSETS, length, 2, 2), _uniform(0.1, 3, ASSETS, length, 2)

    def all_of(t):
        chain = sticky_chain(a**t, density**t).sum()
        return linear(a**t, b).sum() + moebius(jnp.asarray(m) ** t).sum() + chain

    slope = (all_of(1 + 1e-6) - all_of(1 - 1e-6)) / 2e-6
    assert float(jax.grad(all_of)(1.0)) == pytest.approx(float(slope), rel=1e-7)
