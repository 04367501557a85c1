"""The kernels of every instruction set give the same series, but for rounding.

The series are such that nothing cancels: each coefficient is a sum of terms of one phase, so that the relative error of
an operation stays below the number of its terms times eps.
"""

from importlib import import_module

import numpy as np
import pytest

from fastcalc._instructions import BASELINE, levels_of_build, levels_of_processor, module_of
from fastcalc._kernels import series as baseline
from fastcalc._taylor.space import TaylorSpace

BEYOND = [level for level in levels_of_build() if level in levels_of_processor() and level != BASELINE]

pytestmark = pytest.mark.skipif(not BEYOND, reason="the baseline is all there is")

SPACE = TaylorSpace(3, 7)

# Of series u and w without constant term, and of v = 1 - u.
OPERATIONS = {
    "u u": lambda kernel, u, w, v: kernel.multiply(SPACE.tables, u, u),
    "u w": lambda kernel, u, w, v: kernel.multiply(SPACE.tables, u, w),
    "1 / v": lambda kernel, u, w, v: kernel.divide(SPACE.tables, v, kernel.multiply(SPACE.tables, v, v)),
    "exp u": lambda kernel, u, w, v: kernel.exp(SPACE.tables, u, 1.0),
    "log v": lambda kernel, u, w, v: kernel.log(SPACE.tables, v, 0.0),
    "sqrt v": lambda kernel, u, w, v: kernel.sqrt(SPACE.tables, v, 1.0),
}


def one_phase(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """A random series without constant term; the coefficients of degree k are positive, or have the phase k."""
    coef = rng.uniform(0.1, 1, (SPACE.n_terms, *shape))
    coef[0] = 0
    if dtype == "complex128":
        coef = (coef.T * np.exp(1j * SPACE.exponents.sum(axis=1))).T
    return np.ascontiguousarray(coef.astype(dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64", "longdouble", "complex128"])
@pytest.mark.parametrize("shape", [(), (3,), (4, 5)], ids=str)
@pytest.mark.parametrize("name", OPERATIONS)
def test_instruction_sets_agree(name, shape, dtype):
    rng = np.random.default_rng(1)
    u, w = one_phase(rng, shape, dtype), one_phase(rng, shape, dtype)
    v = -u
    v[0] = 1
    wanted = OPERATIONS[name](baseline, u, w, v)
    tolerance = SPACE.n_terms * np.finfo(dtype).eps * np.abs(wanted)
    for level in BEYOND:
        found = OPERATIONS[name](import_module(module_of("series", level)), u, w, v)
        assert found.dtype == wanted.dtype
        assert (np.abs(found - wanted) <= tolerance).all()
