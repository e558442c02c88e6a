"""What a new asset may be: the law that the models suppose, and a prior that foretells it better than a default."""

from dataclasses import replace

import jax
import numpy as np
import pytest
import xarray as xr
from numpyro import handlers
from scipy import integrate, special, stats
from test_models_series import small_series

import mmresearch as mm
from mmresearch.belief.catalogue import CATALOGUE, prior
from mmresearch.learn.contract import run
from mmresearch.learn.sound.alpha import AlphaTouch
from mmresearch.learn.sound.floor import SpreadFloor
from mmresearch.learn.with_priors import learners_with
from mmresearch.models import numpyro as in_numpyro
from mmresearch.models import pymc as in_pymc
from mmresearch.models.features import FeatureEvidence, feature_evidence
from mmresearch.models.fit import OF_SERIES, fit
from mmresearch.models.inputs import family_of, fittable, model_of
from mmresearch.models.population import (
    _INTENSITY,
    _MOVE,
    POPULATIONS,
    Population,
    PopulationError,
    handed_back,
    new_assets,
)
from mmresearch.sim.population import Hyper
from mmresearch.sim.worlds import World
from mmresearch.tape.evidence import Evidence, evidence

pytestmark = pytest.mark.filterwarnings("ignore:.*os.fork.*:RuntimeWarning")

FEE_BPS = 1.5
#: A population that is not the catalogue's: fills are informed twice as often, and jumps cost more.
TOXIC = World(assets=6, seconds=900.0, hyper=Hyper(alpha=0.6, alpha_logit_sd=0.3, adverse_bps=18.0))


@pytest.fixture(scope="module")
def plain() -> Evidence:
    return evidence(World(assets=2, seconds=400.0).tapes(1), 100.0)


@pytest.fixture(scope="module")
def features() -> FeatureEvidence:
    return feature_evidence(mm.example(features=True))


def posterior(population: Population, mean, sd):
    """Draws of a population, shape (1, draws)."""
    columns = {population.mean: mean, population.sd: sd}
    return xr.Dataset({n: (("chain", "draw"), np.atleast_2d(np.asarray(v, float))) for n, v in columns.items()})


def _variable(name: str) -> str:
    """What the prior of a parameter is about; see `Parameter.prior_of`."""
    return "branching" if name == "hawkes_alpha" else name


def _model(backend, name, plain, features):
    given = small_series() if name in OF_SERIES else features if family_of(name) == "features" else plain
    return getattr(backend, model_of(name))(given)


@pytest.mark.parametrize("name", list(POPULATIONS))
def test_an_asset_at_the_mean_of_its_population_has_the_value_of_the_link(name, plain, features):
    """In the NumPyro model itself, with a population that has almost no spread."""
    population, at = POPULATIONS[name], -1.3
    fixed = {population.mean: np.array(at), population.sd: np.array(1e-9)}
    with jax.enable_x64(True):
        model = handlers.substitute(handlers.seed(_model(in_numpyro, name, plain, features), 0), data=fixed)
        found = np.asarray(handlers.trace(model).get_trace()[_variable(name)]["value"])
    shift = FEE_BPS if name == "spread_floor_bps" else 0.0
    np.testing.assert_allclose(found, shift + population.link.value(np.array(at)), rtol=1e-6)


@pytest.mark.parametrize("name", list(POPULATIONS))
def test_pymc_names_its_population_the_same(name, plain, features):
    names = set(_model(in_pymc, name, plain, features).named_vars)
    assert {POPULATIONS[name].mean, POPULATIONS[name].sd, _variable(name)} <= names
    for population in {"kappa": [_INTENSITY], "spread_floor_bps": [_MOVE]}.get(name, []):
        assert {population.mean, population.sd} <= names


@pytest.mark.parametrize("name", list(POPULATIONS))
def test_the_slope_of_a_link_is_its_derivative(name):
    link, u, step = POPULATIONS[name].link, np.linspace(-3.0, 1.0, 9), 1e-5
    slope = np.abs(link.value(u + step) - link.value(u - step)) / (2 * step)
    np.testing.assert_allclose(link.log_slope(u), np.log(slope), atol=1e-7)


def test_a_population_that_is_known_gives_its_own_law():
    """Two populations, half the draws each: quantiles and density are those of the mixture, less its last tails."""
    population = POPULATIONS["kappa"]
    mean, sd = np.repeat([-1.0, 0.2], 20_000), np.repeat([0.2, 0.5], 20_000)
    found = new_assets(posterior(population, mean, sd), population, seed=1)
    u = np.log(found.values / 1e4)
    for p in (0.05, 0.5, 0.95):
        below = 0.5 * (stats.norm(-1.0, 0.2).cdf(np.quantile(u, p)) + stats.norm(0.2, 0.5).cdf(np.quantile(u, p)))
        assert abs(below - p) < 0.005
    at = np.log(found.looked_at / 1e4)
    exact = 0.5 * (stats.norm(-1.0, 0.2).pdf(at) + stats.norm(0.2, 0.5).pdf(at)) / 0.998 / found.looked_at
    # A thousand draws of the population stand for all: the shares of the two halves are known to a thirtieth.
    np.testing.assert_allclose(found.log_density, np.log(exact), atol=0.15)
    assert abs(np.mean(found.log_density - np.log(exact))) < 0.05


def test_the_shift_moves_values_and_leaves_densities():
    population = POPULATIONS["spread_floor_bps"]
    draws = posterior(population, np.full(500, 2.0), np.full(500, 0.5))
    plain, moved = (new_assets(draws, population, 1, shift) for shift in (0.0, 1.5))
    np.testing.assert_allclose(moved.values, plain.values + 1.5)
    np.testing.assert_array_equal(moved.log_density, plain.log_density)


def test_the_divergence_is_the_integral():
    """A logit-normal law of alpha against the Beta that is handed back, by quadrature."""
    population = POPULATIONS["alpha_touch"]
    draws = posterior(population, np.full(4000, -0.5), np.full(4000, 1.0))
    handed = handed_back("alpha_touch", xr.DataTree.from_dict({"posterior": draws}))

    def loss(u):
        x = special.expit(u)
        log_p = stats.norm(-0.5, 1.0).logpdf(u) - np.log(x * (1 - x))
        return stats.norm(-0.5, 1.0).pdf(u) * (log_p - handed.prior.logpdf(x))

    exact = integrate.quad(loss, -7.0, 6.0)[0]
    assert abs(handed.divergence_nats - exact) < 4 * handed.error_nats + 0.002
    np.testing.assert_allclose(handed.population[1], special.expit(-0.5), atol=0.01)


def test_draws_without_a_population_are_refused():
    with pytest.raises(PopulationError, match="nobody knows the population of gamma_base"):
        handed_back("gamma_base", xr.DataTree())
    empty = xr.DataTree.from_dict({"posterior": xr.Dataset({"x": ("draw", [1.0])})})
    with pytest.raises(PopulationError, match="the draws have no mu_kappa"):
        handed_back("kappa", empty)


def test_every_population_is_of_a_parameter_that_can_be_fitted():
    assert set(POPULATIONS) <= set(fittable()) <= set(CATALOGUE)


# A new asset ---------------------------------------------------------------------------------------------------------


def test_a_new_asset_is_foretold_better_than_by_the_default():
    """Six assets are fitted, twelve others of the same population are foretold: labels and costs of half an hour."""
    given = evidence(TOXIC.tapes(1), 300.0)
    fits = {n: fit(n, given, "pymc", seed=1, quick=True, progress=False) for n in ("alpha_touch", "spread_floor_bps")}
    assert all(f.gate.passed for f in fits.values())
    priors = {n: handed_back(n, f.posterior, fee_bps=FEE_BPS) for n, f in fits.items()}
    alpha, _, floor = learners_with(priors)
    assert priors["alpha_touch"].prior.mean() > prior("alpha_touch").mean() + 0.1
    gains = []
    for tape in replace(TOXIC, assets=12, seconds=300.0).tapes(2):
        labels, cost = run(AlphaTouch(), tape), run(SpreadFloor(), tape).cost
        counts = labels.informed, labels.total - labels.informed
        of_labels = alpha.posterior(alpha.init()).log_marginal(*counts) - prior("alpha_touch").log_marginal(*counts)
        moments = cost.n, cost.mean, cost.m2
        gains.append((of_labels, floor.prior().log_marginal(*moments) - SpreadFloor().prior().log_marginal(*moments)))
    gain = np.array(gains)
    error = gain.std(axis=0, ddof=1) / np.sqrt(len(gain))
    assert (gain.mean(axis=0) > 2 * error).all(), (gain.mean(axis=0), error)
