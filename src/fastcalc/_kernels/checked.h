/* Index checks for kernels that walk raw pointers: nothing in a normal build, an abort that names the place in a
 * checked one (FASTCALC_CHECKED), where typed memoryviews are checked by Cython. */
#ifndef FASTCALC_CHECKED_H
#define FASTCALC_CHECKED_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef FASTCALC_CHECKED
static inline ptrdiff_t fastcalc_inside(ptrdiff_t index, ptrdiff_t length, const char *file, int line)
{
    if (index < 0 || index >= length) {
        fprintf(stderr, "%s:%d: index %td is outside an array of length %td\n", file, line, index, length);
        abort();
    }
    return index;
}
#define FASTCALC_INSIDE(index, length) fastcalc_inside((index), (length), __FILE__, __LINE__)
#else
#define FASTCALC_INSIDE(index, length) (index)
#endif

#endif
