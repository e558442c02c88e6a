"""Fits on Dask: the same draws, and a worker that is killed loses nothing."""

import os
import signal
import socket
import threading
import time

import psutil
import pytest
from test_models_batch import WANTED, WORLD, dies, dies_once, draws

from mmresearch import models
from mmresearch.models.batch import make_fits
from mmresearch.models.engines import Call, LostWorkersError
from mmresearch.tape.evidence import evidence

cluster = models.cluster

pytestmark = [
    # The format of zarr that xarray writes has no date of its own yet; xarray says so at every text coordinate.
    pytest.mark.filterwarnings("ignore:The data type .* does not have a Zarr V3 specification"),
]


@pytest.mark.parametrize("name", ["here", "127.0.0.1:8786", "http://x:1", ""])
def test_a_name_that_is_no_cluster_is_refused(name):
    with pytest.raises(cluster.ClusterError, match="names no cluster; write local, or a scheduler's address"):
        cluster.engine_on(name, 2)


def test_a_scheduler_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(cluster, "ANSWER_S", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(cluster.ClusterError, match=f"no scheduler answers at tcp://127.0.0.1:{port}"):
        list(cluster.engine_on(f"tcp://127.0.0.1:{port}", 1)([Call("x", abs, (-1,))]))


def test_without_work_nobody_is_asked():
    assert list(cluster.engine_on("tcp://127.0.0.1:1", 1)([])) == []


@pytest.mark.long
def test_a_cluster_of_this_machine_listens_to_this_machine_only():
    with cluster.connected("local", 1) as client:
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        found = [c.laddr.ip for p in processes for c in p.net_connections("inet") if c.status == "LISTEN"]
        assert found
        assert set(found) == {"127.0.0.1"}
        assert len(client.scheduler_info()["workers"]) == 1


@pytest.mark.long
def test_a_killed_worker_loses_no_call_and_a_deadly_call_is_named(tmp_path):
    calls = [Call(f"call {i}", dies_once, (str(tmp_path / "dead"), i)) for i in range(4)]
    assert sorted(cluster.engine_on("local", 2)(calls)) == [(i, i) for i in range(4)]
    with pytest.raises(LostWorkersError, match="the heavy one: 4 workers died over it"):
        list(cluster.engine_on("local", 1)([Call("the heavy one", dies, (1,))]))


@pytest.mark.long
def test_a_worker_killed_in_the_middle_of_a_fit_loses_nothing(tmp_path):
    """The batch is connected with a scheduler by its address; the worker that fits is killed by SIGKILL."""
    given = evidence(WORLD.tapes(1), 100.0)
    plain = make_fits(WANTED, {"alpha_touch": given}, tmp_path / "plain")
    found = {}
    with cluster.connected("local", 2) as client:
        engine = cluster.engine_on(client.scheduler.address, 2)

        def work():
            found["batch"] = make_fits(WANTED, {"alpha_touch": given}, tmp_path / "dask", engine)

        batch = threading.Thread(target=work)
        batch.start()
        victim = _busy_pid(client)
        os.kill(victim, signal.SIGKILL)
        assert not list((tmp_path / "dask").glob("*.zarr"))
        batch.join(timeout=400)
        assert victim not in client.run(os.getpid).values()
    assert [m.reused for m in found["batch"].made] == [False, False]
    for one, two in zip(plain.made, found["batch"].made, strict=True):
        assert one.path.name == two.path.name
        assert (draws(one.fit) == draws(two.fit)).all()
    assert len(list((tmp_path / "dask").glob("*.zarr"))) == 2


def _busy_pid(client) -> int:
    """Process of a worker that has been at a fit for a second."""
    pids = client.run(os.getpid)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        busy = [worker for worker, tasks in client.processing().items() if tasks]
        if busy:
            time.sleep(1.0)
            return pids[busy[0]]
        time.sleep(0.01)
    raise AssertionError("no worker was ever busy")
