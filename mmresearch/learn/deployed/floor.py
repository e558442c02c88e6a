"""The spread floor as deployed: every fill's markout after 5 s, its sign the wrong way round, known variance 4.

precision += n / 4,   mean = precision-weighted,   x_j = -(adverse move of fill j at 5 s)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mmresearch.belief.normal import Normal
from mmresearch.learn.contract import State
from mmresearch.learn.follow import FillFollower
from mmresearch.learn.sound.floor import Moments
from mmresearch.tape.markouts import PendingMarkouts
from mmresearch.tape.schema import Tape

OBSERVATION_VARIANCE = 4.0
QUEUE = 5000


@dataclass(frozen=True)
class MarkoutState:
    """Moments of the costs booked, and the fills that wait."""

    follower: FillFollower
    cost: Moments = field(default_factory=Moments)


@dataclass(frozen=True)
class DeployedFloor:
    """Known-variance Normal on markouts.

    Parameters
    ----------
    inverted : bool
        Book favourable moves as cost, as deployed.
    with_fee : bool
        Add the maker fee to each cost; not as deployed.
    horizon_s : float
        Seconds after the fill.
    """

    inverted: bool = True
    with_fee: bool = False
    horizon_s: float = 5.0
    parameter: str = "spread_floor_bps"
    name: str = "DeployedFloor"

    def init(self) -> MarkoutState:
        """Start from the prior Normal(5, 4)."""
        return MarkoutState(FillFollower(PendingMarkouts((self.horizon_s,), max_pending=QUEUE)))

    def update(self, state: MarkoutState, tape: Tape) -> MarkoutState:
        """Book the markouts that the slice resolves."""
        follower, done = state.follower.step(tape)
        cost = done.adverse_bps[:, 0] * (-1.0 if self.inverted else 1.0)
        fee = tape.meta.fee_bps if self.with_fee else 0.0
        return replace(state, follower=follower, cost=state.cost.add(cost + fee))

    def posterior(self, state: State) -> Normal:
        """Normal, in bps."""
        return Normal(5.0, 4.0).update(state.cost.n, state.cost.mean, OBSERVATION_VARIANCE)


def known_variance_floor() -> DeployedFloor:
    """Return the deployed rule with sign, fee and horizon mended: what is left wrong is the known variance."""
    return DeployedFloor(inverted=False, with_fee=True, horizon_s=0.5, name="FloorKnownVariance")
