"""Eigenvalues of symmetric and Hermitian matrices of polynomials, where they are simple.

With V the eigenvectors known so far, ``R = 1 - V* V`` and ``S = V* A V``, the correction V E of
``E[i, j] = (S[i, j] + d[j] R[i, j]) / (d[j] - d[i])``, ``E[i, i] = R[i, i] / 2``, doubles the number of
degrees that are right, or adds one next to multiple eigenvalues, whose vectors stay a basis of their space:
Ogita, Aishima, *Iterative refinement for symmetric eigenvalue decomposition*, Japan J. Indust. Appl. Math. 35 (2018).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastcalc._taylor import elementary
from fastcalc._taylor.arrays.handlers import Table, serves
from fastcalc._taylor.arrays.linalg import squares
from fastcalc._taylor.arrays.products import matrices
from fastcalc._taylor.operands import as_polynomial

FUNCTIONS: Table = {}


def _decomposed(a: Any, triangle: str) -> tuple[Any, Any]:
    """Eigenvalues and eigenvectors; NaN for the terms of those that are equal at x0, to rounding."""
    a = squares(a)
    if triangle.upper() not in ("L", "U"):
        raise ValueError(f"`UPLO` must be 'L' or 'U'; got {triangle!r}")
    half = np.tril(a, -1) if triangle.upper() == "L" else np.triu(a, 1)
    m = a.shape[-1]
    one = np.eye(m, dtype=a.dtype)
    diagonal: Any = np.diagonal(a, 0, -2, -1).real
    a = half + np.conjugate(np.matrix_transpose(half)) + diagonal[..., None] * one
    values, vectors = np.linalg.eigh(a._coef[0])
    gaps = values[..., None, :] - values[..., :, None]
    close = np.abs(gaps) <= 8 * m * np.finfo(a.dtype).eps * np.abs(values).max(axis=-1, initial=0)[..., None, None]
    d: Any = as_polynomial(values.astype(a.dtype), a)
    v: Any = as_polynomial(vectors, a)
    shared = (close & ~one.astype(np.bool_)).any(axis=-1)
    degree = int(a._space.degree)
    for _ in range(degree if shared.any() else degree.bit_length()):
        adjoint = np.conjugate(np.matrix_transpose(v))
        r, s = one - matrices(adjoint, v), matrices(adjoint, matrices(a, v))
        d = np.diagonal(s, 0, -2, -1) / (1 - np.diagonal(r, 0, -2, -1))
        distance = np.where(close, 1.0, d[..., None, :] - d[..., :, None])
        quotient: Any = elementary.divide(s + d[..., None, :] * r, distance)
        e = np.where(close, r / 2, quotient)
        v = v + matrices(v, e)
    d._coef[0] = values
    v._coef[0] = vectors
    d._coef[1:, shared] = np.nan
    np.swapaxes(v._coef, -1, -2)[1:, shared] = np.nan
    return d.real.copy(), v


@serves(FUNCTIONS, "linalg.eigh")
def _eigh(a: Any, UPLO: Any = "L") -> Any:
    return _EIGH(*_decomposed(a, UPLO))


@serves(FUNCTIONS, "linalg.eigvalsh")
def _eigvalsh(a: Any, UPLO: Any = "L") -> Any:
    return _decomposed(a, UPLO)[0]


_EIGH = type(np.linalg.eigh(np.eye(1)))
