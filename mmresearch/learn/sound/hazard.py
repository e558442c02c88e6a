"""bocpd_hazard_rate: how often changepoints occur, with every second counted, not only complete runs.

    h ~ Gamma(s, r),   n changepoints in E seconds under observation:   h ~ Gamma(s + n, r + E)

The run that is under way is right-censored: its seconds are exposure without an event. A detector that reports at steps
is under observation from one report to the next; where reports are missing, only for the usual step before each. The
first report of all ends a step of unknown length and is left out. h in 1/s.

Taken as given: the detector is right, and a step (1 s) is short against 1/h: with probability h step for a change the
rate is -ln(1 - h step)/step, .5 % more at h = .01/s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmresearch.belief.gamma import Gamma
from mmresearch.learn.contract import State
from mmresearch.tape.resample import signal_values
from mmresearch.tape.schema import Tape

FloatArray = NDArray[np.float64]

#: A pause of the detector longer than this many steps is time in which it did not look.
PAUSE_STEPS = 10.0


@dataclass(frozen=True)
class HazardState:
    """Changepoints, seconds under observation, the last report and the shortest step so far."""

    changes: float = 0.0
    exposure_s: float = 0.0
    last_s: float = np.nan
    step_s: float = np.inf

    @property
    def events(self) -> float:
        """Changepoints, discounted ones by their weight."""
        return self.changes

    def reports(self, ts: FloatArray, value: FloatArray) -> tuple[NDArray[np.bool_], FloatArray, float]:
        """Return which reports are of changepoints, the seconds under observation before each, and the shortest step.

        Parameters
        ----------
        ts, value : ndarray, shape (N,)
            Times (s) of reports after those that were seen, and what they say: above .5 a changepoint.
        """
        gap = np.diff(np.append(self.last_s, ts))
        shortest = np.minimum.accumulate(np.append(self.step_s, np.where(gap > 0, gap, np.inf)))
        pause = gap > PAUSE_STEPS * shortest[1:]
        seen = np.where(pause, shortest[1:], np.where(gap > 0, gap, 0.0))
        return (value > 0.5) & ~np.isnan(gap), seen, float(shortest[-1])

    def decayed(self, factor: float) -> HazardState:
        """Return the state with changepoints and seconds multiplied: the likelihood raised to that power."""
        return replace(self, changes=self.changes * factor, exposure_s=self.exposure_s * factor)


@dataclass(frozen=True)
class HazardRate:
    """Changepoints over all seconds in which one could have been reported.

    Parameters
    ----------
    shape, rate_s : float
        Prior Gamma; the catalogue's mean .004 per second with strength 1 by default.
    """

    shape: float = 1.0
    rate_s: float = 250.0
    parameter: str = "bocpd_hazard_rate"
    name: str = "HazardRate"
    reads: str = "trades"
    horizon_s: float | None = None

    def init(self) -> HazardState:
        """Start from the prior."""
        return HazardState()

    def update(self, state: HazardState, tape: Tape) -> HazardState:
        """Count the changepoints and the exposure of the slice."""
        ts, value = signal_values(tape, "changepoint")
        if not ts.size:
            return state
        reported, seen, shortest = state.reports(ts, value)
        return HazardState(
            state.changes + float(reported.sum()), state.exposure_s + float(seen.sum()), float(ts[-1]), shortest
        )

    def posterior(self, state: State) -> Gamma:
        """Gamma, per second."""
        return Gamma(self.shape, self.rate_s).update(state.changes, state.exposure_s)

    def predictive(self, state: State) -> Any:
        """Return the number of changepoints in the next second: negative binomial (frozen scipy)."""
        return self.posterior(state).predictive(1.0)
