"""Central differences written by hand in NumPy: what a user would write, and the best batches that we know of.

Steps are eps**(1/3) times max(1, abs(x)) for first derivatives, eps**(1/4) for second, eps**(1/5) for five points.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_EPS = np.finfo(float).eps


def steps(x: Any, power: float) -> Any:
    return _EPS**power * np.maximum(1.0, np.abs(x))


def gradient(f: Callable[..., Any], x: Any) -> Any:
    h, point, out = steps(x, 1 / 3), x.copy(), np.empty_like(x)
    for i in range(len(x)):
        point[i] = x[i] + h[i]
        up = f(point)
        point[i] = x[i] - h[i]
        out[i] = (up - f(point)) / (2.0 * h[i])
        point[i] = x[i]
    return out


def jacobian(f: Callable[..., Any], x: Any) -> Any:
    h, point, rows = steps(x, 1 / 3), x.copy(), []
    for i in range(len(x)):
        point[i] = x[i] + h[i]
        up = f(point)
        point[i] = x[i] - h[i]
        rows.append((up - f(point)) / (2.0 * h[i]))
        point[i] = x[i]
    return np.array(rows).T


def hessian(f: Callable[..., Any], x: Any) -> Any:
    """1 + n + n**2 calls: f_ij from the points x +- (h_i + h_j), and those along the axes."""
    n, h, point, centre = len(x), steps(x, 1 / 4), x.copy(), f(x)
    up, down, out = np.empty(n), np.empty(n), np.empty((n, n))
    for i in range(n):
        point[i] = x[i] + h[i]
        up[i] = f(point)
        point[i] = x[i] - h[i]
        down[i] = f(point)
        point[i] = x[i]
        out[i, i] = (up[i] - 2.0 * centre + down[i]) / h[i] ** 2
    for i in range(n):
        for j in range(i + 1, n):
            point[i], point[j] = x[i] + h[i], x[j] + h[j]
            both = f(point)
            point[i], point[j] = x[i] - h[i], x[j] - h[j]
            both += f(point)
            point[i], point[j] = x[i], x[j]
            rest = up[i] + up[j] - 2.0 * centre + down[i] + down[j]
            out[i, j] = out[j, i] = (both - rest) / (2.0 * h[i] * h[j])
    return out


def derivative(f: Callable[..., Any], x: Any) -> Any:
    """Five points, of which four count; x is a number or an array."""
    h = steps(x, 1 / 5)
    return (8.0 * (f(x + h) - f(x - h)) - (f(x + 2.0 * h) - f(x - 2.0 * h))) / (12.0 * h)


def derivative_in_blocks(f: Callable[..., Any], x: Any, size: int) -> Any:
    out = np.empty_like(x)
    for first in range(0, len(x), size):
        out[first : first + size] = derivative(f, x[first : first + size])
    return out


# Gradients of a vectorised function at one point: all 2n points in one (n, 2n) array, or in blocks.


def batch_with_eye(f: Callable[..., Any], x: Any) -> Any:
    n, h = len(x), steps(x, 1 / 3)
    shift = np.eye(n) * h
    values = f(np.concatenate([x[:, None] + shift, x[:, None] - shift], axis=1))
    return (values[:n] - values[n:]) / (2.0 * h)


def batch_with_diag(f: Callable[..., Any], x: Any) -> Any:
    n, h = len(x), steps(x, 1 / 3)
    shift = np.diag(h)
    values = f(x[:, None] + np.hstack([shift, -shift]))
    return (values[:n] - values[n:]) / (2.0 * h)


def batch_with_tile(f: Callable[..., Any], x: Any) -> Any:
    n, h = len(x), steps(x, 1 / 3)
    block = np.tile(x[:, None], 2 * n)
    flat = block.reshape(-1)
    flat[:: 2 * n + 1] += h
    flat[n :: 2 * n + 1] -= h
    values = f(block)
    return (values[:n] - values[n:]) / (2.0 * h)


def batch_with_repeat(f: Callable[..., Any], x: Any) -> Any:
    n, h = len(x), steps(x, 1 / 3)
    flat = np.repeat(x, 2 * n)
    flat[:: 2 * n + 1] += h
    flat[n :: 2 * n + 1] -= h
    values = f(flat.reshape(n, 2 * n))
    return (values[:n] - values[n:]) / (2.0 * h)


def batch_in_place(n: int) -> Callable[..., Any]:
    """One array for all calls, filled in place."""
    block = np.empty((n, 2 * n))
    flat = block.reshape(-1)

    def batch(f: Callable[..., Any], x: Any) -> Any:
        h = steps(x, 1 / 3)
        block[...] = x[:, None]
        flat[:: 2 * n + 1] += h
        flat[n :: 2 * n + 1] -= h
        values = f(block)
        return (values[:n] - values[n:]) / (2.0 * h)

    return batch


def batch_in_blocks(n: int, size: int) -> Callable[..., Any]:
    """`size` variables at a time, in one array that stays in the cache."""
    memory = np.empty(2 * n * size)

    def batch(f: Callable[..., Any], x: Any) -> Any:
        h, out = steps(x, 1 / 3), np.empty(n)
        for first in range(0, n, size):
            last = min(first + size, n)
            k = last - first
            flat = memory[: 2 * n * k]
            block = flat.reshape(n, 2 * k)
            block[...] = x[:, None]
            rows = flat[2 * k * first : 2 * k * last]
            rows[:: 2 * k + 1] += h[first:last]
            rows[k :: 2 * k + 1] -= h[first:last]
            values = f(block)
            out[first:last] = (values[:k] - values[k:]) / (2.0 * h[first:last])
        return out

    return batch


# Gradients at many points x (n, k).


def points_whole(f: Callable[..., Any], x: Any) -> Any:
    """One variable after the other, all points at once."""
    h, point, out = steps(x, 1 / 3), x.copy(), np.empty_like(x)
    for i in range(len(x)):
        point[i] = x[i] + h[i]
        up = f(point)
        point[i] = x[i] - h[i]
        out[i] = (up - f(point)) / (2.0 * h[i])
        point[i] = x[i]
    return out


def points_in_blocks(f: Callable[..., Any], x: Any, size: int) -> Any:
    out = np.empty_like(x)
    for first in range(0, x.shape[1], size):
        out[:, first : first + size] = points_whole(f, x[:, first : first + size])
    return out
