"""Which events of a tape a learner sees, where the tape has no fills of ours.

A tape with own fills is taken as it is. A market-data tape has none: orders at the touch are added for labels and
markouts, orders at rotating depths for kappa, and a learner that reads other people's trades, or quotes and signals
only, sees no orders at all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from mmresearch.learn.contract import Learner, reads_of
from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS, empty_table
from mmresearch.tape.hypothetical import default_depths_bps
from mmresearch.tape.schema import Tape
from mmresearch.tape.touch import touch_source

Source = Literal["own fills", "at touch", "rotating", "trades"]

ROTATION_S = 5.0


def has_own_fills(tape: Tape) -> bool:
    """Whether the tape brings orders of ours."""
    return touch_source(tape) == "own"


def source_of(learner: Learner, tape: Tape) -> Source:
    """Say which events of the tape the learner is shown: kappa needs fills at several depths, the rest at the touch."""
    if reads_of(learner) == "trades":
        return "trades"
    if has_own_fills(tape):
        return "own fills"
    return "rotating" if learner.parameter == "kappa" else "at touch"


def shown_from(tape: Tape, source: Source, seed: int) -> Tape:
    """Return the tape with the events of the source in it, and no others.

    Parameters
    ----------
    tape : Tape
        As read.
    source : {"own fills", "at touch", "rotating", "trades"}
        Which events.
    seed : int
        Of the depths of rotating orders.
    """
    if source == "trades":
        return replace(tape, orders=empty_table(ORDER_COLUMNS), fills=empty_table(FILL_COLUMNS))
    if source == "at touch":
        return tape.at_touch()
    if source == "rotating":
        return tape.rotating(default_depths_bps(tape), ROTATION_S, seed)
    return tape
