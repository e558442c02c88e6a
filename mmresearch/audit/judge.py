"""One learner on one tape: what it believes, what the reference says, what it costs; then the certificate."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmresearch.audit.agreement import Draws, agreement
from mmresearch.audit.beliefs import summarise
from mmresearch.audit.decision import PRICED, Setting, adverse_move_bps, decision
from mmresearch.audit.references import Reference, reference_finding
from mmresearch.audit.result import Certificate, Finding
from mmresearch.audit.sources import events_of, is_silent, mean_cost_bps
from mmresearch.audit.verdict import decide
from mmresearch.belief.catalogue import parameter
from mmresearch.learn.batch.events import Source, shown_from
from mmresearch.learn.contract import Learner, name_of
from mmresearch.models.inputs import fittable
from mmresearch.quote.edge import Market, Regret
from mmresearch.tape.schema import Tape

#: Slices in which a tape is fed to a learner, as a live system would.
SLICE_S = 60.0


@dataclass(frozen=True)
class Case:
    """One tape and one reference: what all learners of a parameter are judged by.

    Attributes
    ----------
    tape : Tape
        As read.
    reference : Reference
        The hierarchical fit of the events that learners are shown.
    own : bool
        Whether the events are the tape's own, and no proxy of fills that we never had.
    slices : tuple of Tape
        Those events, as a live system would see them.
    draws : Draws
        Of the parameter, for this asset.
    gate : Finding
        Whether the reference may be believed.
    setting : Setting or None
        The rest of the quote; None if the tape does not bound kappa, or no rule prices the parameter.
    """

    tape: Tape
    reference: Reference
    own: bool
    slices: tuple[Tape, ...]
    draws: Draws
    gate: Finding
    setting: Setting | None


def prepare(tape: Tape, reference: Reference, source: Source, seed: int, market: Market | None) -> Case:
    """Take from a tape and a reference what is the same for every learner.

    Parameters
    ----------
    tape : Tape
        The tape as read.
    reference : Reference
        The hierarchical fit of the same events.
    source : str
        Which events learners are shown.
    seed : int
        For hypothetical orders.
    market : Market or None
        Point estimate of (kappa, A) of the tape.
    """
    slices = tuple(shown_from(tape, source, seed).slices(SLICE_S))
    own = reference.source in ("own fills", "series")
    draws = Draws.of(reference.draws(tape.asset))
    gate = reference_finding(reference, tape.asset)
    setting = setting_for(reference, tape.asset, market) if reference.parameter in PRICED else None
    return Case(tape, reference, own, slices, draws, gate, setting)


def setting_for(reference: Reference, asset: str, market: Market | None) -> Setting | None:
    """Take the rest of the quote from the reference; None if the tape does not bound kappa.

    Parameters
    ----------
    reference : Reference
        The fit of the parameter that is judged.
    asset : str
        Which asset.
    market : Market or None
        Point estimate of (kappa, A) of the tape, for parameters that are only a cost.
    """
    i = reference.evidence.assets.index(asset)
    moves = reference.evidence.spread_floor_bps[i]
    if reference.parameter == "kappa":
        market = Market(reference.draws(asset) * 1e-4, reference.draws(asset, "A"))
    if market is None:
        return None
    adverse = adverse_move_bps(moves.values_bps)
    if reference.parameter == "alpha_touch":
        cost = moves.fee_bps + float(reference.draws(asset).mean()) * adverse
    elif reference.parameter == "spread_floor_bps":
        cost = float(reference.draws(asset).mean())
    else:
        cost = mean_cost_bps(moves)
    return Setting(market, cost, moves.fee_bps, adverse)


def certify_on(
    learner: Learner, case: Case, worlds: Sequence[Finding], seed: int, truth: Mapping[str, float] | None = None
) -> Certificate:
    """Judge a learner on one tape and write its certificate.

    Parameters
    ----------
    learner : Learner
        Who is judged.
    case : Case
        The tape and the reference.
    worlds : sequence of Finding
        What the worlds said about the learner.
    seed : int
        For draws from joint beliefs.
    truth : mapping, optional
        Parameter -> truth, where the tape is synthetic.
    """
    row, reference, asset = parameter(learner.parameter), case.reference, case.tape.asset
    prior = learner.posterior(learner.init())
    belief = learner.posterior(functools.reduce(learner.update, case.slices, learner.init()))
    before, after = summarise(prior, name_of(learner)), summarise(belief, name_of(learner))
    found, agrees = agreement(belief, case.draws, name_of(learner))
    if silent := is_silent(row.name, reference.evidence, reference.evidence.assets.index(asset)):
        why = f"nothing on this tape could teach {row.name}: the belief is the prior, the reference its population."
        agrees = Finding("agreement", "calibration", "undecided", why=why, mend="Give a tape that shows it.")
    regret, costs = _price(row.name, belief, case.setting, np.random.default_rng(seed))
    findings = (*worlds, case.gate, agrees, costs)
    provenance = case.tape.meta.provenance if case.own else "market-proxy"
    verdict = decide(findings, None if silent or case.gate.status == "fail" else found, provenance)
    lo, hi = np.quantile(case.draws.values, (0.05, 0.95))
    return Certificate(
        learner=name_of(learner), parameter=row.name, unit=row.unit, tape=asset, provenance=provenance,
        verdict=verdict.headline, reason=verdict.reason, algebra=verdict.algebra, calibration=verdict.calibration,
        money=verdict.money, regret_bps=None if regret is None else regret.loss_bps, findings=findings,
        prior_mean=before.mean, prior_sd=before.sd, mean=after.mean, sd=after.sd, lo=after.q05, hi=after.q95,
        reference_mean=case.draws.mean, reference_sd=case.draws.sd,
        reference_lo=float(lo), reference_hi=float(hi), sd_ratio=found.sd_ratio, bias_sd=found.bias_sd,
        n_events=events_of(row.name, reference.evidence, reference.evidence.assets.index(asset)),
        truth=None if truth is None else truth.get(row.name),
    )  # fmt: skip


def _price(name: str, belief, setting: Setting | None, rng: np.random.Generator) -> tuple[Regret | None, Finding]:
    if name not in PRICED:
        why = f"no rule says how a quote depends on {name}, so its error has no price."
        return None, Finding("decision", "money", "not applicable", why=why)
    if setting is None:
        why = "no fill on this tape bounds kappa, so no quote can be priced."
        return None, Finding("decision", "money", "undecided", why=why, mend="Give a longer tape.")
    return decision(name, belief, setting, rng)


def certify_in_worlds(learner: Learner, worlds: Sequence[Finding], tapes: int = 0) -> Certificate:
    """Write the certificate of a learner that no tape could judge: never better than undecided.

    Parameters
    ----------
    learner : Learner
        Who is judged.
    worlds : sequence of Finding
        What the worlds said about the learner.
    tapes : int
        How many tapes were given, though no reference was fitted to judge by on them.
    """
    row = parameter(learner.parameter)
    prior = summarise(learner.posterior(learner.init()), name_of(learner))
    known = "not fitted" if row.name in fittable() else "no reference"
    verdict = decide(worlds, None, known if tapes else "worlds")
    return Certificate(
        learner=name_of(learner), parameter=row.name, unit=row.unit, tape=None, provenance="worlds",
        verdict=verdict.headline, reason=verdict.reason, algebra=verdict.algebra, calibration=verdict.calibration,
        money=verdict.money, regret_bps=None, findings=tuple(worlds), prior_mean=prior.mean, prior_sd=prior.sd,
        mean=prior.mean, sd=prior.sd, lo=prior.q05, hi=prior.q95,
    )  # fmt: skip
