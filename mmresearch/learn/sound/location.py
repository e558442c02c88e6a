"""Moves that a signal foretells: their slope on momentum, and their mean after a changepoint.

    proactive_skew_sensitivity    log mid(t + 10) - log mid(t) = a + b m(t) + noise,   t = 0, 10, 20, ... s   (bps)
    predictive_bias_sensitivity   z = (mid move over the 10 s after a changepoint)/(sigma sqrt(10 s)) = b + noise

m is the momentum signal at t, sigma the volatility of the mid (bps per sqrt s) up to the changepoint, from moves over
1 s that do not lie in the 10 s after one. b has the catalogue's Normal prior, the noise an unknown variance; the belief
is Normal times Student-t, see `mmresearch.learn.sound.moments`. The evidence is moments, which add.

Taken as given: sigma (after a minute it is known to 9 %), moves of constant variance, and that the detector is right.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mmresearch.belief.grid import GridBelief
from mmresearch.learn.contract import State
from mmresearch.learn.sound.floor import Moments
from mmresearch.learn.sound.moments import Fit, NormalStudent, PairMoments
from mmresearch.tape.markouts import PendingMarkouts
from mmresearch.tape.resample import Resampler, signal_values
from mmresearch.tape.schema import Tape

HORIZON_S = 10.0
#: Moves over 1 s that must be known before a changepoint's move can be measured in standard deviations.
ENOUGH_MOVES = 60


@dataclass(frozen=True)
class SkewState:
    """Points of the 10 s grid that wait for the next one, and moments of (momentum, move in bps)."""

    resampler: Resampler = field(default_factory=lambda: Resampler(HORIZON_S, column="momentum", reach_s=HORIZON_S))
    pairs: PairMoments = field(default_factory=PairMoments)
    last: float = 0.0

    @property
    def events(self) -> float:
        """Pairs of momentum and move, discounted ones by their weight."""
        return self.pairs.n

    def decayed(self, factor: float) -> SkewState:
        """Return the state with its moments multiplied; the momentum that is known and points that wait stay."""
        return replace(self, pairs=self.pairs.decayed(factor))


def momentum_pairs(state: SkewState, tape: Tape) -> tuple[SkewState, NDArray[np.float64], NDArray[np.float64]]:
    """Return the state after a slice, moments apart, and the pairs that the slice completes: momentum, move in bps.

    Parameters
    ----------
    state : SkewState
        What waits from earlier slices.
    tape : Tape
        The slice.
    """
    resampler, points = state.resampler.step(tape)
    known = points.neighbours() & np.isfinite(points.signal[:-1])
    moves_bps = np.diff(points.log_mid)[known] * 1e4
    said = points.signal[np.isfinite(points.signal)]
    last = float(said[-1]) if said.size else state.last
    return replace(state, resampler=resampler, last=last), points.signal[:-1][known], moves_bps


@dataclass(frozen=True)
class SkewSlope:
    """Regression of the mid move over the next 10 s on momentum, at times 10 s apart.

    Parameters
    ----------
    mean, sd : float
        Prior of the slope, in bps per unit momentum: the catalogue's Normal(2, .25) by default.
    noise_bps, shape : float
        Guess of the sd of a move over 10 s that momentum does not foretell, and how firm it is (half a count).
    """

    mean: float = 2.0
    sd: float = 0.5
    noise_bps: float = 5.0
    shape: float = 1.0
    parameter: str = "proactive_skew_sensitivity"
    name: str = "SkewSlope"
    reads: str = "trades"
    horizon_s: float = HORIZON_S

    def init(self) -> SkewState:
        """Start from the prior."""
        return SkewState()

    def update(self, state: SkewState, tape: Tape) -> SkewState:
        """Add the moves that the slice completes."""
        state, momentum, moves_bps = momentum_pairs(state, tape)
        return replace(state, pairs=state.pairs.add(momentum, moves_bps))

    def posterior(self, state: State) -> GridBelief:
        """Density of the slope, in bps per unit momentum."""
        return self.prior().posterior(state.pairs.slope())

    def predictive(self, state: State) -> GridBelief:
        """Return the law of the move over 10 s, in bps, from the last momentum seen (0 before any)."""
        pairs = state.pairs
        return self.prior().predictive(pairs.slope(), offset=pairs.y, at=state.last - pairs.x)

    def prior(self) -> NormalStudent:
        """Return the prior of slope and noise."""
        return NormalStudent(self.mean, self.sd, self.shape, self.shape * self.noise_bps**2)


@dataclass(frozen=True)
class BiasState:
    """Changepoints that wait for their move, squares of quiet moves over 1 s, and moments of moves in sigmas.

    Attributes
    ----------
    resampler : Resampler
        The mid at whole seconds.
    recent : ndarray, shape (k,)
        Changepoints that may still disturb a move, in seconds.
    quiet, squares_bps2 : float
        Moves over 1 s away from changepoints, and the sum of their squares.
    pending : PendingMarkouts
        Changepoints whose 10 s have not passed.
    moves : Moments
        Moves after changepoints, in standard deviations.
    """

    resampler: Resampler = field(default_factory=lambda: Resampler(1.0))
    recent: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    quiet: float = 0.0
    squares_bps2: float = 0.0
    pending: PendingMarkouts = field(default_factory=lambda: PendingMarkouts((HORIZON_S,)))
    moves: Moments = field(default_factory=Moments)

    @property
    def events(self) -> float:
        """Moves after changepoints, discounted ones by their weight."""
        return self.moves.n

    def decayed(self, factor: float) -> BiasState:
        """Return the state with the moments of moves, and what is known of volatility, multiplied."""
        return replace(
            self,
            quiet=self.quiet * factor,
            squares_bps2=self.squares_bps2 * factor,
            moves=self.moves.decayed(factor),
        )


def changepoint_moves(state: BiasState, tape: Tape) -> tuple[BiasState, NDArray[np.float64]]:
    """Return the state after a slice, moments apart, and the moves that the slice completes, in sigmas.

    Parameters
    ----------
    state : BiasState
        Changepoints that wait, and the volatility so far.
    tape : Tape
        The slice.
    """
    ts, value = signal_values(tape, "changepoint")
    changes = ts[value > 0.5]
    recent = np.concatenate([state.recent, changes])
    state, sigma_bps = _volatility(state, tape, recent, changes)
    waiting = {"ts": changes, "side": -np.ones(changes.size), "sigma_bps": sigma_bps}
    pending, done = state.pending.step_arrays(tape.quotes, waiting)
    near = np.searchsorted(recent, done.ts + HORIZON_S, side="right") - np.searchsorted(recent, done.ts - HORIZON_S)
    unit = np.asarray(done.payload.get("sigma_bps", np.empty(0)), dtype=np.float64)[: len(done)] * np.sqrt(HORIZON_S)
    # A markout is positive against the side; against a sale, that is up.
    z = done.adverse_bps[:, 0] / np.where(unit > 0, unit, np.nan)
    oldest = min(pending.ts[0] if len(pending) else np.inf, max(tape.t1, recent[-1] if recent.size else -np.inf))
    after = replace(state, recent=recent[recent >= oldest - 2 * HORIZON_S], pending=pending)
    return after, z[np.isfinite(z) & (near == 1)]


@dataclass(frozen=True)
class ChangepointBias:
    """Mean of the moves after changepoints, in standard deviations.

    A changepoint counts if there is no other in the 10 s before or after it: moves that overlap would count twice.

    Parameters
    ----------
    mean, sd : float
        Prior of the mean, in sigmas: the catalogue's Normal(2, 1) by default.
    shape : float
        How firm it is that moves scatter by one sigma about their mean (half a count).
    """

    mean: float = 2.0
    sd: float = 1.0
    shape: float = 5.0
    parameter: str = "predictive_bias_sensitivity"
    name: str = "ChangepointBias"
    reads: str = "trades"
    horizon_s: float = HORIZON_S

    def init(self) -> BiasState:
        """Start from the prior."""
        return BiasState()

    def update(self, state: BiasState, tape: Tape) -> BiasState:
        """Add the moves that the slice completes, and what it says about volatility."""
        state, z = changepoint_moves(state, tape)
        return replace(state, moves=state.moves.add(z))

    def posterior(self, state: State) -> GridBelief:
        """Density of the mean, in sigmas."""
        return self.prior().posterior(mean_fit(state.moves))

    def predictive(self, state: State) -> GridBelief:
        """Return the law of the move after the next changepoint, in sigmas."""
        return self.prior().predictive(mean_fit(state.moves))

    def prior(self) -> NormalStudent:
        """Return the prior of mean and noise: one sigma is one standard deviation."""
        return NormalStudent(self.mean, self.sd, self.shape, self.shape)


def mean_fit(moves: Moments) -> Fit:
    """Return the mean of values as a least-squares fit."""
    return Fit(moves.mean, moves.n, moves.m2, moves.n)


def _volatility(
    state: BiasState, tape: Tape, recent: NDArray[np.float64], at: NDArray[np.float64]
) -> tuple[BiasState, NDArray[np.float64]]:
    """Add the quiet moves of the slice, and say what sigma was known at each time; NaN before enough of them."""
    resampler, points = state.resampler.step(tape)
    end = points.index[1:] * points.step_s
    last = np.searchsorted(recent, end, side="right") - 1
    since = end - np.append(recent, -np.inf)[last]
    quiet = points.neighbours() & (since >= HORIZON_S + 1.0)
    square = np.where(quiet, np.diff(points.log_mid) * 1e4, 0.0) ** 2
    count = state.quiet + np.append(0.0, np.cumsum(quiet))
    squares = state.squares_bps2 + np.append(0.0, np.cumsum(square))
    row = np.searchsorted(end, at, side="right")
    known = count[row] >= ENOUGH_MOVES
    sigma = np.where(known, np.sqrt(squares[row] / np.maximum(count[row], 1.0)), np.nan)
    after = replace(state, resampler=resampler, quiet=float(count[-1]), squares_bps2=float(squares[-1]))
    return after, sigma
