"""Finite-difference weights for arbitrary distinct nodes.

With the nodes x_0, ..., x_i taken in one at a time and d_j = x_j - at, the weights w[k, j] of the k-th derivative obey

    w[k, j] <- (d_i w[k, j] - k w[k-1, j]) / (x_i - x_j)             for the nodes j < i that are there already,
    w[k, i]  = c_{i-1} / c_i (k w[k-1, i-1] - d_{i-1} w[k, i-1])     for the new one (old weights on the right),

where c_i = (x_i - x_0) ... (x_i - x_{i-1}). Starting from w[0, 0] = 1 this costs O(size**2 n) operations (Fornberg,
Math. Comp. 51 (1988) 699-706; SIAM Review 40 (1998) 685-691).
"""

ctypedef fused real:
    double
    long double


cdef void _weights(const real *x, const real *d, Py_ssize_t size, Py_ssize_t n, real *w) noexcept nogil:
    # IN x[size], d[size]; IN/OUT w[n + 1, size], zeros at the start.
    cdef Py_ssize_t i, j, k
    cdef real ratio
    cdef real *row
    cdef real *lower

    w[0] = 1
    for i in range(1, size):
        # c_{i-1} / c_i but for its factor 1 / (x_i - x_0). The products alone leave the range of the exponent for many
        # or for very close nodes; factor by factor, numerator and denominator stay together.
        ratio = 1
        for j in range(1, i):
            ratio *= (x[i - 1] - x[j - 1]) / (x[i] - x[j])
        # Highest derivative first: each row needs the old weights of the row below it.
        for k in range(min(i, n), 0, -1):
            row = w + k * size
            lower = row - size
            row[i] = ratio * ((k * lower[i - 1] - d[i - 1] * row[i - 1]) / (x[i] - x[0]))
            for j in range(i):
                row[j] = (d[i] * row[j] - k * lower[j]) / (x[i] - x[j])
        w[i] = -ratio * (d[i - 1] / (x[i] - x[0])) * w[i - 1]
        for j in range(i):
            w[j] *= d[i] / (x[i] - x[j])


def fornberg_weights(nodes, distances, weights):
    """Fill ``weights`` with the weights of the derivatives 0 to n, one row for each.

    Parameters
    ----------
    nodes : ndarray, shape (size,), float64 or longdouble
        IN: distinct nodes in the order in which they are taken in, ``size >= 1``.
    distances : ndarray, shape (size,), same dtype
        IN: ``nodes - at``.
    weights : ndarray, shape (n + 1, size), same dtype
        IN/OUT: zeros at the start, the weights at the end. All three are C-contiguous and in native byte order.
    """
    cdef const double[::1] x, d
    cdef double[:, ::1] w
    cdef const long double[::1] x_long, d_long
    cdef long double[:, ::1] w_long

    if not 0 < len(nodes) == len(distances) == weights.shape[1]:
        raise ValueError("a kernel got arrays of different sizes or none")
    if nodes.dtype.char == "g":
        x_long, d_long, w_long = nodes, distances, weights
        with nogil:
            _weights(&x_long[0], &d_long[0], x_long.shape[0], w_long.shape[0] - 1, &w_long[0, 0])
    else:
        x, d, w = nodes, distances, weights
        with nogil:
            _weights(&x[0], &d[0], x.shape[0], w.shape[0] - 1, &w[0, 0])
