"""The likelihoods of the models, as NumPyro computes them, against event-by-event ones on raw tables.

The second side is plain loops over the rows of a tape (`naive_evidence`): it shares no code with evidence, with the
arrays made from it, or with the models. Differences between pairs of points are compared, so constants drop out.
"""

import bisect
from dataclasses import replace
from itertools import pairwise

import jax
import naive_evidence as naive
import numpy as np
import numpyro
import pytest
from scipy import integrate, stats

import mmresearch.models.numpyro as in_numpyro
import mmresearch.models.pymc as in_pymc
from mmresearch.sim.truth import Truth
from mmresearch.sim.worlds import simulate
from mmresearch.tape.evidence import DepthCounts, Evidence, evidence

KAPPA, A = 0.25, 4.0
WINDOW_S, SECONDS = 30.0, 60.0


@pytest.fixture(scope="module")
def tape():
    truth = Truth("ONE", kappa=KAPPA * 1e4, A=A, alpha_touch=0.4, half_spread_bps=1.0, tick_bps=0.5)
    return simulate(truth, SECONDS, seed=3, quote_s=0.5)


def likelihood(model, values, sites):
    """Sum of the log densities of some sites, with the latent ones held at values."""
    with jax.enable_x64(True):
        held = numpyro.handlers.substitute(numpyro.handlers.seed(model, 0), data=values)
        trace = numpyro.handlers.trace(held).get_trace()
        return sum(float(np.sum(trace[s]["fn"].log_prob(trace[s]["value"]))) for s in sites)


def check(ours, exact, points, within):
    """Compare two log likelihoods by their differences from the first point."""
    one, two = (np.array([f(*p) for p in points]) for f in (ours, exact))
    assert np.ptp(two) > 3, "the points must tell a right likelihood from a wrong one"
    np.testing.assert_allclose(one - one[0], two - two[0], atol=within)


# Labels and moves --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moves(tape):
    """List of (window, move)."""
    return naive.touch_moves(tape, 0.5, naive.windows(tape, WINDOW_S))


def test_labels(tape, moves):
    given = evidence(tape, WINDOW_S)
    noise = given.alpha_touch[0].false_positive
    model = in_numpyro.alpha_touch(given, parameterisation="centred", overdispersion=False)
    points = [(0.1,), (0.3,), (0.5,), (0.8,)]

    def ours(alpha):
        return likelihood(model, {"logit_alpha": np.log([alpha / (1 - alpha)])}, ["informed"])

    def exact(alpha):
        theta = noise + alpha * (1 - noise)
        return sum(np.log(theta if move > 5.0 else 1 - theta) for _, move in moves)

    check(ours, exact, points, 1e-8)


@pytest.mark.parametrize("c", [0.0, 0.3])
def test_moves(tape, moves, c):
    """Moves of a window share an effect of sd c s: jointly Normal, every pair of a window correlated."""
    model = in_numpyro.spread_floor_bps(evidence(tape, WINDOW_S), parameterisation="centred", window_effect=c > 0)
    points = [(3.0, 4.0), (5.0, 6.0), (6.0, 5.0), (1.0, 8.0)]

    def ours(adverse, s):
        held = {"adverse_bps": np.array([adverse]), "log_s": np.log([s]), "c": c}
        return likelihood(model, held, ["mean", "m2"])

    def exact(adverse, s):
        total = 0.0
        for w in {w for w, _ in moves}:
            x = np.array([move for v, move in moves if v == w])
            cov = s**2 * (np.eye(len(x)) + c**2)
            total += stats.multivariate_normal(np.full(len(x), adverse), cov).logpdf(x)
        return total

    check(ours, exact, points, 1e-7)


# Fills -------------------------------------------------------------------------------------------------------------


def stretches(tape):
    """List of (window, seconds, depth) of every order between one quote or edge and the next."""
    edges, out = naive.windows(tape, WINDOW_S), []
    quotes = naive.rows(tape.quotes)
    times = [q["ts"] for q in quotes]
    for order in naive.rows(tape.orders):
        start, end = max(order["placed"], tape.t0), naive.last_moment(tape, order)
        moments = {start, end, *edges, *times}
        for a, b in pairwise(sorted(m for m in moments if start <= m <= end)):
            mid = naive.mid(quotes[bisect.bisect_right(times, a) - 1])
            out.append((naive.window_of(a, edges), b - a, max(order["side"] * (mid - order["price"]) / mid * 1e4, 0)))
    return out


def fills(tape):
    """List of (window, depth) of fills."""
    edges = naive.windows(tape, WINDOW_S)
    depth = [
        (e, e["side"] * (naive.mid(e["quote"]) - e["price"]) / naive.mid(e["quote"]) * 1e4)
        for e in naive.fill_events(tape)
    ]
    return [(naive.window_of(e["ts"], edges), max(d, 0.0)) for e, d in depth]


def held(reference, kappa, rate_at_mid, **more):
    """Latent sites of the model of fills: it is sampled as the intensity at the mean depth of the fills."""
    log_rate = np.log(rate_at_mid) - kappa * reference
    return {"log_kappa": np.log([kappa]), "log_rate": np.array([log_rate]), **more}


def test_fills_of_steady_intensity(tape):
    """Every moment of every order at its own depth; the package merged depths to six bins per octave."""
    model = in_numpyro.kappa(
        evidence(tape, WINDOW_S), parameterisation="centred", window_effect=False, overdispersion=False
    )
    rows, events = stretches(tape), fills(tape)
    reference = np.mean([d for _, d in events])
    points = [(k, a) for k in (0.15, 0.25, 0.4) for a in (2.0, 4.0, 8.0)]

    def ours(kappa, rate):
        return likelihood(model, held(reference, kappa, rate), ["fills", "depths"])

    def exact(kappa, rate):
        lost = rate * sum(seconds * np.exp(-kappa * d) for _, seconds, d in rows)
        return sum(np.log(rate) - kappa * d for _, d in events) - lost

    # The mean fill depth is known to the package by bins of 3 %: hence a hundredth of a nat over factors of two.
    check(ours, exact, points, 1e-3 * len(events))


def poisson_of_gamma(n, mean, sd):
    """Chance of n events where the mean is multiplied by a Gamma of mean one."""
    law = stats.gamma(1 / sd**2, scale=sd**2)
    return integrate.quad(lambda g: stats.poisson(g * mean).pmf(n) * law.pdf(g), 0, 8, limit=200)[0]


def test_fills_of_windows_that_wander(tape):
    """In each window the decay is its own, and the intensity is multiplied by a Gamma with mean one, integrated out."""
    model = in_numpyro.kappa(evidence(tape, WINDOW_S), parameterisation="centred")
    rows, events = stretches(tape), fills(tape)
    reference = np.mean([d for _, d in events])
    size, effects = 0.3, np.array([0.8, -1.1])
    points = [(0.25, 4.0, 0.3), (0.15, 4.0, 0.6), (0.5, 4.0, 0.2), (0.25, 8.0, 0.4)]

    def ours(kappa, rate, burst):
        latent = held(reference, kappa, rate, burst=burst, wander_kappa=size, w_kappa=effects[None, :])
        return likelihood(model, latent, ["fills", "depths"])

    def exact(kappa, rate, burst):
        total = 0.0
        for w, effect in enumerate(effects):
            k = kappa * np.exp(size * effect)
            reach = rate * sum(s * np.exp(-k * d) for v, s, d in rows if v == w)
            depth = [d for v, d in events if v == w]
            counts = poisson_of_gamma(len(depth), reach, burst)
            shape = sum(np.log(rate) - k * d for d in depth) - len(depth) * np.log(reach)
            total += np.log(counts) + shape
        return total

    check(ours, exact, points, 1e-3 * len(events))


# Walks -------------------------------------------------------------------------------------------------------------


def test_walks(tape):
    """An order that walks goes j ticks with probability (1 - q) q^(j - 1), q = e^{-kappa tick}."""
    trades = replace(tape, orders=tape.orders.iloc[:0], fills=tape.fills.iloc[:0])
    model = in_numpyro.kappa(evidence(trades, WINDOW_S), parameterisation="centred", window_effect=False)
    walked = [o for o in naive.market_orders(trades) if o["outcome"] == "beyond"]
    assert len(walked) > 20

    def ours(kappa):
        return likelihood(model, {"log_kappa": np.log([kappa])}, ["excess"])

    def exact(kappa):
        total = 0.0
        for order in walked:
            q = np.exp(-kappa * tape.meta.tick / naive.mid(order["quote"]) * 1e4)
            ticks = round(order["excess"] / tape.meta.tick)
            total += np.log(1 - q) + (ticks - 1) * np.log(q)
        return total

    check(ours, exact, [(0.1,), (0.2,), (0.3,), (0.6,)], 1e-2)


# Far away ----------------------------------------------------------------------------------------------------------


def far() -> Evidence:
    """Orders near the mid, which are filled, and others 8 to 11 per cent away, which are not."""
    near, away = np.array([0.5, 1.0, 1.5, 2.0]), 800.0 * 2 ** (np.arange(12) / 24)
    depth = np.concatenate([near, away])[None, :]
    counts = DepthCounts("ONE", np.full((1, 16), 500.0), depth, np.array([[30.0, 6, 1, 0] + [0] * 12]))
    nothing = evidence(simulate(Truth("ONE", 2000.0, 1.0, 0.2), 1.0, seed=0))
    return replace(nothing, kappa=(counts,))


@pytest.mark.parametrize("kappa", [0.2, 1.0, 3.5, 10.0])
def test_orders_far_away_never_seem_to_meet_fills(kappa):
    counts = far().kappa[0]
    reference = float((counts.fills * counts.depth_bps).sum() / counts.fills.sum())
    model = in_numpyro.kappa(far(), parameterisation="centred", window_effect=False, overdispersion=False)

    def ours(rate):
        return likelihood(model, held(reference, kappa, rate), ["fills"])

    def exact(rate):
        expected = rate * (counts.exposure_s * np.exp(-kappa * counts.depth_bps)).sum()
        return stats.poisson(expected).logpmf(counts.fills.sum())

    at = counts.fills.sum() / (counts.exposure_s * np.exp(-kappa * counts.depth_bps)).sum()
    check(ours, exact, [(at,), (at / 3,), (at * 3,)], 1e-3)


def test_orders_far_away_do_not_overflow_in_pymc_either():
    model = in_pymc.kappa(far(), parameterisation="centred", window_effect=False, overdispersion=False)
    value, slope = model.compile_logp(mode="FAST_COMPILE"), model.compile_dlogp(mode="FAST_COMPILE")
    for kappa in (0.2, 3.5, 10.0):
        point = {**model.initial_point(), "log_kappa": np.log([kappa])}
        assert np.isfinite(value(point))
        assert np.isfinite(slope(point)).all()
