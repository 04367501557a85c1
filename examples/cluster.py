"""An expensive model on a cluster: its gradient by workers of Dask, one of which dies on the way.

Dask's scheduler sends the calls of the model to whatever workers it has, here two processes on this machine, and sends
them again where a worker is lost. On a real cluster only the line that makes the client differs:
``Client("tcp://scheduler:8786")``. Needs ``pip install "dask[distributed]"``.
"""

import importlib.util
import os
import threading
import time

import numpy as np

import fastcalc as fc

FREQUENCIES = np.linspace(1.0, 3.0, 12)


def model(stiffness: np.ndarray) -> float:
    """Stands for a simulation: 10 ms a call."""
    time.sleep(0.01)
    return float(np.sum(np.sin(FREQUENCIES * stiffness) / (1 + stiffness**2)))


def gradient_by_hand(stiffness: np.ndarray) -> np.ndarray:
    s, w = stiffness, FREQUENCIES
    return w * np.cos(w * s) / (1 + s**2) - 2 * s * np.sin(w * s) / (1 + s**2) ** 2


def main() -> None:
    from dask.distributed import Client, LocalCluster

    x = np.linspace(0.2, 1.8, 12)
    expected = gradient_by_hand(x)
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None, silence_logs=50
    )
    with cluster, Client(cluster) as client:
        spread = client.get_executor().map
        begun = time.perf_counter()
        result = fc.gradient(model, x, method="adaptive", workers=spread, full_output=True)
        took = time.perf_counter() - begun
        print(f"two workers: {result.evaluations} calls of 10 ms in {took:.2f} s")
        assert (np.abs(result.value - expected) <= result.error).all()

        victim = next(iter(client.run(os.getpid).values()))
        threading.Timer(0.3, os.kill, (victim, 9)).start()
        again = fc.gradient(model, x, method="adaptive", workers=spread)
        print("one of them killed on the way: the same to the last bit:", (again == result.value).all())
        assert (again == result.value).all()


if __name__ == "__main__":
    if importlib.util.find_spec("distributed") is None:
        print('this example needs Dask: pip install "dask[distributed]"')
    else:
        main()

x = np.array([0.3, 0.9])
assert np.allclose(fc.gradient(lambda s: np.sum(np.sin(s)), x, workers=map), np.cos(x))  # any map will do
