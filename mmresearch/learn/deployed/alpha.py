"""alpha_touch as deployed, and its faults one at a time.

Every fill is labelled twice and both labels feed one Beta(2, 6): two-sided after 500 ms from the mid *when the order
was placed*, beyond a threshold that the moves set themselves; and one-sided after 5 s beyond two standard deviations.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mmresearch.belief.beta import Beta
from mmresearch.learn.contract import State
from mmresearch.learn.deployed.volatility import RunningVolatility
from mmresearch.learn.follow import FillFollower, Followed
from mmresearch.tape.labels import (
    TWO_SIGMA_HORIZON_S,
    AdaptiveLabel,
    informed_beyond_two_sigma,
    informed_intended,
    informed_two_sided,
)
from mmresearch.tape.markouts import PendingMarkouts
from mmresearch.tape.schema import Tape

QUEUE = 5000


def _waiting(horizon_s: float) -> FillFollower:
    return FillFollower(PendingMarkouts((horizon_s,), max_pending=QUEUE))


@dataclass(frozen=True)
class TwoLabelState:
    """The Beta's counts, the threshold's memory, the volatility, and the fills that wait for each label."""

    first: FillFollower = field(default_factory=lambda: _waiting(AdaptiveLabel.horizon_s))
    second: FillFollower = field(default_factory=lambda: _waiting(TWO_SIGMA_HORIZON_S))
    threshold: AdaptiveLabel = field(default_factory=AdaptiveLabel)
    volatility: RunningVolatility = field(default_factory=RunningVolatility)
    informed: float = 0.0
    total: float = 0.0

    def count(self, labels: NDArray[np.float64]) -> TwoLabelState:
        """Add labels to the Beta."""
        known = labels[np.isfinite(labels)]
        return replace(self, informed=self.informed + float(known.sum()), total=self.total + float(known.size))


@dataclass(frozen=True)
class DeployedAlpha:
    """Two labels a fill, one Beta.

    Parameters
    ----------
    adaptive : bool
        Threshold set by the moves themselves, two-sided.
    two_sided : bool
        Count favourable moves too (where not adaptive).
    from_placement : bool
        Measure the first label's move from the mid when the order was placed.
    twice : bool
        Feed the second label as well.
    """

    adaptive: bool = True
    two_sided: bool = True
    from_placement: bool = True
    twice: bool = True
    parameter: str = "alpha_touch"
    name: str = "DeployedAlpha"
    horizon_s: float = 0.5

    def init(self) -> TwoLabelState:
        """Start from Beta(2, 6)."""
        return TwoLabelState()

    def update(self, state: TwoLabelState, tape: Tape) -> TwoLabelState:
        """Count the labels that the slice resolves."""
        first, done = state.first.step(tape)
        threshold, labels = self._first_labels(state.threshold, done)
        after = replace(state, first=first, threshold=threshold).count(labels)
        return self._second_label(after, tape) if self.twice else after

    def _first_labels(self, threshold: AdaptiveLabel, done: Followed) -> tuple[AdaptiveLabel, NDArray[np.float64]]:
        moves = done.from_mid(done.placed_mid) if self.from_placement else done.adverse_bps
        if self.adaptive:
            return threshold.step(moves[:, 0])
        return threshold, (informed_two_sided if self.two_sided else informed_intended)(moves[:, 0])

    def _second_label(self, state: TwoLabelState, tape: Tape) -> TwoLabelState:
        # The volatility is the one known when the fill happened, so it travels with the fill.
        second, done = state.second.step(tape, lambda fill: {"sigma_bps": state.volatility.step(tape, fill.ts)[1]})
        labels = informed_beyond_two_sigma(done.adverse_bps[:, 0], done.extra.get("sigma_bps", np.empty(0)))
        volatility, _ = state.volatility.step(tape, ())
        return replace(state, second=second, volatility=volatility).count(labels)

    def posterior(self, state: State) -> Beta:
        """Beta, a probability."""
        return Beta(2.0 + state.informed, 6.0 + state.total - state.informed)


def alpha_two_labels() -> DeployedAlpha:
    """Intended label and second label, both counted: each fill twice, nothing else wrong with the first."""
    return DeployedAlpha(adaptive=False, two_sided=False, from_placement=False, name="AlphaTwoLabels")


def alpha_adaptive_threshold() -> DeployedAlpha:
    """Two-sided label with the self-set threshold, from the mid at the fill, counted once."""
    return DeployedAlpha(from_placement=False, twice=False, name="AlphaAdaptiveThreshold")


def alpha_two_sided() -> DeployedAlpha:
    """Fixed 5 bps either way, from the mid at the fill, counted once."""
    return DeployedAlpha(adaptive=False, from_placement=False, twice=False, name="AlphaTwoSided")


def alpha_from_placement() -> DeployedAlpha:
    """Fixed 5 bps against us, but measured from the mid when the order was placed."""
    return DeployedAlpha(adaptive=False, two_sided=False, twice=False, name="AlphaFromPlacement")
