"""Fills and market orders, window by window; the effect of a window on kappa is integrated out.

Own fills:   n_w ~ NegativeBinomial (or Poisson) with mean A_i sum_k E_k e^{-kappa_w d_k}; their depths multinomial.
             p(row) = integral of p(n_w, depths | kappa_i e^{wander w}) N(w; 0, 1) dw
Trade tapes: orders negative binomial, those beyond the touch beta-binomial, ticks beyond the first negative binomial.

The integral is a sum over equally spaced w (trapezoid), which holds as long as a window tells ln kappa no better than
to half a step: windows of many fills make the integrand narrower than Gauss-Hermite nodes are apart. Constants of the
data, such as multinomial coefficients, are left out. Without an effect of windows rows are windows all the same.

Source: Goodwin 1949, The evaluation of integrals of the form int f(x) exp(-x^2) dx.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
from scipy import special
from scipy.interpolate import CubicSpline

from mmresearch.models.criticism.laws import beta_binomial, mixture, negative_binomial, poisson, stacked
from mmresearch.models.criticism.rows import AssetRows, Draws, FloatArray, Part, Quantity
from mmresearch.models.data import DepthData, WalkData, depth_data, walk_data
from mmresearch.models.priors import KappaPriors, WalkPriors
from mmresearch.tape.evidence import DepthCounts, Evidence, WalkCounts

#: Effects of a window, in its sds, and the log of their probabilities.
NODES = np.linspace(-6.0, 6.0, 193)
LOG_WEIGHTS = -0.5 * NODES**2 - special.logsumexp(-0.5 * NODES**2)
#: Every so many of them serve for distribution functions, which are smooth in w.
_COARSE = 4
#: Share of the exposure that is called deep.
_DEEP = 0.1
#: Points of ln kappa at which the reach of a window is tabulated.
_TABLE = 240


def kappa(
    draws: Draws,
    evidence: Evidence,
    rng: np.random.Generator,
    priors: KappaPriors | WalkPriors | None = None,
    **_: Any,
) -> Iterator[AssetRows]:
    """Windows of fills, or of market orders.

    Parameters
    ----------
    draws : Draws
        Of kappa; with ``wander_kappa`` for an effect of windows.
    evidence : Evidence
        Depth counts or walk counts.
    rng : Generator
        Draws replicated depths.
    priors : KappaPriors or WalkPriors, optional
        Those of the fit: they hold the least variances.
    **_
        Not used.
    """
    if evidence.kappa and isinstance(evidence.kappa[0], WalkCounts):
        yield from _walks(draws, walk_data(evidence), priors or WalkPriors())
    else:
        yield from _fills(draws, evidence, priors or KappaPriors(), rng)


def _fills(draws: Draws, evidence: Evidence, p: Any, rng: np.random.Generator) -> Iterator[AssetRows]:
    data = depth_data(evidence)
    log_kappa, log_a = np.log(draws["kappa"] / 1e4), np.log(draws["A"])
    wander = draws.get("wander_kappa")
    size = 1 / (draws["burst"] ** 2 + p.burst_floor) if "burst" in draws else None
    for i, name in enumerate(data.assets):
        rows = np.flatnonzero(data.asset == i)
        counts = cast(DepthCounts, evidence.kappa[i])
        edge = _deep_from(counts.exposure_s, counts.depth_bps)
        found = [_Window(data, int(r), counts, edge) for r in rows]
        each = [w.scored(log_kappa[:, i], log_a[:, i], wander, size, rng) for w in found]
        yield _fill_rows(name, draws.size, each, float(counts.fills[counts.depth_bps > edge].sum()))


def _deep_from(exposure: FloatArray, depth: FloatArray) -> float:
    """Depth beyond which the deepest tenth of the exposure lies, halfway between two bins."""
    seconds = exposure.sum(axis=0)
    place = (exposure * depth).sum(axis=0)[seconds > 0] / seconds[seconds > 0]
    deeper = np.cumsum(seconds[seconds > 0][::-1])[::-1]
    last = int(np.flatnonzero(deeper >= _DEEP * seconds.sum()).max(initial=0))
    return float(place[last - 1 : last + 1].mean()) if last else -np.inf


def _fill_rows(name: str, draws: int, each: list[tuple[FloatArray, ...]], deep: float) -> AssetRows:
    rows = np.arange(len(each))
    columns = [np.stack(c, axis=1) for c in zip(*each, strict=True)] if each else [np.zeros((draws, 0))] * 8
    density, below, upto, shallower, not_deeper, off, off_again, deep_again = columns
    fills = Part("fills", rows, density, below, upto, checks=("dispersion", "autocorrelation"))
    depth = Part("depth of fills", rows, None, shallower, not_deeper, simulated=True)
    quantities = (
        Quantity("dispersion of depth between windows", off.sum(axis=1), off_again.sum(axis=1)),
        Quantity("fills in the deepest tenth of exposure", np.full(draws, deep), deep_again.sum(axis=1)),
    )
    return AssetRows(name, "fills of a window", len(each), (fills, depth), quantities if each else ())


class _Window:
    """One window of one asset: log reach over ln kappa, fills and their depths; depths less the reference depth."""

    def __init__(self, data: DepthData, row: int, counts: DepthCounts, edge: float):
        self.reference = float(data.reference_bps[data.asset[row]])
        there = data.exposure_s[row] > 0
        self.nodes = data.exposure_s[row, there], data.depth_bps[row, there]
        rested = counts.exposure_s[data.window[row]] > 0
        seconds, depth = (a[data.window[row], rested] for a in (counts.exposure_s, counts.depth_bps))
        self.bins = seconds, np.maximum(depth, 0.0) - self.reference
        self.deep = depth > edge
        self.n, self.travelled = int(data.fills[row]), float(data.travelled_bps[row])

    def scored(
        self, log_kappa: FloatArray, log_a: FloatArray, wander: FloatArray | None, size: FloatArray | None,
        rng: np.random.Generator,
    ) -> tuple[FloatArray, ...]:  # fmt: skip
        """Density and probabilities of the fills, and depths against replicated ones; shape (S,) each."""
        nodes, log_w = (np.zeros(1), np.zeros(1)) if wander is None else (NODES, LOG_WEIGHTS)
        log_k = log_kappa[:, None] + (0.0 if wander is None else wander[:, None]) * nodes
        log_reach = self._log_reach(log_k)
        mean = np.exp(log_a[:, None] - np.exp(log_k) * self.reference + log_reach)
        counted = self._count(mean, size)
        depths = -np.exp(log_k) * self.travelled - self.n * log_reach
        density = special.logsumexp(counted + depths + log_w, axis=1)
        step = _COARSE if nodes.size > 1 else 1
        coarse = log_w[::step] - special.logsumexp(log_w[::step])
        _, below, upto = mixture(self._law(mean[:, ::step], size), coarse)
        given = counted + log_w - special.logsumexp(counted + log_w, axis=1, keepdims=True)
        pick = (np.cumsum(np.exp(given), axis=1) < rng.random((log_k.shape[0], 1))).sum(axis=1)
        drawn = np.take_along_axis(log_k, np.minimum(pick, nodes.size - 1)[:, None], axis=1)[:, 0]
        return (density, below, upto, *self._depths(drawn, log_kappa, rng))

    def _log_reach(self, log_k: FloatArray) -> FloatArray:
        low, high = float(log_k.min()), float(log_k.max())
        if high - low < 1e-9 or log_k.shape[1] == 1:
            return np.asarray(special.logsumexp(_thinned(self.nodes, log_k), axis=-1))
        grid = np.linspace(low, high, _TABLE)
        return np.asarray(CubicSpline(grid, special.logsumexp(_thinned(self.nodes, grid), axis=-1))(log_k))

    def _law(self, mean: FloatArray, size: FloatArray | None) -> tuple[FloatArray, FloatArray, FloatArray]:
        n = np.asarray(float(self.n))
        return poisson(n, mean) if size is None else negative_binomial(n, mean, size[:, None])

    def _count(self, mean: FloatArray, size: FloatArray | None) -> FloatArray:
        """Log probability of the fills, without the distribution function."""
        n = float(self.n)
        if size is None:
            return np.asarray(n * np.log(mean) - mean - special.gammaln(n + 1))
        constant = special.gammaln(n + size) - special.gammaln(size) - special.gammaln(n + 1)
        a = size[:, None]
        return np.asarray(constant[:, None] - a * np.log1p(mean / a) - n * np.log1p(a / mean))

    def _depths(self, drawn: FloatArray, log_kappa: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, ...]:
        """Replicate the depths of the fills, and compare sums, squared deviations and the deepest bin."""
        if self.n == 0:
            half, none = np.full(drawn.size, np.nan), np.zeros(drawn.size)
            return half, half, none, none, none
        counts, place = rng.multinomial(self.n, special.softmax(_thinned(self.bins, drawn), axis=-1)), self.bins[1]
        again = counts @ place
        at = special.softmax(_thinned(self.bins, log_kappa), axis=-1)
        mean = at @ place
        variance = np.maximum(at @ place**2 - mean**2, 1e-12) * self.n
        off, off_again = ((x - self.n * mean) ** 2 / variance for x in (self.travelled, again))
        jitter = 1e-9 * max(float(np.ptp(place)), 1e-3) * self.n
        below, upto = (again < self.travelled - jitter).astype(float), (again <= self.travelled + jitter).astype(float)
        return below, upto, off, off_again, counts[:, self.deep].sum(axis=1).astype(float)


def _thinned(exposure_at_depth: tuple[FloatArray, FloatArray], log_k: FloatArray) -> FloatArray:
    """Log of exposure times intensity over that at the reference depth; shape (..., K)."""
    seconds, depth = exposure_at_depth
    return np.log(seconds) - np.exp(log_k)[..., None] * depth


def _walks(draws: Draws, data: WalkData, p: Any) -> Iterator[AssetRows]:
    rate, walks, log_kappa = draws["order_rate"], draws["walk_probability"], np.log(draws["kappa"] / 1e4)
    size = 1 / (draws["burst"] ** 2 + p.burst_floor)
    strength = (1 - draws["rho"]) / (draws["rho"] + p.rho_floor)
    wander = draws.get("wander_kappa")
    for i, name in enumerate(data.assets):
        at = np.flatnonzero(data.asset == i)
        rows = np.arange(at.size)
        mean = 2 * data.seconds[at] * rate[:, [i]]
        orders = negative_binomial(data.orders[at].astype(float), mean, size[:, None])
        a, b = walks[:, i] * strength, (1 - walks[:, i]) * strength
        beyond = [beta_binomial(float(data.beyond[r]), float(data.orders[r]), a, b) for r in at]
        excess = [_excess(data, int(r), log_kappa[:, i], wander) for r in at]
        parts = [Part("market orders", rows, *orders, checks=("dispersion", "autocorrelation"))]
        for part, laws, checks in (
            ("orders beyond the touch", beyond, ("dispersion", "autocorrelation")),
            ("ticks beyond the first", excess, ("dispersion",)),
        ):
            parts.append(Part(part, rows, *stacked(laws, draws.size), checks=checks))
        yield AssetRows(name, "market orders of a window", at.size, tuple(parts))


def _excess(
    data: WalkData, row: int, log_kappa: FloatArray, wander: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Ticks beyond the first of the orders that walked; density per bps^beyond, as the model has it."""
    beyond, excess, tick = float(data.beyond[row]), float(data.excess_bps[row]), float(data.tick_bps[row])
    if beyond == 0:
        none = np.full(log_kappa.size, np.nan)
        return np.zeros(log_kappa.size), none, none
    nodes, log_w = (np.zeros(1), np.zeros(1)) if wander is None else (NODES, LOG_WEIGHTS)
    k = np.exp(log_kappa[:, None] + (0.0 if wander is None else wander[:, None]) * nodes)
    walked = -np.expm1(-k * tick)
    density = special.logsumexp(beyond * (np.log(walked) - np.log(tick)) - k * excess + log_w, axis=1)
    ticks, weight = excess / tick, np.exp(log_w)
    below, upto = (
        np.where(m >= 0, special.betainc(beyond, max(m, 0.0) + 1, walked), 0.0) @ weight
        for m in (np.ceil(ticks - 1e-6) - 1, np.floor(ticks + 1e-6))
    )
    return density, below, upto
