"""Windows that wander beyond doubt are centred, others are not; and the law is the same one either way."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro.infer.util import initialize_model, log_density

import mmresearch.models.numpyro as in_numpyro
import mmresearch.models.pymc as in_pymc
from mmresearch.models.centring import (
    depth_weights,
    depth_window_weights,
    intensity_depth_bps,
    spreads,
    walk_weights,
    walk_window_weights,
)
from mmresearch.models.data import depth_data, walk_data
from mmresearch.models.priors import KappaPriors, WalkPriors
from mmresearch.tape.evidence import DepthCounts, Evidence, LabelCounts, MarkoutMoments, WalkCounts

pytestmark = pytest.mark.filterwarnings("ignore")
ASSETS, WINDOWS = 3, 20
DEPTHS = np.array([2.0, 4.0, 7.0, 11.0, 16.0])


def evidence_of(walks: bool, events: float, wander: float, seed: int = 1) -> Evidence:
    """Three assets whose windows have so many events and wander so far; the last has one window less."""
    rng = np.random.default_rng(seed)
    none = np.zeros(WINDOWS)
    kappas = []
    for i in range(ASSETS):
        k = 0.2 * np.exp(0.3 * i + wander * rng.standard_normal((WINDOWS, 1)))
        rested = np.ones((WINDOWS, 1))
        rested[-1] = i < ASSETS - 1
        if walks:
            beyond = rng.poisson(events * rested[:, 0]).astype(float)
            x = 0.5 * k[:, 0]
            excess = 0.5 * rng.negative_binomial(np.maximum(beyond, 1), -np.expm1(-x)) * (beyond > 0)
            at = 3 * beyond
            seconds = 300.0 * rested[:, 0]
            kappas.append(WalkCounts(f"A{i}", seconds, none, at, beyond, excess, none + 0.5, none + 0.7))
        else:
            rate = 0.5 * np.exp(-k * DEPTHS)
            exposure = events / rate.sum(axis=1, keepdims=True) * np.ones_like(rate) * rested
            depth = np.broadcast_to(DEPTHS, rate.shape)
            kappas.append(DepthCounts(f"A{i}", exposure, depth, rng.poisson(exposure * rate).astype(float)))
    labels = tuple(LabelCounts(k.asset, none, none) for k in kappas)
    moves = tuple(MarkoutMoments(k.asset, none, none, none, 1.5, np.zeros(0), np.zeros(0, dtype=int)) for k in kappas)
    return Evidence(labels, moves, tuple(kappas))


def weights_of(walks: bool, events: float, wander: float, seed: int = 1) -> np.ndarray:
    given = evidence_of(walks, events, wander, seed)
    return walk_window_weights(walk_data(given)) if walks else depth_window_weights(depth_data(given))


@pytest.mark.parametrize("walks", [False, True])
def test_windows_that_are_alike_are_not_centred(walks):
    """Two standard errors of doubt: about one data set in fifty shows a wander that is not there."""
    found = [weights_of(walks, 300.0, 0.0, seed).max() for seed in range(40)]
    assert np.mean(np.array(found) > 0) < 0.15
    assert max(found) < 0.6


@pytest.mark.parametrize("walks", [False, True])
def test_windows_that_wander_are_centred_as_far_as_they_are_sharp(walks):
    dull, some, sharp = (np.median(weights_of(walks, events, 0.2)) for events in (3.0, 100.0, 1e5))
    assert dull == 0.0
    assert 0.4 < some < 0.95
    assert sharp > 0.99


@pytest.mark.parametrize("walks", [False, True])
def test_the_wander_is_found_to_a_third(walks):
    """As w = s^2/(s^2 + se^2), s = se sqrt(w/(1 - w)); se from the information of the windows' depths."""
    events = 4000.0
    found = []
    for seed in range(5):
        w = weights_of(walks, events, 0.2, seed)[:, :-1]
        given = evidence_of(walks, events, 0.2, seed)
        if walks:
            x = 0.5 * 0.2 * np.exp(0.3 * np.arange(ASSETS))
            information = events * (x**2 * np.exp(x) / np.expm1(x) ** 2)
        else:
            k = 0.2 * np.exp(0.3 * np.arange(ASSETS))[:, None]
            share = np.exp(-k * DEPTHS) / np.exp(-k * DEPTHS).sum(axis=1, keepdims=True)
            mean = share @ DEPTHS
            information = events * k[:, 0] ** 2 * (share @ DEPTHS**2 - mean**2)
        assert len(given.kappa) == ASSETS
        found.append(np.median(np.sqrt(w / (1 - w) / information[:, None])))
    assert np.mean(found) == pytest.approx(0.2, rel=0.35)


@pytest.mark.parametrize("walks", [False, True])
def test_a_window_without_orders_is_not_centred(walks):
    weights = weights_of(walks, 1000.0, 0.3)
    assert weights.shape == (ASSETS, WINDOWS)
    assert weights[-1, -1] == 0.0
    assert (weights[:, :-1] > 0).all()


def test_the_intensity_is_sampled_nearer_the_mid_the_sharper_the_windows():
    data = depth_data(evidence_of(False, 1e5, 0.2))
    weights = depth_window_weights(data)
    assert (intensity_depth_bps(data, weights) < 0.02 * data.reference_bps).all()
    np.testing.assert_array_equal(intensity_depth_bps(data, 0 * weights), data.reference_bps)


def sampled(x, mean, sd, weight):
    """What is sampled in place of x ~ N(mean, sd)."""
    return weight * mean + sd**weight * (x - mean) / sd


def in_words_of(form, walks, data, point):
    """A point, given by kappa, intensities and windows themselves, as the sites of a form without a population."""
    p = WalkPriors() if walks else KappaPriors()
    log_kappa, other, wander, z = point["log_kappa"], point["other"], point["wander_kappa"], point["z"]
    laws = (p.kappa, p.p, p.rate) if walks else (p.kappa, p.A)
    weights = (walk_weights if walks else depth_weights)(data, *spreads(False, *laws))
    windows = (walk_window_weights if walks else depth_window_weights)(data)
    if form == "noncentred":
        weights, windows = tuple(0 * w for w in weights), 0 * windows
    sites = {"wander_kappa": wander, "burst": point["burst"]}
    sites["log_kappa"] = sampled(log_kappa, p.kappa.location, p.kappa.alone_sd, weights[0])
    sites["w_kappa"] = windows * log_kappa[:, None] + wander**windows * z
    jacobian = -(windows * np.log(wander)).sum()
    if walks:
        sites["rho"] = point["rho"]
        sites["logit_p"] = sampled(other, p.p.location, p.p.alone_sd, weights[1])
        sites["log_rate"] = sampled(other, p.rate.location, p.rate.alone_sd, weights[2])
    else:
        down = np.exp(log_kappa) * intensity_depth_bps(data, windows)
        sites["log_rate"] = sampled(other - down, p.A.location - down, p.A.alone_sd, weights[1])
    return sites, jacobian


def points(n: int = 4):
    rng = np.random.default_rng(3)
    for _ in range(n):
        yield {
            "log_kappa": np.log(0.2) + 0.3 * rng.standard_normal(ASSETS),
            "other": rng.standard_normal(ASSETS),
            "wander_kappa": rng.uniform(0.05, 0.3),
            "burst": rng.uniform(0.05, 0.3),
            "rho": rng.uniform(0.01, 0.1),
            "z": rng.standard_normal((ASSETS, WINDOWS)),
        }


@pytest.mark.parametrize("walks", [False, True])
def test_the_law_is_the_same_whatever_the_form(walks):
    """p(y) dy = p(z) dz, up to what does not depend on the point."""
    given = evidence_of(walks, 1000.0, 0.2)
    data = walk_data(given) if walks else depth_data(given)
    gaps = []
    with jax.enable_x64(True):
        models = {
            form: in_numpyro.kappa(given, pooling=False, parameterisation=form) for form in ("auto", "noncentred")
        }
        for point in points():
            density = {}
            for form, model in models.items():
                sites, jacobian = in_words_of(form, walks, data, point)
                told = {name: jnp.asarray(value) for name, value in sites.items()}
                density[form] = float(log_density(model, (), {}, told)[0]) - jacobian
            gaps.append((density["auto"], density["auto"] - density["noncentred"]))
    values, differences = np.array(gaps).T
    assert np.ptp(values) > 100.0, "the points must differ by something"
    assert np.ptp(differences) < 1e-8 * np.abs(values).max()


@pytest.mark.parametrize("walks", [False, True])
@pytest.mark.parametrize("pooling", [False, True])
def test_backends_agree_where_windows_are_centred(walks, pooling):
    given = evidence_of(walks, 1000.0, 0.2)
    model = in_pymc.kappa(given, pooling=pooling)
    logp = model.compile_logp(jacobian=True, mode="FAST_COMPILE")
    names = {rv.name: model.rvs_to_values[rv].name for rv in model.free_RVs}
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        info = initialize_model(jax.random.PRNGKey(0), in_numpyro.kappa(given, pooling=pooling))
        shapes = {k: np.shape(v) for k, v in info.param_info.z.items()}
        assert set(shapes) == set(names)
        gaps = []
        for _ in range(4):
            at = {k: rng.normal(0.0, 0.4, s) for k, s in shapes.items()}
            theirs = float(logp({names[k]: v for k, v in at.items()}))
            gaps.append((theirs, theirs + float(info.potential_fn({k: jnp.asarray(v) for k, v in at.items()}))))
    values, differences = np.array(gaps).T
    assert np.ptp(values) > 100.0
    assert np.ptp(differences) < 1e-9 * np.abs(values).max()
