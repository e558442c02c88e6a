"""An audit made up for the tests of report and command: three parameters, three learners each, eight assets.

Every number comes from a seeded generator; nothing was measured.
"""

from __future__ import annotations

import numpy as np

from mmresearch.audit.result import Audit, Certificate, Finding, FitSummary, TapeSummary

ASSETS = ("ALFA", "BRAV", "CHAR", "DELT", "ECHO", "FOXT", "GOLF", "HOTL")
LEARNERS = {
    "kappa": (("KappaExposure", "certified"), ("KappaFillDistances", "wrong target"), ("DeployedKappa", "accounting")),
    "alpha_touch": (("AlphaTouch", "usable"), ("AlphaTwoLabels", "overconfident"), ("AlphaTwoSided", "biased")),
    "spread_floor_bps": (("SpreadFloor", "certified"), ("FloorKnownVariance", "overconfident"), ("Mute", "undecided")),
}
UNITS = {"kappa": "1/(fraction of price)", "alpha_touch": "probability", "spread_floor_bps": "bps"}
PRIOR = {"kappa": (2000.0, 1000.0), "alpha_touch": (0.25, 0.14), "spread_floor_bps": (5.0, 2.0)}
_WORDS = {"accounting": "broken accounting"}
#: Verdict -> (shift of the mean in reference sd, ratio of sds, regret in bps).
_HABITS = {
    "certified": (0.0, 1.0, 0.004),
    "usable": (0.1, 1.15, 0.03),
    "overconfident": (0.1, 0.6, 0.02),
    "biased": (4.0, 1.0, 0.9),
    "wrong target": (-6.0, 0.7, 2.5),
    "broken accounting": (-9.0, 0.05, 14.0),
    "undecided": (0.05, 1.05, 0.01),
}
_WORLD_CHECKS = ("ledger", "units", "sign", "exactness", "estimand", "policy", "calibration")
_DECIDES = {
    "broken accounting": "ledger",
    "wrong target": "estimand",
    "biased": "agreement",
    "overconfident": "agreement",
    "undecided": "calibration",
}


def fake_audit(n_assets: int = 8, seed: int = 7) -> Audit:
    """Make up an audit; the same seed gives the same one."""
    rng = np.random.default_rng(seed)
    assets = tuple(ASSETS[i] if i < len(ASSETS) else f"ASSET{i}" for i in range(n_assets))
    certificates, fits = [], []
    for parameter, learners in LEARNERS.items():
        truth = _truths(parameter, n_assets, rng)
        sd = np.abs(truth) * rng.uniform(0.02, 0.12, n_assets)
        reference = truth + sd * rng.standard_normal(n_assets)
        fits += [_fit(parameter, b, assets, reference, sd, rng) for b in ("pymc", "numpyro")]
        for name, word in learners:
            verdict = _WORDS.get(word, word)
            for i, asset in enumerate(assets):
                certificates.append(_certificate(name, parameter, asset, verdict, truth[i], reference[i], sd[i], rng))
    tapes = tuple(
        TapeSummary(a, "synthetic", f"data/{a}.tape", f"{i:064x}", 7200.0, 28800, 5900, 2900, 410 + i,
                    ("quotes: 3 identical rows dropped",) if i == 2 else ())
        for i, a in enumerate(assets)
    )  # fmt: skip
    settings = {"backend": "both", "quick": True, "seed": 1, "bias_bound_sd": 0.25, "sd_ratio_bound": 0.8,
                "tolerance_bps": 0.1, "tolerance_edge": 0.01}  # fmt: skip
    versions = {"mmresearch": "0.1.0", "numpy": "2.5.0", "pymc": "6.4.0"}
    notes = ("CHAR: no own fills; a market proxy ranks shortcuts, it never certifies one.",)
    return Audit(tuple(certificates), tuple(fits), tapes, settings, versions, 61.5, notes)


def _truths(parameter: str, n: int, rng: np.random.Generator) -> np.ndarray:
    if parameter == "kappa":
        return 2000.0 * np.exp(0.5 * rng.standard_normal(n))
    if parameter == "alpha_touch":
        return 1 / (1 + np.exp(1.1 - 0.5 * rng.standard_normal(n)))
    return 5.0 + 1.5 * rng.standard_normal(n)


def _fit(
    parameter: str, backend: str, assets: tuple[str, ...], mean: np.ndarray, sd: np.ndarray, rng: np.random.Generator
) -> FitSummary:
    raw = mean + (mean - mean.mean()) * 0.15 + sd * 0.3 * rng.standard_normal(len(assets))
    return FitSummary(
        parameter, backend, "nutpie" if backend == "pymc" else "numpyro", "centred", assets,
        tuple(map(float, mean)), tuple(map(float, sd)), float(rng.uniform(900, 4000)), 1.003, 0.0, 0.92,
        backend == "pymc" or parameter != "alpha_touch", float(rng.uniform(2, 12)), tuple(map(float, raw)),
    )  # fmt: skip


def _certificate(
    name: str, parameter: str, asset: str, verdict: str, truth: float, reference: float, sd: float,
    rng: np.random.Generator,
) -> Certificate:  # fmt: skip
    shift, ratio, regret = _HABITS[verdict]
    ratio *= float(np.exp(0.05 * rng.standard_normal()))
    bias = shift * float(rng.uniform(0.8, 1.2)) + 0.05 * float(rng.standard_normal())
    mean, spread = reference + bias * sd, ratio * sd
    regret *= float(np.exp(0.5 * rng.standard_normal()))
    findings = _findings(verdict, ratio, bias, regret)
    reason = next((f"{f.check}: {f.why}" for f in findings if f.status in ("fail", "undecided")), "all checks pass.")
    axes = {"algebra": "pass: 6 of 6", "calibration": "pass: 2 of 2", "money": "pass: 1 of 1"}
    for f in findings:
        if f.status != "pass" and f.axis in axes:
            axes[f.axis] = f"{f.status}: {f.check}"
    return Certificate(
        learner=name, parameter=parameter, unit=UNITS[parameter], tape=asset, provenance="synthetic", verdict=verdict,
        reason=reason, **axes, regret_bps=regret, findings=findings, prior_mean=PRIOR[parameter][0],
        prior_sd=PRIOR[parameter][1], mean=mean, sd=spread, lo=mean - 1.645 * spread, hi=mean + 1.645 * spread,
        reference_mean=reference, reference_sd=sd, reference_lo=reference - 1.645 * sd,
        reference_hi=reference + 1.645 * sd, sd_ratio=ratio, bias_sd=bias, n_events=410, truth=float(truth),
    )  # fmt: skip


def _findings(verdict: str, ratio: float, bias: float, regret: float) -> tuple[Finding, ...]:
    decides = _DECIDES.get(verdict)
    worlds = [_world_finding(check, verdict, decides == check) for check in _WORLD_CHECKS]
    numbers = f"bias {bias:+.2f} sd, sd ratio {ratio:.2f}, 90 % interval holds 88% of the reference"
    failed = decides == "agreement" or verdict in ("wrong target", "broken accounting")
    costly = regret > 0.1
    return (
        *worlds,
        Finding("reference", "reference", "pass", 2.1, 4.0, 1.0, "PyMC and NumPyro pass the gate and agree."),
        Finding("agreement", "calibration", "fail" if failed else "pass", ratio, 0.8, 1.0, f"{numbers}.",
                "See the nested models: which assumption makes the difference." if failed else ""),
        Finding("decision", "money", "fail" if costly else "pass", regret, 0.1, 1.0,
                f"loses {regret:.3f} bps of an edge of 5.20 (tolerance 0.10)."),
    )  # fmt: skip


def _world_finding(check: str, verdict: str, decides: bool) -> Finding:
    axis = "calibration" if check == "calibration" else "algebra"
    if not decides:
        return Finding(check, axis, "pass", 0.0012, 0.05, 0.98, f"{check} holds in all worlds.")
    if verdict == "undecided":
        return Finding(check, axis, "undecided", 0.04, 0.05, 0.3, "too few replicates.", "Run without --quick.")
    why = "the posterior depends on where the tape is cut: claimed sd falls with the number of calls <n = 720>."
    return Finding(check, axis, "fail", 19.2, 0.05, 1.0, why, "Feed each event once: keep counts, not running totals.")
