"""Unreported changepoints: the recursion over run lengths is the sum over every segmentation, in both backends.

The oracles are written here with numpy and scipy alone: joint laws of whole segments, every way to cut a series.
"""

from __future__ import annotations

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, optimize, special, stats
from test_models_series import Pair, agree, small_series

import mmresearch.models.numpyro as in_numpyro
import mmresearch.models.pymc as in_pymc
from mmresearch.models.data import EvidenceError
from mmresearch.models.numpyro.changes import run_log_likelihood
from mmresearch.models.priors import KappaPriors
from mmresearch.models.pymc.chain_kernels import run_lengths
from mmresearch.models.segments import RUN_POINTS, normal_log_densities, poisson_log_densities, runs, runs_of
from mmresearch.models.series import RegimeSeries
from mmresearch.models.series_centring import run_weights
from mmresearch.models.series_priors import SegmentPriors

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:.*os.fork.*:RuntimeWarning"
)

PRIORS = SegmentPriors(k=0.5, shape=1.5, scale=0.8)
SHAPE, RATE = 1.2, 0.4
#: Coal-mining disasters in Britain by year, 1851 to 1962: Jarrett 1979, Biometrika 66.
COAL = np.array(
    [*map(float, "4541043406334026335453144155342522342132211113001011003103220111010100021000110233112111124200014000"
     "100000100101")]
)  # fmt: skip


def normal_segment(x) -> float:
    """A segment whose mean and variance are integrated out: a multivariate Student-t."""
    shape = PRIORS.scale / PRIORS.shape * (np.eye(x.size) + 1 / PRIORS.k)
    return float(stats.multivariate_t.logpdf(x, np.zeros(x.size), shape, 2 * PRIORS.shape))


def poisson_segment(x) -> float:
    """A segment whose rate is integrated out, by quadrature."""
    constant = SHAPE * np.log(RATE) - special.gammaln(SHAPE) - special.gammaln(x + 1).sum()

    def density(m):
        return np.exp(constant + (SHAPE - 1 + x.sum()) * np.log(m) - (RATE + x.size) * m)

    return float(np.log(integrate.quad(density, 0, 60, epsabs=0, epsrel=1e-11, limit=200)[0]))


def every_segmentation(x, gap, h: float, segment) -> float:
    """Log of the sum over all 2^(n - 1) ways to cut a series; it is always cut where it starts anew."""
    n, terms = x.size, []
    for cuts in itertools.product((False, True), repeat=n - 1):
        begins = [0, *(t for t in range(1, n) if cuts[t - 1])]
        if any(np.isinf(gap[t]) and not cuts[t - 1] for t in range(1, n)):
            continue
        steps = [stats.expon(scale=1 / h).logcdf(gap[t]) if cuts[t - 1] else -h * gap[t]
                 for t in range(1, n) if np.isfinite(gap[t])]  # fmt: skip
        terms.append(sum(steps) + sum(segment(x[a:b]) for a, b in itertools.pairwise([*begins, n])))
    return float(np.logaddexp.reduce(terms))


def both(found, h):
    """Log likelihoods of assets together, by the kernel and by JAX, with their gradients."""
    width = max(r.gap_s.size for r in found)
    like = np.concatenate([np.pad(r.like, [(0, 0), (0, width - r.gap_s.size)]) for r in found])
    start = np.cumsum([0, *(r.gap_s.size for r in found)])
    value, slope = run_lengths(h, like, np.concatenate([r.gap_s for r in found]), start)
    with jax.enable_x64(True):
        likelihood = run_log_likelihood(found)
        other, other_slope = jax.value_and_grad(lambda x: likelihood(x).sum())(jnp.asarray(h))
    offset = sum(r.offset for r in found)
    return (float(value) + offset, slope), (float(other) + offset, np.asarray(other_slope))


def short(n: int):
    rng = np.random.default_rng(n)
    gap = rng.integers(1, 4, n).astype(float)
    gap[[0, *([n // 2] if n > 6 else [])]] = np.inf
    return 2.0 * rng.normal(size=n), gap


@pytest.mark.parametrize("h", [0.001, 0.1, 3.0])
def test_run_lengths_are_the_sum_over_every_segmentation(h):
    """One point, a few, and ten of them with a new start in the middle."""
    series = [short(n) for n in (1, 2, 5, 10)]
    slow = sum(every_segmentation(x, gap, h, normal_segment) for x, gap in series)
    found = [runs(normal_log_densities(x, PRIORS), gap) for x, gap in series]
    for value, _ in both(found, np.full(4, h)):
        assert value == pytest.approx(slow, rel=1e-10)


def test_segments_of_counts_are_summed_too():
    x, gap = np.array([4.0, 5, 0, 1, 0, 9, 7]), np.append(np.inf, np.ones(6))
    slow = every_segmentation(x, gap, 0.3, poisson_segment)
    for value, _ in both([runs(poisson_log_densities(x, SHAPE, RATE), gap)], np.array([0.3])):
        assert value == pytest.approx(slow, rel=1e-8)


def test_the_gradient_is_that_of_finite_differences():
    found = [runs(normal_log_densities(x, PRIORS), gap) for x, gap in (short(30), short(12))]
    h, step = np.array([0.05, 0.3]), 1e-3
    for place in range(2):

        def moved(by, place=place):
            return [v for v, _ in both(found, np.where(np.arange(2) == place, h * (1 + by), h))]

        up, down, up2, down2 = (np.array(moved(by)) for by in (step, -step, 2 * step, -2 * step))
        slopes = (8 * (up - down) - (up2 - down2)) / (12 * step * h[place])
        for (_, slope), expected in zip(both(found, h), slopes, strict=True):
            assert slope[place] == pytest.approx(expected, rel=1e-7)


def test_without_changes_a_stretch_is_one_segment_and_with_them_always_each_point_is():
    x, gap = short(6)
    found = [runs(normal_log_densities(x, PRIORS), gap)]
    for h, slow in ((1e-14, normal_segment(x)), (100.0, sum(normal_segment(x[[t]]) for t in range(6)))):
        for value, _ in both(found, np.array([h])):
            assert value == pytest.approx(slow, rel=1e-10)


def test_the_rate_of_coal_mining_disasters_changed_about_1890():
    """The published mode is 1891 (Carlin, Gelfand and Smith 1992). A change at t is a new start there, and no other."""
    assert (COAL.size, COAL.sum()) == (112, 191)
    table = poisson_log_densities(COAL, 1.0, 0.5)

    def changed_at(t: int) -> float:
        gap = np.ones(112)
        gap[[0, t]] = np.inf
        found = runs(table, gap)
        return float(run_lengths(np.array([1e-12]), found.like, found.gap_s, np.array([0, 112]))[0]) + found.offset

    height = np.array([changed_at(t) for t in range(1, 112)])
    chance = np.exp(height - height.max()) / np.exp(height - height.max()).sum()
    last_year = 1851 + np.arange(111)
    assert last_year[np.argmax(chance)] in (1890, 1891)
    assert chance[(last_year >= 1885) & (last_year <= 1896)].sum() > 0.9
    whole = runs(table, np.append(np.inf, np.ones(111)))
    assert height.max() - np.log(111) > both([whole], np.array([1e-12]))[0][0] + 10, (
        "one change is far likelier than none"
    )


def piecewise(rng, h: float, n: int) -> RegimeSeries:
    """Returns whose mean and variance change after each second with probability 1 - e^{-h}, drawn from the prior."""
    x = np.empty(n)
    for t in range(n):
        if t == 0 or rng.random() < -np.expm1(-h):
            variance = PRIORS.scale / rng.gamma(PRIORS.shape)
            mean = rng.normal() * np.sqrt(variance / PRIORS.k)
        x[t] = mean + np.sqrt(variance) * rng.normal()
    return RegimeSeries(f"A{h}", np.append(np.inf, np.ones(n - 1)), x, np.zeros(n), 1.0, 6.0, 0.02, 0.02)


def test_the_likelihood_of_a_thousand_returns_peaks_at_the_truth():
    """Twelve assets: the z-scores of their rates have the mean and the size of standard Normal ones."""
    rng, scores = np.random.default_rng(11), []
    for h in np.repeat([0.01, 0.03, 0.1], 4):
        (found,) = runs_of([piecewise(rng, h, 1_000)], PRIORS)
        start = np.array([0, 1_000])

        def down(u, found=found, start=start):
            value, slope = run_lengths(np.exp([u]), found.like, found.gap_s, start)
            return -float(value), -float(slope[0] * np.exp(u))

        peak = optimize.minimize_scalar(lambda u: down(u)[0], bounds=(-8, 0), method="bounded").x
        bend = (down(peak + 0.05)[1] - down(peak - 0.05)[1]) / 0.1
        scores.append((peak - np.log(h)) * np.sqrt(bend))
    assert abs(np.mean(scores)) < 4 / np.sqrt(12)
    assert np.sum(np.square(scores)) < stats.chi2(12).isf(3e-5)


# The models --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["auto", "centred", "noncentred"])
def test_backends_agree_where_runs_are_marginalised(form):
    agree(Pair("bocpd_hazard_rate", form, runs="marginalised", segments=PRIORS))


def test_a_segment_off_by_one_per_cent_breaks_the_contract():
    series, rates = small_series().regimes, np.array([[0.01, 0.1, 0.5], [0.4, 0.02, 0.1]])
    values = [[v for v, _ in both(runs_of(series, PRIORS), h)] for h in rates]

    def spread(segments):
        """How far the other backend, with other segments, is from a constant."""
        off = [[v for v, _ in both(runs_of(series, segments), h)] for h in rates]
        return np.ptp([a[0] - b[1] for a, b in zip(values, off, strict=True)])

    assert spread(PRIORS) < 1e-9
    for field in dataclasses.fields(SegmentPriors):
        assert spread(dataclasses.replace(PRIORS, **{field.name: 1.01 * getattr(PRIORS, field.name)})) > 1e-5, (
            field.name
        )


def test_only_the_newest_thousand_seconds_are_read():
    long = piecewise(np.random.default_rng(0), 0.02, RUN_POINTS + 50)
    (found,) = runs_of([long], PRIORS)
    assert found.like.shape == (RUN_POINTS, RUN_POINTS)
    assert np.isinf(found.gap_s[0])
    cut = runs(normal_log_densities(long.returns[50:], PRIORS), long.gap_s[50:])
    np.testing.assert_array_equal(found.like, cut.like)


def test_the_more_seconds_the_more_centred():
    found = runs_of(small_series().regimes, PRIORS)
    weight = run_weights(found)
    assert weight[0] > weight[1] > weight[2]
    many = runs_of([piecewise(np.random.default_rng(0), 0.02, RUN_POINTS)], PRIORS)
    assert run_weights(many)[0] > 2 * weight[0]


@pytest.mark.parametrize("backend", [in_pymc, in_numpyro])
def test_what_cannot_be_marginalised_is_refused(backend):
    model, series = backend.bocpd_hazard_rate, small_series()
    with pytest.raises(ValueError, match="runs must be reported or marginalised, got 'all'"):
        model(series, runs="all")
    with pytest.raises(ValueError, match="segments say nothing of reported runs"):
        model(series, segments=PRIORS)
    with pytest.raises(TypeError, match="takes SegmentPriors, got KappaPriors"):
        model(series, runs="marginalised", segments=KappaPriors())
    with pytest.raises(EvidenceError, match="must be positive"):
        model(series, runs="marginalised", segments=SegmentPriors(k=0.0))
    with pytest.raises(EvidenceError, match="no asset has returns"):
        model(dataclasses.replace(series, regimes=series.regimes[2:]), runs="marginalised")
