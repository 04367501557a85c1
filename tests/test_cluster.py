"""Calls of f on a cluster of Dask: two worker processes of this machine, one of which is killed on the way."""

import os
import sys
import threading
import time
import warnings

import numpy as np
import pytest

import fastcalc as fc

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")

X = np.linspace(0.2, 1.8, 12)


def fast_model(x):
    return np.sum(np.sin(x) / (1 + x**2)) * x[0]


def model(x):
    time.sleep(0.01)
    return fast_model(x)


class Unstable(ArithmeticError):
    def __init__(self, place, reason):
        super().__init__(f"{reason} at {place}")
        self.place = place


def unstable(x):
    if x[3] > X[3]:
        raise Unstable(x[3], "no steady state")
    return np.sum(x)


@pytest.fixture(scope="module")
def client():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Dask about itself
        cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None, silence_logs=50
        )
        with cluster, distributed.Client(cluster) as client:
            yield client


def processes(client):
    return set(client.run(os.getpid).values())


def test_the_answer_is_that_of_a_serial_run(client):
    expected = fc.gradient(fast_model, X, method="adaptive", full_output=True)
    begun = time.perf_counter()
    result = fc.gradient(model, X, method="adaptive", workers=client.get_executor().map, full_output=True)
    took = time.perf_counter() - begun
    for name in ("value", "error", "step", "status"):
        np.testing.assert_array_equal(getattr(result, name), getattr(expected, name))
    assert result.evaluations == expected.evaluations
    assert took > 0.004 * result.evaluations  # of 10 ms, by two


def test_lambdas_and_blocks(client):
    spread, factor = client.get_executor().map, 3.0
    f = lambda x: factor * np.sin(x).sum(axis=0)  # noqa: E731
    assert (fc.hessian(f, X, workers=spread) == fc.hessian(f, X)).all()
    assert (fc.gradient(f, X, vectorized=True, workers=spread) == fc.gradient(f, X, vectorized=True)).all()


def test_exceptions(client):
    spread = client.get_executor().map
    with pytest.raises(ArithmeticError, match="no steady state at") as caught:
        fc.gradient(unstable, X, workers=spread)
    assert type(caught.value).__name__ == "Unstable"
    assert caught.value.place > X[3]
    result = fc.gradient(unstable, X, workers=spread, on_error="nan")
    assert np.flatnonzero(np.isnan(result)).tolist() == [3]


def test_a_client_is_no_map(client):
    with pytest.raises(TypeError, match=r"futures: .* client\.get_executor\(\)\.map"):
        fc.gradient(model, X, workers=client.map)
    with pytest.raises(TypeError, match=r"give its get_executor\(\)"):
        fc.gradient(model, X, workers=client)


def test_a_worker_that_is_killed(client):
    expected, before = fc.gradient(fast_model, X, method="adaptive"), processes(client)
    assert len(before) == 2
    killer = threading.Timer(0.2, os.kill, (min(before), 9))
    killer.start()
    begun = time.perf_counter()
    result = fc.gradient(model, X, method="adaptive", workers=client.get_executor().map)
    assert time.perf_counter() - begun > 0.2
    killer.join()
    assert (result == expected).all()
    assert min(before) not in processes(client)
