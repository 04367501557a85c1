"""Sparsity patterns by name: made here, and of the meshes that pyamg brings. Tests and benchmarks take them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp


def band(n: int, *offsets: int) -> Any:
    """These diagonals."""
    return sp.csr_array(sp.diags_array([np.ones(n - abs(k)) for k in offsets], offsets=offsets, shape=(n, n)))


def line(n: int, *, periodic: bool = False) -> Any:
    """Neighbours on a line, or on a ring."""
    neighbors = band(n, -1, 0, 1)
    return sp.csr_array(neighbors + band(n, 1 - n, n - 1)) if periodic else neighbors


def star_grid(*shape: int, periodic: bool = False) -> Any:
    """The nearest neighbours along each axis: 5 points in the plane, 7 in space."""
    total = 0
    for axis in range(len(shape)):
        term = sp.csr_array(np.ones((1, 1)))
        for k, n in enumerate(shape):
            term = sp.kron(term, line(n, periodic=periodic) if k == axis else sp.eye_array(n))
        total = total + term
    return sp.csr_array(total)


def box_grid(*shape: int) -> Any:
    """All neighbours: 9 points in the plane, 27 in space."""
    total = line(shape[0])
    for n in shape[1:]:
        total = sp.kron(total, line(n))
    return sp.csr_array(total)


def scattered(m: int, n: int, per_row: int, seed: int, spread: int | None = None) -> Any:
    """Entries at random, so many a row; at most `spread` columns from the diagonal."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(m), per_row)
    if spread is None:
        columns = rng.integers(0, n, len(rows))
    else:
        columns = (rows + rng.integers(-spread, spread + 1, len(rows))) % n
    return _of_entries(rows, columns, (m, n))


def skewed(m: int, n: int, size: int, seed: int) -> Any:
    """Some rows with very many entries."""
    rng = np.random.default_rng(seed)
    return _of_entries((rng.pareto(1.5, size) * 30).astype(int) % m, rng.integers(0, n, size), (m, n))


def arrowhead(n: int, hubs: int = 1, width: int = 0, *, reverse: bool = False) -> Any:
    """A band, and some full rows and columns, first or last."""
    first, every = np.repeat(np.arange(hubs), n), np.tile(np.arange(n), hubs)
    full = _of_entries(np.concatenate([first, every]), np.concatenate([every, first]), (n, n))
    matrix = sp.csr_array(band(n, *range(-width, width + 1)) + full)
    return sp.csr_array(matrix[::-1, ::-1]) if reverse else matrix


def _of_entries(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> Any:
    matrix = sp.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    return matrix


GENERATED: dict[str, Callable[[], Any]] = {
    "tridiagonal": lambda: band(1000, -1, 0, 1),
    "7 diagonals": lambda: band(1000, *range(-3, 4)),
    "far diagonals": lambda: band(1000, -100, -1, 0, 1, 100),
    "bidiagonal": lambda: band(500, 0, 1),
    "5 points": lambda: star_grid(37, 53),
    "5 points, periodic": lambda: star_grid(40, 41, periodic=True),
    "7 points": lambda: star_grid(12, 13, 14),
    "9 points": lambda: box_grid(40, 33),
    "27 points": lambda: box_grid(9, 10, 11),
    "13 points": lambda: star_grid(30, 30) @ star_grid(30, 30),
    "two fields": lambda: sp.kron(star_grid(20, 21), np.ones((2, 2))),
    "blocks": lambda: sp.block_diag([sp.coo_array(np.ones((k % 7 + 1, k % 5 + 1))) for k in range(60)]),
    "block bidiagonal": lambda: sp.kron(band(100, 0, 1), np.ones((3, 3))),
    "scattered, 5 a row": lambda: scattered(1000, 1000, 5, 0),
    "scattered, 20 a row": lambda: scattered(1000, 1000, 20, 1),
    "scattered near by": lambda: scattered(1000, 1000, 8, 6, spread=50),
    "tall": lambda: scattered(3000, 700, 4, 2),
    "wide": lambda: scattered(300, 3000, 15, 3),
    "skewed rows": lambda: skewed(800, 1000, 8000, 4),
    "skewed columns": lambda: skewed(1000, 800, 8000, 5).T,
    "arrowhead": lambda: arrowhead(300, 1, 1),
}
MESHES = (
    "airfoil",
    "bar",
    "helmholtz_2D",
    "knot",
    "local_disc_galerkin_diffusion",
    "recirc_flow",
    "unit_cube",
    "unit_square",
)
LARGE: dict[str, Callable[[], Any]] = {
    "1e6 scattered": lambda: scattered(10**6, 10**6, 10, 0),
    "1e6 near by": lambda: scattered(10**6, 10**6, 10, 0, spread=30),
    "1e6, 9 diagonals": lambda: band(10**6, *range(-4, 5)),
    "1e6, 5 points": lambda: star_grid(1000, 1000),
    "1e6, 7 points": lambda: star_grid(100, 100, 100),
    "1e6, 9 points": lambda: box_grid(1000, 1000),
}


def mesh(name: str) -> Any:
    """The matrix of one of pyamg's examples."""
    from pyamg.gallery import load_example

    return sp.csr_array(load_example(name)["A"])
