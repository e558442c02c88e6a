"""Rows multiply to the likelihood: sums of pointwise densities against the log likelihood of the PyMC model itself.

Both are looked at between two draws, so that constants of the data drop out. What the model integrates out otherwise
than the rows do (windows of kappa, chances of cascades) is held to a sum or an integral that is written out here.
"""

import dataclasses
import functools

import numpy as np
import pytest
import series_tapes as made
import xarray as xr
from scipy import integrate, special, stats
from test_models_density import small_evidence

import mmresearch as mm
import mmresearch.models.pymc as in_pymc
from mmresearch.models.criticism.laws import beta_binomial, binomial, negative_binomial, poisson, student_t
from mmresearch.models.criticism.pointwise import pointwise
from mmresearch.models.data import EvidenceError, depth_data, walk_data
from mmresearch.models.features import HourCosts, Moves, feature_evidence
from mmresearch.models.priors import KappaPriors
from mmresearch.models.series import series_evidence

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:.*os.fork.*:RuntimeWarning"
)


def named(tape, name):
    return mm.Tape(name, tape.t0, tape.t1, tape.quotes, tape.trades, signals=tape.signals, meta=tape.meta)


@functools.cache
def series():
    rng = np.random.default_rng(3)
    tapes = [
        made.level(rng, 1.0, 0.3, 150),
        made.flow(made.cluster(rng, 0.4, 0.5, 1.0, 150), 150),
        made.regimes(rng, 0.95, 3.0, 1.5, 150),
        made.lead(rng, 0.9, 0.5, 150),
    ]
    return series_evidence([named(t, n) for t, n in zip(tapes, "ABCD", strict=True)])


@functools.cache
def features():
    rng = np.random.default_rng(4)
    tapes = [
        made.drift_to_momentum(rng, 2.0, 1.0, 1200),
        made.changes(rng, 0.02, 2.0, 1.0, 1200),
        made.falls(rng, 0.02, 0.1, 0.1, 60),
    ]
    found = feature_evidence([named(t, n) for t, n in zip(tapes, "ABC", strict=True)])
    n = rng.integers(0, 9, (3, 24)).astype(float)
    squares = 30 * rng.chisquare(np.maximum(n - 1, 0) + 1e-9)
    costs = [HourCosts(a, n[i], 5 + rng.normal(size=24), squares[i]) for i, a in enumerate("ABC")]
    steps = [Moves(a, 80.0, float(x @ x), x) for a, x in zip("ABC", rng.standard_t(4, (3, 80)), strict=True)]
    return dataclasses.replace(found, hours=tuple(costs), minutes=tuple(steps))


def at_two_draws(model, seed=0):
    """Log likelihoods at two points of the unconstrained space, and the points as draws of a fit."""
    rng = np.random.default_rng(seed)
    inputs = model.value_vars
    data = model.compile_logp(vars=[*model.observed_RVs, *model.potentials], sum=True, mode="FAST_COMPILE")
    outputs = [*model.deterministics, *model.free_RVs]
    report = model.compile_fn(
        model.replace_rvs_by_values(outputs), inputs=inputs, mode="FAST_COMPILE", on_unused_input="ignore"
    )
    start = model.initial_point(0)
    value, draws = [], {v.name: [] for v in outputs}
    for _ in range(2):
        point = {k: v + rng.normal(0.0, 0.2, np.shape(v)) for k, v in start.items()}
        value.append(float(data(point)))
        for v, x in zip(outputs, report(point), strict=True):
            draws[v.name].append(np.asarray(x))
    found = {}
    for name, values in draws.items():
        dims = model.named_vars_to_dims.get(name) or [f"{name}_{i}" for i in range(values[0].ndim)]
        found[name] = (("chain", "draw", *dims), np.stack(values)[None])
    coords = {k: list(v) for k, v in model.coords.items() if any(k in d for d, _ in found.values())}
    return np.array(value), xr.Dataset(found, coords=coords)


CASES = [
    ("alpha_touch", {"overdispersion": False}, small_evidence, {}),
    ("alpha_touch", {}, small_evidence, {}),
    ("spread_floor_bps", {}, small_evidence, {}),
    ("spread_floor_bps", {"window_effect": False}, small_evidence, {}),
    ("spread_floor_bps", {"noise": "student_t"}, small_evidence, {}),
    ("kappa", {"window_effect": False}, functools.partial(small_evidence, True), {}),
    ("sigma_bps_per_sqrt_s", {}, features, {}),
    ("momentum_normalizer_bps", {"noise": "student_t"}, features, {}),
    ("proactive_skew_sensitivity", {}, features, {}),
    ("proactive_skew_sensitivity", {"noise": "normal"}, features, {}),
    ("predictive_bias_sensitivity", {}, features, {}),
    ("toxic_hour_gamma_mult", {}, features, {}),
    ("hawkes", {}, series, {}),
    ("local_level", {}, series, {}),
    ("microprice_decay", {}, series, {}),
    ("regime_sticky_diagonal", {"states": 3}, series, {}),
    ("bocpd_hazard_rate", {"runs": "marginalised"}, series, {"runs": "marginalised"}),
]


@pytest.mark.parametrize(
    ("name", "options", "given", "told"), CASES, ids=[f"{name}-{options}" for name, options, *_ in CASES]
)
def test_rows_multiply_to_the_likelihood(name, options, given, told):
    evidence = given()
    exact, draws = at_two_draws(getattr(in_pymc, name)(evidence, **options))
    rows = pointwise(name, draws, evidence, **told).sum("row").to_numpy().ravel()
    assert abs(np.diff(exact)) > 0.2, "the two draws must differ by something"
    np.testing.assert_allclose(np.diff(rows), np.diff(exact), rtol=1e-8, atol=1e-6)


def test_windows_of_kappa_are_integrated_out():
    """Against adaptive quadrature of the density of each window, written out with SciPy's laws."""
    evidence = small_evidence()
    _, draws = at_two_draws(in_pymc.kappa(evidence))
    ours = pointwise("kappa", draws, evidence).to_numpy()[0]
    data = depth_data(evidence)
    for s in range(2):
        one = draws.isel(chain=0, draw=s)
        kappa, a, wander, burst = (one[k].to_numpy() for k in ("kappa", "A", "wander_kappa", "burst"))
        size = 1 / (burst**2 + KappaPriors().burst_floor)
        for row, i in enumerate(data.asset):

            def window(w, row=row, i=i, kappa=kappa, a=a, wander=wander, size=size):
                k = kappa[i] * 1e-4 * np.exp(wander * w)
                weight = data.exposure_s[row] * np.exp(-k * data.depth_bps[row])
                mean = a[i] * np.exp(-k * data.reference_bps[i]) * weight.sum()
                n = data.fills[row]
                depths = -k * data.travelled_bps[row] - n * np.log(weight.sum())
                return stats.nbinom.logpmf(n, size, size / (size + mean)) + depths + stats.norm.logpdf(w)

            top = max(map(window, np.linspace(-3, 3, 61)))
            exact = integrate.quad(lambda w, f=window, t=top: np.exp(f(w) - t), -8, 8, epsrel=1e-10, limit=400)[0]
            np.testing.assert_allclose(ours[s, row], top + np.log(exact), rtol=1e-7)


def test_windows_of_walks_are_integrated_out():
    evidence = small_evidence(walks=True)
    _, draws = at_two_draws(in_pymc.kappa(evidence))
    with_windows = pointwise("kappa", draws, evidence).to_numpy()[0]
    alike = pointwise("kappa", draws.drop_vars("wander_kappa"), evidence).to_numpy()[0]
    data = walk_data(evidence)
    one = draws.isel(chain=0, draw=0)
    for row, i in enumerate(data.asset):

        def excess(w, wander, row=row, i=i):
            k = float(one["kappa"][i]) * 1e-4 * np.exp(wander * w)
            return np.exp(data.beyond[row] * np.log1p(-np.exp(-k * data.tick_bps[row])) - k * data.excess_bps[row])

        wander = float(one["wander_kappa"])
        exact = integrate.quad(
            lambda w, f=excess, s=wander: f(w, s) * stats.norm.pdf(w), -8, 8, epsabs=0, epsrel=1e-10
        )[0]
        np.testing.assert_allclose(with_windows[0, row] - alike[0, row], np.log(exact / excess(0.0, 0.0)), atol=1e-6)


@pytest.mark.parametrize("k", [0, 1, 3, 7, 8])
def test_laws_are_those_of_scipy(k):
    a, b, n, mean, size = np.array([0.3, 4.0]), np.array([2.0, 0.7]), 8, np.array([0.4, 6.0]), np.array([0.5, 30.0])
    chance = size / (size + mean)
    for ours, theirs in (
        (beta_binomial(k, n, a, b), stats.betabinom(n, a, b)),
        (negative_binomial(np.array(float(k)), mean, size), stats.nbinom(size, chance)),
        (poisson(np.array(float(k)), mean), stats.poisson(mean)),
        (binomial(np.array(float(k)), np.array(float(n)), a / (a + b)), stats.binom(n, a / (a + b))),
    ):
        for mine, other in zip(ours, (theirs.logpmf(k), theirs.cdf(k - 1), theirs.cdf(k)), strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-14)
    density, below, upto = student_t(a, size + 2, b, mean)
    np.testing.assert_allclose(density, stats.t(size + 2, b, mean).logpdf(a), rtol=1e-12)
    np.testing.assert_allclose([below, upto], [stats.t(size + 2, b, mean).cdf(a)] * 2, rtol=1e-9)


def test_other_data_are_scored_by_the_same_law():
    """Windows that nobody fitted: two halves scored apart are the whole."""
    evidence = small_evidence()
    _, draws = at_two_draws(in_pymc.alpha_touch(evidence))
    halves = [
        dataclasses.replace(
            evidence,
            alpha_touch=tuple(
                dataclasses.replace(c, informed=c.informed[cut], total=c.total[cut]) for c in evidence.alpha_touch
            ),
        )
        for cut in (slice(0, 2), slice(2, 4))
    ]
    whole, *parts = (pointwise("alpha_touch", draws, e).groupby("asset").sum().to_numpy() for e in (evidence, *halves))
    np.testing.assert_allclose(whole, sum(parts), rtol=1e-10)


def test_falls_are_binomial_about_the_threshold():
    evidence = features()
    _, draws = at_two_draws(in_pymc.cascade_oi_threshold(evidence))
    found = pointwise("cascade_oi_threshold", draws, evidence, seed=1)
    assert (found <= 1e-12).all()
    assert found.sizes["row"] == sum((f.total > 0).sum() for f in evidence.falls)
    assert special.logsumexp(found.to_numpy()) < np.inf


def test_what_does_not_fit_is_refused():
    evidence = small_evidence()
    _, draws = at_two_draws(in_pymc.alpha_touch(evidence))
    other = dataclasses.replace(evidence, alpha_touch=evidence.alpha_touch[::-1])
    with pytest.raises(EvidenceError, match="the fit is of A, B, C, the evidence of C, B, A"):
        pointwise("alpha_touch", draws, other)
    with pytest.raises(EvidenceError, match="no reference model for 'beta_touch'"):
        pointwise("beta_touch", draws, evidence)
    with pytest.raises(EvidenceError, match="no spread_floor_bps"):
        pointwise("spread_floor_bps", draws, evidence)
