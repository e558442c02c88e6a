"""The admission gate: what it must refuse, by which row, and what it must let through.

The funnel of eight schools is the touchstone: centred it cannot be sampled, non-centred it can.
"""

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
import xarray as xr
from jax import random
from numpyro.infer import MCMC, NUTS

from mmresearch.models.gate import BFMI_BOUND, ESS_BOUND, RHAT_BOUND, Gate, GateError, gate

# ArviZ computes R-hat and ESS of constant or missing draws, and says so; the gate is to refuse them.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning:arviz_stats")

CHAINS, DRAWS = 4, 500
EFFECT = jnp.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
STANDARD_ERROR = jnp.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def draws(seed: int = 0) -> xr.DataTree:
    """Draws that deserve admission: independent, with the energy of a sampler that forgets."""
    rng = np.random.default_rng(seed)
    place = ("chain", "draw")
    posterior = xr.Dataset(
        {
            "kappa": ((*place, "asset"), rng.normal(2000.0, 50.0, (CHAINS, DRAWS, 3))),
            "tau": (place, rng.lognormal(0.0, 0.5, (CHAINS, DRAWS))),
        },
        coords={"asset": ["A", "B", "C"]},
    )
    stats = xr.Dataset(
        {
            "diverging": (place, np.zeros((CHAINS, DRAWS), dtype=bool)),
            "energy": (place, rng.normal(100.0, 3.0, (CHAINS, DRAWS))),
        }
    )
    return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})


def refused_by(judged: Gate) -> set[str]:
    return set(judged.table.loc[~judged.table["passed"], "check"])


def variable(judged: Gate, check: str) -> str:
    return str(judged.table.set_index("check").loc[check, "variable"])


def eight_schools(centred: bool) -> xr.DataTree:
    def model() -> None:
        mu = numpyro.sample("mu", dist.Normal(0.0, 5.0))
        tau = numpyro.sample("tau", dist.HalfCauchy(5.0))
        with numpyro.plate("school", 8):
            if centred:
                theta = numpyro.sample("theta", dist.Normal(mu, tau))
            else:
                theta = numpyro.deterministic("theta", mu + tau * numpyro.sample("z", dist.Normal(0.0, 1.0)))
            numpyro.sample("y", dist.Normal(theta, STANDARD_ERROR), obs=EFFECT)

    kernel = NUTS(model, target_accept_prob=0.9)
    mcmc = MCMC(kernel, num_warmup=500, num_samples=1000, num_chains=CHAINS, chain_method="vectorized",
                progress_bar=False)  # fmt: skip
    mcmc.run(random.PRNGKey(1), extra_fields=("energy", "diverging"))
    groups = {"posterior": mcmc.get_samples(group_by_chain=True), "sample_stats": mcmc.get_extra_fields(True)}
    return xr.DataTree.from_dict({name: _dataset(arrays) for name, arrays in groups.items()})


def _dataset(arrays: dict) -> xr.Dataset:
    return xr.Dataset(
        {k: (["chain", "draw", *[f"{k}_{i}" for i in range(v.ndim - 2)]], np.asarray(v)) for k, v in arrays.items()}
    )


def test_centred_eight_schools_is_refused():
    judged = gate(eight_schools(centred=True))
    assert not judged.passed
    assert judged.divergences > 0
    assert judged.min_ess < ESS_BOUND
    assert judged.max_rhat > RHAT_BOUND


def test_noncentred_eight_schools_is_admitted():
    judged = gate(eight_schools(centred=False))
    assert judged.passed, judged.table
    assert judged.min_ess >= ESS_BOUND
    assert judged.max_rhat < RHAT_BOUND
    assert judged.divergences == 0
    assert judged.min_bfmi > BFMI_BOUND


def test_good_draws_are_admitted_and_every_row_says_what_was_looked_at():
    judged = gate(draws())
    assert judged.passed, judged.table
    assert judged.table["check"].tolist() == ["r-hat", "ess bulk", "ess tail", "divergences", "bfmi"]
    assert judged.table["bound"].tolist() == [RHAT_BOUND, ESS_BOUND, ESS_BOUND, 0.0, BFMI_BOUND]
    assert set(judged.table["variable"][:3]) <= {"kappa", "tau"}


@pytest.mark.parametrize("group", ["sample_stats", "posterior"])
def test_a_missing_group_is_an_error_not_an_admission(group):
    tree = draws()
    del tree[group]
    with pytest.raises(GateError, match=group):
        gate(tree)


@pytest.mark.parametrize("name", ["diverging", "energy"])
def test_a_missing_statistic_is_an_error_not_an_admission(name):
    tree = draws()
    tree["sample_stats"] = xr.DataTree(tree["sample_stats"].to_dataset().drop_vars(name))
    with pytest.raises(GateError, match=name):
        gate(tree)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_one_number_that_is_none_is_refused(bad):
    tree = draws()
    tree["posterior"]["kappa"][1, 17, 2] = bad
    judged = gate(tree)
    assert refused_by(judged) >= {"r-hat", "ess bulk"}
    assert variable(judged, "r-hat") == "kappa"


def test_a_stuck_chain_is_refused():
    tree = draws()
    tree["posterior"]["tau"][2] = 1.0
    judged = gate(tree)
    assert refused_by(judged) == {"r-hat", "ess tail"}
    assert variable(judged, "r-hat") == "tau"


def test_a_parameter_that_never_moves_is_refused():
    tree = draws()
    tree["posterior"]["tau"][:] = 1.0
    assert "r-hat" in refused_by(gate(tree))


def test_a_shifted_chain_is_refused_by_r_hat():
    tree = draws()
    tree["posterior"]["kappa"][3, :, 1] += 25.0  # half a posterior sd
    judged = gate(tree)
    assert "r-hat" in refused_by(judged)
    assert variable(judged, "r-hat") == "kappa"
    assert judged.divergences == 0


def test_a_chain_of_another_width_is_refused_by_r_hat():
    tree = draws()
    tree["posterior"]["kappa"][3, :, 1] = 2000.0 + 3 * (tree["posterior"]["kappa"][3, :, 1] - 2000.0)
    assert "r-hat" in refused_by(gate(tree))


def test_one_divergence_is_refused_by_its_row_alone():
    tree = draws()
    tree["sample_stats"]["diverging"][0, 250] = True
    judged = gate(tree)
    assert refused_by(judged) == {"divergences"}
    assert judged.divergences == 1


def test_energy_that_creeps_in_one_chain_is_refused_by_its_row_alone():
    tree = draws()
    rng = np.random.default_rng(1)
    tree["sample_stats"]["energy"][2] = np.cumsum(rng.normal(0.0, 1.0, DRAWS))
    judged = gate(tree)
    assert refused_by(judged) == {"bfmi"}
    assert variable(judged, "bfmi") == "chain 2"
    assert judged.min_bfmi < 0.1


@pytest.mark.parametrize("energy", [7.0, np.nan])
def test_energy_that_says_nothing_is_refused(energy):
    tree = draws()
    tree["sample_stats"]["energy"][1] = energy
    judged = gate(tree)
    assert refused_by(judged) == {"bfmi"}
    assert variable(judged, "bfmi") == "chain 1"


def test_slow_draws_are_refused_by_their_effective_sizes():
    tree = draws()
    slow = np.random.default_rng(2).normal(0.0, 1.0, (CHAINS, DRAWS))
    for t in range(1, DRAWS):
        slow[:, t] = 0.9 * slow[:, t - 1] + np.sqrt(1 - 0.9**2) * slow[:, t]
    tree["posterior"]["tau"][:] = slow
    judged = gate(tree)
    assert {"ess bulk", "ess tail"} <= refused_by(judged)
    # An autoregression of .9 is worth a nineteenth of its draws.
    assert judged.min_ess == pytest.approx(CHAINS * DRAWS / 19, rel=0.5)


def test_window_effects_must_converge_but_need_not_be_known_well():
    tree = draws()
    few = np.random.default_rng(3).normal(0.0, 1.0, (CHAINS, DRAWS, 3, 2))
    for t in range(1, DRAWS):
        few[:, t] = 0.75 * few[:, t - 1] + np.sqrt(1 - 0.75**2) * few[:, t]
    effects = xr.DataArray(few, dims=("chain", "draw", "asset", "window"))
    posterior = tree["posterior"].to_dataset()
    slow = xr.DataTree.from_dict(
        {"posterior": posterior.assign(w_kappa=effects), "sample_stats": tree["sample_stats"].to_dataset()}
    )
    assert not {"ess bulk", "ess tail"} & refused_by(gate(slow))
    shifted = effects.copy()
    shifted[0] += 2.0
    apart = xr.DataTree.from_dict(
        {"posterior": posterior.assign(w_kappa=shifted), "sample_stats": tree["sample_stats"].to_dataset()}
    )
    assert variable(gate(apart), "r-hat") == "w_kappa"
    assert "r-hat" in refused_by(gate(apart))
