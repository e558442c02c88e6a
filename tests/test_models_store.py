"""Draws on disk: what comes back is what was put there, with its origin; nothing of anybody else's is ever replaced."""

import dataclasses
import json
import os
import warnings
from pathlib import Path

import arviz as az
import numpy as np
import pytest
import xarray as xr

from mmresearch.models.fit import Fit
from mmresearch.models.gate import gate
from mmresearch.models.store import StoreError, draws_hash, evidence_hash, load_fit, save_fit
from mmresearch.sim.worlds import World
from mmresearch.tape.evidence import DepthCounts, Evidence, evidence

# The format of zarr that xarray writes has no date of its own yet; xarray says so at every text coordinate.
pytestmark = pytest.mark.filterwarnings("ignore:The data type .* does not have a Zarr V3 specification")


@pytest.fixture(scope="module")
def given() -> Evidence:
    return evidence(World(assets=2, seconds=400.0).tapes(1), 100.0)


def fitted(given: Evidence, seed: int = 0, options: str = "") -> Fit:
    """A fit of independent draws: what is stored does not depend on who drew them."""
    rng, place = np.random.default_rng(seed), ("chain", "draw")
    posterior = xr.Dataset(
        {
            "kappa": ((*place, "asset"), rng.normal(2000.0, 50.0, (4, 300, 2))),
            "w_kappa": ((*place, "asset", "window"), rng.normal(0.0, 1.0, (4, 300, 2, 3))),
            "tau": (place, rng.lognormal(0.0, 0.5, (4, 300))),
        },
        coords={"asset": list(given.assets), "window": [0, 1, 2]},
    )
    stats = xr.Dataset(
        {"diverging": (place, rng.random((4, 300)) < 0), "energy": (place, rng.normal(100.0, 3.0, (4, 300)))}
    )
    draws = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})
    return Fit("kappa", "pymc", "nutpie", "auto", draws, gate(draws), 1.5, seed, {"pymc": "6.4"}, 2, options)


def test_draws_come_back_as_they_were(given, tmp_path):
    one = fitted(given)
    where = save_fit(one, tmp_path / "deep" / "kappa.zarr", given)
    assert where == tmp_path / "deep" / "kappa.zarr"
    tree, judged, _ = load_fit(where)
    for group in ("posterior", "sample_stats"):
        xr.testing.assert_identical(tree[group].to_dataset(), one.posterior[group].to_dataset())
    assert tree["posterior"]["asset"].to_numpy().tolist() == list(given.assets)
    assert judged.table.equals(one.gate.table)


def test_others_open_the_draws_without_a_warning_of_metadata(given, tmp_path):
    one = fitted(given)
    where = save_fit(one, tmp_path / "draws.zarr", given)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*consolidated metadata.*", RuntimeWarning)
        tree = az.from_zarr(where)
        xr.testing.assert_equal(tree["posterior"].to_dataset(), one.posterior["posterior"].to_dataset())


def test_the_origin_of_draws_comes_back_with_them(given, tmp_path):
    one = fitted(given, seed=5, options="window_effect=False")
    _, _, origin = load_fit(save_fit(one, tmp_path / "x.zarr", given))
    assert origin == {
        "parameter": "kappa", "backend": "pymc", "sampler": "nutpie", "parameterisation": "auto",
        "options": "window_effect=False", "seed": 5, "tries": 2, "seconds": 1.5, "versions": {"pymc": "6.4"},
        "evidence_sha256": evidence_hash(given), "admitted": 1, "draws_sha256": draws_hash(one.posterior),
    }  # fmt: skip


def test_a_seed_of_numpy_is_a_seed(given, tmp_path):
    one = dataclasses.replace(fitted(given), seed=np.int64(7))
    assert load_fit(save_fit(one, tmp_path / "x.zarr", given))[2]["seed"] == 7


def test_the_fit_in_memory_is_not_touched(given, tmp_path):
    one = fitted(given)
    save_fit(one, tmp_path / "x.zarr", given)
    assert one.posterior.attrs == {}


def test_the_gate_is_asked_anew(given, tmp_path):
    """Who edits draws cannot keep their admission."""
    one = fitted(given)
    one.posterior["sample_stats"]["diverging"][0, 3] = True
    _, judged, origin = load_fit(save_fit(one, tmp_path / "x.zarr", given))
    assert origin["admitted"] == 1
    assert not judged.passed


def test_new_draws_replace_old_ones_and_leave_nothing_behind(given, tmp_path):
    path = tmp_path / "x.zarr"
    for seed in (1, 2):
        save_fit(fitted(given, seed), path, given)
    tree, _, origin = load_fit(path)
    assert origin["seed"] == 2
    np.testing.assert_array_equal(tree["posterior"]["tau"], fitted(given, 2).posterior["posterior"]["tau"])
    assert os.listdir(tmp_path) == ["x.zarr"]


def test_draws_that_cannot_be_written_leave_the_old_ones(given, tmp_path):
    path = save_fit(fitted(given, 1), tmp_path / "x.zarr", given)
    broken = fitted(given, 2)
    odd = xr.Variable("draw", np.array([{}] * 300))
    broken.posterior["posterior"] = xr.DataTree(broken.posterior["posterior"].to_dataset().assign(odd=odd))
    with pytest.raises((TypeError, ValueError)):
        save_fit(broken, path, given)
    assert load_fit(path)[2]["seed"] == 1
    assert os.listdir(tmp_path) == ["x.zarr"]


def test_draws_that_cannot_take_their_place_leave_the_old_ones(given, tmp_path, monkeypatch):
    path = save_fit(fitted(given, 1), tmp_path / "x.zarr", given)
    rename = os.replace

    def full(source: Path, target: Path) -> None:
        if Path(source).name == "new":
            raise OSError("no space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        save_fit(fitted(given, 2), path, given)
    assert load_fit(path)[2]["seed"] == 1
    assert os.listdir(tmp_path) == ["x.zarr"]


def test_a_folder_of_somebody_else_is_never_replaced(given, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work", encoding="utf-8")
    (tmp_path / "note").write_text("a file", encoding="utf-8")
    xr.Dataset({"x": ("t", [1.0])}).to_zarr(tmp_path / "other.zarr", consolidated=False)
    for name in ("thesis", "note", "other.zarr"):
        with pytest.raises(StoreError, match="left as it is"):
            save_fit(fitted(given), tmp_path / name, given)
    assert (tmp_path / "thesis" / "chapter.txt").read_text(encoding="utf-8") == "years of work"
    assert sorted(os.listdir(tmp_path)) == ["note", "other.zarr", "thesis"]


def test_an_empty_folder_may_be_filled(given, tmp_path):
    (tmp_path / "x.zarr").mkdir()
    assert load_fit(save_fit(fitted(given), tmp_path / "x.zarr", given))[2]["parameter"] == "kappa"


def test_a_path_without_draws_is_refused(given, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "note").write_text("a file", encoding="utf-8")
    xr.Dataset({"x": ("t", [1.0])}).to_zarr(tmp_path / "other.zarr", consolidated=False)
    for name in ("absent", "empty", "note", "other.zarr"):
        with pytest.raises(StoreError, match=name):
            load_fit(tmp_path / name)


def test_a_store_without_its_origin_is_refused(given, tmp_path):
    path = save_fit(fitted(given), tmp_path / "x.zarr", given)
    root = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
    del root["attributes"]["evidence_sha256"]
    (path / "zarr.json").write_text(json.dumps(root), encoding="utf-8")
    with pytest.raises(StoreError, match="provenance"):
        load_fit(path)


# The hash of evidence ----------------------------------------------------------------------------------------------


def numbers(given: Evidence):
    """Every number of the evidence as (where, evidence in which it is a little different)."""
    for group in dataclasses.fields(given):
        rows = getattr(given, group.name)
        for i, counts in enumerate(rows):
            for field in dataclasses.fields(counts):
                value = getattr(counts, field.name)
                if isinstance(value, np.ndarray) and value.size:
                    changed = value.copy()
                    at = np.unravel_index(value.size // 2, value.shape)
                    changed[at] = changed[at] + 1 if value.dtype.kind == "i" else np.nextafter(changed[at], np.inf)
                elif isinstance(value, float):
                    changed = float(np.nextafter(value, np.inf))
                elif isinstance(value, str):
                    changed = value + "x"
                else:
                    continue
                other = dataclasses.replace(counts, **{field.name: changed})
                new = tuple(other if k == i else row for k, row in enumerate(rows))
                yield f"{group.name}.{i}.{field.name}", dataclasses.replace(given, **{group.name: new})


@pytest.mark.parametrize("trades", [False, True], ids=["own fills", "trade tapes"])
def test_the_hash_changes_with_every_number(trades):
    tapes = World(assets=2, seconds=200.0).tapes(2)
    if trades:
        tapes = [dataclasses.replace(t, orders=t.orders.iloc[:0], fills=t.fills.iloc[:0]) for t in tapes]
    given = evidence(tapes, 100.0)
    hashes = {where: evidence_hash(other) for where, other in numbers(given)}
    assert len(hashes) >= 2 * (4 + 6 + 4)
    assert evidence_hash(given) not in hashes.values()
    assert len(set(hashes.values())) == len(hashes)


def test_equal_evidence_has_equal_hashes_and_order_counts(given):
    again = evidence(World(assets=2, seconds=400.0).tapes(1), 100.0)
    assert evidence_hash(given) == evidence_hash(again)
    assert len(evidence_hash(given)) == 64
    turned = Evidence(*(getattr(given, f.name)[::-1] for f in dataclasses.fields(given)))
    assert evidence_hash(given) != evidence_hash(turned)


def test_the_hash_sees_the_shape(given):
    """One window of six bins is not two windows of three."""
    flat = np.arange(1.0, 7.0)
    one, two = (
        dataclasses.replace(given, kappa=(DepthCounts("X", *[flat.reshape(shape)] * 3),)) for shape in ((1, 6), (2, 3))
    )
    assert evidence_hash(one) != evidence_hash(two)


def test_the_hash_is_about_values_not_their_storage(given):
    labels = given.alpha_touch[0]
    whole = dataclasses.replace(labels, total=labels.total.astype(np.int64), informed=labels.informed[::1].copy())
    other = dataclasses.replace(given, alpha_touch=(whole, *given.alpha_touch[1:]))
    assert evidence_hash(given) == evidence_hash(other)


def chunks(folder: Path, name: str) -> list[Path]:
    return sorted(p for p in (folder / "posterior" / name / "c").rglob("*") if p.is_file())


def test_draws_that_lost_a_chunk_or_whose_numbers_changed_are_refused(given, tmp_path):
    """zarr fills a missing chunk with zeros and says nothing."""
    lost = save_fit(fitted(given), tmp_path / "lost.zarr", given)
    chunks(lost, "tau")[0].unlink()
    assert (
        float(xr.open_datatree(lost, engine="zarr", consolidated=False)["posterior"]["tau"][0, 0])
        != fitted(given).posterior["posterior"]["tau"].to_numpy()[0, 0]
    )
    swapped = save_fit(fitted(given, 1), tmp_path / "swapped.zarr", given)
    other = save_fit(fitted(given, 2), tmp_path / "other.zarr", given)
    chunks(swapped, "kappa")[0].write_bytes(chunks(other, "kappa")[0].read_bytes())
    for path in (lost, swapped):
        with pytest.raises(StoreError, match="not those that were written"):
            load_fit(path)
    assert load_fit(other)[2]["seed"] == 2


def test_a_damaged_chunk_is_an_error_of_the_store(given, tmp_path):
    where = save_fit(fitted(given), tmp_path / "x.zarr", given)
    chunks(where, "kappa")[0].write_bytes(b"not what zstd wrote")
    with pytest.raises(StoreError):
        load_fit(where)


def test_what_else_is_to_be_remembered_comes_back(given, tmp_path):
    origin = load_fit(save_fit(fitted(given), tmp_path / "x.zarr", given, {"key": "abc"}))[2]
    assert origin["key"] == "abc"


def test_a_message_that_is_missing_comes_back_as_no_message(given, tmp_path):
    """PyMC's sampler has a text for every draw, None if the draw did not diverge."""
    one = fitted(given)
    words = np.full((4, 300), None, dtype=object)
    words[1, 7] = "the energy is infinite"
    stats = one.posterior["sample_stats"].to_dataset()
    one.posterior["sample_stats"] = xr.DataTree(stats.assign(divergence_message=(("chain", "draw"), words)))
    tree, _, _ = load_fit(save_fit(one, tmp_path / "x.zarr", given))
    found = tree["sample_stats"]["divergence_message"].to_numpy()
    assert (found[1, 7], found[0, 0]) == ("the energy is infinite", "")
    assert one.posterior["sample_stats"]["divergence_message"].to_numpy()[0, 0] != ""
