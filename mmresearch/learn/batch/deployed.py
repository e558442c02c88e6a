"""The deployed batch calibrator: rules about quotes, trades and regimes, and all its rules over one tape.

    kappa         (trades in the last second / dt) / spread, for snapshots dt = .1-10 s apart, spread .5-100 bps,
                  if 100 < value < 1e5: shape += 1, rate += 1/value
    Hawkes        c = sd/mean of inter-arrivals in (1 ms, 60 s), 100 trades at least:
                  alpha = clip(c - 1, .1, .8)/2,   beta = max(2 alpha, .2),   mu = (1/mean)(1 - alpha/beta)
                  mu, beta: one exponential observation 1/mu, 1/beta;   alpha: 100 pseudo-counts
    stickiness    a += stays, b += moves, 10 labels at least

Units: s, 1/s, spread as a fraction of the mid. Branching alpha/beta is .5 by construction, or less where beta is at its
floor; a rate per second and spread is no decay; labels are a filter's. Rules about fills are in `batch_deployed_fills`
and `batch_deployed_risk`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mmresearch.belief.contract import Belief
from mmresearch.learn.batch.deployed_fills import BatchAlpha, BatchFloor, Outcome, pseudo_counts
from mmresearch.learn.batch.deployed_risk import BatchCascade, BatchToxicHours
from mmresearch.learn.contract import Learner, State, run
from mmresearch.learn.deployed.families import deployed_state
from mmresearch.learn.deployed.kappa import KEPT_RANGE
from mmresearch.learn.deployed.signals import LabelState, signal_rows
from mmresearch.learn.sound.floor import Moments
from mmresearch.tape.mids import NO_QUOTES, QuoteArrays, quote_arrays
from mmresearch.tape.schema import Tape

SNAPSHOT_GAP_S, SNAPSHOT_SPREAD_BPS, COUNT_S = (0.1, 10.0), (0.5, 100.0), 1.0
ENOUGH_TRADES, GAP_RANGE_S = 100, (0.001, 60.0)
EXCESS_CLIP, LEAST_BETA_PER_S = (0.1, 0.8), 0.2
#: Estimates outside these ranges (1/s) are not booked.
MU_RANGE_PER_S, BETA_RANGE_PER_S = (0.01, 10.0), (0.01, 1.0)
ENOUGH_LABELS = 10


class BatchRule(Learner, Protocol):
    """A learner that can also say what it made of its data."""

    def outcome(self, state: State) -> Outcome:
        """Return the learned number, or why there is none."""
        ...


@dataclass(frozen=True)
class SnapshotState:
    """Number and sum of the values 1/kappa kept so far, the last snapshot, trades of the second before it."""

    kept: int = 0
    total: float = 0.0
    last_quote: QuoteArrays = NO_QUOTES
    trades_s: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class BatchKappa:
    """Trades of one second over the time to the next snapshot and the spread: neither a rate nor a decay."""

    parameter: str = "kappa"
    name: str = "BatchKappa"
    reads: str = "trades"

    def init(self) -> SnapshotState:
        """Start without snapshots."""
        return SnapshotState()

    def update(self, state: SnapshotState, tape: Tape) -> SnapshotState:
        """Add the snapshots that have a successor now; every quote is a snapshot."""
        known = quote_arrays(tape.quotes, state.last_quote)
        trades = np.concatenate([state.trades_s, tape.trades["ts"].to_numpy(dtype=np.float64)])
        values = _snapshot_values(known, trades)
        needed_from = min(known.ts[-1] if known.ts.size else tape.t1, tape.t1) - COUNT_S
        total = state.total + float((1 / values).sum())
        return SnapshotState(state.kept + values.size, total, known.last(), trades[trades > needed_from])

    def outcome(self, state: SnapshotState) -> Outcome:
        """Return the Gamma, or say that no value was kept."""
        if not state.kept:
            return Outcome(self.parameter, None, 0, "no snapshot gives a value between 100 and 1e5")
        # Booking their mean as often as there are values is booking the values.
        after = deployed_state(self.parameter).observe_exponential(np.full(state.kept, state.total / state.kept))
        return Outcome(self.parameter, after, state.kept, f"{state.kept} snapshots kept")

    def posterior(self, state: State) -> Belief:
        """Gamma, in 1/(fraction of price) by name."""
        return self.outcome(state).belief()


def _snapshot_values(quotes: QuoteArrays, trades_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of kappa that the snapshots but the last give, those out of range left out."""
    ts = quotes.ts[:-1]
    gap_s = np.diff(quotes.ts)
    spread_bps = ((quotes.ask - quotes.bid) / quotes.mid * 1e4)[:-1]
    count = np.searchsorted(trades_s, ts, "right") - np.searchsorted(trades_s, ts - COUNT_S, "right")
    used = _within(gap_s, SNAPSHOT_GAP_S) & _within(spread_bps, SNAPSHOT_SPREAD_BPS)
    values = count[used] / gap_s[used] / (spread_bps[used] * 1e-4)
    return values[(values > KEPT_RANGE[0]) & (values < KEPT_RANGE[1])]


def _within(values: NDArray[np.float64], bounds: tuple[float, float]) -> NDArray[np.bool_]:
    return (values >= bounds[0]) & (values <= bounds[1])


class HawkesGuess(NamedTuple):
    """What the rule takes from the moments of the inter-arrivals: all per second."""

    mu: float
    alpha: float
    beta: float

    @property
    def branching(self) -> float:
        """Share of events that another caused, as the rule would have it."""
        return self.alpha / self.beta


@dataclass(frozen=True)
class GapState:
    """Trades seen, moments of the inter-arrivals in range (s), time of the last trade (s)."""

    trades: int = 0
    gaps: Moments = field(default_factory=Moments)
    last_s: float = np.nan


@dataclass(frozen=True)
class BatchHawkes:
    """Ratio of sd to mean of inter-arrivals, turned into a jump, a decay twice as large and half the rate.

    Parameters
    ----------
    parameter : {"hawkes_mu", "hawkes_alpha", "hawkes_beta"}
        Which of the three.
    """

    parameter: str = "hawkes_alpha"
    reads: str = "trades"

    @property
    def name(self) -> str:
        """Say which of the three."""
        return f"BatchHawkes{self.parameter.removeprefix('hawkes_').title()}"

    def init(self) -> GapState:
        """Start without trades."""
        return GapState()

    def update(self, state: GapState, tape: Tape) -> GapState:
        """Add the inter-arrivals that end in the slice."""
        times = tape.trades["ts"].to_numpy(dtype=np.float64)
        if not times.size:
            return state
        gaps = np.diff(times, prepend=state.last_s)
        kept = gaps[(gaps > GAP_RANGE_S[0]) & (gaps < GAP_RANGE_S[1])]  # the first trade's gap is NaN: in no range
        return GapState(state.trades + times.size, state.gaps.add(kept), float(times[-1]))

    def guess(self, state: GapState) -> HawkesGuess | None:
        """Return the three estimates; None with fewer than 100 trades or no inter-arrival in range."""
        if state.trades < ENOUGH_TRADES or not state.gaps.n:
            return None
        mean_s = state.gaps.mean
        cv = np.sqrt(state.gaps.m2 / state.gaps.n) / mean_s
        alpha = float(np.clip(cv - 1, *EXCESS_CLIP)) / 2
        beta = max(2 * alpha, LEAST_BETA_PER_S)
        return HawkesGuess((1 - alpha / beta) / mean_s, alpha, beta)

    def outcome(self, state: GapState) -> Outcome:
        """Return the Gamma or Beta of the parameter, or say how many trades there are."""
        guess = self.guess(state)
        if guess is None:
            return Outcome(self.parameter, None, state.trades, f"{state.trades} trades; {ENOUGH_TRADES} are needed")
        prior = deployed_state(self.parameter)
        if self.parameter == "hawkes_alpha":
            after = prior.observe_successes(*pseudo_counts(guess.alpha))
            return Outcome(self.parameter, after, state.trades, f"alpha {guess.alpha:.3g} booked as 100 counts")
        value, bounds = (guess.mu, MU_RANGE_PER_S) if self.parameter == "hawkes_mu" else (guess.beta, BETA_RANGE_PER_S)
        if not bounds[0] < value < bounds[1]:
            return Outcome(
                self.parameter, None, state.trades, f"{value:.3g} /s lies outside ({bounds[0]}, {bounds[1]})"
            )
        return Outcome(
            self.parameter, prior.observe_exponential(1 / value), state.trades, f"{value:.3g} /s booked once"
        )

    def posterior(self, state: State) -> Belief:
        """Gamma per second, or the Beta that is used as a jump per second."""
        return self.outcome(state).belief()


@dataclass(frozen=True)
class StepState:
    """Labels seen, steps that stayed and moved, the last label."""

    last: LabelState = field(default_factory=lambda: LabelState(deployed_state("regime_sticky_diagonal")))
    labels: int = 0
    stays: int = 0
    moves: int = 0


@dataclass(frozen=True)
class BatchStickiness:
    """Steps on which the decoded regime stayed, out of all steps; nothing below ten labels."""

    parameter: str = "regime_sticky_diagonal"
    name: str = "BatchStickiness"

    def init(self) -> StepState:
        """Start without labels."""
        return StepState()

    def update(self, state: StepState, tape: Tape) -> StepState:
        """Count the steps of the slice."""
        _, labels = signal_rows(tape, "regime")
        last, stayed, moved = state.last.count(labels)
        return StepState(last, state.labels + labels.size, state.stays + stayed, state.moves + moved)

    def outcome(self, state: StepState) -> Outcome:
        """Return the Beta, or say how many labels there are."""
        if state.labels < ENOUGH_LABELS:
            return Outcome(self.parameter, None, state.labels, f"{state.labels} labels; {ENOUGH_LABELS} are needed")
        after = deployed_state(self.parameter).observe_successes(state.stays, state.moves)
        return Outcome(self.parameter, after, state.labels, f"{state.stays} steps stayed, {state.moves} moved")

    def posterior(self, state: State) -> Belief:
        """Beta, a probability per step."""
        return self.outcome(state).belief()


#: The rules of the deployed batch calibrator: parameter -> learner.
BATCH_DEPLOYED: Mapping[str, Callable[[], BatchRule]] = {
    "alpha_touch": BatchAlpha,
    "kappa": BatchKappa,
    "hawkes_mu": partial(BatchHawkes, "hawkes_mu"),
    "hawkes_alpha": partial(BatchHawkes, "hawkes_alpha"),
    "hawkes_beta": partial(BatchHawkes, "hawkes_beta"),
    "toxic_hour_gamma_mult": BatchToxicHours,
    "spread_floor_bps": BatchFloor,
    "cascade_oi_threshold": BatchCascade,
    "regime_sticky_diagonal": BatchStickiness,
}


def calibrate_deployed(tape: Tape, slice_s: float | None = None) -> dict[str, Outcome]:
    """Run every deployed batch rule over a tape.

    Parameters
    ----------
    tape : Tape
        Quotes, trades, our fills and signals; a rule whose evidence is missing says so.
    slice_s : float, optional
        Feed the tape in slices of so many seconds; the whole at once if not given. The answer is the same.

    Returns
    -------
    dict of str to Outcome
        By parameter.
    """
    rules = {name: make() for name, make in BATCH_DEPLOYED.items()}
    return {name: rule.outcome(run(rule, tape, slice_s)) for name, rule in rules.items()}
