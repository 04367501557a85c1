/* Loops of the products of polynomials, for one type of number and one number of lanes: included once for each.
 *
 * Coefficients of a term lie LANES apart in the sums `acc`, and `ld` apart in the others. The number of lanes is constant
 * and pointers don't alias, so that compilers keep lanes in vector registers; Cython has a word for neither.
 */

/* Of one lane, BLOCK products for which there are columns are made in vector registers, and go to their places singly. */
#if LANES == 1
#define IN_BLOCKS(j, columns, row, product) \
    for (; j + BLOCK <= columns; j += BLOCK) { \
        NUMBER products[BLOCK]; \
        EACH_LANE \
        for (int k = 0; k < BLOCK; k++) \
            products[k] = product; \
        for (int k = 0; k < BLOCK; k++) \
            acc[row[j + k]] += products[k]; \
    }
#else
#define IN_BLOCKS(j, columns, row, product)
#endif

/* acc[T[i][j]] += w u_p[i] v_q[j] + x v_p[i] u_q[j] for i < rows and j < columns */
static inline void NAME(cross)(NUMBER *restrict acc, const int32_t *restrict table, ptrdiff_t rows, ptrdiff_t columns,
    const NUMBER *restrict up, const NUMBER *restrict uq, const NUMBER *restrict vp, const NUMBER *restrict vq,
    ptrdiff_t ld, NUMBER w, NUMBER x)
{
    for (ptrdiff_t i = 0; i < rows; i++) {
        NUMBER a[LANES], b[LANES];
        EACH_LANE
        for (int l = 0; l < LANES; l++) {
            a[l] = w * up[i * ld + l];
            b[l] = x * vp[i * ld + l];
        }
        const int32_t *restrict row = table + i * columns;
        ptrdiff_t j = 0;
        IN_BLOCKS(j, columns, row, a[0] * vq[j + k] + b[0] * uq[j + k])
        for (; j < columns; j++) {
            NUMBER *restrict goal = acc + (ptrdiff_t)row[j] * LANES;
            EACH_LANE
            for (int l = 0; l < LANES; l++)
                goal[l] += a[l] * vq[j * ld + l] + b[l] * uq[j * ld + l];
        }
    }
}

/* The same for p = q, where rows and columns are the same terms: from row `first` on, each pair once. With u = v too. */
static inline void NAME(triangle)(NUMBER *restrict acc, const int32_t *restrict table, ptrdiff_t first,
    ptrdiff_t rows, ptrdiff_t columns, const NUMBER *restrict u, const NUMBER *restrict v, ptrdiff_t ld, NUMBER w)
{
    for (ptrdiff_t i = first; i < first + rows; i++) {
        NUMBER a[LANES], b[LANES];
        const int32_t *restrict row = table + (i - first) * columns;
        NUMBER *restrict own = acc + (ptrdiff_t)row[i] * LANES;
        EACH_LANE
        for (int l = 0; l < LANES; l++) {
            a[l] = w * u[i * ld + l];
            b[l] = w * v[i * ld + l];
            own[l] += a[l] * v[i * ld + l];
        }
        ptrdiff_t j = i + 1;
        IN_BLOCKS(j, columns, row, a[0] * v[j + k] + b[0] * u[j + k])
        for (; j < columns; j++) {
            NUMBER *restrict goal = acc + (ptrdiff_t)row[j] * LANES;
            EACH_LANE
            for (int l = 0; l < LANES; l++)
                goal[l] += a[l] * v[j * ld + l] + b[l] * u[j * ld + l];
        }
    }
}

/* The same where the products of all pairs lie row by row: first degree times first degree. */
static inline void NAME(packed)(NUMBER *restrict acc, ptrdiff_t columns, const NUMBER *restrict u,
    const NUMBER *restrict v, ptrdiff_t ld, NUMBER w)
{
    NUMBER *restrict goal = acc;
    for (ptrdiff_t i = 0; i < columns; i++) {
        NUMBER a[LANES], b[LANES];
        EACH_LANE
        for (int l = 0; l < LANES; l++) {
            a[l] = w * u[i * ld + l];
            b[l] = w * v[i * ld + l];
            goal[l] += a[l] * v[i * ld + l];
        }
        goal += LANES;
        for (ptrdiff_t j = i + 1; j < columns; j++, goal += LANES)
            EACH_LANE
            for (int l = 0; l < LANES; l++)
                goal[l] += a[l] * v[j * ld + l] + b[l] * u[j * ld + l];
    }
}

/* acc[T[i][j]] += w u_p[i] u_q[j] */
static inline void NAME(square)(NUMBER *restrict acc, const int32_t *restrict table, ptrdiff_t rows,
    ptrdiff_t columns, const NUMBER *restrict up, const NUMBER *restrict uq, ptrdiff_t ld, NUMBER w)
{
    for (ptrdiff_t i = 0; i < rows; i++) {
        NUMBER a[LANES];
        EACH_LANE
        for (int l = 0; l < LANES; l++)
            a[l] = w * up[i * ld + l];
        const int32_t *restrict row = table + i * columns;
        ptrdiff_t j = 0;
        IN_BLOCKS(j, columns, row, a[0] * uq[j + k])
        for (; j < columns; j++) {
            NUMBER *restrict goal = acc + (ptrdiff_t)row[j] * LANES;
            EACH_LANE
            for (int l = 0; l < LANES; l++)
                goal[l] += a[l] * uq[j * ld + l];
        }
    }
}

/* acc[i] = x a[i] + y b[i], one factor per lane; b may be NULL */
static inline void NAME(begin)(NUMBER *restrict acc, ptrdiff_t terms, const NUMBER *restrict x,
    const NUMBER *restrict a, const NUMBER *restrict y, const NUMBER *restrict b, ptrdiff_t ld)
{
    if (b)
        for (ptrdiff_t i = 0; i < terms; i++)
            EACH_LANE
            for (int l = 0; l < LANES; l++)
                acc[i * LANES + l] = x[l] * a[i * ld + l] + y[l] * b[i * ld + l];
    else
        for (ptrdiff_t i = 0; i < terms; i++)
            EACH_LANE
            for (int l = 0; l < LANES; l++)
                acc[i * LANES + l] = x[l] * a[i * ld + l];
}

/* c[i] = acc[i] / d, one divisor per lane; none for NULL */
static inline void NAME(finish)(NUMBER *restrict c, ptrdiff_t terms, const NUMBER *restrict acc,
    const NUMBER *restrict d, ptrdiff_t ld)
{
    if (d)
        for (ptrdiff_t i = 0; i < terms; i++)
            EACH_LANE
            for (int l = 0; l < LANES; l++)
                c[i * ld + l] = acc[i * LANES + l] / d[l];
    else
        for (ptrdiff_t i = 0; i < terms; i++)
            EACH_LANE
            for (int l = 0; l < LANES; l++)
                c[i * ld + l] = acc[i * LANES + l];
}

/* tiles[t][i] = a[i] for `lanes` lanes in tiles of LANES, of which the last is filled up with copies of the last one */
static inline void NAME(gather)(NUMBER *restrict tiles, ptrdiff_t stride, ptrdiff_t terms, const NUMBER *restrict a,
    ptrdiff_t ld, ptrdiff_t lanes)
{
    ptrdiff_t full = lanes / LANES, rest = lanes % LANES;
    for (ptrdiff_t i = 0; i < terms; i++) {
        for (ptrdiff_t t = 0; t < full; t++) {
            SOON(a + (i + 8) * ld + t * LANES);
            EACH_LANE
            for (int l = 0; l < LANES; l++)
                tiles[t * stride + i * LANES + l] = a[i * ld + t * LANES + l];
        }
        for (ptrdiff_t l = 0; rest && l < LANES; l++)
            tiles[full * stride + i * LANES + l] = a[i * ld + full * LANES + (l < rest ? l : rest - 1)];
    }
}

/* c[i] = tiles[t][i], the way back */
static inline void NAME(scatter)(NUMBER *restrict c, ptrdiff_t stride, ptrdiff_t terms, const NUMBER *restrict tiles,
    ptrdiff_t ld, ptrdiff_t lanes)
{
    ptrdiff_t full = lanes / LANES, rest = lanes % LANES;
    for (ptrdiff_t i = 0; i < terms; i++) {
        for (ptrdiff_t t = 0; t < full; t++) {
            SOON_WRITTEN(c + (i + 8) * ld + t * LANES);
            EACH_LANE
            for (int l = 0; l < LANES; l++)
                c[i * ld + t * LANES + l] = tiles[t * stride + i * LANES + l];
        }
        for (ptrdiff_t l = 0; l < rest; l++)
            c[i * ld + full * LANES + l] = tiles[full * stride + i * LANES + l];
    }
}

#undef IN_BLOCKS
#undef NAME
#undef NUMBER
#undef LANES
