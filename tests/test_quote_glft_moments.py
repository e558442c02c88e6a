"""Laws of the recursions: exact moments of references, of small markets by brute force, and of the scheme of 2008."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from glft_numbers import AS2008, PARAMETERS, POLICIES
from scipy.linalg import expm

from mmresearch.quote.glft.bernoulli_steps import inventory_strategy, step_moments, symmetric_strategy
from mmresearch.quote.glft.long_run import long_run
from mmresearch.quote.glft.model import Model
from mmresearch.quote.glft.moments import certainty_equivalents, moments
from mmresearch.quote.glft.policy import Policy, constant_policy, policy
from mmresearch.quote.glft.value import certainty_equivalent, exact_value

PAPER = Model(**PARAMETERS["GLFT Fig1-3"])
#: Everything that a market can have, in lots of 2.
FULL = Model(
    sigma=0.5, A=0.7, k=0.4, gamma=0.03, T=20.0, Q=3, lot=2.0, mu=0.02, impact=0.15, cost=0.3,
)  # fmt: skip


@pytest.mark.parametrize("method", POLICIES)
def test_the_five_policies_of_the_reference(method):
    found = moments(policy(PAPER, method), PAPER)
    got = (found.mean, found.sd, found.sd_q, found.mean_fills, found.certainty_equivalent)
    np.testing.assert_allclose(got, POLICIES[method], rtol=1e-6)
    assert found.q_probability.sum() == pytest.approx(1.0, abs=1e-12)


def test_finer_tables_in_time_come_nearer_with_the_square():
    sds = [moments(policy(PAPER, "exact", n), PAPER).sd_q - POLICIES["exact"][2] for n in (250, 500, 1000)]
    assert sds[0] / sds[1] == pytest.approx(4.0, rel=0.02)
    assert sds[1] / sds[2] == pytest.approx(4.0, rel=0.02)


@pytest.mark.parametrize(
    "market", [FULL, PAPER, Model(**PARAMETERS["impact 0.5"]), Model(**PARAMETERS["drift mu=0.01"])]
)
def test_the_exact_quotes_make_the_certainty_equivalent_of_their_value_function(market):
    """Two theories of one number: the linear equation behind the quotes, and the recursion over what they do."""
    most = certainty_equivalent(market)
    found = moments(policy(market, "exact", 4000), market).certainty_equivalent
    assert found == pytest.approx(float(most), rel=2e-8)
    assert found < most


def test_from_every_inventory_at_the_start():
    value = exact_value(FULL)
    q = FULL.lot * FULL.lots()
    theta = FULL.lot / FULL.k * (np.log(value.v) + value.log_scale) + FULL.impact * q**2 / (2 * FULL.lot)
    worths = certainty_equivalents(policy(FULL, "exact", 4000), FULL)
    np.testing.assert_allclose(worths, theta, rtol=1e-6)
    one = moments(policy(FULL, "exact", 4000), FULL, q0=-4.0)
    assert one.certainty_equivalent == pytest.approx(worths[1], rel=1e-14)


def _by_blocks(quoted, market, q0):
    """The moments by exponentials of dense block matrices, interval by interval."""
    q = market.lot * market.lots()
    n = q.size
    bids, asks, lengths = quoted.by_interval(market.T)
    state, w = np.zeros(3 * n + 1), np.zeros(n)
    state[np.flatnonzero(q == q0)] = w[np.flatnonzero(q == q0)] = 1.0
    for bid, ask, length in zip(bids, asks, lengths, strict=True):
        big, tilt = np.zeros((3 * n + 1, 3 * n + 1)), np.diag(0.5 * (market.gamma * market.sigma * q) ** 2)
        tilt -= np.diag(market.gamma * market.mu * q)
        for i in range(n):
            big[n + i, i], big[2 * n + i, n + i] = market.mu * q[i], 2 * market.mu * q[i]
            big[2 * n + i, i] = (market.sigma * q[i]) ** 2
            for depth, step in ((bid[i], 1), (ask[i], -1)):
                if not np.isfinite(depth):
                    continue
                j, rate = i + step, market.A * np.exp(-market.k * depth)
                g = market.lot * (depth - market.cost) - step * q[j] * market.impact
                for a in range(3):
                    big[a * n + i, a * n + i] -= rate
                    big[a * n + j, a * n + i] += rate
                big[n + j, i] += rate * g
                big[2 * n + j, i] += rate * g**2
                big[2 * n + j, n + i] += 2 * rate * g
                big[3 * n, i] += rate
                tilt[i, i] -= rate
                tilt[j, i] += rate * np.exp(-market.gamma * g)
        state, w = expm(big * length) @ state, expm(tilt * length) @ w
    p, m, s = state[: 3 * n].reshape(3, n)
    sd_q = np.sqrt(q**2 @ p - (q @ p) ** 2)
    return m.sum(), np.sqrt(s.sum() - m.sum() ** 2), q @ p, sd_q, state[-1], -np.log(w.sum()) / market.gamma


@pytest.mark.parametrize("seed", range(3))
def test_any_table_against_dense_matrices(seed):
    rng = np.random.default_rng(seed)
    bid, ask = rng.uniform(-1.0, 6.0, (2, 3, 7))
    bid[:, -1] = ask[:, 0] = np.inf
    bid[1, 2] = np.inf
    quoted = Policy(bid, ask, np.array([0.0, 1.5, 11.0, 20.0]))
    for q0 in (0.0, -4.0):
        found = moments(quoted, FULL, q0)
        got = found.mean, found.sd, found.mean_q, found.sd_q, found.mean_fills, found.certainty_equivalent
        np.testing.assert_allclose(got, _by_blocks(quoted, FULL, q0), rtol=1e-10)


def test_no_quotes_leave_the_inventory_to_the_market():
    silent = constant_policy(np.inf, 3)
    found = moments(silent, FULL, q0=4.0)
    assert found.mean == pytest.approx(4 * 0.02 * 20, rel=1e-14)
    assert found.sd == pytest.approx(4 * 0.5 * np.sqrt(20), rel=1e-13)
    assert (found.sd_q, found.mean_q, found.mean_fills) == (0.0, 4.0, 0.0)
    assert found.certainty_equivalent == pytest.approx(found.mean - 0.03 / 2 * found.sd**2, rel=1e-12)


def test_without_risk_aversion_the_certainty_equivalent_is_the_mean():
    market = replace(FULL, gamma=0.0, xi=None)
    found = moments(constant_policy(3.0, 3), market)
    assert found.certainty_equivalent == found.mean
    nearly = moments(constant_policy(3.0, 3), replace(FULL, gamma=1e-7))
    assert nearly.certainty_equivalent == pytest.approx(found.mean, rel=1e-5)


def test_the_long_run_is_the_slope_of_long_horizons():
    quoted = policy(FULL, "asymptotic")
    a, b = (moments(quoted, replace(FULL, T=T)) for T in (400.0, 500.0))
    rates = long_run(quoted.bid, quoted.ask, FULL)
    assert rates.mean_per_s == pytest.approx((b.mean - a.mean) / 100, rel=1e-9)
    assert rates.volume_per_s == pytest.approx((b.mean_fills - a.mean_fills) * FULL.lot / 100, rel=1e-9)
    slope = (b.certainty_equivalent - a.certainty_equivalent) / 100
    assert rates.certainty_equivalent_per_s == pytest.approx(slope, rel=1e-9)
    assert rates.sd_q == pytest.approx(b.sd_q, rel=1e-9)


@pytest.mark.parametrize(("gamma", "strategy"), AS2008)
def test_the_scheme_of_2008(gamma, strategy):
    """Against the exact moments; the published numbers lie within the error of their 1000 paths."""
    market = Model(sigma=2.0, A=140.0, k=1.5, gamma=gamma, T=1.0, Q=80)
    quoted = (inventory_strategy if strategy == "inventory" else symmetric_strategy)(market, 200)
    found = step_moments(*quoted, market)
    mean, sd, sd_q, filled, worth, *published = AS2008[gamma, strategy]
    np.testing.assert_allclose(
        [found.mean, found.sd, found.sd_q, found.mean_fills], [mean, sd, sd_q, filled], rtol=1e-6
    )
    if worth is not None:
        assert found.certainty_equivalent == pytest.approx(worth, rel=1e-6)
    assert found.edge_probability < 1e-15
    assert abs(published[0] - found.mean) < 4 * found.sd / np.sqrt(1000)
    assert abs(published[2] / found.sd_q - 1) < 4 / np.sqrt(2 * 1000)


def test_the_scheme_tends_to_continuous_time():
    market = Model(sigma=2.0, A=5.0, k=1.5, gamma=0.1, T=1.0, Q=4)
    quoted = policy(market, "closed")
    there = moments(quoted, market).sd
    gaps = [
        step_moments(*(np.tile(x, (n, 1)) for x in (quoted.bid, quoted.ask)), market).sd - there for n in (200, 400)
    ]
    assert gaps[0] / gaps[1] == pytest.approx(2.0, rel=0.02)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Policy(np.zeros(4), np.zeros(4)), "last odd"),
        (lambda: Policy(np.zeros(3), np.zeros(3)), "must be infinite"),
        (lambda: Policy(np.full((2, 3), np.inf), np.full((2, 3), np.inf), np.array([0.0, 1.0])), "3 rising edges"),
        (lambda: moments(constant_policy(1.0, 2), FULL), "up to 2 lots"),
        (lambda: moments(constant_policy(1.0, 3), FULL, q0=1.0), "whole lots"),
        (lambda: moments(policy(replace(FULL, T=9.0)), FULL), "ends at 9 s"),
        (lambda: moments(constant_policy(1.0, 3), replace(FULL, k=np.ones(2))), "must be numbers"),
        (lambda: step_moments(np.zeros((5, 7)), np.zeros((5, 7)), FULL), "neither drift nor impact"),
        (lambda: long_run(np.full(7, np.inf), np.full(7, np.inf), FULL), "both sides quoted"),
    ],
)
def test_what_makes_no_sense_is_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make()
