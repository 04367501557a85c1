"""What is claimed about the error of an adaptive derivative holds: on drawn functions, with mpmath as truth.

The cases are those of `benchmarks/drawn.py`. A single claim may fail by a small factor now and then, a share of all
cases may not; nothing may be wrong without a sign.
"""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastcalc as fc
from benchmarks import drawn, honesty

FACTOR = 10.0  # that one true error may be above the reported one, for one in a few hundred cases
SHARE = {1: 0.995, 2: 0.99, 3: 0.99, 4: 0.99}  # of errors that hold
SMOOTH = ("composed", "scaled", "oscillating", "offset", "far")


def adaptive(f, x, n):
    r = fc.derivative(f, np.float64(x), n, method="adaptive", full_output=True)
    return r.value, r.error, r.success, fc.Status(int(r.status)).name


def answer(case, n):
    (record,) = honesty.run(adaptive, n, [case])
    assert "Error" not in record.status, record.status
    return record


@functools.cache
def many():
    """400 smooth cases."""
    cases = (drawn.draw(11, index) for index in range(10_000) if index % drawn.EXTRA != drawn.EXTRA - 1)
    found = []
    for case in cases:
        if case.family in SMOOTH:
            found.append(case)
        if len(found) == 400:
            return found
    raise AssertionError("not enough cases")


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 3, 4]))
@settings(max_examples=400)
def test_claims_hold_for_smooth_functions(seed, n):
    case = drawn.draw(seed, 0)
    if case.family in SMOOTH:
        r = answer(case, n)
        assert not r.silent, honesty.worst([r], 1)
        assert not r.ok or np.isnan(r.error) or r.miss <= FACTOR * r.error + 4e-16 * abs(r.truth), honesty.worst([r], 1)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2]))  # a kink of the third derivative is hard to see
@settings(max_examples=100)
def test_nothing_is_claimed_where_there_is_no_derivative(seed, n):
    case = drawn.draw(seed, drawn.EXTRA - 1)
    if 0 < abs(case.x) < 1e-3 * case.width:
        return  # steps may be smaller than the rounding inside f, where what is computed has no jump
    r = answer(case, n)
    assert not r.silent or r.miss <= FACTOR * r.error, honesty.worst([r], 1)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_nearly_all_errors_hold(n):
    records = [answer(case, n) for case in many()]
    s = honesty.summary(records)
    assert s.covered_ok >= SHARE[n], honesty.worst(records, 5)
    assert s.silent == 0, honesty.worst(records, 5)
