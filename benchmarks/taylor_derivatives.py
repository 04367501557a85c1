"""The tables of exact derivatives of NumPy functions, of spaces, and of Taylor polynomials of black boxes."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import fastcalc as fc
from benchmarks import taylor_peers as peers
from benchmarks.engines import load
from benchmarks.functions import Problem, rosenbrock_curvature, rosenbrock_problem
from benchmarks.taylor_rows import FASTCALC, MADNG, Candidate, Group, Result, Row, Target

CENTRAL, AUTOGRAD, JAX, JITTED = "fastcalc, central", "autograd", "jax", "jax, jitted"


def rosenbrock_in(xp: Any) -> Callable[[Any], Any]:
    """Rosenbrock's function in another library's NumPy."""
    return lambda x: xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def derivative_row(name: str, problem: Problem, target: Target) -> Row:
    """Gradient or Hessian of Rosenbrock's function: exact, by differences, by other automatic differentiation."""
    ours, f, x = getattr(fc, name), problem.f, problem.x

    def autograd() -> Candidate | None:
        module, xp = load("autograd"), load("autograd.numpy")
        if module is None:
            return None
        build = {"gradient": module.grad, "hessian": module.hessian}[name]
        derivative = build(rosenbrock_in(xp))
        return Candidate(lambda: derivative(x))

    def jax(jitted: bool) -> Candidate | None:
        module, xp = load("jax"), load("jax.numpy")
        if module is None:
            return None
        module.config.update("jax_enable_x64", True)
        build = {"gradient": module.grad, "hessian": module.hessian}[name]
        derivative, point = build(rosenbrock_in(xp)), xp.asarray(x)  # it converts NumPy's arrays at each call
        if jitted:
            derivative = module.jit(derivative)
        return Candidate(lambda: derivative(point).block_until_ready())

    return Row(
        f"{name}, n = {len(x)}",
        {
            FASTCALC: lambda: Candidate(lambda: ours(f, x, method="exact"), np.asarray),
            CENTRAL: lambda: Candidate(lambda: ours(f, x, method="central")),
            AUTOGRAD: autograd,
            JAX: lambda: jax(False),
            JITTED: lambda: jax(True),
        },
        target,
        lambda: np.max(np.abs(problem.exact)),
        lambda: problem.exact,
    )


def derivatives(gradients: tuple[int, ...] = (10, 100, 1000), hessians: tuple[int, ...] = (10, 100)) -> Group:
    faster = Target(1.0, CENTRAL)
    rows = [derivative_row("gradient", rosenbrock_problem(n), faster) for n in gradients]
    rows += [derivative_row("hessian", rosenbrock_curvature(n), faster) for n in hessians]
    # jax computes in threads of its own
    return Group("derivatives", "exact derivatives of Rosenbrock", (CENTRAL, AUTOGRAD, JAX, JITTED), rows,
                 time.process_time)  # fmt: skip


# --- spaces ----------------------------------------------------------------------------------------------------------

_FIRST = """
import time
{setup}
begin = time.thread_time()
{work}
print(time.thread_time() - begin)
"""


def first_time(setup: str, work: str) -> float:
    """Seconds that some lines take in a new process, where no cache is filled."""
    root = Path(__file__).resolve().parent.parent
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {[*sys.path, str(root)]!r}"
               + _FIRST.format(setup=setup, work=work)]  # fmt: skip
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def cached_space(size: tuple[int, int] = (10, 6)) -> Group:
    degree, n_variables = size

    def madng() -> Candidate | None:
        peer = peers.madng(n_variables, degree, np.zeros((0, n_variables)))
        if peer is None:
            return None
        space, build = peer.space, type(peer.space)

        def run(kept: Any = space) -> Any:  # it is forgotten with its last user
            return build(n_variables, degree)

        return Candidate(run)

    def ours() -> Candidate:
        space = fc.TaylorSpace(n_variables, degree)

        def run(kept: Any = space) -> Any:
            return fc.TaylorSpace(n_variables, degree)

        return Candidate(run)

    row = Row(f"cached ({degree}, {n_variables})", {FASTCALC: ours, MADNG: madng}, Target(1e-6))
    return Group("space", "spaces", (MADNG,), [row])


def first_space(size: tuple[int, int] = (10, 6), repeats: int = 5) -> list[Result]:
    """The first construction, and with the first product, in processes of their own."""
    degree, n_variables = size
    ours = f"fc.TaylorSpace({n_variables}, {degree})"
    imports = "import numpy as np, fastcalc as fc"
    product = f"p = fc.TaylorPolynomial(space, np.ones(space.n_terms), np.zeros({n_variables})); p * p"
    theirs = f"madng_tpsa.Descriptor({n_variables}, {degree})"
    works = [
        (f"first ({degree}, {n_variables})", ours, theirs, Target(50e-3)),
        (f"first, with a product ({degree}, {n_variables})", f"space = {ours}; {product}",
         f"p = {theirs}.constant(1.0); p * p", None),
    ]  # fmt: skip
    results = []
    for name, work, peer, target in works:
        result = Result(name, target=target)
        result.seconds[FASTCALC] = float(np.median([first_time(imports, work) for _ in range(repeats)]))
        if load("madng_tpsa"):
            theirs_took = float(np.median([first_time("import madng_tpsa", peer) for _ in range(repeats)]))
            result.seconds[MADNG] = theirs_took
            result.shares[MADNG] = result.seconds[FASTCALC] / theirs_took
        result.judge(math.inf)
        results.append(result)
    return results
