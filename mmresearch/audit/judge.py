"""One learner on one tape: what it believes, what the reference says, what it costs; then the certificate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmresearch.audit.agreement import Agreement, agreement
from mmresearch.audit.beliefs import summarise
from mmresearch.audit.decision import Setting, adverse_move_bps, decision
from mmresearch.audit.references import Reference, reference_finding
from mmresearch.audit.result import Certificate, Finding
from mmresearch.audit.sources import events_of, mean_cost_bps, shown
from mmresearch.audit.verdict import decide
from mmresearch.belief.catalogue import parameter
from mmresearch.learn.contract import Learner, name_of, run
from mmresearch.quote.edge import Market, Regret
from mmresearch.tape.schema import Tape

#: Slices in which a tape is fed to a learner, as a live system would.
SLICE_S = 60.0


@dataclass(frozen=True)
class OnTape:
    """Findings of one learner on one tape."""

    findings: tuple[Finding, ...]
    agreement: Agreement | None
    regret: Regret | None


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
    learner: Learner,
    tape: Tape,
    reference: Reference,
    worlds: Sequence[Finding],
    seed: int,
    market: Market | None,
    truth: Mapping[str, float] | None = None,
) -> Certificate:
    """Judge a learner on one tape and write its certificate.

    Parameters
    ----------
    learner : Learner
        Who is judged.
    tape : Tape
        The tape as read.
    reference : Reference
        The hierarchical fit of the same events.
    worlds : sequence of Finding
        What the worlds said about the learner.
    seed : int
        For draws from joint beliefs and for hypothetical orders.
    market : Market or None
        Point estimate of (kappa, A) of the tape.
    truth : mapping, optional
        Parameter -> truth, where the tape is synthetic.
    """
    row = parameter(learner.parameter)
    seen = shown(tape, reference.source, seed)
    belief = learner.posterior(run(learner, seen, SLICE_S))
    prior = learner.posterior(learner.init())
    before, after = summarise(prior, name_of(learner)), summarise(belief, name_of(learner))
    draws = reference.draws(tape.asset)
    gate = reference_finding(reference, tape.asset)
    found, agrees = agreement(belief, draws, name_of(learner))
    setting = setting_for(reference, tape.asset, market)
    regret, costs = _price(row.name, belief, setting, np.random.default_rng(seed))
    findings = (*worlds, gate, agrees, costs)
    provenance = "market-proxy" if reference.source != "own fills" else tape.meta.provenance
    verdict = decide(findings, found if gate.status != "fail" else None, provenance)
    lo, hi = np.quantile(draws, (0.05, 0.95))
    return Certificate(
        learner=name_of(learner), parameter=row.name, unit=row.unit, tape=tape.asset, provenance=provenance,
        verdict=verdict.headline, reason=verdict.reason, algebra=verdict.algebra, calibration=verdict.calibration,
        money=verdict.money, regret_bps=None if regret is None else regret.loss_bps, findings=findings,
        prior_mean=before.mean, prior_sd=before.sd, mean=after.mean, sd=after.sd, lo=after.q05, hi=after.q95,
        reference_mean=float(draws.mean()), reference_sd=float(draws.std(ddof=1)),
        reference_lo=float(lo), reference_hi=float(hi), sd_ratio=found.sd_ratio, bias_sd=found.bias_sd,
        n_events=events_of(row.name, reference.evidence, reference.evidence.assets.index(tape.asset)),
        truth=None if truth is None else truth.get(row.name),
    )  # fmt: skip


def _price(name: str, belief, setting: Setting | None, rng: np.random.Generator) -> tuple[Regret | None, Finding]:
    if setting is None:
        why = "no fill on this tape bounds kappa, so no quote can be priced."
        return None, Finding("decision", "money", "undecided", why=why, mend="Give a longer tape.")
    return decision(name, belief, setting, rng)


def certify_in_worlds(learner: Learner, worlds: Sequence[Finding]) -> Certificate:
    """Write the certificate of a learner that was given no tape: never better than undecided."""
    row = parameter(learner.parameter)
    prior = summarise(learner.posterior(learner.init()), name_of(learner))
    verdict = decide(worlds, None, "worlds")
    return Certificate(
        learner=name_of(learner), parameter=row.name, unit=row.unit, tape=None, provenance="worlds",
        verdict=verdict.headline, reason=verdict.reason, algebra=verdict.algebra, calibration=verdict.calibration,
        money=verdict.money, regret_bps=None, findings=tuple(worlds), prior_mean=prior.mean, prior_sd=prior.sd,
        mean=prior.mean, sd=prior.sd, lo=prior.q05, hi=prior.q95,
    )  # fmt: skip
