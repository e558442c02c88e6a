"""What learning does to the catalogue: 25 rows, the right belief and the deployed one beside each other and the truth.

A learned row is taught by its right learner and by the rule that the deployed system runs for it. A derived row follows
from posterior draws of the rows that it is a formula of, and from choices that are stated; a policy row from neither.
Wherever a number is missing, or nothing was learned, a column says why. Numbers are in the unit of the row, intervals
equal-tailed and 90 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmresearch.belief.catalogue import CATALOGUE, Parameter, prior
from mmresearch.belief.contract import Belief
from mmresearch.learn.batch.calibration import share_of_prior, shown
from mmresearch.learn.contract import Learner, State, run
from mmresearch.learn.counterparts import AS_DEPLOYED, RIGHT, events_claimed, right_learner, why_nothing
from mmresearch.learn.deployed.signals import signal_rows
from mmresearch.learn.sound.kappa import ExposureState, KappaExposure
from mmresearch.learn.with_priors import Priors, starting_from
from mmresearch.quote.derived_rows import DERIVED_ROWS, Choices
from mmresearch.quote.tracking import tracking_belief
from mmresearch.tape.schema import Tape

TAILS = np.array([0.05, 0.95])
DRAWS = 4000
#: Share of a belief's pseudo-observations from which on it is called mostly its prior.
MOST_OF_PRIOR = 0.5
#: Length of the windows whose kappas are tracked, and of the step of the tracker.
WINDOW_S, STEP_S = 300.0, 5.0
#: Hours of the day (UTC) that the deployed system calls toxic without data.
TOXIC_HOURS = (6, 7, 14)
_SIDE = ("n", "mean", "sd", "lo", "hi", "note")
COLUMNS = (
    "name", "kind", "unit", "counts", "truth", "truth_note", *(f"right_{x}" for x in _SIDE),
    *(f"deployed_{x}" for x in _SIDE),
)  # fmt: skip


def learning_table(
    tape: Tape,
    truths: Mapping[str, float] | None = None,
    toxic_hours: tuple[int, ...] = TOXIC_HOURS,
    choices: Choices | None = None,
    seed: int = 0,
    priors: Priors | None = None,
) -> pd.DataFrame:
    """Teach every row of the catalogue a tape, rightly and as deployed.

    Parameters
    ----------
    tape : Tape
        What happened to one asset. Without own fills it is shown with hypothetical orders, as `calibrate` does.
    truths : mapping of str to float, optional
        What is true of it: parameter -> value in its unit; "A" the intensity at the mid, per second and side.
    toxic_hours : tuple of int
        Hours of the day (UTC) that are called toxic.
    choices : Choices, optional
        What a desk decides; the defaults if not given.
    seed : int
        Of posterior draws and of hypothetical orders.
    priors : mapping of str to HandedBack, optional
        Priors that a fit of other assets handed back: right learners start from them, deployed ones do not.

    Returns
    -------
    DataFrame
        One row per parameter, in the order of the catalogue: `COLUMNS`. ``counts`` says what ``right_n`` counts;
        ``deployed_n`` is what the deployed belief claims to rest on. A note says why a number is NaN, that it is its
        prior or mostly so, or what a derived number follows from; else it is "".
    """
    known, decided = truths or {}, choices or Choices()
    starting = {name: starting_from(right_learner(name, toxic_hours), priors or {}) for name in RIGHT}
    learned = {name: _taught(learner, tape, seed) for name, learner in starting.items()}
    draws = _joint_draws(learned, seed)
    rows = []
    for name, row in CATALOGUE.items():
        truth, truth_note = _truth(row, known, decided)
        if name in RIGHT:
            right, counts = _learned_side(row, *learned[name]), RIGHT[name].counts
        elif name in DERIVED_ROWS:
            right, counts = _derived_side(name, learned, draws, decided)
        else:
            right, counts = _other_side(row, tape, learned, seed)
        rows.append(
            {
                "name": name, "kind": row.kind, "unit": row.unit, "counts": counts, "truth": truth,
                "truth_note": truth_note, **_prefixed("right", right),
                **_prefixed("deployed", _deployed_side(name, tape, seed)),
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _taught(learner: Learner, tape: Tape, seed: int) -> tuple[Learner, State]:
    return learner, run(learner, shown(learner, tape, seed)[0])


def _prefixed(prefix: str, side: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}_{name}": side[name] for name in _SIDE}


def _side(n: float, belief: Belief | None, note: str) -> dict[str, Any]:
    if belief is None:
        return {"n": n, "mean": math.nan, "sd": math.nan, "lo": math.nan, "hi": math.nan, "note": note}
    low, high = (float(q) for q in np.asarray(belief.ppf(TAILS)))
    return {"n": n, "mean": float(belief.mean()), "sd": float(belief.std()), "lo": low, "hi": high, "note": note}


def _side_of_draws(n: float, draws: NDArray[np.float64], note: str) -> dict[str, Any]:
    low, high = (float(q) for q in np.quantile(draws, TAILS))
    return {"n": n, "mean": float(draws.mean()), "sd": float(draws.std()), "lo": low, "hi": high, "note": note}


def _learned_side(row: Parameter, learner: Learner, state: State) -> dict[str, Any]:
    n, counts = RIGHT[row.name].events(learner, state), RIGHT[row.name].counts
    belief = learner.posterior(state)
    note = (
        _beside_prior(learner.posterior(learner.init()), belief, row) if n else f"its prior: the tape has no {counts}"
    )
    return _side(n, belief, note)


def _beside_prior(before: Belief, after: Belief, row: Parameter) -> str:
    """Say so where most of a belief is its prior; "" elsewhere."""
    share = share_of_prior(before, after, row.support)
    return f"mostly its prior, {share:.0%} of its weight" if share > MOST_OF_PRIOR else ""


def _deployed_side(name: str, tape: Tape, seed: int) -> dict[str, Any]:
    learner, state = _taught(AS_DEPLOYED[name](), tape, seed)
    return _side(events_claimed(learner, state), learner.posterior(state), why_nothing(learner, state))


def _joint_draws(learned: Mapping[str, tuple[Learner, State]], seed: int) -> dict[str, NDArray[np.float64]]:
    """Draws of what derived rows follow from: kappa and A jointly, moves over 60 s apart from them."""
    rng = np.random.default_rng(seed)
    learner, state = learned["kappa"]
    kappa, intensity = learner.posterior(state).joint(DRAWS, rng)  # type: ignore[attr-defined]
    learner, state = learned["momentum_normalizer_bps"]
    moves = np.asarray(learner.posterior(state).rvs(size=DRAWS, random_state=rng))
    return {"kappa": kappa, "A": intensity, "momentum_normalizer_bps": moves}


def _derived_side(
    name: str,
    learned: Mapping[str, tuple[Learner, State]],
    draws: Mapping[str, NDArray[np.float64]],
    choices: Choices,
) -> tuple[dict[str, Any], str]:
    """Push draws through the formula; its events are those of the input that has the fewest."""
    row = DERIVED_ROWS[name]
    counted = {RIGHT[i].events(*learned[i]): RIGHT[i].counts for i in row.inputs if i in RIGHT}
    n = min(counted, default=0.0)
    values = np.atleast_1d(np.asarray(row.value(draws, choices), dtype=np.float64))
    return _side_of_draws(n, values, row.words(choices)), counted.get(n, "nothing")


def _other_side(
    row: Parameter, tape: Tape, learned: Mapping[str, tuple[Learner, State]], seed: int
) -> tuple[dict[str, Any], str]:
    """Rows that are no formula of others: weights that a series teaches, and policy."""
    if row.kind == "policy":
        return _side(0.0, None, f"policy, not learned: {row.reason.removesuffix('.')}"), "nothing"
    if row.name == "kappa_ewma_alpha":
        values, updates, counts = window_log_kappas(learned["kappa"][0], tape, seed), WINDOW_S / STEP_S, "windows"
    else:
        values, updates, counts = signal_rows(tape, "pnl")[1], 1.0, "profits of fills"
    belief = tracking_belief(values, prior(row.name).logpdf, updates)
    if not values.size:
        return _side(0.0, belief, f"its prior: the tape has no {counts}"), counts
    doubt = _beside_prior(prior(row.name), belief, row)
    note = f"from how far {counts} scatter and wander" + (f"; {doubt}" if doubt else "")
    return _side(float(values.size), belief, note), counts


def window_log_kappas(learner: Any, tape: Tape, seed: int = 0) -> NDArray[np.float64]:
    """Return ln of the posterior mean of kappa from each whole window of 300 s alone that has a fill.

    Parameters
    ----------
    learner : KappaExposure
        Its state adds up, so what a window brought is a difference of states.
    tape : Tape
        What happened.
    seed : int
        Of hypothetical orders, where a tape has no own fills.
    """
    state: ExposureState = learner.init()
    values = []
    for piece in shown(learner, tape, seed)[0].slices(WINDOW_S):
        after: ExposureState = learner.update(state, piece)
        new = ExposureState(
            after.own,
            after.exposure_s - state.exposure_s,
            after.depth_s - state.depth_s,
            after.fills - state.fills,
        )
        if new.events and piece.seconds == WINDOW_S:
            values.append(math.log(KappaExposure.posterior(learner, new).mean()))
        state = after
    return np.array(values)


def _truth(row: Parameter, known: Mapping[str, float], choices: Choices) -> tuple[float, str]:
    """Truth of a row where there is one, else NaN and why."""
    if row.name in known:
        return float(known[row.name]), ""
    if row.kind == "policy":
        return math.nan, "a choice has no truth"
    if not known:
        return math.nan, "of this tape no truth is known"
    if row.name in DERIVED_ROWS:
        formula = DERIVED_ROWS[row.name]
        if set(formula.inputs) <= known.keys():
            return float(formula.value(known, choices)), ""
        return math.nan, "what it follows from has no truth in this world"
    if row.kind == "derived":
        return math.nan, "what it tracks stands still in this world: the nearer to 1, the better"
    return math.nan, "its feature is off in this world, or jumps and cascades disturb it"
