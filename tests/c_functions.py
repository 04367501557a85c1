"""Functions in C for tests, compiled once with the system's compiler, and the same functions called from Python.

`library` is a fixture; ``compiled_from(library, name)`` makes a compiled function of one of them, and
``python_twin(library, name)`` a Python function that calls it through ctypes on a copy of each point.
"""

from __future__ import annotations

import ctypes
import shlex
import shutil
import subprocess
import sys
import sysconfig

import numpy as np
import pytest

import fastcalc as fc

SOURCE = r"""
#include <math.h>
#include <string.h>
#ifndef _WIN32
#include <unistd.h>
#endif

/* one variable */

double wave(double x) { return sin(x) * exp(0.5 * x); }
double wave_of(double x, void *data) { return *(double *)data * wave(x); }

/* scalar functions of n variables */

double smooth(int n, double *x)
{
    double sum = 0, product = 1;
    for (int i = 0; i < n; i++) {
        sum += (i + 1) * sin(x[i]) + x[i] * x[(i + 1) % n];
        product *= 1 + 0.1 * x[i];
    }
    return sum * product;
}
double smooth_of(int n, double *x, void *data) { return *(double *)data * smooth(n, x); }
double rosenbrock(int n, double *x)
{
    double sum = 0;
    for (int i = 0; i < n - 1; i++) {
        double a = x[i + 1] - x[i] * x[i], b = 1 - x[i];
        sum += 100 * a * a + b * b;
    }
    return sum;
}
void rosenbrock_gradient(int m, int n, double *x, double *y)
{
    for (int i = 0; i < m; i++)
        y[i] = (i > 0 ? 200 * (x[i] - x[i - 1] * x[i - 1]) : 0)
             + (i < n - 1 ? -400 * x[i] * (x[i + 1] - x[i] * x[i]) - 2 * (1 - x[i]) : 0);
}
double first_is_not_finite(int n, double *x) { return x[0] > 1 ? INFINITY : x[0] < -1 ? NAN : smooth(n, x); }

/* m outputs of n variables */

void outputs(int m, int n, double *x, double *y)
{
    for (int j = 0; j < m; j++) {
        y[j] = cos(j + x[j % n]);
        for (int i = 0; i < n; i++)
            y[j] += (i + 2 * j + 1) * x[i] * x[(i + j) % n];
    }
}
void outputs_of(int m, int n, double *x, double *y, void *data)
{
    outputs(m, n, x, y);
    for (int j = 0; j < m; j++)
        y[j] *= *(double *)data;
}
int checked(int m, int n, double *x, double *y)
{
    outputs(m, n, x, y);
    return 0;
}
int checked_of(int m, int n, double *x, double *y, void *data)
{
    outputs_of(m, n, x, y, data);
    return 0;
}
int fails_beyond(int m, int n, double *x, double *y, void *data)  /* status i + 1 where x[i] > limit */
{
    for (int i = 0; i < n; i++)
        if (x[i] > *(double *)data)
            return i + 1;
    outputs(m, n, x, y);
    return 0;
}
int fails_at_call(int m, int n, double *x, double *y, void *data)  /* data: calls left, which it counts down */
{
    outputs(m, n, x, y);
    return (*(int *)data)-- == 0 ? -7 : 0;
}
void forgets_the_last(int m, int n, double *x, double *y) { outputs(m - 1, n, x, y); }
void forgets_beyond_one(int m, int n, double *x, double *y) { outputs(x[0] > 1 ? m - 1 : m, n, x, y); }
void adds(int m, int n, double *x, double *y)
{
    for (int j = 0; j < m; j++)
        y[j] += x[j % n];
}

/* functions that write into x */

double clears(int n, double *x)
{
    double value = smooth(n, x);
    memset(x, 0, n * sizeof(double));
    return value;
}
double doubles_the_last(int n, double *x)
{
    double value = smooth(n, x);
    x[n - 1] *= 2;
    return value;
}
double sorts(int n, double *x)
{
    double value = smooth(n, x);
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && x[j - 1] > x[j]; j--) {
            double kept = x[j];
            x[j] = x[j - 1];
            x[j - 1] = kept;
        }
    return value;
}
double negates_zeros(int n, double *x)  /* which changes bits, not values */
{
    double value = 0;
    for (int i = 0; i < n; i++) {
        value += copysign(1.0, x[i]) * (1 + x[i] * x[i]);
        if (x[i] == 0)
            x[i] = -x[i];
    }
    return value;
}
double writes_once(int n, double *x, void *data)  /* at the call that data counts down to */
{
    double value = smooth(n, x);
    if ((*(int *)data)-- == 0)
        for (int i = 0; i < n; i++)
            x[i] += 1;
    return value;
}
double writes_one_component(int n, double *x, void *data)  /* data[1], at the call that data[0] counts down to */
{
    double value = smooth(n, x);
    if (((int *)data)[0]-- == 0)
        x[((int *)data)[1]] += 1;
    return value;
}
void writes_beside_outputs(int m, int n, double *x, double *y, void *data)  /* the same with outputs */
{
    outputs(m, n, x, y);
    if (((int *)data)[0]-- == 0)
        x[((int *)data)[1]] += 1;
}
double normalises(int n, double *x)
{
    double largest = 0;
    for (int i = 0; i < n; i++)
        largest = fabs(x[i]) > largest ? fabs(x[i]) : largest;
    for (int i = 0; i < n; i++)
        x[i] /= largest;
    return smooth(n, x);
}
int shrinks_and_fails(int m, int n, double *x, double *y)  /* a status that only its own writing brings about */
{
    if (fabs(x[0]) < 1e-3)
        return 5;
    outputs(m, n, x, y);
    x[0] *= 1e-4;
    return 0;
}

/* functions that take time, in microseconds */

#ifndef _WIN32
double sleeps(int n, double *x, void *data)
{
    usleep(*(int *)data);
    return smooth(n, x);
}
double slow_beyond_one(int n, double *x, void *data)
{
    if (x[0] > 1)
        usleep(*(int *)data);
    return x[0];
}
double meets(int n, double *x, void *data)  /* 1 once another call is under way, 0 after two seconds without one */
{
    int *inside = data, tries;
    __atomic_add_fetch(inside, 1, __ATOMIC_SEQ_CST);
    for (tries = 0; tries < 2000 && __atomic_load_n(inside, __ATOMIC_SEQ_CST) < 2; tries++)
        usleep(1000);
    return __atomic_load_n(inside, __ATOMIC_SEQ_CST) >= 2;
}
#endif

/* a function that calls Python */

double calls(int n, double *x, void *data) { return ((double (*)(int, double *))data)(n, x); }
"""

SIGNATURES = {
    "wave": "double (double)",
    "wave_of": "double (double, void *)",
    "outputs": "void (int, int, double *, double *)",
    "outputs_of": "void (int, int, double *, double *, void *)",
    "writes_beside_outputs": "void (int, int, double *, double *, void *)",
    "checked": "int (int, int, double *, double *)",
    "checked_of": "int (int, int, double *, double *, void *)",
    "fails_beyond": "int (int, int, double *, double *, void *)",
    "fails_at_call": "int (int, int, double *, double *, void *)",
    "shrinks_and_fails": "int (int, int, double *, double *)",
    **dict.fromkeys(
        ("rosenbrock_gradient", "forgets_the_last", "forgets_beyond_one", "adds"),
        "void (int, int, double *, double *)",
    ),
    **dict.fromkeys(
        ("smooth_of", "writes_once", "writes_one_component", "sleeps", "slow_beyond_one", "meets", "calls"),
        "double (int, double *, void *)",
    ),
    **dict.fromkeys(
        (
            "smooth", "rosenbrock", "first_is_not_finite", "clears", "doubles_the_last", "sorts", "negates_zeros",
            "normalises",
        ),
        "double (int, double *)",
    ),
}  # fmt: skip


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The functions as a library of ctypes; skips where there is no compiler."""
    own = shlex.split(sysconfig.get_config_var("CC") or "")
    compiler = (
        own if own and shutil.which(own[0]) else [name for name in ("cc", "gcc", "clang") if shutil.which(name)][:1]
    )
    if sys.platform == "win32" or not compiler:
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("c")
    source, target = folder / "functions.c", folder / "functions.so"
    source.write_text(SOURCE)
    subprocess.run(
        [*compiler, "-O2", "-ffp-contract=off", "-shared", "-fPIC", str(source), "-o", str(target), "-lm"], check=True
    )
    return ctypes.CDLL(str(target))


def address_in(library, name):
    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value


def compiled_from(library, name, **options):
    """The function as fastcalc takes it."""
    return fc.compiled(address_in(library, name), SIGNATURES[name], owner=library, **options)


def python_twin(library, name, n_outputs=None, user_data=None):
    """The same function as a Python function, which gets a copy of x."""
    signature = SIGNATURES[name]
    kinds = [ctypes.c_double] if signature.startswith("double (double") else [ctypes.c_void_p]
    result = {"d": ctypes.c_double, "v": None, "i": ctypes.c_int}[signature[0]]
    if kinds[0] is ctypes.c_void_p:
        kinds = [ctypes.c_int, *kinds]
    if result is not ctypes.c_double:
        kinds = [ctypes.c_int, *kinds, ctypes.c_void_p]
    data = ()
    if signature.endswith("void *)"):
        kinds.append(ctypes.c_void_p)
        data = (user_data.ctypes.data if isinstance(user_data, np.ndarray) else user_data,)
    function = ctypes.CFUNCTYPE(result, *kinds)(address_in(library, name))

    def call(x):
        if kinds[0] is ctypes.c_double:
            return function(float(x if np.ndim(x) == 0 else np.reshape(x, -1)[0]), *data)
        point = np.array(x, np.float64, order="C")
        if n_outputs is None:
            return function(point.size, point.ctypes.data, *data)
        y = np.full(n_outputs, np.nan)
        status = function(n_outputs, point.size, point.ctypes.data, y.ctypes.data, *data)
        if status:
            raise fc.CallbackError(status)
        return y

    return call
