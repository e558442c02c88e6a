"""alpha_touch: the probability that a fill at the touch is informed.

`AlphaTouch` is the conjugate rule with the intended label (adverse by more than 5 bps after 500 ms, one-sided, from the
mid at the fill), one count per fill:

    alpha ~ Beta(a, b),   a += k,  b += n - k.

It reads label noise as informed flow where the mid moves 5 bps in 500 ms by itself. `AlphaTouchLabelError` has that
noise in its likelihood: a label fires with probability theta = phi + alpha (1 - phi), phi the chance that noise alone
fires it, measured from the mid when none of our orders filled:

    p(alpha | k, n) ~ alpha^(a-1) (1 - alpha)^(b-1+n-k) theta^k,   on a grid.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import stats

from mmresearch.belief.beta import Beta
from mmresearch.belief.grid import GridBelief
from mmresearch.learn.contract import State
from mmresearch.learn.follow import FillFollower
from mmresearch.tape.markouts import PendingMarkouts
from mmresearch.tape.quiet import QuietMoves
from mmresearch.tape.schema import Tape

HORIZON_S = 0.5
THRESHOLD_BPS = 5.0
GRID_POINTS = 400


@dataclass(frozen=True)
class LabelState:
    """Counts of labels and of noise moves, and the fills that still wait for their label."""

    follower: FillFollower = field(default_factory=lambda: FillFollower(PendingMarkouts((HORIZON_S,))))
    quiet: QuietMoves = field(default_factory=lambda: QuietMoves(THRESHOLD_BPS, HORIZON_S))
    informed: float = 0.0
    total: float = 0.0

    @property
    def events(self) -> float:
        """Labels, discounted ones by their weight."""
        return self.total

    def decayed(self, factor: float) -> LabelState:
        """Return the state with its counts multiplied; fills that wait for a label are not evidence yet."""
        q = self.quiet
        quiet = replace(
            q,
            quiet=q.quiet * factor,
            quiet_beyond=q.quiet_beyond * factor,
            every=q.every * factor,
            every_beyond=q.every_beyond * factor,
        )
        return replace(self, quiet=quiet, informed=self.informed * factor, total=self.total * factor)


@dataclass(frozen=True)
class AlphaTouch:
    """Beta on intended labels of fills at the touch.

    Parameters
    ----------
    a, b : float
        Prior Beta; the catalogue's mean .25 with strength 8 by default.
    """

    a: float = 2.0
    b: float = 6.0
    parameter: str = "alpha_touch"
    name: str = "AlphaTouch"
    horizon_s: float = HORIZON_S

    def init(self) -> LabelState:
        """Start from the prior."""
        return LabelState()

    def update(self, state: LabelState, tape: Tape) -> LabelState:
        """Count the labels of the touch fills that the slice resolves."""
        follower, done = state.follower.step(tape)
        adverse = done.adverse_bps[done.at_touch, 0]
        return replace(
            state,
            follower=follower,
            informed=state.informed + float((adverse > THRESHOLD_BPS).sum()),
            total=state.total + float(adverse.size),
        )

    def posterior(self, state: State) -> Beta | GridBelief:
        """Beta, a probability."""
        return Beta(self.a + state.informed, self.b + state.total - state.informed)

    def predictive(self, state: State) -> Any:
        """Return whether the label fires on the next touch fill: Bernoulli (frozen scipy)."""
        return stats.bernoulli(float(self.posterior(state).mean()))


@dataclass(frozen=True)
class AlphaTouchLabelError(AlphaTouch):
    """Intended labels, with the chance that noise alone fires them in the likelihood."""

    name: str = "AlphaTouchLabelError"

    def update(self, state: LabelState, tape: Tape) -> LabelState:
        """Count labels, and how often the mid moves as far when we did not trade."""
        return replace(super().update(state, tape), quiet=state.quiet.step(tape))

    def posterior(self, state: State) -> Beta | GridBelief:
        """Beta if noise never fires the label, else a density on a grid."""
        noise = state.quiet.false_positive()
        if noise == 0.0:
            return super().posterior(state)
        return label_error_posterior(self.a, self.b, state.informed, state.total, noise)

    def predictive(self, state: State) -> Any:
        """Return whether the label fires on the next touch fill, noise or not: Bernoulli (frozen scipy)."""
        noise = state.quiet.false_positive()
        return stats.bernoulli(noise + (1.0 - noise) * float(self.posterior(state).mean()))


def label_error_posterior(a: float, b: float, informed: float, total: float, noise: float) -> GridBelief:
    """Posterior of alpha when noise alone fires a label with probability `noise`.

    Parameters
    ----------
    a, b : float
        Prior Beta.
    informed, total : float
        Labels that fired, and all labels.
    noise : float
        Chance in [0, 1) that a label fires on an uninformed fill.
    """
    misses = total - informed

    def log_density(alpha):
        fires = noise + alpha * (1 - noise)
        return (a - 1) * np.log(alpha) + (b - 1 + misses) * np.log1p(-alpha) + informed * np.log(fires)

    # Where the likelihood alone would put its mass, and the prior: the grid must hold both.
    rate = (informed + 0.5) / (total + 1.0)
    centre = np.clip((rate - noise) / (1 - noise), 0.0, 1.0)
    width = np.sqrt(rate * (1 - rate) / (total + 1.0)) / (1 - noise)
    prior = Beta(a, b)
    low = max(1e-9, min(float(prior.ppf(1e-6)), centre - 8 * width))
    high = min(1 - 1e-9, max(float(prior.ppf(1 - 1e-6)), centre + 8 * width))
    coarse = np.linspace(low, high, GRID_POINTS)
    heights = log_density(coarse)
    used = np.flatnonzero(heights > heights.max() - 30)
    start, end = coarse[max(used[0] - 1, 0)], coarse[min(used[-1] + 1, GRID_POINTS - 1)]
    fine = np.linspace(start, end, GRID_POINTS)
    return GridBelief(fine, log_density(fine))
