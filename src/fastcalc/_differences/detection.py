"""Detecting where a Jacobian has entries, from calls of f."""
from __future__ import annotations
from typing import Any
import numpy as np
from fastcalc import _validation as check
from fastcalc._differences.grouptesting import find_pattern
from fastcalc._differences.probes import KINDS, Probes
from fastcalc._differences.problem import open_problem

def detect_sparsity(f, x, *, probes=None, points=3, noise=None, symmetric=False, **options):
    from scipy.sparse import csr_array
    problem = open_problem(f, x, options, None)
    kinds = (probes,) if isinstance(probes, str) else probes
    place = problem.settings.argnum
    args = problem.settings.args
    p = Probes(f, problem, (args[:place], args[place:], problem.settings.kwargs), kinds=kinds, points=points, noise=noise or 0.0)
    pat = find_pattern(p.m, len(problem.points), p, symmetric=symmetric)
    return csr_array((np.ones(pat.size, bool), pat.indices, pat.indptr), shape=pat.shape)
