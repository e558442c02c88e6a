"""hawkes_mu, hawkes_alpha, hawkes_beta: how many trades come by themselves, how many others bring, and for how long.

    lambda(t) = mu + n beta sum_{t_j < t} e^-beta(t - t_j),    alpha = n beta
    log L = N ln mu + G(beta, n/mu) - mu T - n (N - A_T(beta))
    G(beta, c) = sum_i ln(1 + c beta A_i(beta)),   A_i = (A_{i-1} + 1) e^-beta(t_i - t_{i-1}),   A_1 = 0

so the event times enter through a table of G over (beta, c) and a vector A(beta), both updated event by event at a cost
that does not grow, and the likelihood is exact at the nodes of the grid; between them G is a bicubic spline. Events are
distinct times of trades, both sides together. mu ~ Gamma, n ~ Beta, beta ~ Gamma; the belief is the marginal of the
joint posterior, by the trapezoid rule over the box that holds its mass.

mu, alpha, beta, lambda in 1/s, c in s, T in seconds; n is a pure number. Taken as given: no event before the first
slice excites, and the market brings no events while it is closed. Sources: Hawkes 1971; Ozaki 1979 (the recursion).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mmresearch.belief.grid import GridBelief
from mmresearch.learn.contract import State
from mmresearch.learn.sound.hawkes_joint import HawkesPrior, alpha_axes, beta_axes, marginal, mu_axes
from mmresearch.learn.sound.hawkes_table import BETA, GAIN, Likelihood, add_events
from mmresearch.tape.exposure import open_seconds, sessions_of
from mmresearch.tape.mids import float_columns
from mmresearch.tape.schema import Tape, require_after

FloatArray = NDArray[np.float64]

#: The catalogue's prior of one parameter each, and wide ones of the two that are nuisances.
MU_PRIOR = HawkesPrior(mu_shape=5.0, mu_rate=10.0)
ALPHA_PRIOR = HawkesPrior(branching_a=3.0, branching_b=7.0)
BETA_PRIOR = HawkesPrior(beta_shape=1.0, beta_rate=10.0)


@dataclass(frozen=True)
class HawkesState:
    """Event times reduced to what their likelihood needs.

    Attributes
    ----------
    table : ndarray, shape (72, 84)
        G at the nodes of (beta, c), less the factors not yet folded in.
    factors : ndarray, shape (72, 84)
        Product of the last few 1 + c beta A_i.
    caused : ndarray, shape (72,)
        C at the nodes of beta: how much of the events' excitation has passed, in events.
    excitation : ndarray, shape (72,)
        A just after the last event.
    n, seconds : float
        Events, and open seconds; discounted ones by their weight, as the table and C are.
    seen : int
        Events ever seen.
    last_s, end_s : float
        Last event, and end of the last slice.
    """

    table: FloatArray = field(default_factory=lambda: np.zeros((BETA.size, GAIN.size)))
    factors: FloatArray = field(default_factory=lambda: np.ones((BETA.size, GAIN.size)))
    caused: FloatArray = field(default_factory=lambda: np.zeros(BETA.size))
    excitation: FloatArray = field(default_factory=lambda: np.zeros(BETA.size))
    n: float = 0.0
    seconds: float = 0.0
    seen: int = 0
    last_s: float = 0.0
    end_s: float = -np.inf

    @property
    def events(self) -> float:
        """Events, discounted ones by their weight."""
        return self.n

    def decayed(self, factor: float) -> HawkesState:
        """Return the state with its likelihood raised to a power: what an event or a second said keeps that share.

        The excitation stays: it is what the next event will be held against, and no evidence.
        """
        return replace(
            self,
            table=factor * (self.table + np.log(self.factors)),
            factors=np.ones_like(self.factors),
            caused=self.caused * factor,
            n=self.n * factor,
            seconds=self.seconds * factor,
        )

    def left(self) -> FloatArray:
        """Return A at the end of the last slice, at the nodes of beta."""
        return self.excitation * np.exp(-BETA * (self.end_s - self.last_s)) if self.seen else self.excitation

    def likelihood(self) -> Likelihood:
        """Return the likelihood of everything so far."""
        return Likelihood(self.table + np.log(self.factors), self.caused, self.n, self.seconds)


@dataclass(frozen=True)
class HawkesMu:
    """Rate of the events that no earlier event caused.

    Parameters
    ----------
    prior : HawkesPrior
        Of mu, branching and decay. That of mu is the catalogue's, Gamma(.5, 5); the others are nuisances, wide.
    """

    prior: HawkesPrior = MU_PRIOR
    parameter: str = "hawkes_mu"
    name: str = "HawkesMu"
    reads: str = "trades"
    horizon_s: float | None = None

    def init(self) -> HawkesState:
        """Start from the prior."""
        return HawkesState()

    def update(self, state: HawkesState, tape: Tape) -> HawkesState:
        """Add the events and the open time of the slice; SliceOrderError if it begins before the last one ended."""
        require_after(state.end_s, tape)
        (ts,) = float_columns(tape.trades, "ts")
        times = np.unique(ts)
        table, factors, excitation = (a.copy() for a in (state.table, state.factors, state.excitation))
        add_events(times, table, factors, excitation, state.seen, state.last_s)
        bounds = open_seconds(np.array([tape.t0, tape.t1]), sessions_of(tape))
        after = HawkesState(
            table,
            factors,
            state.caused,
            excitation,
            state.n + times.size,
            state.seconds + float(bounds[1] - bounds[0]),
            state.seen + times.size,
            float(times[-1]) if times.size else state.last_s,
            float(tape.t1),
        )
        return replace(after, caused=state.caused + times.size + state.left() - after.left())

    def posterior(self, state: State) -> GridBelief:
        """Density of mu, 1/s."""
        return marginal(state.likelihood(), self.prior, mu_axes)


@dataclass(frozen=True)
class HawkesBeta(HawkesMu):
    """Rate at which excitation decays.

    Parameters
    ----------
    prior : HawkesPrior
        Of mu, branching and decay. That of the decay is the catalogue's, Gamma(.1, 1); the others are nuisances, wide.
    """

    prior: HawkesPrior = BETA_PRIOR
    parameter: str = "hawkes_beta"
    name: str = "HawkesBeta"

    def posterior(self, state: State) -> GridBelief:
        """Density of beta, 1/s."""
        return marginal(state.likelihood(), self.prior, beta_axes)


@dataclass(frozen=True)
class HawkesAlpha(HawkesMu):
    """Jump of the intensity at an event: branching times decay, from their joint posterior.

    Parameters
    ----------
    prior : HawkesPrior
        Of mu, branching and decay. That of the branching is the catalogue's, Beta(.3, 10), that of the decay wide; the
        prior of alpha is the law of their product.
    """

    prior: HawkesPrior = ALPHA_PRIOR
    parameter: str = "hawkes_alpha"
    name: str = "HawkesAlpha"

    def posterior(self, state: State) -> GridBelief:
        """Density of alpha, 1/s."""
        return marginal(state.likelihood(), self.prior, alpha_axes)
