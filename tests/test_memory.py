"""Memory: bounded by blocks and by the result, however large the problem."""

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs the resource module")

MEASURE = """
    import resource, sys
    import numpy as np
    import fastcalc as fc

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    {setup}
    before = peak()
    result = {call}
    print(peak() - before)
    {check}
"""


def growth(setup, call, check=""):
    """Bytes by which the peak memory of a fresh process grows in a call."""
    script = textwrap.dedent(MEASURE).format(setup=setup.replace("\n", "\n" + ""), call=call, check=check)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


MB = 1e6


def test_a_large_vectorised_gradient():
    used = growth(
        "x = np.linspace(1, 2, 20_000); f = lambda x: x[0] * x[-1]; fc.gradient(f, x[:9], vectorized=True)",
        "fc.gradient(f, x, vectorized=True)",
        "assert abs(result - np.concatenate([[2], np.zeros(19_998), [1]])).max() < 1e-9",
    )
    assert used < 200 * MB


def test_a_long_batch():
    used = growth(
        "x = np.full((3, 1_000_000), 1.5); f = lambda x: x[0] * x[1] + x[2]; fc.gradient(f, x[:, :9], vectorized=True)",
        "fc.gradient(f, x, vectorized=True)",
        "assert abs(result - [[1.5], [1.5], [1]]).max() < 1e-8",
    )
    # x and the result are 24 MB each; steps, and a copy of x
    assert used < 6 * 24 * MB


def test_a_large_jacobian():
    used = growth(
        "x = np.linspace(1, 2, 2000); fc.jacobian(lambda x: x * x, x[:9])",
        "fc.jacobian(lambda x: x * x, x)",
        "assert abs(np.diagonal(result) - 2 * x).max() < 1e-8",
    )
    # the result is 32 MB
    assert used < 1.5 * 32 * MB


def test_a_large_divergence_needs_no_jacobian():
    used = growth(
        "x = np.linspace(1, 2, 6000); fc.divergence(lambda x: x * x, x[:9])",
        "fc.divergence(lambda x: x * x, x)",
        "assert abs(result - 2 * x.sum()) < 1e-4",
    )
    # the Jacobian would be 288 MB; a chunk of it is 34 MB
    assert used < 100 * MB


@pytest.mark.slow
def test_a_large_vectorised_hessian():
    used = growth(
        "x = np.linspace(1, 2, 2000); f = lambda x: (x * x).sum(axis=0); fc.hessian(f, x[:9], vectorized=True)",
        "fc.hessian(f, x, vectorized=True)",
        "assert abs(np.diagonal(result) - 2).max() < 1e-2",
    )
    # the result is 32 MB
    assert used < 2 * 32 * MB


@pytest.mark.slow
def test_a_large_hessian_from_a_gradient():
    used = growth(
        "x = np.linspace(1, 2, 2000); f = lambda x: (x * x).sum(axis=0); fc.hessian(f, x[:9])",
        "fc.hessian(f, x, gradient=lambda x: 2 * x)",
        "assert abs(np.diagonal(result) - 2).max() < 1e-2",
    )
    assert used < 3 * 32 * MB
