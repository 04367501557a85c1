"""Star colouring of a symmetric pattern, and which compressed difference holds each entry.

The vertices are rows (and columns) i, the edges entries i, j off the diagonal. A star colouring gives neighbours
different colours and leaves no path of four vertices with two colours only. Then any two colours together are a forest
of stars, a hub with leaves each; and of two neighbours i, j, the one that is a leaf has only one neighbour of the
other's colour: entry i, j is alone in row i among the columns of colour(j), or in row j among those of colour(i)
(Gebremedhin, Tarafdar, Manne and Pothen, SIAM J. Sci. Comput. 29 (2007) 1042-1072, algorithm 4.1).

That algorithm keeps the stars as sets of edges. Here each vertex w keeps three sets of colours, as bits:

    once[w]    colours that a neighbour of w has,
    twice[w]   colours that two neighbours have: w is the hub of a star with leaves of that colour,
    leaf[w]    colours c such that w is a leaf under a hub of colour c, which has another leaf.

A new vertex v must not have the colour of a neighbour w, of a hub over w (the path would be v, w, hub, leaf), and of
any neighbour of w where v has another neighbour with the colour of w (neighbour, w, v, other):

    forbidden = once[v] | union over coloured neighbours w of (once[w] if color[w] in twice[v] else leaf[w]).

The entries are read twice for each vertex, and those of w again when w becomes a hub over another colour: a vertex with
many neighbours is no burden. When v is cautious, the union is over neighbours without a colour too, with once[w]: then
no two coloured neighbours of a new vertex have the same colour. This takes fewer colours where few vertices have very
many neighbours, which must differ for the sake of all that they have in common.
"""
from libc.stdint cimport uint64_t

import numpy as np

from fastcalc._kernels.bits cimport add, has, lowest_bit
from fastcalc._kernels.signals cimport interrupted, raise_pending

cdef Py_ssize_t PATIENCE = 1 << 21  # words of neighbours between two looks for signals, some 20 ms


cdef Py_ssize_t fit(
    const Py_ssize_t[::1] starts, const Py_ssize_t[::1] neighbors, const Py_ssize_t[::1] order,
    uint64_t[:, ::1] once, uint64_t[:, ::1] twice, uint64_t[:, ::1] leaf, uint64_t[::1] forbidden,
    bint cautious, Py_ssize_t limit, Py_ssize_t[::1] color,
) noexcept nogil:
    # IN starts, neighbors (entries of the diagonal are passed over), order. WORK once, twice, leaf, 0 at the start,
    # forbidden. OUT color, -1 at the start. Returns the number of colours, -1 when interrupted, -2 when there are not
    # bits enough, -3 when it exceeds the limit.
    cdef Py_ssize_t words = once.shape[1], n_colors = 0, done = 0
    cdef Py_ssize_t p, e, d, v, w, x, k, c, word
    cdef const uint64_t *others
    for p in range(order.shape[0]):
        v = order[p]
        for word in range(words):
            forbidden[word] = once[v, word]
        for e in range(starts[v], starts[v + 1]):
            w = neighbors[e]
            if w == v or (color[w] < 0 and not cautious):
                continue
            others = &once[w, 0] if color[w] < 0 or has(&twice[v, 0], color[w]) else &leaf[w, 0]
            for word in range(words):
                forbidden[word] |= others[word]
        c = -1
        for word in range(words):
            if ~forbidden[word]:
                c = 64 * word + lowest_bit(~forbidden[word])
                break
        if c < 0 and 64 * words < limit:
            return -2
        if c < 0 or c >= limit:
            return -3
        color[v] = c
        if c >= n_colors:
            n_colors = c + 1
        for e in range(starts[v], starts[v + 1]):
            w = neighbors[e]
            if w == v:
                continue
            k = color[w]
            if k >= 0 and has(&twice[v, 0], k):  # v is a hub, and w one of its leaves
                add(&leaf[w, 0], c)
            if not has(&once[w, 0], c):
                add(&once[w, 0], c)
                continue
            if k >= 0:
                if has(&twice[w, 0], c):  # w is a hub already
                    add(&leaf[v, 0], k)
                else:  # it becomes one, of v and of its neighbour with that colour
                    for d in range(starts[w], starts[w + 1]):
                        x = neighbors[d]
                        if x != w and color[x] == c:
                            add(&leaf[x, 0], k)
                    done += starts[w + 1] - starts[w]
            add(&twice[w, 0], c)
        done += (starts[v + 1] - starts[v]) * words
        if done > PATIENCE:
            done = 0
            if interrupted():
                return -1
    return n_colors


def star_fit(
    const Py_ssize_t[::1] starts not None, const Py_ssize_t[::1] neighbors not None,
    const Py_ssize_t[::1] order not None, bint cautious, Py_ssize_t limit,
    Py_ssize_t[::1] color not None,
):
    """Star colouring, vertex by vertex: each gets the smallest colour that leaves the colouring of those before it one.

    Parameters
    ----------
    starts, neighbors : ndarray of intp, shapes (n + 1,), (size,)
        IN: the symmetric pattern, by rows; entries of the diagonal change nothing.
    order : ndarray of intp, shape (n,)
        IN: a permutation of the vertices.
    cautious : bool
        IN: whether vertices keep off the colours around neighbours that have none yet.
    limit : int
        IN: colours that there are.
    color : ndarray of intp, shape (n,)
        OUT: the colours, from 0.

    Returns
    -------
    int
        Number of colours; 0 if there are too few. The memory needed is 3 bits for each vertex and colour.
    """
    cdef Py_ssize_t n = starts.shape[0] - 1, n_colors = -2, words = 1
    cdef uint64_t[:, ::1] once, twice, leaf
    cdef uint64_t[::1] forbidden
    if order.shape[0] != n or color.shape[0] != n or starts[n] != neighbors.shape[0]:
        raise ValueError("a kernel got arrays of sizes that don't fit together")
    while n_colors == -2:
        once, twice, leaf = (np.zeros((n, words), np.uint64) for _ in range(3))
        forbidden = np.empty(words, np.uint64)
        color[:] = -1
        with nogil:
            n_colors = fit(starts, neighbors, order, once, twice, leaf, forbidden, cautious, limit, color)
        words *= 2
    if n_colors == -1:
        raise_pending()
    return max(n_colors, 0)


cdef Py_ssize_t locate(
    const Py_ssize_t[::1] starts, const Py_ssize_t[::1] columns, const Py_ssize_t[::1] color,
    Py_ssize_t[::1] last, Py_ssize_t[::1] fill, char[::1] alone, Py_ssize_t[::1] from_color, Py_ssize_t[::1] from_row,
) noexcept nogil:
    # IN starts, columns: the symmetric pattern, by rows, ascending; color. WORK last[colours], -1 at the start,
    # fill[n], equal to starts at the start; alone[size]. OUT from_color, from_row. Returns -1, or an entry that no
    # compressed difference holds.
    cdef Py_ssize_t n = starts.shape[0] - 1
    cdef Py_ssize_t i, j, e, mirrored
    for i in range(n):
        # a colour met twice in row i is marked by the row's number + n, which no other row has
        for e in range(starts[i], starts[i + 1]):
            j = color[columns[e]]
            last[j] = i + n if last[j] == i or last[j] == i + n else i
        for e in range(starts[i], starts[i + 1]):
            alone[e] = last[color[columns[e]]] == i
    for i in range(n):
        for e in range(starts[i], starts[i + 1]):
            j = columns[e]
            mirrored = fill[j]  # rows come in ascending order, hence the entries j, i of row j do
            fill[j] += 1
            if j < i:
                continue
            if alone[e]:
                from_color[e], from_row[e] = color[j], i
            elif alone[mirrored]:
                from_color[e], from_row[e] = color[i], j
            else:
                return e
            from_color[mirrored], from_row[mirrored] = from_color[e], from_row[e]
    return -1


def star_positions(
    const Py_ssize_t[::1] starts not None, const Py_ssize_t[::1] columns not None,
    const Py_ssize_t[::1] color not None, Py_ssize_t n_colors,
    Py_ssize_t[::1] from_color not None, Py_ssize_t[::1] from_row not None,
):
    """Where each entry of a symmetric matrix is found in its products with the sums of columns of one colour.

    Parameters
    ----------
    starts, columns : ndarray of intp, shapes (n + 1,), (size,)
        IN: the symmetric pattern, by rows, columns ascending.
    color : ndarray of intp, shape (n,)
        IN: a star colouring.
    n_colors : int
        More than the largest colour.
    from_color, from_row : ndarray of intp, shape (size,)
        OUT: entry e is component ``from_row[e]`` of product ``from_color[e]``; equal for e and its mirror image.

    Returns
    -------
    int
        -1, or an entry that no product holds alone: then this is no star colouring.
    """
    cdef Py_ssize_t n = starts.shape[0] - 1, bad
    if color.shape[0] != n or not columns.shape[0] == from_color.shape[0] == from_row.shape[0] == starts[n]:
        raise ValueError("a kernel got arrays of sizes that don't fit together")
    cdef Py_ssize_t[::1] last = np.full(n_colors, -1, np.intp)
    cdef Py_ssize_t[::1] fill = np.array(starts[:n])
    cdef char[::1] alone = np.empty(columns.shape[0], np.int8)
    with nogil:
        bad = locate(starts, columns, color, last, fill, alone, from_color, from_row)
    return bad
