"""Fits on a Dask cluster: one of this machine, made for the batch, or one that is there already.

Each call is a task. A worker that dies takes nothing with it but the tasks that it held: the scheduler gives them to
another, and blames a task itself only after it met more than `DEATHS` dead workers. What is done comes back at once, so
that the caller can keep it. Arguments go along with each task and never lie on one worker alone.

A cluster of this machine listens on 127.0.0.1 only and has no dashboard. Reference: docs.dask.org.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import dask.config
from distributed import Client, LocalCluster, as_completed
from distributed.scheduler import KilledWorker

from mmresearch.models.engines import DEATHS, Call, Engine, LostWorkersError

LOCAL = "local"
HOST = "127.0.0.1"
#: Seconds in which a scheduler must answer.
ANSWER_S = 10.0
_SETTINGS = {"distributed.scheduler.allowed-failures": DEATHS, "distributed.comm.timeouts.connect": ANSWER_S}


class ClusterError(ValueError):
    """A cluster that is not there, or named in a way that nobody understands."""


def engine_on(cluster: str, jobs: int) -> Engine:
    """Return the engine that works on a cluster.

    Parameters
    ----------
    cluster : str
        "local", or the address of a scheduler such as ``tcp://10.0.0.7:8786``.
    jobs : int
        Workers of a local cluster, each a process of one thread; another cluster has those that it has.

    Raises
    ------
    ClusterError
        If it is neither.
    """
    if cluster != LOCAL and not cluster.startswith(("tcp://", "tls://")):
        raise ClusterError(f"{cluster!r} names no cluster; write local, or a scheduler's address as in tcp://HOST:PORT")
    return partial(_on_cluster, cluster=cluster, jobs=jobs)


def _on_cluster(calls: Sequence[Call], cluster: str, jobs: int) -> Iterator[tuple[int, Any]]:
    if not calls:
        return
    with connected(cluster, jobs) as client:
        waiting = {client.submit(call.function, *call.arguments, pure=False): place for place, call in enumerate(calls)}
        for future in as_completed(waiting):
            place = waiting[future]
            try:
                result = future.result()
            except KilledWorker as error:
                raise LostWorkersError(f"{calls[place].name}: {DEATHS + 1} workers died over it ({error})") from error
            yield place, result


@contextmanager
def connected(cluster: str, jobs: int) -> Iterator[Client]:
    """Connect with a cluster; one of this machine begins and ends with the connection.

    Parameters
    ----------
    cluster : str
        "local", or the address of a scheduler.
    jobs : int
        Workers of a local cluster.

    Raises
    ------
    ClusterError
        If no scheduler answers at the address.
    """
    with dask.config.set(_SETTINGS):
        if cluster == LOCAL:
            with (
                LocalCluster(
                    n_workers=jobs, threads_per_worker=1, processes=True, host=HOST, dashboard_address=None,
                    silence_logs=logging.ERROR,
                    worker_dashboard_address=None,
                ) as made,
                Client(made) as client,
            ):  # fmt: skip
                yield client
            return
        try:
            client = Client(cluster, timeout=ANSWER_S)
        except (OSError, TimeoutError) as error:
            raise ClusterError(f"no scheduler answers at {cluster}; start one with: dask scheduler") from error
        with client:
            yield client
