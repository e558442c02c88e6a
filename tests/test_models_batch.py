"""Batches of fits: none is made twice, none is lost, none is believed that is not what it says, whoever works."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mmresearch.models.keys as keys
from mmresearch.belief.catalogue import CATALOGUE
from mmresearch.learn.storage.atomic import LockTimeoutError, locked
from mmresearch.models.batch import OtherCodeError, Request, attempt, make_fits, read_fit, requests_for
from mmresearch.models.engines import Call, LostWorkersError, engine_of, in_processes, in_turn
from mmresearch.models.fit import MODELLED, OF_FEATURES, OF_SERIES, FitError
from mmresearch.models.inputs import fittable, kind_of, model_of, reduce_tapes
from mmresearch.models.priors import AlphaPriors
from mmresearch.models.series import series_evidence
from mmresearch.models.store import StoreError, evidence_hash, load_fit
from mmresearch.sim.worlds import World
from mmresearch.tape.evidence import Evidence, evidence

# The format of zarr that xarray writes has no date of its own yet; xarray says so at every text coordinate.
pytestmark = pytest.mark.filterwarnings("ignore:The data type .* does not have a Zarr V3 specification")

WORLD = World(assets=2, seconds=400.0)
WANTED = [Request(("alpha_touch",), "pymc", draws=300, tune=300, chains=2, seed=seed) for seed in (1, 2)]


@pytest.fixture(scope="module")
def given() -> Evidence:
    return evidence(WORLD.tapes(1), 100.0)


@pytest.fixture(scope="module")
def first(given, tmp_path_factory):
    """Two real fits, made once, and their folder."""
    folder = tmp_path_factory.mktemp("fits")
    return make_fits(WANTED, {"alpha_touch": given}, folder), folder


@pytest.fixture
def folder(first, tmp_path) -> Path:
    """A copy of the folder that a test may damage."""
    return Path(shutil.copytree(first[1], tmp_path / "fits"))


def nobody(calls):
    assert not calls, [c.name for c in calls]
    return iter(())


def again(first, made: list[str]):
    """An engine that hands out the fits made before: what is kept does not depend on when they were drawn."""

    def engine(calls):
        for place, call in enumerate(calls):
            made.append(call.name)
            seed = call.arguments[0].seed
            yield place, next(m.fit for m in first[0].made if m.request.seed == seed)

    return engine


def draws(fitted):
    return fitted.posterior["posterior"]["alpha_touch"].to_numpy()


def test_fits_are_kept_and_come_back_as_they_were(first, given):
    batch, folder = first
    assert [(m.reused, m.why_not, m.fit.seed) for m in batch.made] == [(False, "", 1), (False, "", 2)]
    told = []
    second = make_fits(WANTED, {"alpha_touch": given}, folder, nobody, lambda *x: told.append(x))
    assert all(m.reused for m in second.made)
    assert told == [("alpha_touch in pymc was there", 1, 2), ("alpha_touch in pymc was there", 2, 2)]
    for one, two in zip(batch.made, second.made, strict=True):
        assert (draws(one.fit) == draws(two.fit)).all()
        assert two.fit.gate.table.equals(one.fit.gate.table)
        plain = [f.name for f in dataclasses.fields(two.fit) if f.name not in ("posterior", "gate")]
        assert [getattr(two.fit, n) for n in plain] == [getattr(one.fit, n) for n in plain]
    assert not (draws(batch.made[0].fit) == draws(batch.made[1].fit)).all()


def test_draws_say_what_they_were_made_from(first, given):
    batch, _ = first
    fitted, key = read_fit(batch.made[0].path)
    assert key == WANTED[0].key(given)
    assert batch.made[0].path.name == f"alpha_touch.pymc.{key[:16]}.zarr"
    assert fitted.options == ""
    _, _, origin = load_fit(batch.made[0].path)
    assert origin["evidence_sha256"] == evidence_hash(given)
    assert origin["model_sha256"] == keys.model_hash("alpha_touch", "pymc")
    assert origin["asked"] == "300 draws after 300 of tuning, 2 chains"
    assert json.loads(origin["packages"]) == keys.versions()


@pytest.mark.parametrize(
    "changed",
    [{"seed": 3}, {"draws": 301}, {"tune": 301}, {"chains": 3}, {"backend": "numpyro"}, {"parameterisation": "centred"},
     {"options": {"overdispersion": False}}, {"options": {"priors": AlphaPriors(rho_b=20.0)}}],
    ids=str,
)  # fmt: skip
def test_whatever_changes_draws_changes_the_key(given, changed):
    assert dataclasses.replace(WANTED[0], **changed).key(given) != WANTED[0].key(given)


def test_one_label_more_changes_the_key_and_the_same_tapes_do_not(given):
    assert WANTED[0].key(evidence(WORLD.tapes(1), 100.0)) == WANTED[0].key(given)
    counts = given.alpha_touch[0]
    total = counts.total.copy()
    total[0] += 1
    more = dataclasses.replace(given, alpha_touch=(dataclasses.replace(counts, total=total), *given.alpha_touch[1:]))
    assert WANTED[0].key(more) != WANTED[0].key(given)


@pytest.mark.parametrize(
    ("where", "old", "new", "same"),
    [
        ("mmresearch.models.priors", "rho_b: float = 19.0", "rho_b: float = 20.0", False),
        ("mmresearch.models.pymc.events", "weight = fixed(", "weight = 0.5 * fixed(", False),
        ("mmresearch.models.pymc.effects", "tau**weight", "tau**-weight", False),
        ("mmresearch.models.fit", "ACCEPT, ACCEPT_AGAIN = 0.98", "ACCEPT, ACCEPT_AGAIN = 0.9", False),
        ("mmresearch.models.gate", "RHAT_BOUND = 1.01", "RHAT_BOUND = 1.02", False),
        ("mmresearch.models.pymc.events", "from __future__", "# A remark.\nfrom __future__", True),
        ("mmresearch.models.priors", "weakly", "rather", True),
        ("mmresearch.models.pymc.flow", "n * beta", "n + beta", True),
    ],
)  # fmt: skip
def test_the_code_of_a_model_is_part_of_its_key(monkeypatch, where, old, new, same):
    """A remark, or another model, is not."""
    before, read = keys.model_hash("alpha_touch", "pymc"), keys._source

    def changed(name: str) -> str:
        text = read(name)
        assert name != where or old in text or same
        return text.replace(old, new) if name == where else text

    monkeypatch.setattr(keys, "_source", changed)
    assert (keys.model_hash.__wrapped__("alpha_touch", "pymc") == before) is same


def test_an_option_that_reads_differently_every_time_has_no_key(given):
    request = dataclasses.replace(WANTED[0], options={"priors": object()})
    with pytest.raises(FitError, match=r"option priors is .* give plain values"):
        request.key(given)


# Interrupted and damaged -------------------------------------------------------------------------------------------


def test_an_interrupted_batch_goes_on_with_the_rest(first, given, tmp_path):
    made: list[str] = []

    def interrupted(calls):
        yield next(again(first, made)(calls))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_fits(WANTED, {"alpha_touch": given}, tmp_path, interrupted)
    assert len(list(tmp_path.glob("*.zarr"))) == 1
    rest = make_fits(WANTED, {"alpha_touch": given}, tmp_path, again(first, made))
    assert [m.reused for m in rest.made] == [True, False]
    assert len(made) == 2
    assert not rest.set_aside


def _lose_a_chunk(path: Path) -> None:
    next(p for p in sorted((path / "posterior" / "alpha_touch" / "c").rglob("*")) if p.is_file()).unlink()


def _be_foreign(path: Path) -> None:
    shutil.rmtree(path)
    path.mkdir()
    (path / "thesis.txt").write_text("mine")


def _hold_another_fit(path: Path) -> None:
    other = next(p for p in path.parent.glob("*.zarr") if p != path)
    shutil.rmtree(path)
    shutil.copytree(other, path)


def _lose_the_key(path: Path) -> None:
    root = path / "zarr.json"
    root.write_text(root.read_text().replace('"key"', '"kee"'))


def _lose_the_root(path: Path) -> None:
    (path / "zarr.json").unlink()


@pytest.mark.parametrize(
    ("damage", "said"),
    [(_lose_a_chunk, "damaged"), (_be_foreign, "holds no draws"), (_hold_another_fit, "other things"),
     (_lose_the_key, "not given"), (_lose_the_root, "holds no draws")],
)  # fmt: skip
def test_what_is_not_the_fit_is_set_aside_and_said(first, given, folder, damage, said):
    place = folder / first[0].made[0].path.name
    damage(place)
    left = sorted(p.name for p in place.rglob("*"))
    made: list[str] = []
    batch = make_fits(WANTED, {"alpha_touch": given}, folder, again(first, made))
    assert [m.reused for m in batch.made] == [False, True]
    assert len(made) == 1
    (line,) = batch.set_aside
    assert line.startswith(f"{place.name} is now {place.name}.corrupt-1: ")
    assert said in line
    assert sorted(p.name for p in place.with_name(f"{place.name}.corrupt-1").rglob("*")) == left
    assert (draws(read_fit(place)[0]) == draws(first[0].made[0].fit)).all()


def test_what_a_dead_batch_left_half_written_is_swept_away(first, given, folder):
    half = folder / ".alpha_touch.pymc.0123.zarr.xyz"
    (half / "new").mkdir(parents=True)
    make_fits(WANTED, {"alpha_touch": given}, folder, nobody)
    assert not half.exists()


def test_two_batches_do_not_write_to_one_folder(first, given, folder):
    with locked(folder / "fits"), pytest.raises(LockTimeoutError, match="locked by another writer"):
        make_fits(WANTED, {"alpha_touch": given}, folder, nobody)


def test_draws_without_origin_are_no_fit(tmp_path):
    with pytest.raises(StoreError):
        read_fit(tmp_path / "nothing.zarr")


# Asked for ---------------------------------------------------------------------------------------------------------


def test_every_parameter_with_a_model_can_be_asked_for():
    assert set(fittable()) == {*MODELLED, *OF_SERIES, *OF_FEATURES} & set(CATALOGUE)
    assert set(fittable()) == {name for name, row in CATALOGUE.items() if row.kind == "learned"}
    found = requests_for((), ("pymc", "numpyro"), quick=True, seed=5)
    assert sorted(n for r in found if r.backend == "pymc" for n in r.parameters) == sorted(fittable())
    assert len({(r.model, r.backend) for r in found}) == len(found)
    assert {(r.draws, r.tune, r.seed) for r in found} == {(1000, 800, 5)}


def test_parameters_of_one_model_share_a_fit():
    (one,) = requests_for(("hawkes_mu", "hawkes_beta"), ("pymc",))
    assert (one.model, one.parameters) == ("hawkes", ("hawkes_beta", "hawkes_mu"))
    assert one.name == "hawkes in pymc"


def test_a_parameter_without_a_model_is_refused_by_name():
    with pytest.raises(FitError, match="'gamma_base' has no reference model; there are alpha_touch, kappa"):
        requests_for(("kappa", "gamma_base"), ("pymc",))
    with pytest.raises(FitError, match="'kapa'"):
        model_of("kapa")


def test_evidence_is_of_the_events_that_a_tape_has():
    own = WORLD.tapes(1)
    bare = [dataclasses.replace(t, orders=t.orders.iloc[:0], fills=t.fills.iloc[:0]) for t in own]
    assert {kind_of(p, own) for p in MODELLED} == {"own fills"}
    assert {kind_of(p, own) for p in OF_SERIES} == {"series"}
    assert [kind_of(p, bare) for p in ("kappa", "alpha_touch")] == ["market orders", "at touch"]
    assert type(reduce_tapes("market orders", bare).kappa[0]).__name__ == "WalkCounts"
    assert reduce_tapes("at touch", bare).alpha_touch[0].total.sum() > 0
    assert reduce_tapes("own fills", own).alpha_touch[0].total.sum() > 0


def test_a_model_that_the_tapes_say_nothing_of_costs_the_others_nothing(first, given, folder):
    """No bundled plain tape reports changepoints."""
    series = series_evidence(WORLD.tapes(1))
    wanted = [*WANTED, Request(("bocpd_hazard_rate",), "pymc")]
    batch = make_fits(wanted, {"alpha_touch": given, "bocpd_hazard_rate": series}, folder, in_turn)
    assert [m.fit is None for m in batch.made] == [False, False, True]
    assert "reports of changepoints" in batch.made[2].why_not
    assert len(list(folder.glob("*.zarr"))) == 2


def test_a_worker_with_other_code_is_refused(given):
    with pytest.raises(OtherCodeError, match="install the same"):
        attempt(WANTED[0], given, "0" * 64)


# Processes ---------------------------------------------------------------------------------------------------------


def dies_once(marker: str, value: int) -> int:
    """Kill the process that runs it, the first time."""
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def dies(value: int) -> int:
    """Kill the process that runs it."""
    os.kill(os.getpid(), signal.SIGKILL)
    return value


def test_a_process_that_is_killed_takes_no_result_with_it(tmp_path):
    calls = [Call(f"call {i}", dies_once, (str(tmp_path / "dead"), i)) for i in range(4)]
    assert sorted(in_processes(calls, 2)) == [(i, i) for i in range(4)]
    assert (tmp_path / "dead").exists()


def test_processes_that_die_again_and_again_are_given_up_by_name():
    with pytest.raises(LostWorkersError, match="died 3 times; not done: the heavy one"):
        list(in_processes([Call("the heavy one", dies, (1,))], 2))


@pytest.mark.long
def test_draws_do_not_depend_on_who_makes_them(first, given, tmp_path):
    batch = make_fits(WANTED, {"alpha_touch": given}, tmp_path, engine_of(2))
    for one, two in zip(first[0].made, batch.made, strict=True):
        assert not two.reused
        assert one.path.name == two.path.name
        assert (draws(one.fit) == draws(two.fit)).all()


_SCRIPT = """
import sys
from test_models_batch import *
if __name__ == "__main__":
    given = evidence(WORLD.tapes(1), 100.0)
    make_fits(WANTED, {"alpha_touch": given}, sys.argv[1], engine_of(1))
"""


@pytest.mark.long
def test_a_batch_that_is_killed_leaves_complete_fits_only(first, given, tmp_path):
    """SIGKILL as soon as the first fit is there; the second is made by the next batch."""
    place = tmp_path / "fits"
    (tmp_path / "script.py").write_text(_SCRIPT)
    here = Path(__file__).parent
    path = os.pathsep.join([str(here.parent), str(here)])
    command = [sys.executable, "-W", "ignore", str(tmp_path / "script.py"), str(place)]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}) as run:
        deadline = time.monotonic() + 300
        while not list(place.glob("alpha_touch.*.zarr")) and time.monotonic() < deadline:
            assert run.poll() is None
            time.sleep(0.005)
        run.kill()
    assert run.returncode == -signal.SIGKILL
    assert len(list(place.glob("alpha_touch.*.zarr"))) == 1
    made: list[str] = []
    batch = make_fits(WANTED, {"alpha_touch": given}, place, again(first, made))
    assert [m.reused for m in batch.made] == [True, False]
    assert (draws(batch.made[0].fit) == draws(first[0].made[0].fit)).all()
    assert not batch.set_aside
