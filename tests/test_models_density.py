"""The density contract: both backends state one model, and a constant that is off by 1 % shows."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
from numpyro.infer.util import initialize_model, log_density
from perturbed_priors import slightly_off
from scipy import stats

import mmresearch.models.numpyro as in_numpyro
import mmresearch.models.pymc as in_pymc
from mmresearch.models.priors import AlphaPriors, FloorPriors, KappaPriors, WalkPriors
from mmresearch.tape.evidence import DepthCounts, Evidence, LabelCounts, MarkoutMoments, WalkCounts

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:.*os.fork.*:RuntimeWarning"
)


def small_evidence(walks: bool = False) -> Evidence:
    rng = np.random.default_rng(5)
    labels, moments, kappas = [], [], []
    for i, asset in enumerate("ABC"):
        total = rng.integers(3, 40, 4).astype(float)
        labels.append(LabelCounts(asset, rng.binomial(total.astype(int), 0.2 + 0.1 * i).astype(float), total, 0.01 * i))
        window = np.repeat(np.arange(4), 6)
        values = rng.normal(2.0 + i, 4.0, 24)
        mean = np.array([values[window == w].mean() for w in range(4)])
        m2 = np.array([((values[window == w] - mean[w]) ** 2).sum() for w in range(4)])
        moments.append(MarkoutMoments(asset, np.full(4, 6.0), mean, m2, 1.5, values, window))
        if walks:
            orders, beyond = rng.integers(20, 60, 4).astype(float), rng.integers(1, 9, 4).astype(float)
            excess = beyond * rng.uniform(1, 4, 4)
            touch = (np.full(4, 0.3), np.full(4, 0.5))
            kappas.append(WalkCounts(asset, np.full(4, 300.0), np.zeros(4), orders - beyond, beyond, excess, *touch))
        else:
            depth = np.tile([1.1, 3.0, 7.5, 12.0], (4, 1)) + rng.uniform(0, 0.2, (4, 4))
            exposure = rng.uniform(10, 200, (4, 4))
            fills = rng.poisson(exposure * 0.5 * np.exp(-0.2 * depth)).astype(float)
            kappas.append(DepthCounts(asset, exposure, depth, fills))
    return Evidence(tuple(labels), tuple(moments), tuple(kappas))


FORMS = ("auto", "centred", "noncentred")
CASES = [
    ("alpha_touch", {}, AlphaPriors, False),
    ("alpha_touch", {"overdispersion": False}, AlphaPriors, False),
    ("spread_floor_bps", {}, FloorPriors, False),
    ("spread_floor_bps", {"window_effect": False}, FloorPriors, False),
    ("spread_floor_bps", {"noise": "student_t"}, FloorPriors, False),
    ("kappa", {}, KappaPriors, False),
    ("kappa", {"window_effect": False, "overdispersion": False}, KappaPriors, False),
    ("kappa", {}, WalkPriors, True),
]
DEFAULTS = [case for case in CASES if not case[1]]


@functools.cache
def compiled(name: str, options: tuple, walks: bool, form: str):
    """The PyMC side, compiled once for all perturbations of the other."""
    model = getattr(in_pymc, name)(small_evidence(walks), parameterisation=form, **dict(options))
    return model, model.compile_logp(jacobian=True, mode="FAST_COMPILE")


class Pair:
    """The two log densities of one model on unconstrained space, with points to compare them at."""

    def __init__(self, name: str, options: dict, walks: bool, form: str = "auto", priors=None):
        evidence = small_evidence(walks)
        self.model, self.logp = compiled(name, tuple(options.items()), walks, form)
        callable_ = getattr(in_numpyro, name)(evidence, parameterisation=form, priors=priors, **options)
        with jax.enable_x64(True):
            info = initialize_model(jax.random.PRNGKey(0), callable_)
            self.potential = info.potential_fn
            self.gradient = jax.grad(info.potential_fn)
            self.shapes = {k: np.shape(v) for k, v in info.param_info.z.items()}
        self.names = {rv.name: self.model.rvs_to_values[rv].name for rv in self.model.free_RVs}

    def points(self, n: int, seed: int = 0) -> list[dict[str, np.ndarray]]:
        rng = np.random.default_rng(seed)
        return [{k: rng.normal(0.0, 0.4, s) for k, s in self.shapes.items()} for _ in range(n)]

    def numpyro_logp(self, point: dict) -> float:
        with jax.enable_x64(True):
            return -float(self.potential({k: jnp.asarray(v) for k, v in point.items()}))

    def pymc_point(self, point: dict) -> dict:
        return {self.names[k]: v for k, v in point.items()}

    def pymc_logp(self, point: dict) -> float:
        return float(self.logp(self.pymc_point(point)))

    def spread(self, n: int = 6) -> float:
        """Largest difference of differences, in nats."""
        gaps = np.array([self.pymc_logp(p) - self.numpyro_logp(p) for p in self.points(n)])
        return float(np.ptp(gaps))


@pytest.mark.parametrize(("name", "options", "_", "walks"), CASES)
def test_backends_have_the_same_free_parameters_and_densities(name, options, _, walks):
    pair = Pair(name, options, walks)
    assert set(pair.names) == set(pair.shapes)
    assert pair.spread() < 1e-6
    point = pair.points(1, seed=9)[0]
    theirs = pair.model.compile_dlogp(jacobian=True, mode="FAST_COMPILE")(pair.pymc_point(point))
    with jax.enable_x64(True):
        ours = pair.gradient({k: jnp.asarray(v) for k, v in point.items()})
    order = [v.name for v in pair.model.value_vars]
    back = {v: k for k, v in pair.names.items()}
    mine = np.concatenate([-np.asarray(ours[back[v]]).ravel() for v in order])
    np.testing.assert_allclose(theirs, mine, rtol=1e-7, atol=1e-7 * np.abs(mine).max())


@pytest.mark.parametrize("form", FORMS)
def test_every_form_agrees(form):
    for name, walks in (("alpha_touch", False), ("spread_floor_bps", False), ("kappa", False), ("kappa", True)):
        assert Pair(name, {}, walks, form).spread(3) < 1e-6


PERTURBED = [
    pytest.param(name, options, walks, off, id=f"{kind.__name__}.{field}")
    for name, options, kind, walks in DEFAULTS
    for field, off in slightly_off(kind())
    if not field.endswith("_floor")
]


@pytest.mark.parametrize(("name", "options", "walks", "off"), PERTURBED)
def test_a_constant_off_by_one_per_cent_breaks_the_contract(name, options, walks, off):
    assert Pair(name, options, walks, priors=off).spread(4) > 1e-5


def test_alpha_density_equals_a_naive_one():
    """Event by event with scipy, sharing nothing but the evidence."""
    evidence, p = small_evidence(), AlphaPriors()
    model = in_numpyro.alpha_touch(evidence, parameterisation="centred")

    def naive(mu, tau, rho, logit):
        total = stats.norm(p.alpha.location, p.alpha.scale).logpdf(mu)
        total += stats.lognorm(p.alpha.tau_log_sd, scale=p.alpha.tau_median).logpdf(tau)
        total += stats.beta(p.rho_a, p.rho_b).logpdf(rho)
        for i, counts in enumerate(evidence.alpha_touch):
            total += stats.norm(mu, tau).logpdf(logit[i])
            alpha = 1 / (1 + np.exp(-logit[i]))
            theta = counts.false_positive + alpha * (1 - counts.false_positive)
            strength = (1 - rho) / (rho + p.rho_floor)
            for k, n in zip(counts.informed, counts.total, strict=True):
                total += stats.betabinom(int(n), theta * strength, (1 - theta) * strength).logpmf(int(k))
        return total

    points = [(-1.0, 0.5, 0.05, np.array([-1.0, -0.5, -1.5])), (-0.4, 1.1, 0.2, np.array([0.1, -0.9, -0.2]))]
    with jax.enable_x64(True):
        theirs = [
            float(log_density(model, (), {}, {"mu": m, "tau": t, "rho": r, "logit_alpha": jnp.asarray(x)})[0])
            for m, t, r, x in points
        ]
    ours = [naive(*point) for point in points]
    assert theirs[0] - theirs[1] == pytest.approx(ours[0] - ours[1], abs=1e-6)


def test_kappa_density_equals_a_naive_poisson_one():
    """Without windows the fills of each depth bin are Poisson with rate E A e^{-kappa d}."""
    evidence, p = small_evidence(), KappaPriors()
    model = in_numpyro.kappa(evidence, parameterisation="centred", window_effect=False, overdispersion=False)
    from_bins = [
        (c.exposure_s.sum(0), (c.exposure_s * c.depth_bps).sum(0) / c.exposure_s.sum(0), c.fills.sum(0))
        for c in evidence.kappa
    ]
    reference = [float(n @ d / n.sum()) for _, d, n in from_bins]

    def naive(mu_k, mu_a, t_k, t_a, u, log_kappa, log_A):
        corr = 2 * u - 1
        cov = [[t_k**2, corr * t_k * t_a], [corr * t_k * t_a, t_a**2]]
        total = stats.norm(p.kappa.location, p.kappa.scale).logpdf(mu_k)
        total += stats.norm(p.A.location, p.A.scale).logpdf(mu_a)
        total += stats.lognorm(p.kappa.tau_log_sd, scale=p.kappa.tau_median).logpdf(t_k)
        total += stats.lognorm(p.A.tau_log_sd, scale=p.A.tau_median).logpdf(t_a)
        total += stats.beta(p.corr_shape, p.corr_shape).logpdf(u)
        for i, (e, d, n) in enumerate(from_bins):
            total += stats.multivariate_normal([mu_k, mu_a], cov).logpdf([log_kappa[i], log_A[i]])
            total += stats.poisson(e * np.exp(log_A[i] - np.exp(log_kappa[i]) * d)).logpmf(n).sum()
        return total

    points = [
        (-1.5, -0.7, 0.5, 0.6, 0.6, np.array([-1.6, -1.4, -1.7]), np.array([-0.6, -0.8, -0.5])),
        (-1.2, -0.9, 0.9, 0.4, 0.3, np.array([-1.5, -1.7, -1.6]), np.array([-0.7, -0.6, -0.9])),
    ]
    theirs = []
    with jax.enable_x64(True):
        for mu_k, mu_a, t_k, t_a, u, log_kappa, log_A in points:
            log_rate = log_A - np.exp(log_kappa) * np.array(reference)
            values = {"mu_kappa": mu_k, "mu_A": mu_a, "tau_kappa": t_k, "tau_A": t_a, "corr_unit": u,
                      "log_kappa": jnp.asarray(log_kappa), "log_rate": jnp.asarray(log_rate)}  # fmt: skip
            theirs.append(float(log_density(model, (), {}, values)[0]))
    ours = [naive(*point) for point in points]
    # Depths vary a little between windows, which the model keeps as a variance within the bin: 1e-2 nats here.
    assert theirs[0] - theirs[1] == pytest.approx(ours[0] - ours[1], abs=0.05)


def test_numpyro_models_are_plain_callables_and_pymc_models_plain_models():
    evidence = small_evidence()
    trace = numpyro.handlers.trace(numpyro.handlers.seed(in_numpyro.kappa(evidence), 0)).get_trace()
    assert {"kappa", "A"} <= set(trace)
    model = in_pymc.kappa(evidence)
    assert list(model.coords["asset"]) == ["A", "B", "C"]
    assert {"kappa", "A"} <= set(model.named_vars)
