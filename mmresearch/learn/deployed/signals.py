"""Deployed rules for rows that listen to signals: risk aversion, hazard, changepoint threshold, regime stickiness.

    gamma_base               shape += 1, rate += abs(pnl)        each fill, pnl a fraction of the account
    bocpd_hazard_rate        shape += 1, rate += run             each changepoint, run in samples since the last one
    bocpd_threshold          a += changepoint, b += 1 - it       each step of 1 s
    regime_sticky_diagonal   a += stayed, b += moved             each step of 1 s, from decoded labels

Each does what its line says and nothing else: a preference is fed with profits, the run that is under way is never
counted, a threshold for a probability counts events, and labels are taken for the truth that a sticky filter made them
from. Rows in which a signal is NaN are skipped; a tape without the signal says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmresearch.belief.contract import Belief
from mmresearch.learn.contract import State
from mmresearch.learn.deployed.families import DeployedState, deployed_state
from mmresearch.tape.schema import Tape


def signal_rows(tape: Tape, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the times (s) and values of a signal where it says something; nothing if the tape has no such signal.

    Parameters
    ----------
    tape : Tape
        A slice.
    name : str
        Column of ``tape.signals``.
    """
    if tape.signals is None or name not in tape.signals:
        return np.empty(0), np.empty(0)
    values = tape.signals[name].to_numpy(dtype=np.float64)
    said = ~np.isnan(values)
    return tape.signals["ts"].to_numpy(dtype=np.float64)[said], values[said]


@dataclass(frozen=True)
class DeployedGammaBase:
    """The size of each fill's profit or loss, taken for an exponential observation of risk aversion.

    Parameters
    ----------
    pnl_unit : float
        What one unit of the account counts as: 1 for fractions, as here; the answer depends on it.
    """

    pnl_unit: float = 1.0
    parameter: str = "gamma_base"
    name: str = "DeployedGammaBase"

    def init(self) -> DeployedState:
        """Start from the prior Gamma(3, 20)."""
        return deployed_state(self.parameter)

    def update(self, state: DeployedState, tape: Tape) -> DeployedState:
        """Book the profits of the slice."""
        return state.observe_exponential(np.abs(signal_rows(tape, "pnl")[1]) * self.pnl_unit)

    def parameters(self, state: State) -> DeployedState:
        """Return the number as the deployed system keeps it."""
        return state

    def posterior(self, state: State) -> Belief:
        """Gamma, in 1/(fraction of price) by name."""
        return state.belief()


@dataclass(frozen=True)
class RunState:
    """The Gamma, and the last changepoint: samples since, and its time (s), or that of the first report."""

    gamma: DeployedState
    run: int = 0
    since_s: float = np.nan


@dataclass(frozen=True)
class DeployedHazard:
    """Lengths of complete runs, exponential; the run under way, right-censored, is ignored.

    Parameters
    ----------
    by_clock : bool
        Whether runs are measured in seconds; the deployed rule counts samples.
    """

    by_clock: bool = False
    parameter: str = "bocpd_hazard_rate"
    name: str = "DeployedHazard"
    reads: str = "trades"

    def init(self) -> RunState:
        """Start from the prior Gamma(1, 250)."""
        return RunState(deployed_state(self.parameter))

    def update(self, state: RunState, tape: Tape) -> RunState:
        """Book the runs that end in the slice."""
        ts, changed = signal_rows(tape, "changepoint")
        if not ts.size:
            return state
        ends = np.flatnonzero(changed > 0.5) + 1
        start_s = float(ts[0]) if np.isnan(state.since_s) else state.since_s
        runs = np.diff(ts[ends - 1], prepend=start_s) if self.by_clock else np.diff(ends, prepend=-state.run)
        since = changed.size - int(ends[-1]) if ends.size else state.run + changed.size
        since_s = float(ts[ends[-1] - 1]) if ends.size else start_s
        return RunState(state.gamma.observe_exponential(runs), since, since_s)

    def parameters(self, state: State) -> DeployedState:
        """Return the number as the deployed system keeps it."""
        return state.gamma

    def posterior(self, state: State) -> Belief:
        """Gamma, per sample, or per second by the clock."""
        return state.gamma.belief()


@dataclass(frozen=True)
class DeployedChangepointThreshold:
    """How often a changepoint is reported, taken for the probability at which to report one."""

    parameter: str = "bocpd_threshold"
    name: str = "DeployedChangepointThreshold"

    def init(self) -> DeployedState:
        """Start from the prior Beta(7, 3)."""
        return deployed_state(self.parameter)

    def update(self, state: DeployedState, tape: Tape) -> DeployedState:
        """Count the steps of the slice with and without a changepoint."""
        _, changed = signal_rows(tape, "changepoint")
        hits = int((changed > 0.5).sum())
        return state.observe_successes(hits, changed.size - hits)

    def parameters(self, state: State) -> DeployedState:
        """Return the number as the deployed system keeps it."""
        return state

    def posterior(self, state: State) -> Belief:
        """Beta, a probability."""
        return state.belief()


@dataclass(frozen=True)
class LabelState:
    """The Beta, and the last label."""

    beta: DeployedState
    label: float = np.nan

    def count(self, labels: NDArray[np.float64]) -> tuple[LabelState, int, int]:
        """Return the state with the newest label, and how many steps stayed and moved."""
        path = np.append(self.label, labels) if not np.isnan(self.label) else labels
        stayed = int((path[1:] == path[:-1]).sum())
        newest = float(path[-1]) if path.size else np.nan
        return replace(self, label=newest), stayed, max(path.size - 1, 0) - stayed


@dataclass(frozen=True)
class DeployedStickiness:
    """Steps on which the decoded regime stayed, out of all steps, whatever a step is."""

    parameter: str = "regime_sticky_diagonal"
    name: str = "DeployedStickiness"
    reads: str = "trades"

    def init(self) -> LabelState:
        """Start from the prior Beta(95, 5)."""
        return LabelState(deployed_state(self.parameter))

    def update(self, state: LabelState, tape: Tape) -> LabelState:
        """Count the steps of the slice."""
        after, stayed, moved = state.count(signal_rows(tape, "regime")[1])
        return replace(after, beta=state.beta.observe_successes(stayed, moved))

    def parameters(self, state: State) -> DeployedState:
        """Return the number as the deployed system keeps it."""
        return state.beta

    def posterior(self, state: State) -> Belief:
        """Beta, a probability per step; steps are one second apart."""
        return state.beta.belief()
