"""Ordinary NumPy programs beside scalar re-implementations in mpmath: linear algebra, shapes, loops and branches."""

from __future__ import annotations

import mpmath
import numpy as np
from mpmath import mpf

from tests.taylor.programs import Program, dot


def square(x, n):
    return [[x[n * i + j] for j in range(n)] for i in range(n)]


def flat(rows):
    return [entry for row in rows for entry in row]


def matmul(a, b):
    return [[dot(row, column) for column in zip(*b, strict=True)] for row in a]


def inverse_exact(x):
    inverse = mpmath.matrix(square(x, 3)) ** -1
    return [inverse[i, j] for i in range(3) for j in range(3)]


def solve(x):
    a = x[:9].reshape(3, 3) + 2 * np.eye(3)
    return np.linalg.solve(a, x[9:])


def solve_exact(x):
    a = mpmath.matrix(square(x, 3)) + 2 * mpmath.eye(3)
    return list(mpmath.lu_solve(a, mpmath.matrix(x[9:])))


def determinants(x):
    """A stack of 2 matrices, and the logarithm of the determinants' sizes."""
    stack = x.reshape(2, 2, 2)
    return np.concatenate([np.linalg.det(stack), np.linalg.slogdet(stack)[1]])


def determinants_exact(x):
    found = [x[0] * x[3] - x[1] * x[2], x[4] * x[7] - x[5] * x[6]]
    return found + [mpmath.log(abs(d)) for d in found]


def quadratic_forms(x):
    a, v = x[:4].reshape(2, 2), x[4:].reshape(3, 2)
    return np.einsum("ki,ij,kj->k", v, a, v)


def quadratic_forms_exact(x):
    return [
        mpmath.fsum(x[4 + 2 * k + i] * x[2 * i + j] * x[4 + 2 * k + j] for i in range(2) for j in range(2))
        for k in range(3)
    ]


def running_sums(x):
    return np.diff(np.cumsum(np.exp(x)) ** 2, n=1) * np.cumprod(x)[1:]


def running_sums_exact(x):
    total, product, sums, products = mpf(0), mpf(1), [], []
    for t in x:
        total, product = total + mpmath.exp(t), product * t
        sums.append(total**2)
        products.append(product)
    return [(b - a) * c for a, b, c in zip(sums[:-1], sums[1:], products[1:], strict=True)]


def branches(x):
    smooth = np.where(np.abs(x) < 1, x**2 / 2, np.abs(x) - 0.5)  # Huber's loss
    clipped = np.clip(x, -0.75, 2.5)
    return np.sum(smooth * clipped) + np.where(x > 0, np.sqrt(np.abs(x)), -x).sum()


def branches_exact(x):
    total = mpf(0)
    for t in x:
        smooth = t**2 / 2 if abs(t) < 1 else abs(t) - mpf(0.5)
        total += smooth * min(max(t, mpf(-0.75)), mpf(2.5)) + (mpmath.sqrt(t) if t > 0 else -t)
    return total


def in_place(x):
    y = x.copy()
    y[1:] += x[:-1]
    y[0] *= 2.0
    y -= y.mean()
    y[::2] = np.sin(y[::2])
    y **= 2
    return y


def in_place_exact(x):
    y = [2 * x[0]] + [a + b for a, b in zip(x[1:], x[:-1], strict=True)]
    mean = mpmath.fsum(y) / len(y)
    y = [t - mean for t in y]
    return [(mpmath.sin(t) if i % 2 == 0 else t) ** 2 for i, t in enumerate(y)]


def lists(x):
    rows = []
    for i in range(3):
        rows.append([np.exp(x[i]) * j + x[(i + 1) % 3] for j in range(2)])
    table = np.array(rows)
    return np.stack([table.sum(axis=0), table[1], table[:2, 0]]).T


def lists_exact(x):
    table = [[mpmath.exp(x[i]) * j + x[(i + 1) % 3] for j in range(2)] for i in range(3)]
    sums = [table[0][j] + table[1][j] + table[2][j] for j in range(2)]
    return [sums[0], table[1][0], table[0][0], sums[1], table[1][1], table[1][0]]


def object_arrays(x):
    cells = np.empty(3, dtype=object)
    for i in range(3):
        cells[i] = x[i] * (i + 1)
    return (cells + 1.0 / cells).sum() + np.exp((cells * cells).prod())


def object_arrays_exact(x):
    cells = [t * (i + 1) for i, t in enumerate(x)]
    return mpmath.fsum(c + 1 / c for c in cells) + mpmath.exp((cells[0] * cells[1] * cells[2]) ** 2)


def moments(x):
    return np.array([x.mean(), x.var(), x.std(ddof=1), np.var(x, ddof=1), np.linalg.norm(x), np.prod(x)])


def moments_exact(x):
    n = len(x)
    mean = mpmath.fsum(x) / n
    squares = mpmath.fsum((t - mean) ** 2 for t in x)
    norm = mpmath.sqrt(dot(x, x))
    return [mean, squares / n, mpmath.sqrt(squares / (n - 1)), squares / (n - 1), norm, mpmath.fprod(x)]


KNOTS, HEIGHTS = np.array([-1.0, 0.0, 1.0, 2.0]), np.array([1.0, 3.0, -1.0, 0.5])


def interpolation(x):
    return np.interp(np.sin(x) * 2, KNOTS, HEIGHTS) * x


def interpolation_exact(x):
    out = []
    for t in x:
        at = 2 * mpmath.sin(t)
        k = max(i for i in range(3) if KNOTS[i] <= at)
        slope = mpf(HEIGHTS[k + 1] - HEIGHTS[k]) / mpf(KNOTS[k + 1] - KNOTS[k])
        out.append((mpf(HEIGHTS[k]) + (at - mpf(KNOTS[k])) * slope) * t)
    return out


def grid(x):
    """A parameter's grid, a trapezoidal rule on it and masked sums."""
    points = np.linspace(x[0], x[1], 5)
    values = np.exp(-(points**2))
    area = np.sum((values[1:] + values[:-1]) / 2 * np.diff(points))
    return np.array([area, np.sum(values[np.array([True, False, True, False, True])]), np.trapezoid(values, points)])


def grid_exact(x):
    points = [x[0] + (x[1] - x[0]) * i / 4 for i in range(5)]
    values = [mpmath.exp(-(t**2)) for t in points]
    area = mpmath.fsum((values[i] + values[i + 1]) / 2 * (points[i + 1] - points[i]) for i in range(4))
    return [area, values[0] + values[2] + values[4], area]


def kernel_matrix(x):
    """Broadcasting with new axes, outer products, a trace and a transpose."""
    a, b = x[:3], x[3:]
    distances = (a[:, np.newaxis] - b[np.newaxis, :]) ** 2
    weights = np.exp(-distances)
    return np.trace(weights @ np.outer(b, a).T) + np.sum(weights.T[0])


def kernel_matrix_exact(x):
    a, b = x[:3], x[3:]
    weights = [[mpmath.exp(-((s - t) ** 2)) for t in b] for s in a]
    trace = mpmath.fsum(weights[i][k] * a[k] * b[i] for i in range(3) for k in range(3))
    return trace + mpmath.fsum(row[0] for row in weights)


def batched_products(x):
    stack = x.reshape(2, 2, 2)
    return np.matmul(stack, np.swapaxes(stack, 1, 2)).ravel()


def batched_products_exact(x):
    first, second = square(x[:4], 2), square(x[4:], 2)
    return flat(matmul(first, list(zip(*first, strict=True)))) + flat(matmul(second, list(zip(*second, strict=True))))


def joined(x):
    pieces = np.concatenate([x[:2], np.array([1.0, 2.0]), x[2:] ** 2])
    rolled = np.roll(pieces, 1) * np.flip(pieces)
    return np.append(rolled, np.tile(x[:1], 2)).reshape(2, -1).sum(axis=1)


def joined_exact(x):
    pieces = [x[0], x[1], mpf(1), mpf(2), x[2] ** 2, x[3] ** 2]
    rolled = [pieces[i - 1] * pieces[5 - i] for i in range(6)] + [x[0], x[0]]
    return [mpmath.fsum(rolled[:4]), mpmath.fsum(rolled[4:])]


def power_iteration(x):
    a = np.array([[x[0], x[1]], [x[1], x[2]]])
    v = np.ones(2)
    for _ in range(8):
        v = a @ v
        v = v / np.linalg.norm(v)
    return v @ a @ v


def power_iteration_exact(x):
    v = [mpf(1), mpf(1)]
    a = [[x[0], x[1]], [x[1], x[2]]]
    for _ in range(8):
        v = [dot(row, v) for row in a]
        norm = mpmath.sqrt(dot(v, v))
        v = [t / norm for t in v]
    return dot(v, [dot(row, v) for row in a])


def polynomial_values(x):
    return np.polyval(x[:3], x[3]) + np.polyval([2.0, -1.0, 0.5], x).sum()


def polynomial_values_exact(x):
    return x[0] * x[3] ** 2 + x[1] * x[3] + x[2] + mpmath.fsum(2 * t**2 - t + mpf(0.5) for t in x)


def early_exit(x):
    """A loop that stops by comparing, as Newton's iterations do; a counter in plain Python."""
    root, count = x[0], 0
    while abs(root**3 - x[1]) > 1e-14 and count < 50:
        root = root - (root**3 - x[1]) / (3 * root**2)
        count += 1
    for _ in range(2):  # the value has converged; two more steps carry the derivatives
        root = root - (root**3 - x[1]) / (3 * root**2)
    return root


def reductions(x):
    table = x.reshape(2, 3)
    return np.array([table.max(axis=1).sum(), table.min(), np.ptp(table), np.add.reduce(table, axis=0)[1],
                     np.multiply.accumulate(x)[-1], np.logaddexp.reduce(x), np.dot(table[0], table[1])])  # fmt: skip


def reductions_exact(x):
    top = max(x[:3]) + max(x[3:])
    return [top, min(x), max(x) - min(x), x[1] + x[4], mpmath.fprod(x), mpmath.log(mpmath.fsum(map(mpmath.exp, x))),
            dot(x[:3], x[3:])]  # fmt: skip


MATRIX = [1.2, 0.3, -0.4, 0.5, -1.1, 0.7, 0.2, 0.6, 0.9]
EIGHT = [0.7, -0.4, 0.3, 1.1, -0.8, 0.5, 1.2, 0.6]

ARRAYS = [
    Program("matrix inverse", lambda x: np.linalg.inv(x.reshape(3, 3)), MATRIX, inverse_exact),
    Program("linear system", solve, [*MATRIX, 0.4, -0.3, 1.0], solve_exact),
    Program("determinants", determinants, EIGHT, determinants_exact),
    Program("quadratic forms", quadratic_forms, [*EIGHT, -0.2, 0.9], quadratic_forms_exact),
    Program("running sums", running_sums, [0.3, -0.5, 0.8, 0.2], running_sums_exact),
    Program("branches", branches, [-1.5, -0.5, 0.25, 3.0, 1.25], branches_exact),
    Program("in place", in_place, [0.3, -0.5, 0.8, 0.2], in_place_exact),
    Program("lists", lists, [0.3, -0.5, 0.8], lists_exact),
    Program("object arrays", object_arrays, [0.3, -0.5, 0.8], object_arrays_exact),
    Program("moments", moments, [0.3, -0.5, 0.8, 1.7], moments_exact),
    Program("interpolation", interpolation, [0.3, -0.2, 0.7], interpolation_exact),
    Program("grid", grid, [-0.3, 1.4], grid_exact),
    Program("kernel matrix", kernel_matrix, [0.3, -0.5, 0.8, 0.1, 1.1, -0.6], kernel_matrix_exact),
    Program("batched products", batched_products, EIGHT, batched_products_exact),
    Program("joined", joined, [0.3, -0.5, 0.8, 1.2], joined_exact),
    Program("power iteration", power_iteration, [1.5, 0.4, -0.6], power_iteration_exact),
    Program("polynomial values", polynomial_values, [0.3, -0.5, 0.8, 1.2], polynomial_values_exact),
    Program("early exit", early_exit, [1.2, 2.0], lambda x: mpmath.cbrt(x[1])),
    Program("reductions", reductions, [0.3, -0.5, 0.8, 1.2, 0.1, -0.9], reductions_exact),
]
