"""Fits: real draws of small worlds, the same from both backends, repeated when refused, and honest about it."""

import pickle
from dataclasses import replace

import arviz as az
import jax
import numpy as np
import numpyro
import pymc as pm
import pytest
from numpyro.infer import MCMC, NUTS, Predictive

import mmresearch.models.fit as fitting
import mmresearch.models.gate as gates
import mmresearch.models.numpyro as in_numpyro
import mmresearch.models.pymc as in_pymc
from mmresearch.models.data import EvidenceError
from mmresearch.models.fit import MODELLED, TRIES, FitError, fit
from mmresearch.models.gate import ESS_BOUND, RHAT_BOUND, gate
from mmresearch.models.priors import FloorPriors, KappaPriors, Population, WalkPriors
from mmresearch.models.samplers import keep_compiled
from mmresearch.sim.worlds import World
from mmresearch.tape.evidence import Evidence, evidence

# PyMC forks where JAX has threads; nothing of JAX runs in the fork.
pytestmark = pytest.mark.filterwarnings("ignore:.*os.fork.*:RuntimeWarning")

WORLD, SEED = World(assets=3, seconds=900.0), 11
BACKENDS = ("pymc", "numpyro")
REPORTED = {"kappa": ("kappa", "A"), "alpha_touch": ("alpha_touch",), "spread_floor_bps": ("spread_floor_bps",)}


@pytest.fixture(scope="module")
def given() -> Evidence:
    return evidence(WORLD.tapes(SEED), 300.0)


@pytest.fixture(scope="module")
def trades() -> Evidence:
    """What other people's trades say of the same worlds."""
    tapes = WORLD.tapes(SEED)
    return evidence([replace(t, orders=t.orders.iloc[:0], fills=t.fills.iloc[:0]) for t in tapes], 300.0)


@pytest.fixture(scope="module")
def fits(given):
    """All six, made once."""
    return {(p, b): fit(p, given, b, seed=1, quick=True, progress=False) for p in MODELLED for b in BACKENDS}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("parameter", MODELLED)
def test_a_fit_is_admitted_and_finds_the_truth(fits, parameter, backend):
    found = fits[parameter, backend]
    assert found.gate.passed, found.gate.table
    assert found.gate.min_ess >= ESS_BOUND
    assert found.gate.max_rhat < RHAT_BOUND
    for name in REPORTED[parameter]:
        for truth in WORLD.truths(SEED):
            draws = found.posterior["posterior"][name].sel(asset=truth.asset).to_numpy()
            assert abs(draws.mean() - getattr(truth, name)) < 4 * draws.std(), (name, truth.asset)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_fit_says_what_it_is(fits, given, backend):
    found = fits["kappa", backend]
    assert (found.parameter, found.backend, found.seed, found.options) == ("kappa", backend, 1, "")
    assert found.sampler == {"pymc": "nutpie", "numpyro": "numpyro"}[backend]
    assert set(found.versions) >= {"pymc", "numpyro", "nutpie", "jax", "arviz"}
    assert found.seconds > 0
    posterior = found.posterior["posterior"]
    for name in REPORTED["kappa"]:
        assert posterior[name].dims == ("chain", "draw", "asset")
        assert posterior[name].sizes["draw"] in {1000 * n**2 for n in range(1, found.tries + 1)}
        assert (posterior.sizes["chain"], posterior.sizes["asset"]) == (4, 3)
        assert posterior[name].dtype == np.float64
    assert posterior["asset"].to_numpy().tolist() == list(given.assets)
    assert not [v for v in posterior.data_vars if v.endswith("__")]
    assert {"diverging", "energy"} <= set(found.posterior["sample_stats"].data_vars)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_fit_crosses_processes(fits, backend):
    found = fits["alpha_touch", backend]
    again = pickle.loads(pickle.dumps(found))
    assert again.posterior["posterior"].to_dataset().identical(found.posterior["posterior"].to_dataset())
    assert again.gate.passed


def summaries(found, name):
    """Statistics of a variable by asset and their Monte Carlo errors: mean, sd, two quantiles."""
    draws = found.posterior["posterior"].to_dataset()[[name]]
    x = draws[name]
    values = [x.mean(("chain", "draw")), x.std(("chain", "draw")), x.quantile(0.05, ("chain", "draw")),
              x.quantile(0.95, ("chain", "draw"))]  # fmt: skip
    errors = [az.mcse(draws, method="mean"), az.mcse(draws, method="sd"),
              az.mcse(draws, method="quantile", prob=0.05), az.mcse(draws, method="quantile", prob=0.95)]  # fmt: skip
    return np.array([v.to_numpy() for v in values]), np.array([e[name].to_numpy() for e in errors])


@pytest.mark.parametrize("parameter", MODELLED)
def test_the_backends_agree_within_monte_carlo_error(fits, parameter):
    for name in REPORTED[parameter]:
        (one, one_error), (two, two_error) = (summaries(fits[parameter, b], name) for b in BACKENDS)
        error = np.hypot(one_error, two_error)
        # Forty-eight comparisons: 4 standard errors are passed by chance once in three hundred runs.
        assert (np.abs(one - two) < 4 * error).all(), name
        # The means are known to an eighth of a posterior sd or better, so a quarter of it would show.
        assert (4 * error[0] < 0.25 * one[1]).all(), name


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_same_seed_gives_the_same_draws(fits, given, backend):
    first = fits["alpha_touch", backend]
    same = fit("alpha_touch", given, backend, seed=1, quick=True, progress=False)
    assert same.tries == first.tries
    assert same.posterior["posterior"].to_dataset().equals(first.posterior["posterior"].to_dataset())


def test_numpyro_leaves_the_precision_of_jax_as_it_was(fits):
    assert fits["kappa", "numpyro"].posterior["posterior"]["kappa"].dtype == np.float64
    assert not jax.config.jax_enable_x64


def test_a_target_of_acceptance_is_met(given, monkeypatch):
    monkeypatch.setattr(fitting, "TRIES", 1)
    steps, accepted = {}, {}
    for target in (0.7, 0.95):
        stats = fit("alpha_touch", given, "pymc", draws=300, tune=500, seed=2, progress=False, accept=target).posterior[
            "sample_stats"
        ]
        steps[target], accepted[target] = float(stats["step_size"].mean()), float(stats["mean_tree_accept"].mean())
    assert steps[0.7] > 1.3 * steps[0.95]
    assert accepted[0.7] < accepted[0.95]


@pytest.mark.parametrize("accept", [0.0, 1.0, np.nan])
def test_a_target_that_cannot_be_met_is_refused(given, accept):
    with pytest.raises(FitError, match=r"target of acceptance, in \(0, 1\)"):
        fit("alpha_touch", given, "pymc", accept=accept)


def test_trade_tapes_have_a_fit_too(trades):
    found = fit("kappa", trades, "pymc", seed=2, quick=True, progress=False)
    assert found.gate.passed, found.gate.table
    for truth in WORLD.truths(SEED):
        draws = found.posterior["posterior"]["kappa"].sel(asset=truth.asset).to_numpy()
        # Orders walk whole ticks of a rounded book, so their decay is not quite that of fills.
        assert abs(np.log(draws).mean() - np.log(truth.kappa)) < 4 * np.log(draws).std() + 0.1


# Refused -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bad", "draws"), [("diverging", 1000), ("rhat", 4000)])
def test_a_refused_fit_is_run_again_with_smaller_steps_and_more_draws_where_draws_were_short(
    given, monkeypatch, bad, draws
):
    """The sampler is real; the gate sees one divergence, or a bound that nothing meets, in its first run."""
    judged, steps = [], []

    def strict(found):
        steps.append(float(found["sample_stats"]["step_size"].mean()))
        if not judged and bad == "diverging":
            found["sample_stats"]["diverging"][0, 0] = True
        monkeypatch.setattr(gates, "RHAT_BOUND", 0.9 if not judged and bad == "rhat" else RHAT_BOUND)
        judged.append(gate(found))
        return judged[-1]

    monkeypatch.setattr(fitting, "gate", strict)
    found = fit("alpha_touch", given, "pymc", draws=1000, tune=400, seed=3, progress=False)
    assert [j.passed for j in judged] == [False, True], judged[-1].table
    assert judged[0].only_diverged is (bad == "diverging")
    assert found.tries == 2
    assert found.gate is judged[1]
    assert found.posterior["posterior"].sizes["draw"] == draws
    assert steps[1] < 0.9 * steps[0]
    assert found.seed == 3


def test_a_fit_refused_again_says_so_and_options_reach_the_model(given):
    """Few draws are refused whatever they are; the model is one without windows and with a prior like a wall."""
    wall = FloorPriors(adverse=Population(-20.0, 0.01, 0.01, 0.01))
    found = fit("spread_floor_bps", given, "pymc", draws=20, tune=300, chains=2, seed=4, progress=False,
                window_effect=False, priors=wall)  # fmt: skip
    assert found.tries == TRIES == 3
    assert not found.gate.passed
    assert not found.gate.table.set_index("check").loc["ess bulk", "passed"]
    posterior = found.posterior["posterior"]
    assert posterior.sizes["draw"] == 9 * 20
    assert "c" not in posterior
    np.testing.assert_allclose(posterior["spread_floor_bps"].mean(), 1.5 - 20.0, atol=0.2)
    assert found.options.startswith("priors=FloorPriors(adverse=Population(location=-20.0")
    assert found.options.endswith("window_effect=False")


# By their own means ------------------------------------------------------------------------------------------------


def test_pymc_models_are_sampled_by_pymc(fits, given):
    model = in_pymc.alpha_touch(given)
    assert type(model) is pm.Model
    with model:
        found = pm.sample(300, tune=300, chains=2, nuts_sampler="nutpie", random_seed=1, progressbar=False,
                          compute_convergence_checks=False)  # fmt: skip
    theirs = found["posterior"]["alpha_touch"].mean(("chain", "draw")).to_numpy()
    ours = fits["alpha_touch", "pymc"].posterior["posterior"]["alpha_touch"]
    assert (np.abs(theirs - ours.mean(("chain", "draw"))) < 0.3 * ours.std(("chain", "draw"))).all()


def test_numpyro_models_are_run_by_numpyro(fits, given):
    model = in_numpyro.alpha_touch(given)
    before = Predictive(model, num_samples=20)(jax.random.PRNGKey(0))
    assert before["alpha_touch"].shape == (20, 3)
    mcmc = MCMC(NUTS(model), num_warmup=300, num_samples=600, progress_bar=False)
    mcmc.run(jax.random.PRNGKey(1))
    theirs = np.asarray(mcmc.get_samples()["alpha_touch"]).mean(0)
    ours = fits["alpha_touch", "numpyro"].posterior["posterior"]["alpha_touch"]
    assert (np.abs(theirs - ours.mean(("chain", "draw"))) < 0.3 * ours.std(("chain", "draw"))).all()


@pytest.mark.parametrize("parameter", MODELLED)
def test_models_name_their_assets(given, parameter):
    model = getattr(in_pymc, parameter)(given)
    assert tuple(model.coords["asset"]) == given.assets
    trace = numpyro.handlers.trace(numpyro.handlers.seed(getattr(in_numpyro, parameter)(given), 0)).get_trace()
    for name in REPORTED[parameter]:
        assert model.named_vars_to_dims[name] == ("asset",)
        assert trace[name]["value"].shape == (3,)


# Asked in a wrong way ----------------------------------------------------------------------------------------------


def test_unknown_names_are_refused_by_name(given):
    with pytest.raises(FitError, match=r"no reference model for 'gamma_base'; there are alpha_touch, kappa"):
        fit("gamma_base", given)
    with pytest.raises(FitError, match=r"unknown backend 'stan'; there are pymc, numpyro"):
        fit("kappa", given, "stan")
    with pytest.raises(ValueError, match="auto, centred or noncentred, got 'uncentred'"):
        fit("kappa", given, parameterisation="uncentred")
    with pytest.raises(TypeError, match="widow_effect"):
        fit("kappa", given, widow_effect=False)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("order", [1, -1])
def test_own_fills_and_trade_tapes_do_not_mix(given, trades, backend, order):
    mixed = replace(given, kappa=(given.kappa[0], trades.kappa[1], given.kappa[2])[::order])
    for kappa in (mixed.kappa, mixed.kappa[1:] + mixed.kappa[:1]):
        with pytest.raises(EvidenceError, match="own fills and trade tapes cannot share one model"):
            fit("kappa", replace(given, kappa=kappa), backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_hyperpriors_of_the_other_kind_are_not_ignored(given, trades, backend):
    with pytest.raises(TypeError, match="takes KappaPriors, got WalkPriors"):
        fit("kappa", given, backend, priors=WalkPriors())
    with pytest.raises(TypeError, match="takes WalkPriors, got KappaPriors"):
        fit("kappa", trades, backend, priors=KappaPriors())


def test_compiled_programs_are_kept_where_the_user_keeps_such_things(monkeypatch, tmp_path):
    before = jax.config.jax_compilation_cache_dir
    try:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.setenv("MMRESEARCH_NO_CACHE", "1")
        keep_compiled()
        assert jax.config.jax_compilation_cache_dir == before
        monkeypatch.delenv("MMRESEARCH_NO_CACHE")
        keep_compiled()
        assert jax.config.jax_compilation_cache_dir == str(tmp_path / "mmresearch" / "jax")
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
