"""Deployed rules for rows that listen to trades and fills: Hawkes baseline and fill width; and rows without a rule.

    hawkes_mu                    shape += 1, rate += t_j - t_(j-1)       each trade later than the one before, s
    fill_probability_width_bps   Normal with observation variance 1      each fill: abs(price - mid)/mid in bps

The first reads the rate of all trades as the rate of those that no other caused; the second reads how far away we
quoted as how far away the market fills. `NeverUpdated` is what the deployed system does for rows with no evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from mmresearch.belief.catalogue import CATALOGUE
from mmresearch.belief.contract import Belief
from mmresearch.learn.contract import Learner, State
from mmresearch.learn.deployed.families import DeployedState, deployed_state
from mmresearch.tape.orders import OwnOrders
from mmresearch.tape.schema import Tape

WIDTH_VARIANCE_BPS2 = 1.0


@dataclass(frozen=True)
class ArrivalState:
    """The Gamma, and the time of the last trade (s)."""

    gamma: DeployedState
    last_s: float = np.nan


@dataclass(frozen=True)
class DeployedHawkesMu:
    """Times between trades, exponential: the rate of all trades under the name of the baseline."""

    parameter: str = "hawkes_mu"
    name: str = "DeployedHawkesMu"
    reads: str = "trades"

    def init(self) -> ArrivalState:
        """Start from the prior Gamma(5, 10)."""
        return ArrivalState(deployed_state(self.parameter))

    def update(self, state: ArrivalState, tape: Tape) -> ArrivalState:
        """Book the gaps that end in the slice; trades of one instant leave no gap."""
        times = tape.trades["ts"].to_numpy(dtype=np.float64)
        if not times.size:
            return state
        gaps = np.diff(times, prepend=times[0] if np.isnan(state.last_s) else state.last_s)
        return ArrivalState(state.gamma.observe_exponential(gaps), float(times[-1]))

    def parameters(self, state: State) -> DeployedState:
        """Return the number as the deployed system keeps it."""
        return state.gamma

    def posterior(self, state: State) -> Belief:
        """Gamma, per second."""
        return state.gamma.belief()


@dataclass(frozen=True)
class WidthState:
    """The Normal, and our orders."""

    normal: DeployedState
    own: OwnOrders = field(default_factory=OwnOrders)


@dataclass(frozen=True)
class DeployedFillWidth:
    """Distance of each filled quote from the mid, Normal with variance 1: what we quoted, not what fills."""

    parameter: str = "fill_probability_width_bps"
    name: str = "DeployedFillWidth"

    def init(self) -> WidthState:
        """Start from the prior Normal(2, .25)."""
        return WidthState(deployed_state(self.parameter))

    def update(self, state: WidthState, tape: Tape) -> WidthState:
        """Book the distances of the slice's fills that a quote preceded."""
        own, _, _, fill = state.own.step(tape)
        distance_bps = np.abs(fill.price - fill.mid) / fill.mid * 1e4
        seen = distance_bps[np.isfinite(distance_bps)]
        return WidthState(state.normal.observe_normal(seen, WIDTH_VARIANCE_BPS2), own)

    def parameters(self, state: State) -> DeployedState:
        """Return the number as the deployed system keeps it."""
        return state.normal

    def posterior(self, state: State) -> Belief:
        """Normal, in bps."""
        return state.normal.belief()


@dataclass(frozen=True)
class NeverUpdated:
    """A typed-in number with a prior around it that nothing ever moves.

    Parameters
    ----------
    parameter : str
        Row of the catalogue.
    preset : str
        "default", or a preset of the row.
    """

    parameter: str
    preset: str = "default"

    @property
    def name(self) -> str:
        """Say of which row."""
        return f"NeverUpdated({self.parameter})"

    def init(self) -> DeployedState:
        """Start from the prior."""
        return deployed_state(self.parameter, self.preset)

    def update(self, state: DeployedState, tape: Tape) -> DeployedState:
        """Learn nothing from the slice."""
        return replace(state)

    def parameters(self, state: State) -> DeployedState:
        """Return the number as the deployed system keeps it."""
        return state

    def posterior(self, state: State) -> Belief:
        """Prior of the row, in its unit."""
        return state.belief()


#: Rows for which the deployed system has no evidence at all: parameter -> its learner.
NEVER_UPDATED: Mapping[str, Callable[[], Learner]] = {
    row.name: partial(NeverUpdated, row.name) for row in CATALOGUE.values() if row.deployed == "none"
}
