"""The reference posteriors of the bundled tapes: of these tapes, as near independent as is said, and met by a fit."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from mmresearch.audit import reference_posteriors as room
from mmresearch.audit.reference_posteriors import (
    CHAINS,
    ESS_BOUND,
    KEPT,
    LAG_BOUND,
    THIN,
    PosteriorError,
    criteria,
    facts_of,
    make,
    reference_posterior,
)
from mmresearch.models.fit import fit
from mmresearch.models.store import evidence_hash
from mmresearch.sim.bundle import example, example_truths
from mmresearch.tape.evidence import evidence

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def given():
    return evidence(example(), window_s=300.0)


@pytest.mark.parametrize("model", THIN)
def test_it_is_about_the_tapes_that_are_bundled(given, model):
    assert facts_of(model)["evidence_sha256"] == evidence_hash(given)
    found = reference_posterior(model)
    assert found[model].shape == (CHAINS, KEPT, 8)
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
    moments = facts_of(model)["moments"][model]
    np.testing.assert_allclose(found[model].mean(("chain", "draw")), moments["mean"], rtol=1e-6)


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
    """Of eight assets, a 90 % interval misses four or more once in two hundred times."""
    found, truths = reference_posterior(model), example_truths()
    low, high = (found[model].quantile(q, ("chain", "draw")) for q in (0.05, 0.95))
    held = [float(low.sel(asset=a)) < truths[a][model] < float(high.sel(asset=a)) for a in found["asset"].to_numpy()]
    assert sum(held) >= 5


@pytest.mark.parametrize("model", ["alpha_touch", "spread_floor_bps"])
def test_a_fit_of_today_meets_it(given, model):
    """Means to five standard errors of the fit, sds to a tenth: the models are those of which the reference is."""
    found = fit(model, given, backend="numpyro", quick=True, progress=False, seed=5)
    ours, theirs = found.posterior["posterior"][model], reference_posterior(model)[model]
    over = ("chain", "draw")
    gap = np.abs(ours.mean(over).to_numpy() - theirs.mean(over).to_numpy())
    error = theirs.std(over).to_numpy() / np.sqrt(found.gate.min_ess)
    assert (gap < 5 * error).all()
    np.testing.assert_allclose(ours.std(over).to_numpy(), theirs.std(over).to_numpy(), rtol=0.1)


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(PosteriorError, match="no reference posterior of 'hawkes'"):
        reference_posterior("hawkes")
    with pytest.raises(PosteriorError, match="no reference posterior of 'kappa'"):
        facts_of("kappa", tmp_path)


def test_one_that_misses_its_criteria_is_not_written(monkeypatch, tmp_path):
    """Draws one after the other depend on each other: thinned by one they do not meet the criteria."""
    monkeypatch.setattr(room, "THIN", {"alpha_touch": 1})
    monkeypatch.setattr(room, "TUNE", 300)
    monkeypatch.setattr(room, "KEPT", 200)
    monkeypatch.setattr(room, "example", lambda folder: example())
    with pytest.raises(PosteriorError, match="does not meet the criteria"):
        make("alpha_touch", tmp_path, progress=False)
    assert not list(tmp_path.iterdir())
