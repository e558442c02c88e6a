"""Deployed batch rules about the price of a fill, one second later: informed share and floor.

    move_bps = side (mid(t + 1 s) - price) / price * 1e4        favourable: negative is against us

measured from the *price of the fill*, so it contains the half-spread that the fill earned. With it

    alpha_touch             a += [move < -5 bps],  b += the rest
    spread_floor_bps        mean of depth/2 + move in buckets of 5 bps of depth: lower edge of the lowest bucket with 10
                            fills and a positive mean, plus 1 bp, is one observation of variance 2

The half-spread is booked twice by the floor and hides adverse moves from alpha; the fee is nowhere. Each rule is a
learner whose state is what it adds up, so that it can be fed slice by slice and tried like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmresearch.belief.contract import Belief
from mmresearch.learn.contract import State
from mmresearch.learn.deployed.families import DeployedState, deployed_state
from mmresearch.tape.markouts import PendingMarkouts
from mmresearch.tape.orders import OwnOrders
from mmresearch.tape.schema import Tape

HORIZON_S = 1.0
INFORMED_BPS = -5.0
BUCKET_BPS, BUFFER_BPS, FLOOR_VARIANCE_BPS2 = 5.0, 1.0, 2.0
#: Break-even depth (bps) that is booked where no bucket qualifies.
DEFAULT_BREAK_EVEN_BPS = 5.0
ENOUGH_FILLS = 10
PSEUDO_COUNTS = 100


@dataclass(frozen=True)
class Outcome:
    """What a batch rule made of its data.

    Attributes
    ----------
    parameter : str
        Row of the catalogue.
    state : DeployedState or None
        The learned number; None where there were too few data, and the prior stays.
    observations : int
        Events that the rule looked at.
    reason : str
        Why it is what it is, in words.
    """

    parameter: str
    state: DeployedState | None
    observations: int
    reason: str

    def belief(self) -> Belief:
        """Posterior, or the prior where there is none."""
        return (self.state or deployed_state(self.parameter)).belief()


def pseudo_counts(share: float) -> tuple[int, int]:
    """Turn a share into 100 successes and failures, each cut to whole numbers."""
    return int(share * PSEUDO_COUNTS), int((1 - share) * PSEUDO_COUNTS)


class Moves(NamedTuple):
    """Fills whose move is known, oldest first; arrays of shape (n,).

    Attributes
    ----------
    ts : ndarray
        Time of the fill, s.
    move_bps : ndarray
        Favourable move from the fill price after one second.
    depth_bps : ndarray
        Distance of the fill from the mid just before it.
    """

    ts: NDArray[np.float64]
    move_bps: NDArray[np.float64]
    depth_bps: NDArray[np.float64]


@dataclass(frozen=True)
class FillMoves:
    """Our orders, and the fills that wait one second for their move."""

    own: OwnOrders = field(default_factory=OwnOrders)
    pending: PendingMarkouts = field(default_factory=lambda: PendingMarkouts((HORIZON_S,)))

    def step(self, tape: Tape) -> tuple[FillMoves, Moves]:
        """Take in one slice and return the moves that it resolved; fills that no quote preceded are left out."""
        own, _, _, fill = self.own.step(tape)
        depth_bps = np.abs(fill.price - fill.mid) / fill.mid * 1e4
        seen = np.isfinite(depth_bps)
        fills = {"ts": fill.ts, "side": fill.side, "reference_mid": fill.price, "depth_bps": depth_bps}
        pending, done = self.pending.step_arrays(tape.quotes, {name: column[seen] for name, column in fills.items()})
        depth = done.payload.get("depth_bps", np.empty(0))
        return FillMoves(own, pending), Moves(done.ts, -done.adverse_bps[:, 0], depth)


@dataclass(frozen=True)
class AlphaCounts:
    """Labels so far, and the fills that wait."""

    fills: FillMoves = field(default_factory=FillMoves)
    informed: int = 0
    total: int = 0


@dataclass(frozen=True)
class BatchAlpha:
    """Fills whose mid is more than 5 bps beyond their own price a second later, as a share of all."""

    parameter: str = "alpha_touch"
    name: str = "BatchAlpha"
    horizon_s: float = HORIZON_S

    def init(self) -> AlphaCounts:
        """Start without labels."""
        return AlphaCounts()

    def update(self, state: AlphaCounts, tape: Tape) -> AlphaCounts:
        """Count the labels that the slice resolves."""
        fills, done = state.fills.step(tape)
        informed = state.informed + int((done.move_bps < INFORMED_BPS).sum())
        return AlphaCounts(fills, informed, state.total + done.ts.size)

    def outcome(self, state: AlphaCounts) -> Outcome:
        """Return the Beta, or say that there is no fill."""
        if not state.total:
            return Outcome(self.parameter, None, 0, "no fill with a quote a second later")
        after = deployed_state(self.parameter).observe_successes(state.informed, state.total - state.informed)
        return Outcome(self.parameter, after, state.total, f"{state.informed} of {state.total} fills called informed")

    def posterior(self, state: State) -> Belief:
        """Beta, a probability."""
        return self.outcome(state).belief()


@dataclass(frozen=True)
class BucketSums:
    """Number and sum (bps) of the booked profits by bucket of depth, and the fills that wait."""

    fills: FillMoves = field(default_factory=FillMoves)
    buckets: Mapping[int, tuple[int, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class BatchFloor:
    """Lower edge of the shallowest bucket of depths that looks profitable, plus one."""

    parameter: str = "spread_floor_bps"
    name: str = "BatchFloor"
    horizon_s: float = HORIZON_S

    def init(self) -> BucketSums:
        """Start with empty buckets."""
        return BucketSums()

    def update(self, state: BucketSums, tape: Tape) -> BucketSums:
        """Book the profits that the slice resolves: half the depth, plus a move that holds the depth already."""
        fills, done = state.fills.step(tape)
        booked_bps = 0.5 * done.depth_bps + done.move_bps
        place = np.floor(done.depth_bps / BUCKET_BPS).astype(int)
        buckets = dict(state.buckets)
        for k in np.unique(place).tolist():
            n, total = buckets.get(k, (0, 0.0))
            here = booked_bps[place == k]
            buckets[k] = (n + here.size, total + float(here.sum()))
        return BucketSums(fills, buckets)

    def booked_bps(self, state: BucketSums) -> dict[float, float]:
        """Mean booked profit of each bucket with any fill, by its lower edge, both in bps."""
        return {k * BUCKET_BPS: total / n for k, (n, total) in sorted(state.buckets.items())}

    def outcome(self, state: BucketSums) -> Outcome:
        """Return the Normal after one observation, which is made even where no bucket qualifies.

        Without any fill nothing is booked, for a learner starts from its prior; the deployed one books its default.
        """
        count = sum(n for n, _ in state.buckets.values())
        if not count:
            return Outcome(self.parameter, None, 0, "no fill with a quote a second later")
        good = [k for k, (n, total) in sorted(state.buckets.items()) if n >= ENOUGH_FILLS and total > 0]
        edge = good[0] * BUCKET_BPS if good else DEFAULT_BREAK_EVEN_BPS
        why = "lowest bucket that books a profit" if good else "no bucket qualifies, so the default is booked"
        after = deployed_state(self.parameter).observe_normal(edge + BUFFER_BPS, FLOOR_VARIANCE_BPS2)
        return Outcome(self.parameter, after, count, f"break-even {edge:g} bps: {why}")

    def posterior(self, state: State) -> Belief:
        """Normal, in bps."""
        return self.outcome(state).belief()
