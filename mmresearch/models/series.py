"""Series of tapes as the arrays of a likelihood: what the learners of series saw, and no more of it.

    events     distinct times of trades                         -> hawkes_mu, hawkes_alpha, hawkes_beta
    level      log mid of fresh quotes at whole seconds         -> kalman_q, kalman_r
    lead       microprice minus mid of the same quotes          -> microprice_decay
    changes    reported changepoints, seconds under observation -> bocpd_hazard_rate
    regimes    returns and spreads second by second             -> regime_sticky_diagonal, and unreported changepoints

The grid, the gaps and the counting are those of `mmresearch.learn.sound`. A likelihood is linear in its points, so at
most `POINTS` of a series are kept: the newest, but for events, where it is the first ones, since what excites an event
lies before it, and observation ends at the last of them.

Seconds and bps. Log mids are centred, so that no digit is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from mmresearch.learn.sound.hazard import HazardRate
from mmresearch.learn.sound.regimes import RegimeStickiness, observed
from mmresearch.models.data import EvidenceError
from mmresearch.tape.clock import GAP_S
from mmresearch.tape.exposure import open_seconds, sessions_of
from mmresearch.tape.mids import float_columns
from mmresearch.tape.resample import Resampler, Samples, signal_values
from mmresearch.tape.schema import Tape

FloatArray = NDArray[np.float64]

#: Points of one asset that a likelihood reads.
POINTS = 10_000
#: Least sd of returns, in typical ones, where the tick is not known or fine.
LEAST_RETURN = 0.02


@dataclass(frozen=True)
class EventTimes:
    """Distinct times of trades, both sides together.

    Attributes
    ----------
    ts : ndarray, shape (N,)
        Times in seconds since observation began, increasing.
    end_s : float
        When observation ends, on the same clock.
    open_s : float
        Seconds of it in which the market was open.
    """

    asset: str
    ts: FloatArray
    end_s: float
    open_s: float


@dataclass(frozen=True)
class Quoted:
    """A series at the times of its quotes.

    Attributes
    ----------
    gap_s : ndarray, shape (N,)
        Seconds since the row before; infinite where the series starts anew.
    value_bps : ndarray, shape (N,)
        Values, in bps.
    """

    asset: str
    gap_s: FloatArray
    value_bps: FloatArray

    @property
    def steps(self) -> int:
        """Rows that follow another one: each is a term of the likelihood."""
        return int(np.isfinite(self.gap_s).sum())


@dataclass(frozen=True)
class ChangeCounts:
    """Reported changepoints, and for how long the detector looked.

    Attributes
    ----------
    changes : float
        How many.
    exposure_s : float
        Seconds in which one could have been reported.
    step_s : float
        Seconds between reports.
    last_run_s : float
        Seconds of the exposure that are after the last changepoint: of the run that is still going on.
    """

    asset: str
    changes: float
    exposure_s: float
    step_s: float
    last_run_s: float = 0.0

    def watched_s(self, censoring: bool) -> float:
        """Return the seconds that count: all of them, or, without censoring, those of complete runs."""
        return self.exposure_s if censoring else self.exposure_s - self.last_run_s


@dataclass(frozen=True)
class RegimeSeries:
    """Returns and spreads, one row per second in which the mid and its next quote are known.

    Attributes
    ----------
    gap_s : ndarray, shape (N,)
        Whole seconds since the row before; infinite where the series starts anew.
    returns : ndarray, shape (N,)
        Returns of the mid over the root of the time between its quotes, in typical returns of the asset.
    log_spread : ndarray, shape (N,)
        Log spread less its median.
    typical_bps : float
        Typical return, bps per sqrt(s): 1.4826 times the median size.
    jump : float
        Sd of a return that belongs to no regime, in typical returns.
    least_sd : float
        Sd of the log spread from rounding to the tick.
    least_return : float
        Sd of a return from rounding to the tick, in typical returns. Without it a mid that stands still now and then
        would be a regime of its own, infinitely likely.
    """

    asset: str
    gap_s: FloatArray
    returns: FloatArray
    log_spread: FloatArray
    typical_bps: float
    jump: float
    least_sd: float
    least_return: float


@dataclass(frozen=True)
class SeriesEvidence:
    """What the models of series read, one entry per asset, in the order of the tapes."""

    events: tuple[EventTimes, ...]
    level: tuple[Quoted, ...]
    lead: tuple[Quoted, ...]
    changes: tuple[ChangeCounts, ...]
    regimes: tuple[RegimeSeries, ...] = ()

    @property
    def assets(self) -> tuple[str, ...]:
        """Names of the assets."""
        return tuple(e.asset for e in self.events)


def one_per_asset(tapes: Iterable[Tape] | Tape, points: int, what: str) -> list[Tape]:
    """Return tapes as a list, one per asset.

    Parameters
    ----------
    tapes : Tape or iterable of Tape
        One per asset.
    points : int
        Most points of an asset that a likelihood is to read.
    what : str
        Who asks, for the message.

    Raises
    ------
    EvidenceError
        If there are no tapes, if two have one name, or if `points` is below 2.
    """
    each = [tapes] if isinstance(tapes, Tape) else list(tapes)
    names = [tape.asset for tape in each]
    if not each or len(set(names)) < len(names) or points < 2:
        raise EvidenceError(f"{what} need tapes of different names and at least 2 points, got {names} and {points}")
    return each


def series_evidence(tapes: Iterable[Tape] | Tape, points: int = POINTS) -> SeriesEvidence:
    """Reduce tapes to their series.

    Parameters
    ----------
    tapes : Tape or iterable of Tape
        One per asset.
    points : int
        Most points of a series, at least 2.

    Raises
    ------
    EvidenceError
        If there are no tapes, if two have one name, or if `points` is below 2.
    """
    parts = [_of_tape(tape, points) for tape in one_per_asset(tapes, points, "series")]
    return SeriesEvidence(*(tuple(column) for column in zip(*parts, strict=True)))


def _of_tape(tape: Tape, points: int) -> tuple[EventTimes, Quoted, Quoted, ChangeCounts, RegimeSeries]:
    _, samples = Resampler(1.0).step(tape)
    lead = samples.microprice_gap_bps
    return (
        event_times(tape, points),
        _quoted(tape.asset, samples, 1e4 * samples.log_mid, points, centred=True),
        _quoted(tape.asset, samples, lead, points, centred=False),
        _change_counts(tape),
        regime_series(tape, points),
    )


def event_times(tape: Tape, points: int = POINTS) -> EventTimes:
    """Distinct times of trades; observation ends with the tape, or with the last event that is kept.

    Parameters
    ----------
    tape : Tape
        A tape.
    points : int
        Most events.
    """
    (ts,) = float_columns(tape.trades, "ts")
    times = np.unique(ts)
    end = float(times[points - 1]) if times.size > points else float(tape.t1)
    clock = open_seconds(np.array([tape.t0, end]), sessions_of(tape))
    return EventTimes(tape.asset, times[:points] - tape.t0, end - tape.t0, float(clock[1] - clock[0]))


def _quoted(asset: str, samples: Samples, values: FloatArray, points: int, centred: bool) -> Quoted:
    used = samples.fresh & np.isfinite(values)
    ts, values = samples.quoted_at[used][-points:], values[used][-points:]
    gap = np.diff(ts, prepend=-np.inf)
    if centred and values.size:
        values = values - values.mean()
    return Quoted(asset, np.where(gap <= GAP_S, gap, np.inf), values)


def _change_counts(tape: Tape) -> ChangeCounts:
    learner = HazardRate()
    start = learner.init()
    state = learner.update(start, tape)
    reported, seen, _ = start.reports(*signal_values(tape, "changepoint"))
    complete = np.flatnonzero(reported).max(initial=-1) + 1
    return ChangeCounts(tape.asset, state.changes, state.exposure_s, state.step_s, float(seen[complete:].sum()))


def regime_series(tape: Tape, points: int = POINTS) -> RegimeSeries:
    """Seconds of a tape as the learner of regimes sees them; none where the mid never moves.

    Parameters
    ----------
    tape : Tape
        A tape.
    points : int
        Most seconds, the newest.
    """
    learner = RegimeStickiness()
    state = learner.update(learner.init(), tape)
    known = np.isfinite(state.series[:, :3]).all(axis=1)
    state = replace(state, series=state.series[known][-points:])
    if not np.any(state.series[:, 1]):
        none = np.empty(0)
        return RegimeSeries(tape.asset, none, none, none, np.nan, np.nan, np.nan, np.nan)
    seen = observed(state)
    gap = np.append(np.inf, np.where(seen.gap[1:] <= GAP_S, seen.gap[1:], np.inf))
    spread = seen.log_spread - np.median(seen.log_spread)
    returns, jump = seen.returns / seen.typical, seen.jump / seen.typical
    least = max(_rounding_bps(state.series[:, 3]) / seen.typical, LEAST_RETURN)
    return RegimeSeries(tape.asset, gap, returns, spread, seen.typical, jump, seen.least_sd, least)


def _rounding_bps(log_tick: FloatArray) -> float:
    """Sd of a move of the mid over a second, each of its four quotes rounded to the tick for itself; 0 if unknown."""
    return 1e4 * float(np.exp(np.median(log_tick))) / np.sqrt(12.0) if np.isfinite(log_tick).all() else 0.0


def following(series: tuple[Quoted, ...]) -> tuple[NDArray[np.intp], FloatArray, FloatArray, FloatArray]:
    """Return the rows that follow another one: asset, seconds between, value before, value; all of one shape.

    Parameters
    ----------
    series : tuple of Quoted
        One per asset.
    """
    kept = [np.isfinite(s.gap_s) for s in series]
    asset = np.repeat(np.arange(len(series)), [int(k.sum()) for k in kept])
    gap = np.concatenate([s.gap_s[k] for s, k in zip(series, kept, strict=True)])
    before = np.concatenate([np.roll(s.value_bps, 1)[k] for s, k in zip(series, kept, strict=True)])
    now = np.concatenate([s.value_bps[k] for s, k in zip(series, kept, strict=True)])
    return asset, gap, before, now


def regimes_seen(series: tuple[RegimeSeries, ...], states: int) -> NDArray[np.intp]:
    """Return which assets have seconds of a moving mid.

    Parameters
    ----------
    series : tuple of RegimeSeries
        One per asset.
    states : int
        Regimes that are asked for.

    Raises
    ------
    EvidenceError
        If no asset has, or if the states are not 2, 3 or 4.
    """
    if states not in (2, 3, 4):
        raise EvidenceError(f"states must be 2, 3 or 4, got {states!r}: more are not told apart by two series")
    sizes = [s.gap_s.size for s in series]
    require_any(sizes, "seconds in which the mid moves")
    return np.flatnonzero(sizes)


def require_any(found: Iterable[float], what: str) -> None:
    """Refuse series that are empty for every asset.

    Raises
    ------
    EvidenceError
        If all counts are zero: the posterior would be the prior, with nobody told.
    """
    if not any(found):
        raise EvidenceError(f"no asset has {what}; a model of them would only repeat its prior")


def of_series(evidence: object) -> SeriesEvidence:
    """Return the evidence if it is of series.

    Raises
    ------
    EvidenceError
        If it is something else, such as the evidence of fills.
    """
    if not isinstance(evidence, SeriesEvidence):
        names = ", ".join(f.name for f in fields(SeriesEvidence))
        raise EvidenceError(
            f"this model reads series ({names}), from series_evidence(tapes); got {type(evidence).__name__}"
        )
    return evidence
