"""Models of moves, costs and falls: both backends state one law, and it is the one that slow and plain sums give.

The oracles are written here with numpy and scipy alone: single values, joint Gaussians, integrals over what is unknown.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import series_tapes as made
from numpyro.handlers import seed, substitute, trace
from numpyro.infer.util import initialize_model, log_density
from perturbed_priors import slightly_off
from scipy import integrate, special, stats

import mmresearch as mm
import mmresearch.models.numpyro as in_numpyro
import mmresearch.models.pymc as in_pymc
from mmresearch.learn import CascadeThreshold, ChangepointBias, MoveScale, SkewSlope, ToxicHours
from mmresearch.learn.sound.cascade import EDGES
from mmresearch.learn.sound.moments import Fit, PairMoments
from mmresearch.models.data import EvidenceError
from mmresearch.models.feature_data import SMALL_BPS
from mmresearch.models.feature_priors import (
    BiasPriors,
    CascadePriors,
    HourPriors,
    NormalizerPriors,
    SlopePriors,
    VolatilityPriors,
)
from mmresearch.models.features import Falls, FeatureEvidence, Foretold, HourCosts, Moves, feature_evidence
from mmresearch.models.priors import KappaPriors

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:.*os.fork.*:RuntimeWarning"
)

KIND = {
    "sigma_bps_per_sqrt_s": VolatilityPriors,
    "momentum_normalizer_bps": NormalizerPriors,
    "proactive_skew_sensitivity": SlopePriors,
    "predictive_bias_sensitivity": BiasPriors,
    "toxic_hour_gamma_mult": HourPriors,
    "cascade_oi_threshold": CascadePriors,
}
#: Models and their nested options; hours that are toxic have fills in one asset, and none in the other.
CASES = {
    "sigma": ("sigma_bps_per_sqrt_s", {}),
    "sigma t": ("sigma_bps_per_sqrt_s", {"noise": "student_t"}),
    "minute": ("momentum_normalizer_bps", {}),
    "minute t": ("momentum_normalizer_bps", {"noise": "student_t", "pooling": False}),
    "slope": ("proactive_skew_sensitivity", {}),
    "slope normal": ("proactive_skew_sensitivity", {"noise": "normal"}),
    "bias": ("predictive_bias_sensitivity", {}),
    "bias t": ("predictive_bias_sensitivity", {"noise": "student_t"}),
    "bias of unit scale": ("predictive_bias_sensitivity", {"unit_scale": True, "pooling": False}),
    "hours": ("toxic_hour_gamma_mult", {"hours": (1, 2)}),
    "hours pooled": ("toxic_hour_gamma_mult", {"hours": (1, 2), "hour_effects": False, "pooling": False}),
    "falls": ("cascade_oi_threshold", {}),
}


def moves_of(name, values) -> Moves:
    return Moves(name, float(len(values)), float((values**2).sum()), values)


@functools.cache
def raw():
    """Single values behind `small_features`: the third asset has none."""
    rng = np.random.default_rng(5)
    momentum = [rng.normal(0.3, 1.0, n) for n in (30, 12)]
    return {
        "moves": [s * rng.standard_t(4, n) for s, n in ((2.0, 40), (0.7, 15))],
        "momentum": momentum,
        "after": [1.0 + 2 * m + 3 * rng.normal(size=m.size) for m in momentum],
        "bias": [2.0 + rng.normal(size=n) for n in (9, 3)],
        "costs": [
            {h: c + 4 * rng.normal(size=n) for h, c, n in ((0, 3.0, 12), (1, 7.0, 20), (5, 3.5, 1))},
            {h: 2.0 + rng.normal(size=n) for h, n in ((0, 5), (5, 8))},
        ],
        "falls": [(0.02 * np.exp(0.7 * rng.normal(size=14)), rng.random(14)) for _ in range(2)],
    }


def pairs(name, x, y) -> Foretold:
    return Foretold(name, PairMoments().add(x, y).slope(), x, y)


def mean_of(name, z) -> Foretold:
    return Foretold(name, Fit(z.mean(), float(z.size), float(((z - z.mean()) ** 2).sum()), float(z.size)), z**0, z)


def costs_of(name, by_hour) -> HourCosts:
    table = np.zeros((3, 24))
    for h, x in by_hour.items():
        table[:, h] = x.size, x.mean(), ((x - x.mean()) ** 2).sum()
    return HourCosts(name, *table)


def falls_of(name, size, bad) -> Falls:
    place = np.searchsorted(EDGES, size)
    return Falls(name, *(np.bincount(p, minlength=EDGES.size + 1).astype(float) for p in (place[bad], place)))


def empty_feature(name):
    nothing = np.zeros(0)
    return Moves(name), Moves(name), Foretold(name), Foretold(name), costs_of(name, {}), falls_of(name, nothing, [])


def small_features() -> FeatureEvidence:
    r, columns = raw(), []
    for i, name in enumerate("AB"):
        size, chance = r["falls"][i]
        bad = chance < np.where(size > 0.02, 0.8, 0.2)
        columns.append(
            (moves_of(name, r["moves"][i]), moves_of(name, 5 * r["moves"][i]),
             pairs(name, r["momentum"][i], r["after"][i]), mean_of(name, r["bias"][i]),
             costs_of(name, r["costs"][i]), falls_of(name, size, bad))
        )  # fmt: skip
    return FeatureEvidence(*zip(*columns, empty_feature("C"), strict=True))


# The density contract ----------------------------------------------------------------------------------------------


@functools.cache
def compiled(case: str, form: str):
    name, options = CASES[case]
    model = getattr(in_pymc, name)(small_features(), parameterisation=form, **options)
    return model, model.compile_logp(jacobian=True, mode="FAST_COMPILE")


class Pair:
    """Both log densities of one model on unconstrained space."""

    def __init__(self, case: str, form: str = "auto"):
        name, options = CASES[case]
        self.model, self.logp = compiled(case, form)
        with jax.enable_x64(True):
            built = getattr(in_numpyro, name)(small_features(), parameterisation=form, **options)
            info = initialize_model(jax.random.PRNGKey(0), built)
            self.slope = jax.jit(jax.value_and_grad(info.potential_fn))
            self.shapes = {k: np.shape(v) for k, v in info.param_info.z.items()}
        self.names = {rv.name: self.model.rvs_to_values[rv].name for rv in self.model.free_RVs}

    def points(self, n: int) -> list[dict[str, np.ndarray]]:
        rng = np.random.default_rng(3)
        return [{k: rng.normal(0.0, 0.5, s) for k, s in self.shapes.items()} for _ in range(n)]

    def in_numpyro(self, point):
        with jax.enable_x64(True):
            value, slope = self.slope({k: jnp.asarray(v) for k, v in point.items()})
        return -float(value), {k: -np.asarray(v) for k, v in slope.items()}

    def in_pymc(self, point):
        return {self.names[k]: v for k, v in point.items()}


#: Hundreds of thresholds take PyTensor some seconds to compile; their values are compared in later tests too.
SLOW = ("falls",)


@pytest.mark.parametrize("form", ["auto", "centred", "noncentred"])
@pytest.mark.parametrize("case", [pytest.param(c, marks=pytest.mark.long if c in SLOW else ()) for c in CASES])
def test_backends_have_the_same_densities_and_gradients_in_every_form(case, form):
    pair = Pair(case, form)
    assert set(pair.names) == set(pair.shapes)
    points = pair.points(5)
    assert np.ptp([float(pair.logp(pair.in_pymc(p))) - pair.in_numpyro(p)[0] for p in points]) < 1e-6
    theirs = pair.model.compile_dlogp(jacobian=True, mode="FAST_COMPILE")(pair.in_pymc(points[0]))
    back = {v: k for k, v in pair.names.items()}
    _, slope = pair.in_numpyro(points[0])
    ours = np.concatenate([slope[back[v.name]].ravel() for v in pair.model.value_vars])
    np.testing.assert_allclose(theirs, ours, rtol=1e-8, atol=1e-8 * np.abs(ours).max())


@functools.cache
def on_constrained_points(case: str):
    """The PyMC density without Jacobian at three points, and the points as NumPyro names them."""
    model, _ = compiled(case, "auto")
    logp, rng = model.compile_logp(jacobian=False, mode="FAST_COMPILE"), np.random.default_rng(3)
    points, values = [], []
    for _ in range(3):
        free = {v.name: rng.normal(0.0, 0.5, np.shape(model.initial_point()[v.name])) for v in model.value_vars}
        values.append(float(logp(free)))
        names = {model.rvs_to_values[rv].name: rv.name for rv in model.free_RVs}
        points.append({names[k]: np.exp(x) if k.endswith("_log__") else x for k, x in free.items()})
    return points, np.array(values)


@pytest.mark.parametrize("case", ["sigma t", "minute", "slope", "bias t", "hours", "falls"])
def test_a_constant_off_by_one_per_cent_breaks_the_contract(case):
    (name, options), (points, values) = CASES[case], on_constrained_points(case)

    def spread(priors):
        model = getattr(in_numpyro, name)(small_features(), priors=priors, **options)
        with jax.enable_x64(True):
            return np.ptp([float(log_density(model, (), {}, p)[0]) for p in points] - values)

    assert spread(KIND[name]()) < 1e-6
    off = dict(slightly_off(KIND[name]()))
    assert len(off) >= 4
    for field, priors in off.items():
        if case == "minute" and field.startswith("tail."):
            continue  # its noise is Normal
        assert spread(priors) > 1e-5, field


@pytest.mark.parametrize("case", CASES)
def test_backends_report_the_same_numbers_at_one_point(case):
    """Draws that no datum touches included: costs of hours, and thresholds that were summed out."""
    name, options = CASES[case]
    model, _ = compiled(case, "auto")
    points, _ = on_constrained_points(case)
    wanted = [d.name for d in model.deterministics if d.name == name or d.name == "hour_cost_bps"]
    assert name in wanted
    read = model.compile_fn(
        [model[w] for w in wanted], inputs=model.free_RVs, mode="FAST_COMPILE", on_unused_input="ignore"
    )
    built = getattr(in_numpyro, name)(small_features(), **options)
    for point in points:
        theirs = read({k: v for k, v in point.items()})
        with jax.enable_x64(True):
            sites = trace(seed(substitute(built, data=point), jax.random.PRNGKey(0))).get_trace()
        for w, value in zip(wanted, theirs, strict=True):
            np.testing.assert_allclose(value, np.asarray(sites[w]["value"]), rtol=1e-8)


# What is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", [in_pymc, in_numpyro])
@pytest.mark.parametrize("name", KIND)
def test_what_cannot_be_modelled_is_refused(backend, name):
    model, features = getattr(backend, name), small_features()
    with pytest.raises(EvidenceError, match="no asset has"):
        model(FeatureEvidence(*zip(empty_feature("A"), empty_feature("B"), strict=True)))
    with pytest.raises(EvidenceError, match="reads features"):
        model(object())
    with pytest.raises(TypeError, match=f"takes {KIND[name].__name__}, got KappaPriors"):
        model(features, priors=KappaPriors())
    with pytest.raises(ValueError, match="parameterisation must be"):
        model(features, parameterisation="centered")


@pytest.mark.parametrize("backend", [in_pymc, in_numpyro])
def test_values_that_never_vary_and_unknown_choices_are_refused(backend):
    still = np.zeros(20)
    ones, falls = np.ones(20), small_features().falls[:1]
    flat = FeatureEvidence(
        (moves_of("A", still),), (moves_of("A", still),), (pairs("A", np.arange(20.0), still),), (mean_of("A", ones),),
        (costs_of("A", {0: ones}),), falls,
    )  # fmt: skip
    for name in KIND:
        if name != "cascade_oi_threshold":
            with pytest.raises(EvidenceError, match="of A never vary, so they have no scale; leave the asset out"):
                getattr(backend, name)(flat)
    features = small_features()
    spiky = moves_of("A", np.append(still, 1.0))
    with pytest.raises(EvidenceError, match=r"more than half of the moves of A are 0.*use noise='normal'"):
        backend.sigma_bps_per_sqrt_s(dataclasses.replace(features, seconds=(spiky,)), noise="student_t")
    with pytest.raises(ValueError, match="noise must be normal or student_t, got 'cauchy'"):
        backend.proactive_skew_sensitivity(features, noise="cauchy")
    with pytest.raises(ValueError, match="hours must be some of 0 to 23"):
        backend.toxic_hour_gamma_mult(features, hours=())


def test_tapes_without_names_of_their_own_are_refused():
    tape = made.walk(np.random.default_rng(0), 1.0, 300, 1)
    for wrong, points in (([], 10), ([tape, tape], 10), (tape, 1)):
        with pytest.raises(EvidenceError, match="different names and at least 2 points"):
            feature_evidence(wrong, points)


def of_one_value() -> FeatureEvidence:
    """An asset with one value of each kind, and one with two: neither mean nor slope leaves a residual for a scale."""
    columns = []
    for name, n in (("A", 1), ("B", 2)):
        x = np.arange(1.0, 1.0 + n)
        columns.append(
            (moves_of(name, x), moves_of(name, x), pairs(name, x, x**2), mean_of(name, x**0 + x),
             costs_of(name, {0: x, 1: x[:1]}), falls_of(name, x / 50, x > 0))
        )  # fmt: skip
    return FeatureEvidence(*zip(*columns, strict=True))


@pytest.mark.parametrize("case", CASES)
def test_one_or_two_values_make_proper_densities(case):
    name, options = CASES[case]
    with jax.enable_x64(True):
        built = getattr(in_numpyro, name)(of_one_value(), **options)
        sites = trace(seed(built, jax.random.PRNGKey(1))).get_trace()
        free = {k: s["value"] for k, s in sites.items() if s["type"] == "sample" and not s["is_observed"]}
        value, slopes = jax.value_and_grad(lambda at: log_density(built, (), {}, at)[0])(free)
    assert np.isfinite([float(value), *(np.asarray(g).sum() for g in slopes.values())]).all()
    shown = [np.asarray(s["value"]) for s in sites.values() if s["type"] == "deterministic"]
    assert shown
    assert all(np.isfinite(v).all() for v in shown)
    model = getattr(in_pymc, name)(of_one_value(), **options)
    assert {v.name for v in model.free_RVs} == set(free)


# Slow likelihoods --------------------------------------------------------------------------------------------------


def likelihood(case: str, values: dict) -> float:
    """Log likelihood of the PyMC model, all in centred form, at given free values (others 0 or 1)."""
    model, _ = compiled(case, "centred")
    free = model.initial_point()
    for k, v in values.items():
        name = model.rvs_to_values[model[k]].name
        free[name] = np.log(v) if name.endswith("_log__") else np.asarray(v)
    observed = [*model.observed_RVs, *model.potentials]
    return float(model.compile_logp(vars=observed, sum=True, mode="FAST_COMPILE")(free))


def agree(case: str, oracle, *points: dict):
    """Differences between points are those of the oracle."""
    ours = np.diff([likelihood(case, p) for p in points])
    np.testing.assert_allclose(ours, np.diff([oracle(p) for p in points]), rtol=1e-8)


def test_sums_of_squares_are_single_normal_moves():
    def oracle(p):
        return sum(stats.norm(0, np.exp(a)).logpdf(x).sum() for a, x in zip(p["log_s"], raw()["moves"], strict=False))

    agree("sigma", oracle, {"log_s": np.array([0.5, -0.2, 0.0])}, {"log_s": np.array([1.0, 0.3, 9.0])})


def test_heavy_tailed_moves_have_the_sd_that_is_reported():
    def oracle(p):
        nu = 2 + p["nu_minus_two"]
        law = [stats.t(nu, 0, np.exp(a) / stats.t(nu).std()) for a in p["log_s"]]
        return sum(one.logpdf(x).sum() for one, x in zip(law, raw()["moves"], strict=False))

    one = {"log_s": np.array([0.5, -0.2, 0.0]), "nu_minus_two": 1.0}
    agree("sigma t", oracle, one, {"log_s": np.array([1.0, 0.3, 9.0]), "nu_minus_two": 7.0})


def slope_integrated(x, y, b, s):
    """Log of the integral over the intercept, by quadrature."""
    at = y.mean() - b * x.mean()
    top = stats.norm(at + b * x, s).logpdf(y).sum()
    width = s / np.sqrt(x.size)
    value, _ = integrate.quad(
        lambda a: np.exp(stats.norm(a + b * x, s).logpdf(y).sum() - top), at - 12 * width, at + 12 * width, epsabs=0
    )
    return top + np.log(value)


SLOPES = ({"slope": np.array([2.0, 1.0, 0.0]), "log_s": np.array([1.0, 1.2, 0.0])},
          {"slope": np.array([2.5, 3.0, 5.0]), "log_s": np.array([1.3, 0.8, 2.0])})  # fmt: skip


def test_a_least_squares_slope_is_the_integral_over_the_intercept():
    def oracle(p):
        data = zip(raw()["momentum"], raw()["after"], p["slope"], np.exp(p["log_s"]), strict=False)
        return sum(slope_integrated(*one) for one in data)

    agree("slope normal", oracle, *SLOPES)


def test_heavy_tailed_slopes_are_single_pairs():
    def oracle(p):
        data = zip(raw()["momentum"], raw()["after"], p["slope"], np.exp(p["log_s"]), p["intercept_bps"], strict=False)
        nu = 2 + p["nu_minus_two"]
        return sum(stats.t(nu, a + b * (x - x.mean()), s).logpdf(y).sum() for x, y, b, s, a in data)

    more = [{"intercept_bps": np.array([1.0, 0.5, 0.0]), "nu_minus_two": n} for n in (1.0, 20.0)]
    agree("slope", oracle, *(a | b for a, b in zip(SLOPES, more, strict=True)))


BIASES = ({"bias": np.array([2.0, 1.0, 0.0]), "log_s": np.zeros(3)},
          {"bias": np.array([1.5, 3.0, 5.0]), "log_s": np.array([0.3, -0.3, 2.0])})  # fmt: skip


def test_biases_are_single_moves():
    def oracle(p, law=stats.norm):
        data = zip(raw()["bias"], p["bias"], np.exp(p["log_s"]), strict=False)
        return sum(law(b, s).logpdf(z).sum() for z, b, s in data)

    agree("bias", oracle, *BIASES)
    agree("bias of unit scale", lambda p: oracle({**p, "log_s": np.zeros(3)}), *({"bias": p["bias"]} for p in BIASES))
    heavy = [p | {"nu_minus_two": 3.0} for p in BIASES]
    agree("bias t", lambda p: oracle(p, functools.partial(stats.t, 5.0)), *heavy)


HOUR = ({"cost_bps": np.array([3.0, 2.0, 1.0]), "extra_bps": np.array([4.0, 1.0, 0.0]), "c_hour": 0.3,
         "log_s": np.array([1.2, 0.1, 0.0]), "log_s_ratio": np.array([0.2, -0.1, 0.0])},
        {"cost_bps": np.array([4.0, 1.0, 9.0]), "extra_bps": np.array([3.0, 5.0, 9.0]), "c_hour": 0.05,
         "log_s": np.array([1.0, 0.4, 0.7]), "log_s_ratio": np.array([0.5, 1.1, 0.0])})  # fmt: skip


def single_costs(p, i, c_hour):
    """Mean and covariance of the single costs of an asset, an hour's effect being common to its fills; costs; hours."""
    by_hour = raw()["costs"][i]
    hour = np.concatenate([np.full(x.size, h) for h, x in by_hour.items()])
    toxic = np.isin(hour, (1, 2))
    s = np.exp(p["log_s"][i])
    own = np.diag((s * np.where(toxic, np.exp(p["log_s_ratio"][i]), 1.0)) ** 2)
    mean = p["cost_bps"][i] + p["extra_bps"][i] * toxic
    return mean, own + (c_hour * s) ** 2 * (hour[:, None] == hour), np.concatenate([*by_hour.values()]), hour


@pytest.mark.parametrize("case", ["hours", "hours pooled"])
def test_hours_are_integrated_out_as_the_joint_gaussian_of_single_costs_does(case):
    def oracle(p):
        laws = [single_costs(p, i, p.get("c_hour", 0.0)) for i in range(2)]
        return sum(stats.multivariate_normal(mean, cov).logpdf(x) for mean, cov, x, _ in laws)

    agree(case, oracle, *({k: v for k, v in p.items() if case == "hours" or k != "c_hour"} for p in HOUR))


def test_costs_of_hours_are_drawn_from_their_law_given_the_fills():
    """Mean at z = 0 and sd from z = 1 are those of the joint Gaussian; the multiplier is of means weighted by fills."""
    model, _ = compiled("hours", "centred")
    read = model.compile_fn([model["hour_cost_bps"], model["toxic_hour_gamma_mult"]], inputs=model.free_RVs,
                            mode="FAST_COMPILE", on_unused_input="ignore")  # fmt: skip
    p, zeros = (
        HOUR[0],
        {
            rv.name: np.ones(np.shape(model.initial_point()[model.rvs_to_values[rv].name]))
            for rv in model.free_RVs
            if rv.name not in HOUR[0]
        },
    )
    (at_0, ratio), (at_1, _) = (read({**zeros, **p, "z_hour": np.full((3, 24), z)}) for z in (0.0, 1.0))
    mean, cov, x, hour = single_costs(p, 0, p["c_hour"])
    spread = p["c_hour"] * np.exp(p["log_s"][0])
    for h in range(24):
        with_h = spread**2 * (hour == h)
        weight = np.linalg.solve(cov, with_h)
        prior = p["cost_bps"][0] + p["extra_bps"][0] * (h in (1, 2))
        assert at_0[0, h] == pytest.approx(prior + weight @ (x - mean), rel=1e-9)
        assert at_1[0, h] - at_0[0, h] == pytest.approx(np.sqrt(spread**2 - weight @ with_h), rel=1e-9)
    normal = np.average(at_0[0, [0, 5]], weights=[12, 1])
    assert ratio[0] == pytest.approx(at_0[0, 1] / normal)
    # B has no fill in a toxic hour, C none at all: hours of a kind count alike.
    assert ratio[1] == pytest.approx(at_0[1, [1, 2]].mean() / np.average(at_0[1, [0, 5]], weights=[5, 8]))
    assert ratio[2] == pytest.approx(at_0[2, [1, 2]].mean() / np.delete(at_0[2], [1, 2]).mean())
    low = read({**zeros, **p, "cost_bps": np.full(3, -50.0), "z_hour": np.zeros((3, 24))})[1]
    assert low[2] == pytest.approx(SMALL_BPS / SMALL_BPS)


def step_by_step(size, bad, u):
    """Probability of what followed the falls if u is the threshold, both chances integrated over p < q."""
    counts = [0, 0, 0, 0]
    for x, b in zip(size, bad, strict=True):
        counts[2 * int(x > u) + int(not b)] += 1
    bad_below, good_below, bad_above, good_above = counts

    def given_q(q):
        return q**bad_above * (1 - q) ** good_above * special.betainc(bad_below + 1, good_below + 1, q)

    value, _ = integrate.quad(given_q, 0, 1, epsabs=0)
    return value * special.beta(bad_below + 1, good_below + 1)


def thresholds(i, m, tau):
    """Posterior mass of each threshold, and the marginal likelihood, of asset i."""
    size, chance = raw()["falls"][i]
    bad = chance < np.where(size > 0.02, 0.8, 0.2)
    size = EDGES[np.searchsorted(EDGES, size)]  # known to the edge at or above it
    prior = stats.norm(m, tau).pdf(np.log(EDGES))
    mass = prior / prior.sum() * [step_by_step(size, bad, u) for u in EDGES]
    return mass / mass.sum(), mass.sum()


def test_thresholds_are_summed_out_and_drawn_as_plain_loops_say():
    """The learner takes P(p < q) at 32 quantiles, which is right to a per cent or so."""
    points = ({"m_u": -4.0, "tau_u": 0.5}, {"m_u": -3.0, "tau_u": 1.0})
    slow = [sum(np.log(thresholds(i, p["m_u"], p["tau_u"])[1]) for i in range(2)) for p in points]
    assert likelihood("falls", points[1]) - likelihood("falls", points[0]) == pytest.approx(slow[1] - slow[0], abs=0.03)
    model, _ = compiled("falls", "centred")
    read = model.compile_fn(model["cascade_oi_threshold"], inputs=model.free_RVs, mode="FAST_COMPILE")
    v = (np.arange(200) + 0.5) / 200
    drawn = np.array([read({**points[0], "z_u": np.full(3, z)}) for z in stats.norm.ppf(v)])
    for i in range(2):
        mass, _ = thresholds(i, -4.0, 0.5)
        assert np.log(drawn[:, i]).mean() == pytest.approx(mass @ np.log(EDGES), abs=0.02)
        assert np.log(drawn[:, i]).std() == pytest.approx(
            np.sqrt(mass @ np.log(EDGES) ** 2 - (mass @ np.log(EDGES)) ** 2), rel=0.04
        )
    # C has no fall: its law is the population, to half a cell of 2.3 per cent.
    np.testing.assert_allclose(np.log(drawn[:, 2]), -4.0 + 0.5 * stats.norm.ppf(v), atol=0.013)


# What the learner saw ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tapes():
    return mm.example(features=True)


def learned(learner, tape):
    """State after the tape in ten slices."""
    state, cuts = learner.init(), np.linspace(tape.t0, tape.t1, 11)
    for a, b in itertools.pairwise(cuts):
        state = learner.update(state, tape.between(a, b))
    return state


def test_the_evidence_is_that_of_the_learners(tapes):
    found = feature_evidence(tapes)
    for i, tape in enumerate(tapes):
        minutes, skew, bias = (learned(rule, tape) for rule in (MoveScale(), SkewSlope(), ChangepointBias()))
        assert found.minutes[i].n == minutes.n
        assert found.minutes[i].squares_bps2 == pytest.approx(minutes.squares_bps2)
        np.testing.assert_allclose(found.momentum[i].fit, skew.pairs.slope(), rtol=1e-9)
        assert found.momentum[i].values.size == skew.pairs.n
        np.testing.assert_allclose(found.changepoints[i].fit[:3], (bias.moves.mean, bias.moves.n, bias.moves.m2))
        hours, falls = learned(ToxicHours(), tape).hours, learned(CascadeThreshold(), tape)
        for name, ours in (("n", "n"), ("mean", "mean_bps"), ("m2", "m2_bps2")):
            np.testing.assert_allclose(getattr(found.hours[i], ours), [getattr(h, name) for h in hours], rtol=1e-9)
        np.testing.assert_array_equal(found.falls[i].bad, falls.bad)
        np.testing.assert_array_equal(found.falls[i].total, falls.total)


def test_single_values_are_the_newest_and_sums_hold_all():
    tape = made.walk(np.random.default_rng(0), 2.0, 600, 1)
    some, all_ = feature_evidence(tape, 20).seconds[0], feature_evidence(tape).seconds[0]
    assert (some.n, some.values_bps.size) == (599.0, 20)
    np.testing.assert_array_equal(some.values_bps, all_.values_bps[-20:])
    assert some.squares_bps2 == pytest.approx((all_.values_bps**2).sum())
    assert np.sqrt(some.squares_bps2 / some.n) == pytest.approx(2.0, rel=0.15)
