"""The reference posteriors of the bundled tapes: of these tapes, as near independent as is said, and met by a fit."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import xarray as xr
from scipy.stats import binom

from mmresearch.audit import reference_posteriors as room
from mmresearch.audit.reference_posteriors import (
    CHAINS,
    ESS_BOUND,
    KEPT,
    LAG_BOUND,
    THIN,
    PosteriorError,
    criteria,
    evidence_of,
    facts_of,
    make,
    parameter_of,
    reference_posterior,
)
from mmresearch.belief.catalogue import CATALOGUE
from mmresearch.models.fit import fit
from mmresearch.models.inputs import family_of
from mmresearch.models.store import evidence_hash
from mmresearch.sim.bundle import example, example_truths

pytestmark = pytest.mark.filterwarnings("ignore")


@functools.cache
def given_to(model):
    return evidence_of(model)


def _features(model):
    return family_of(parameter_of(model)) != "fills"


@pytest.mark.parametrize("model", THIN)
def test_it_is_about_the_tapes_that_are_bundled(model):
    given, found = given_to(model), reference_posterior(model)
    assert facts_of(model)["evidence_sha256"] == evidence_hash(given)
    assert found[parameter_of(model)].shape == (CHAINS, KEPT, 3 if _features(model) else 8)
    assert tuple(found["asset"].to_numpy()) == given.assets


@pytest.mark.parametrize("model", THIN)
def test_its_draws_are_as_independent_as_is_said(model):
    """From the draws that were kept, not from what the manifest says of them."""
    found = reference_posterior(model)
    rng = np.random.default_rng(0)
    stats = xr.Dataset(
        {name: (("chain", "draw"), rng.standard_normal((CHAINS, KEPT)) * size) for name, size in
         (("energy", 1.0), ("diverging", 0.0))}
    )  # fmt: skip
    assert criteria(found, stats)["passed"].all()
    said = {row["check"]: row for row in facts_of(model)["criteria"]}
    assert said["divergences"]["value"] == 0
    assert min(said["ess bulk"]["value"], said["ess tail"]["value"]) > ESS_BOUND
    assert said["autocorrelation"]["value"] < LAG_BOUND
    moments = facts_of(model)["moments"]
    for name in found.data_vars:
        np.testing.assert_allclose(found[name].mean(("chain", "draw")), moments[name]["mean"], rtol=1e-6)


def test_draws_that_depend_on_each_other_are_refused():
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((CHAINS, KEPT, 1))
    slow = np.empty_like(noise)
    slow[:, 0] = noise[:, 0]
    for i in range(1, KEPT):
        slow[:, i] = 0.1 * slow[:, i - 1] + np.sqrt(0.99) * noise[:, i]
    stats = xr.Dataset(
        {"energy": (("chain", "draw"), noise[..., 0]), "diverging": (("chain", "draw"), 0 * noise[..., 0])}
    )
    dims = ("chain", "draw", "asset")
    good, bad = (criteria(xr.Dataset({"x": (dims, x)}), stats).set_index("check")["passed"] for x in (noise, slow))
    assert good.all()
    assert not bad["autocorrelation"]


@pytest.mark.parametrize("model", THIN)
def test_intervals_of_the_reference_hold_most_truths(model):
    """A 90 % interval misses one truth in ten; of eight assets, four or more once in two hundred times."""
    found, truths = reference_posterior(model), example_truths(features=_features(model))
    low, high = (found.quantile(q, ("chain", "draw")) for q in (0.05, 0.95))
    names = CATALOGUE.keys() & found.data_vars
    assert names
    for name in names:
        held = [
            float(low[name].sel(asset=asset)) < truths[asset][name] < float(high[name].sel(asset=asset))
            for asset in found["asset"].to_numpy()
            if name in truths[asset]
        ]
        assert held.count(False) <= binom(len(held), 0.1).ppf(0.99), name


@pytest.mark.parametrize(
    ("model", "scale"), [("alpha_touch", np.asarray), ("spread_floor_bps", np.asarray), ("bocpd_hazard_rate", np.log)]
)
def test_a_fit_of_today_meets_it(model, scale):
    """Means to five standard errors of the fit, sds to a tenth: the models are those of which the reference is.

    Rates of changepoints as logarithms: a tape without any leaves a law over three decades, whose sd no sample has.
    """
    name = parameter_of(model)
    found = fit(name, given_to(model), backend="numpyro", quick=True, progress=False, seed=5)
    both = found.posterior["posterior"][name], reference_posterior(model)[name]
    ours, theirs = (draws.copy(data=scale(draws.to_numpy())) for draws in both)
    over = ("chain", "draw")
    gap = np.abs(ours.mean(over).to_numpy() - theirs.mean(over).to_numpy())
    error = theirs.std(over).to_numpy() / np.sqrt(found.gate.min_ess)
    assert (gap < 5 * error).all()
    np.testing.assert_allclose(ours.std(over).to_numpy(), theirs.std(over).to_numpy(), rtol=0.1)


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(PosteriorError, match="no reference posterior of 'order_rate'"):
        reference_posterior("order_rate")
    with pytest.raises(PosteriorError, match="no reference posterior of 'kappa'"):
        facts_of("kappa", tmp_path)


def test_one_that_misses_its_criteria_is_not_written(monkeypatch, tmp_path):
    """Draws one after the other depend on each other: thinned by one they do not meet the criteria."""
    monkeypatch.setattr(room, "THIN", {"alpha_touch": 1})
    monkeypatch.setattr(room, "TUNE", 300)
    monkeypatch.setattr(room, "KEPT", 200)
    monkeypatch.setattr(room, "example", lambda folder, features: example(features=features))
    with pytest.raises(PosteriorError, match="does not meet the criteria"):
        make("alpha_touch", tmp_path, progress=False)
    assert not list(tmp_path.iterdir())
