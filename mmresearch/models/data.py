"""Evidence as the arrays of a likelihood: flat rows with their asset and window, both backends reading the same.

Rows without information (no label, no exposure) are left out. Exposure in bins of depth is reduced to a few nodes,
see `mmresearch.models.depth_nodes`. The depths of fills are summed before: within an octave fills lie nearer than
exposure does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmresearch.models.depth_nodes import depth_nodes
from mmresearch.tape.evidence import DepthCounts, Evidence, WalkCounts

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class EvidenceError(ValueError):
    """Evidence that a model cannot be built on."""


@dataclass(frozen=True)
class LabelData:
    """Rows of (asset, window): labels that fired, labels; per asset the noise of the label."""

    assets: tuple[str, ...]
    asset: IntArray
    informed: IntArray
    total: IntArray
    false_positive: FloatArray


@dataclass(frozen=True)
class MarkoutData:
    """Rows of (asset, window): count and mean of moves (bps); per asset the pooled within-window sum of squares."""

    assets: tuple[str, ...]
    asset: IntArray
    n: FloatArray
    mean_bps: FloatArray
    m2: FloatArray
    dof: FloatArray
    fee_bps: FloatArray
    value_asset: IntArray
    values_bps: FloatArray


@dataclass(frozen=True)
class DepthData:
    """Rows of (asset, window), with J nodes of depth each.

    Attributes
    ----------
    exposure_s, depth_bps : ndarray, shape (R, J)
        Order-seconds at a node, and its depth less the asset's reference depth; zero where there is no exposure.
    fills, travelled_bps : ndarray, shape (R,)
        Fills, and the sum of their depths less the reference depth, from the bins of the evidence.
    reference_bps : ndarray, shape (assets,)
        Mean depth of the asset's fills.
    """

    assets: tuple[str, ...]
    n_windows: int
    asset: IntArray
    window: IntArray
    exposure_s: FloatArray
    depth_bps: FloatArray
    fills: IntArray
    travelled_bps: FloatArray
    reference_bps: FloatArray


@dataclass(frozen=True)
class WalkData:
    """Rows of (asset, window): seconds, market orders, those that walked, how far beyond one tick (bps)."""

    assets: tuple[str, ...]
    n_windows: int
    asset: IntArray
    window: IntArray
    seconds: FloatArray
    orders: IntArray
    beyond: IntArray
    excess_bps: FloatArray
    tick_bps: FloatArray
    half_spread_bps: FloatArray


def label_data(evidence: Evidence, label_error: bool = True) -> LabelData:
    """Rows for alpha_touch; without label error every label is taken at its word."""
    counts = evidence.alpha_touch
    _require(len(counts) > 0, "no assets")
    used = [c.total > 0 for c in counts]
    return LabelData(
        assets=evidence.assets,
        asset=_repeat(used),
        informed=_integers([c.informed[u] for c, u in zip(counts, used, strict=True)]),
        total=_integers([c.total[u] for c, u in zip(counts, used, strict=True)]),
        false_positive=np.array([c.false_positive if label_error else 0.0 for c in counts]),
    )


def markout_data(evidence: Evidence) -> MarkoutData:
    """Rows for spread_floor_bps."""
    moments = evidence.spread_floor_bps
    _require(len(moments) > 0, "no assets")
    used = [m.n > 0 for m in moments]
    dof = np.array([float(np.maximum(m.n - 1, 0).sum()) for m in moments])
    # Moves that are all equal say that the sd is below the resolution of the mid, not that it is zero.
    m2 = np.array([max(float(m.m2.sum()), 1e-4 * max(d, 1.0)) for m, d in zip(moments, dof, strict=True)])
    return MarkoutData(
        assets=evidence.assets,
        asset=_repeat(used),
        n=np.concatenate([m.n[u] for m, u in zip(moments, used, strict=True)]),
        mean_bps=np.concatenate([m.mean_bps[u] for m, u in zip(moments, used, strict=True)]),
        m2=m2,
        dof=dof,
        fee_bps=np.array([m.fee_bps for m in moments]),
        value_asset=np.repeat(np.arange(len(moments)), [m.values_bps.size for m in moments]),
        values_bps=np.concatenate([m.values_bps for m in moments]),
    )


def depth_data(evidence: Evidence, windows: bool = True) -> DepthData:
    """Rows for kappa from own fills; one window for each asset if windows are alike."""
    counts = evidence.kappa
    _require(len(counts) > 0, "no assets")
    _require(all(isinstance(c, DepthCounts) for c in counts), "own fills and trade tapes cannot share one model")
    parts = [_reduced(c, windows) for c in counts if isinstance(c, DepthCounts)]
    used = [part.exposure_s.sum(axis=1) > 0 for part in parts]
    _require(any(u.any() for u in used), "no order ever rested in a known market")
    width = max(part.exposure_s.shape[1] for part in parts)
    exposure, depth = (
        np.concatenate([_widen(table[u], width) for table, u in zip(tables, used, strict=True)])
        for tables in zip(*((p.exposure_s, p.depth_bps) for p in parts), strict=True)
    )
    fills, travelled = (
        np.concatenate([row[u] for row, u in zip(rows, used, strict=True)])
        for rows in zip(*((p.fills, p.travelled_bps) for p in parts), strict=True)
    )
    reference = np.array([part.reference_bps for part in parts])
    asset = _repeat(used)
    depth = np.where(exposure > 0, depth - reference[asset][:, None], 0.0)
    return DepthData(
        assets=evidence.assets,
        n_windows=max(part.fills.size for part in parts),
        asset=asset,
        window=np.concatenate([np.flatnonzero(u) for u in used]),
        exposure_s=exposure,
        depth_bps=depth,
        fills=_integers([fills]),
        travelled_bps=travelled - fills * reference[asset],
        reference_bps=reference,
    )


def _widen(rows: FloatArray, width: int) -> FloatArray:
    """Pad with empty nodes, so that assets with fewer fit one table."""
    return np.pad(rows, ((0, 0), (0, width - rows.shape[1])))


def walk_data(evidence: Evidence) -> WalkData:
    """Rows for kappa from market orders."""
    counts = [c for c in evidence.kappa if isinstance(c, WalkCounts)]
    _require(len(counts) > 0, "no trade tapes")
    _require(len(counts) == len(evidence.kappa), "own fills and trade tapes cannot share one model")
    asset = np.repeat(np.arange(len(counts)), [c.seconds.size for c in counts])
    window = np.concatenate([np.arange(c.seconds.size) for c in counts])
    columns = [
        np.concatenate([getattr(c, name) for c in counts])
        for name in ("seconds", "inside", "at", "beyond", "excess_bps", "tick_bps")
    ]
    seconds, inside, at, beyond, excess, tick = columns
    used = seconds > 0
    _require(bool(used.any()), "no trade tape has a quote in an open second")
    half_mean = _half_spreads(counts)
    orders = inside + at + beyond
    tick = np.where(np.isfinite(tick), np.maximum(tick, 1e-6), 1e-6)
    return WalkData(
        evidence.assets, int(window.max()) + 1, asset[used], window[used], seconds[used], _integers([orders[used]]),
        _integers([beyond[used]]), excess[used], tick[used], half_mean,
    )  # fmt: skip


def _half_spreads(counts: list[WalkCounts]) -> FloatArray:
    """Mean half-spread of each asset; that of the others for one without a market order, which never told its own."""
    half = np.array([np.average(c.half_spread_bps, weights=c.seconds) if c.seconds.any() else np.nan for c in counts])
    known = np.isfinite(half)
    _require(bool(known.any()), "no market order in any trade tape")
    return np.where(known, half, half[known].mean())


@dataclass(frozen=True)
class _Reduced:
    """One asset's windows: exposure at J nodes of depth, and fills with the sum of their depths."""

    exposure_s: FloatArray
    depth_bps: FloatArray
    fills: FloatArray
    travelled_bps: FloatArray

    @property
    def reference_bps(self) -> float:
        """Mean depth of the fills (of the exposure, without any; 0 without either): intensity there is known best."""
        if self.fills.sum():
            return float(self.travelled_bps.sum() / self.fills.sum())
        return float((self.exposure_s * self.depth_bps).sum() / max(self.exposure_s.sum(), 1e-300))


def _reduced(counts: DepthCounts, windows: bool) -> _Reduced:
    """Reduce bins of depth to nodes; add up the windows if they are alike."""
    exposure, depth, fills = counts.exposure_s, counts.depth_bps, counts.fills
    if not windows:
        exposure, travelled, fills = (a.sum(axis=0, keepdims=True) for a in (exposure, exposure * depth, fills))
        depth = travelled / np.where(exposure > 0, exposure, 1.0)
    depth = np.maximum(depth, 0.0)
    return _Reduced(*depth_nodes(exposure, depth), fills.sum(axis=1), (fills * depth).sum(axis=1))


def positive_scale(scale_bps: float | None) -> float | None:
    """Return a known scale, or None where it is to be learned.

    Raises
    ------
    ValueError
        If it is not a positive number.
    """
    if scale_bps is None or 0 < scale_bps < np.inf:
        return scale_bps
    raise ValueError(f"scale_bps must be a positive number of bps, or None to learn it; got {scale_bps!r}")


def _repeat(used: list[NDArray[np.bool_]]) -> IntArray:
    return np.repeat(np.arange(len(used)), [int(u.sum()) for u in used])


def _integers(parts: list[FloatArray]) -> IntArray:
    return np.rint(np.concatenate(parts)).astype(np.int64)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise EvidenceError(f"{message}; fit assets of one kind together, each with its tape")
