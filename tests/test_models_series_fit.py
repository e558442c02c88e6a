"""Fits of series: draws of the bundled tapes with features, the same from both backends, and the truths in them."""

from __future__ import annotations

import numpy as np
import pytest
from test_models_series import small_series

import mmresearch as mm
from mmresearch.models.data import EvidenceError
from mmresearch.models.fit import OF_SERIES, FitError, fit
from mmresearch.models.series import series_evidence
from mmresearch.models.store import evidence_hash, load_fit, save_fit

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*os.fork.*:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:The data type .* does not have a Zarr V3 specification"),
]

BACKENDS = ("pymc", "numpyro")
MODELS = tuple(dict.fromkeys(OF_SERIES.values()))
OF_MODEL = {m: [p for p, model in OF_SERIES.items() if model == m] for m in MODELS}


def test_every_parameter_of_series_is_of_the_catalogue():
    assert set(OF_SERIES) <= set(mm.catalogue()["name"])


def test_evidence_of_the_other_kind_is_refused():
    tape = mm.example(features=True)[0]
    with pytest.raises(EvidenceError, match="this model reads series"):
        fit("bocpd_hazard_rate", mm.evidence(tape))
    with pytest.raises(EvidenceError, match="alpha_touch reads the evidence of fills, got SeriesEvidence"):
        fit("alpha_touch", small_series())
    with pytest.raises(FitError, match="kappa, spread_floor_bps, bocpd_hazard_rate"):
        fit("nothing", small_series())


def test_a_fit_of_series_is_stored_and_comes_back(tmp_path):
    series = small_series()
    found = fit("bocpd_hazard_rate", series, "numpyro", draws=300, tune=300, chains=2, seed=3, progress=False)
    tree, _, origin = load_fit(save_fit(found, tmp_path / "h.zarr", series))
    assert origin["evidence_sha256"] == evidence_hash(series)
    assert evidence_hash(series) != evidence_hash(series_evidence(mm.example(features=True)))
    draws = tree["posterior"]["bocpd_hazard_rate"]
    # 7 changes in 900 s, and none in 400 s: the second is lower, the third unknown.
    mean = draws.mean(("chain", "draw")).sel(asset=["A", "B"]).to_numpy()
    assert 0.003 < mean[0] < 0.015
    assert mean[1] < mean[0]


@pytest.mark.long
@pytest.mark.parametrize("model", MODELS)
def test_bundled_truths_lie_in_fits_that_agree(model):
    """Fits of both backends are admitted, hold the truths within four sd, and have the same means and sds."""
    tapes, truths = mm.example(features=True), mm.example_truths(features=True)
    series, means = series_evidence(tapes), {}
    for backend in BACKENDS:
        found = fit(OF_MODEL[model][0], series, backend, seed=1, quick=True, progress=False)
        assert found.gate.passed, found.gate.table
        for name in OF_MODEL[model]:
            draws = np.log(found.posterior["posterior"][name])
            assert draws.dims[-1] == "asset"
            for asset in series.assets:
                one = draws.sel(asset=asset).to_numpy()
                means[backend, name, asset] = one.mean(), one.std()
                if name in truths[asset]:
                    assert abs(one.mean() - np.log(truths[asset][name])) < 4 * one.std(), (name, asset)
    for name in OF_MODEL[model]:
        for asset in series.assets:
            one, two = (means[b, name, asset] for b in BACKENDS)
            # 400 effective draws or more each: a mean to .05 sd, their difference to .07; a sd to 4 %.
            assert abs(one[0] - two[0]) < 0.3 * one[1]
            assert abs(np.log(one[1] / two[1])) < 0.25
