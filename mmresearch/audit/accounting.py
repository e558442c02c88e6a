"""Is each event counted once, do units cancel, does cost count as cost?

Ledger: the posterior may not depend on where the tape is cut, on an empty slice, on being pickled, or on silence, and
may not claim more information than the distinct events of the tape carry. Units: multiplying every price or time by c
moves the posterior by the power of c in the parameter's unit. Sign: a mirrored tape says the same, or the opposite
where the parameter has a direction; and more adverse data never give a less adverse belief.
"""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from mmresearch.audit.beliefs import Summary, believe, summarise
from mmresearch.audit.information import Information
from mmresearch.audit.mutants import mutants_of
from mmresearch.audit.result import Finding, Status
from mmresearch.audit.trials import Trials
from mmresearch.belief.catalogue import Parameter
from mmresearch.learn.contract import Learner, State, name_of, run
from mmresearch.tape.columns import FILL_COLUMNS, ORDER_COLUMNS, TRADE_COLUMNS, empty_table
from mmresearch.tape.faults import SliceOrderError
from mmresearch.tape.schema import Tape

CUT_BOUND_SD = 1e-3
SLOPE_BOUND = 0.05
#: Tapes over which a slope beyond its bound is averaged: a learner of points on a grid sees others in other units.
SLOPE_TAPES = 16
#: A posterior may gain this multiple of the Fisher information of the events before it counts as inventing some.
INFORMATION_BOUND = 1.4
SETTLE_S = 700.0


def silence(tape: Tape, start: float, seconds: float) -> Tape:
    """Return a slice in which the last quote stands still and nobody trades, not even we."""
    ts = np.arange(start, start + seconds, 5.0)
    last = tape.quotes.iloc[[-1] * ts.size].reset_index(drop=True)
    return replace(
        tape,
        t0=start,
        t1=start + seconds,
        quotes=last.assign(ts=ts),
        trades=empty_table(TRADE_COLUMNS),
        orders=empty_table(ORDER_COLUMNS),
        fills=empty_table(FILL_COLUMNS),
        signals=None,
    )


def _cuts(tape: Tape, rng: np.random.Generator) -> list[float]:
    inside = np.sort(rng.uniform(tape.t0, tape.t1, 40))
    at_events = pd.concat([tape.fills["ts"], tape.trades["ts"]]).to_numpy()
    picked = rng.choice(at_events, min(10, at_events.size), replace=False) if at_events.size else np.empty(0)
    said = np.empty(0) if tape.signals is None else rng.choice(tape.signals["ts"].to_numpy(), 10)
    return sorted({tape.t0, tape.t1, *inside.tolist(), *picked.tolist(), *said.tolist()})


def _in_pieces(learner: Learner, tape: Tape, cuts: list[float]) -> State:
    state = learner.init()
    for i, (a, b) in enumerate(itertools.pairwise(cuts)):
        state = learner.update(state, tape.between(a, b))
        if i == len(cuts) // 2:
            state = learner.update(pickle.loads(pickle.dumps(state)), tape.between(b, b))
    return state


def ledger_faults(learner: Learner, tape: Tape, rng: np.random.Generator) -> dict[str, float]:
    """Measure how far cuts, empty slices and silence move a posterior, as multiples of the bound (above 1 is a fault).

    Parameters
    ----------
    learner : Learner
        Whom to test.
    tape : Tape
        A tape of a world.
    rng : numpy.random.Generator
        Draws the cuts.
    """
    who = name_of(learner)
    state = run(learner, tape)
    whole = summarise(learner.posterior(state), who)
    pieces = summarise(learner.posterior(_in_pieces(learner, tape, _cuts(tape, rng))), who)
    faults = {"posterior depends on where the tape is cut": whole.distance(pieces) / CUT_BOUND_SD}
    empty = summarise(learner.posterior(learner.update(state, tape.between(tape.t1, tape.t1))), who)
    faults["an empty slice changes the posterior"] = whole.distance(empty) / CUT_BOUND_SD
    settled = _settled(learner, state, tape)
    before = summarise(learner.posterior(settled), who)
    quiet = learner.update(settled, silence(tape, tape.t1 + SETTLE_S, SETTLE_S * 2))
    after = summarise(learner.posterior(quiet), who)
    faults["silence adds information"] = _gain(before, after) / 0.01
    return faults


def information_fault(learner: Learner, count: Information, slices: Sequence[Tape], tape: Tape) -> float:
    """Measure the information that a learner claims, as a multiple of what a tape's distinct events may give it.

    Parameters
    ----------
    learner : Learner
        Whom to test.
    count : callable
        What the events can tell; see `mmresearch.audit.information`.
    slices : sequence of Tape
        The tape, piece by piece.
    tape : Tape
        The tape in one piece.
    """
    prior = summarise(learner.posterior(learner.init()), name_of(learner))
    found = summarise(learner.posterior(_settled(learner, run(learner, tape), tape)), name_of(learner))
    gained = 1 / found.sd**2 - 1 / prior.sd**2
    return gained / count(learner, slices, found) / INFORMATION_BOUND if gained > 0 else 0.0


def _settled(learner: Learner, state: State, tape: Tape) -> State:
    """Let pending markouts come due."""
    return learner.update(state, silence(tape, tape.t1, SETTLE_S))


def _gain(before: Summary, after: Summary) -> float:
    """Relative fall of both the sd and the coefficient of variation: what silence cannot bring."""
    sd = 1 - after.sd / before.sd
    cv = 1 - (after.sd / max(abs(after.mean), 1e-300)) / (before.sd / max(abs(before.mean), 1e-300))
    return max(min(sd, cv), 0.0)


def ledger(learner: Learner, trials: Trials) -> Finding:
    """Is each event counted once?"""
    faults = _faults(learner, trials, 0)
    if max(faults.values()) > 1:  # chance may move a mean too far once, hardly twice
        again = _faults(learner, trials, 1)
        faults = again if max(again.values()) <= 1 else faults
    worst = max(faults, key=lambda k: faults[k])
    if faults[worst] > 1:
        return Finding(
            "ledger", "algebra", "fail", faults[worst], 1.0, None,
            f"{worst}: {faults[worst]:.3g} times what is allowed.",
            "Count each event once; let silence forget, never learn; carry what waits across slices.",
        )  # fmt: skip
    power = float(np.mean([_is_caught(m(learner), trials) for m in mutants_of(trials.design)]))
    why = (
        f"cuts, empty slices, pickling and silence change nothing; worst at {faults[worst]:.2g} of its bound ({worst})."
    )
    return Finding("ledger", "algebra", "pass", faults[worst], 1.0, power, why)


def _faults(learner: Learner, trials: Trials, replicate: int) -> dict[str, float]:
    faults = ledger_faults(learner, trials.typical(replicate), trials.rng("ledger"))
    if trials.design.information is not None:
        faults["claims more information than its events carry"] = _information(learner, trials, replicate)
    return faults


def _information(learner: Learner, trials: Trials, replicate: int) -> float:
    count = trials.design.information
    assert count is not None
    return information_fault(learner, count, trials.typical_slices(replicate), trials.typical(replicate))


def _is_caught(mutant: Learner, trials: Trials) -> bool:
    """Whether the ledger notices a mutant; the slow look at its information only where the quick ones see nothing.

    A learner that refuses a slice that it has seen has noticed it itself.
    """
    try:
        faults = ledger_faults(mutant, trials.typical(), trials.rng("ledger"))
    except SliceOrderError:
        return True
    quick = max(faults.values()) > 1
    return quick or (trials.design.information is not None and _information(mutant, trials, 0) > 1)


def units(learner: Learner, trials: Trials) -> Finding:
    """Do units cancel?"""
    horizon = trials.parameter.horizon_s is not None
    scales = [("price", 7.0, trials.parameter.price_power)]
    if not horizon:
        scales.append(("time", 3.0, trials.parameter.time_power))
    tape = trials.typical()
    base = believe(learner, tape)
    prior = summarise(learner.posterior(learner.init()), name_of(learner))
    slopes = {kind: _spare_power(learner, trials, kind, c, power) for kind, c, power in scales}
    worst = max(slopes, key=lambda k: abs(slopes[k]))
    value, weight = slopes[worst], (base.sd / prior.sd) ** 2
    detail = f"multiplying every {worst} by c moves the posterior by c^{value:+.3f} beyond its unit"
    if prior.distance(base) < CUT_BOUND_SD:
        return Finding("units", "algebra", "undecided", None, SLOPE_BOUND, 0.0, "the tape does not move its prior.")
    if abs(value) > SLOPE_BOUND:
        mend = "Divide by the quantity that carries the spare unit, or measure the evidence in the catalogue unit."
        return Finding("units", "algebra", "fail", value, SLOPE_BOUND, 1.0, detail + ".", mend)
    # A prior with weight w hides a slope s as about (1 - w) s: power is whether a slope of .1 would still show.
    power = float(0.1 * (1 - weight) > SLOPE_BOUND)
    status: Status = "pass" if power else "undecided"
    return Finding("units", "algebra", status, value, SLOPE_BOUND, power, f"{detail} (prior weighs {weight:.2%}).")


def _spare_power(learner: Learner, trials: Trials, kind: str, c: float, power: float) -> float:
    """Power of c beyond that of the unit: of one tape, or, if that is beyond the bound, the mean of others.

    Others are asked until the mean is three standard errors from the bound, or there are `SLOPE_TAPES`.
    """

    def of(replicate: int) -> float:
        tape = trials.typical(replicate)
        scaled = believe(learner, tape.scaled(**{kind: c}))
        return _slope(believe(learner, tape), scaled, c, trials.parameter) - power

    others: list[float] = []
    if abs(first := of(0)) <= SLOPE_BOUND:
        return first
    while len(others) < SLOPE_TAPES:
        others.append(of(1 + len(others)))
        error = np.std(others, ddof=1) / np.sqrt(len(others)) if len(others) > 2 else np.inf
        if abs(abs(np.mean(others)) - SLOPE_BOUND) > 3 * error:
            break
    return float(np.mean(others))


def _slope(base: Summary, scaled: Summary, c: float, row: Parameter) -> float:
    """Power of c by which the belief moved: of the mean, or of -ln of it where the row is a factor per second."""
    before, after = (-np.log(m) if row.scaled_as == "rate" else m for m in (base.mean, scaled.mean))
    if before > 0 and after > 0:
        return float(np.log(after / before) / np.log(c))
    return float((after - before) / max(abs(before), base.sd) / np.log(c))


def sign(learner: Learner, trials: Trials) -> Finding:
    """Does cost count as cost?"""
    tape, design = trials.typical(), trials.design
    base = believe(learner, tape)
    prior = summarise(learner.posterior(learner.init()), name_of(learner))
    expected = base if design.mirror > 0 else _reflected(base, prior)
    moved = expected.distance(believe(learner, tape.mirrored()))
    bound = CUT_BOUND_SD + design.mirror_slack / base.sd
    power = float(base.distance(base.damaged(shift=max(0.1, 2 * bound))) > bound)
    says = "the same" if design.mirror > 0 else "the opposite"
    if moved > bound:
        why = f"a mirrored tape (buy and sell exchanged) should say {says}, but the posterior is {moved:.3g} sd off."
        mend = "Sign every move by the side of the fill, or of the signal: positive is against us, or with it."
        return Finding("sign", "algebra", "fail", moved, bound, power, why, mend)
    if not design.is_cost:
        return Finding("sign", "algebra", "pass", moved, bound, power, f"a mirrored tape says {says}.")
    low, high = (believe(learner, trials.tape(t, 0)).mean for t in trials.low_high)
    rise = (high - low) / (trials.low_high[1] - trials.low_high[0])
    if rise < -SLOPE_BOUND:
        why = f"more adverse data give a less adverse belief: slope {rise:+.2f}."
        mend = "Signed adverse move is -(mid move)/mid after a buy; the handler has it the other way round."
        return Finding("sign", "algebra", "fail", rise, -SLOPE_BOUND, power, why, mend)
    why = f"a mirrored tape says {says}; more adverse data move the belief up (slope {rise:+.2f})."
    return Finding("sign", "algebra", "pass", rise, -SLOPE_BOUND, power, why)


def _reflected(base: Summary, prior: Summary) -> Summary:
    """Return the belief with the evidence turned round; the prior, of weight w = (sd/its sd)^2, stays where it is."""
    shift = 2 * (base.sd / prior.sd) ** 2 * prior.mean
    return Summary(shift - base.mean, base.sd, *(shift - q for q in (base.q95, base.q50, base.q05)))
