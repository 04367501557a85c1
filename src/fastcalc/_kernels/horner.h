/* Loops of the evaluation of polynomials, for one type of number and one number of points: included once for each.
 *
 * A run connects terms that follow each other, the parents, with their products with one variable, the children, which
 * follow each other too. Values of a term for the points of a tile lie together.
 */

/* r[i] = coef[i], for all points */
static inline void NAME(spread)(NUMBER *restrict r, ptrdiff_t terms, const NUMBER *restrict coef, ptrdiff_t ld)
{
    for (ptrdiff_t i = 0; i < terms; i++) {
        NUMBER value = coef[i * ld];
        EACH_LANE
        for (int l = 0; l < LANES; l++)
            r[i * LANES + l] = value;
    }
}

/* parents += x children */
static inline void NAME(fold)(NUMBER *restrict parents, ptrdiff_t length, const NUMBER *restrict x,
    const NUMBER *restrict children)
{
    for (ptrdiff_t i = 0; i < length; i++) {
        EACH_LANE
        for (int l = 0; l < LANES; l++)
            parents[i * LANES + l] += x[l] * children[i * LANES + l];
    }
}

/* The same for children that are coefficients. */
static inline void NAME(fold_leaves)(NUMBER *restrict parents, ptrdiff_t length, const NUMBER *restrict x,
    const NUMBER *restrict coef, ptrdiff_t ld)
{
    for (ptrdiff_t i = 0; i < length; i++) {
        NUMBER child = coef[i * ld];
        EACH_LANE
        for (int l = 0; l < LANES; l++)
            parents[i * LANES + l] += x[l] * child;
    }
}

/* g += sum of m r: the part of a run in the derivative by its variable, with the monomials m of the parents and the
 * folded r of the children; and the monomials of the children, x m */
static inline void NAME(slope)(NUMBER *restrict g, ptrdiff_t length, const NUMBER *restrict x, const NUMBER *restrict m,
    const NUMBER *restrict r, NUMBER *restrict children)
{
    NUMBER sum[LANES];
    EACH_LANE
    for (int l = 0; l < LANES; l++)
        sum[l] = g[l];
    for (ptrdiff_t i = 0; i < length; i++) {
        EACH_LANE
        for (int l = 0; l < LANES; l++) {
            sum[l] += m[i * LANES + l] * r[i * LANES + l];
            children[i * LANES + l] = x[l] * m[i * LANES + l];
        }
    }
    EACH_LANE
    for (int l = 0; l < LANES; l++)
        g[l] = sum[l];
}

/* The same for children that are coefficients, and parents of nobody. */
static inline void NAME(slope_leaves)(NUMBER *restrict g, ptrdiff_t length, const NUMBER *restrict m,
    const NUMBER *restrict coef, ptrdiff_t ld)
{
    NUMBER sum[LANES];
    EACH_LANE
    for (int l = 0; l < LANES; l++)
        sum[l] = g[l];
    for (ptrdiff_t i = 0; i < length; i++) {
        NUMBER child = coef[i * ld];
        EACH_LANE
        for (int l = 0; l < LANES; l++)
            sum[l] += m[i * LANES + l] * child;
    }
    EACH_LANE
    for (int l = 0; l < LANES; l++)
        g[l] = sum[l];
}

#undef NAME
#undef NUMBER
#undef LANES
