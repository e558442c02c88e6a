"""Our fills and what the mid did after them: the part of a learner's state that waits.

A `FillFollower` is carried from slice to slice. Each step returns the fills whose markouts have become known, with what
a label may need: whether the fill was at the touch, the mid when its order was placed, the price that was paid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mmresearch.tape.markouts import PendingMarkouts, Resolved
from mmresearch.tape.orders import FillEvents, OwnOrders
from mmresearch.tape.schema import Tape
from mmresearch.tape.walks import touch_slack


def at_touch(events: FillEvents, tick: float | None) -> NDArray[np.bool_]:
    """Whether each fill's order stood at the best quote of its side just before; shape (n,)."""
    best = np.where(events.side > 0, events.bid, events.ask)
    with np.errstate(invalid="ignore"):
        return np.abs(events.price - best) <= touch_slack(events.price, tick)


@dataclass(frozen=True)
class Followed:
    """Fills whose markouts have become known, oldest first.

    Attributes
    ----------
    side : ndarray, shape (n,)
        +1 where we bought.
    adverse_bps : ndarray, shape (n, H)
        Signed adverse move from the mid at the fill.
    at_touch : ndarray of bool, shape (n,)
        Whether the order stood at the touch.
    reference_mid, placed_mid, price : ndarray, shape (n,)
        Mid at the fill, mid when the order was placed, price paid.
    extra : mapping of str to ndarray
        What the learner attached to each fill when it happened.
    """

    side: NDArray[np.float64]
    adverse_bps: NDArray[np.float64]
    at_touch: NDArray[np.bool_]
    reference_mid: NDArray[np.float64]
    placed_mid: NDArray[np.float64]
    price: NDArray[np.float64]
    extra: Mapping[str, NDArray]

    def from_mid(self, reference: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the adverse moves in bps as if measured from another reference (price units); shape (n, H)."""
        later = self.reference_mid[:, None] * (1 - self.side[:, None] * self.adverse_bps * 1e-4)
        return -self.side[:, None] * (later - reference[:, None]) / reference[:, None] * 1e4


@dataclass(frozen=True)
class FillFollower:
    """Orders that rest, and fills that wait for their horizons.

    Attributes
    ----------
    pending : PendingMarkouts
        Fills that wait; its ``horizons_s`` say for what.
    own : OwnOrders
        Orders that rest, and the last quote.
    """

    pending: PendingMarkouts
    own: OwnOrders = field(default_factory=OwnOrders)

    def step(
        self, tape: Tape, attach: Callable[[FillEvents], Mapping[str, NDArray]] | None = None
    ) -> tuple[FillFollower, Followed]:
        """Take in one slice.

        Parameters
        ----------
        tape : Tape
            The slice that follows the earlier ones.
        attach : callable, optional
            What else to remember of each fill: takes the events, returns named arrays of their length.

        Returns
        -------
        state : FillFollower
        done : Followed
            Fills whose markouts the slice resolved.
        """
        own, _, _, events = self.own.step(tape)
        fills = {
            "ts": events.ts,
            "side": events.side,
            "reference_mid": events.mid,
            "at_touch": at_touch(events, tape.meta.tick),
            "placed_mid": events.placed_mid,
            "price": events.price,
            **(attach(events) if attach else {}),
        }
        pending, done = self.pending.step_arrays(tape.quotes, fills)
        return replace(self, own=own, pending=pending), _followed(done)


_OWN = ("at_touch", "placed_mid", "price")


def _followed(done: Resolved) -> Followed:
    """Keep the fills that a quote preceded."""
    known = np.isfinite(done.adverse_bps).all(axis=1)
    payload = {k: v[known] for k, v in done.payload.items()}
    return Followed(
        side=done.side[known],
        adverse_bps=done.adverse_bps[known],
        at_touch=np.asarray(payload.get("at_touch", np.empty(0)), dtype=bool),
        reference_mid=done.reference_mid[known],
        placed_mid=payload.get("placed_mid", np.empty(0)),
        price=payload.get("price", np.empty(0)),
        extra={k: v for k, v in payload.items() if k not in _OWN},
    )
