/* Loops of the evaluation of polynomials, for one type of number and one number of points: included once for each.
 *
 * Each term but 1 is one variable times one other term, its parent; `child`, `child_variable` list them by parent. Terms
 * from `leaves` on have no children. Values of a term for the points of a tile lie together.
 */

/* r[s] = coef[s] + sum of d[variable] r[child] over the children of s: r[0] is the polynomial. r[leaves] is not made. */
static inline void NAME(climb)(NUMBER *restrict r, ptrdiff_t leaves, const NUMBER *restrict coef, ptrdiff_t ld,
    const NUMBER *restrict d, const ptrdiff_t *restrict child_start, const int32_t *restrict child_variable,
    const int32_t *restrict child)
{
    for (ptrdiff_t s = leaves - 1; s >= 0; s--) {
        NUMBER sum[LANES];
        EACH_LANE
        for (int l = 0; l < LANES; l++)
            sum[l] = coef[s * ld];
        for (ptrdiff_t e = child_start[s]; e < child_start[s + 1]; e++) {
            const NUMBER *restrict x = d + (ptrdiff_t)child_variable[e] * LANES;
            if (child[e] < leaves) {
                const NUMBER *restrict below = r + (ptrdiff_t)child[e] * LANES;
                EACH_LANE
                for (int l = 0; l < LANES; l++)
                    sum[l] += x[l] * below[l];
            } else {
                NUMBER below = coef[child[e] * ld];
                EACH_LANE
                for (int l = 0; l < LANES; l++)
                    sum[l] += x[l] * below;
            }
        }
        EACH_LANE
        for (int l = 0; l < LANES; l++)
            r[s * LANES + l] = sum[l];
    }
}

/* m[s]: the monomials, for s < leaves */
static inline void NAME(monomials)(NUMBER *restrict m, ptrdiff_t leaves, const NUMBER *restrict d,
    const ptrdiff_t *restrict child_start, const int32_t *restrict child_variable, const int32_t *restrict child)
{
    if (leaves == 0)
        return;
    EACH_LANE
    for (int l = 0; l < LANES; l++)
        m[l] = 1;
    for (ptrdiff_t s = 0; s < leaves; s++) {
        for (ptrdiff_t e = child_start[s]; e < child_start[s + 1]; e++) {
            if (child[e] >= leaves)
                continue;
            const NUMBER *restrict x = d + (ptrdiff_t)child_variable[e] * LANES;
            NUMBER *restrict goal = m + (ptrdiff_t)child[e] * LANES;
            EACH_LANE
            for (int l = 0; l < LANES; l++)
                goal[l] = x[l] * m[s * LANES + l];
        }
    }
}

/* g = sum of m[parent] r[child] over the pairs of one variable: the derivative by it */
static inline void NAME(slope)(NUMBER *restrict g, ptrdiff_t leaves, const NUMBER *restrict coef, ptrdiff_t ld,
    const NUMBER *restrict m, const NUMBER *restrict r, ptrdiff_t pairs, const int32_t *restrict parent,
    const int32_t *restrict child)
{
    NUMBER sum[LANES];
    EACH_LANE
    for (int l = 0; l < LANES; l++)
        sum[l] = 0;
    ptrdiff_t e = 0;
    for (; e < pairs && child[e] < leaves; e++)
        EACH_LANE
        for (int l = 0; l < LANES; l++)
            sum[l] += m[(ptrdiff_t)parent[e] * LANES + l] * r[(ptrdiff_t)child[e] * LANES + l];
    for (; e < pairs; e++) {
        NUMBER below = coef[child[e] * ld];
        EACH_LANE
        for (int l = 0; l < LANES; l++)
            sum[l] += m[(ptrdiff_t)parent[e] * LANES + l] * below;
    }
    EACH_LANE
    for (int l = 0; l < LANES; l++)
        g[l] = sum[l];
}

#undef NAME
#undef NUMBER
#undef LANES
