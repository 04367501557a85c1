/* horner.h for each type of number: as many points as fill a cache line. */
#ifndef FASTCALC_HORNER_LOOPS_H
#define FASTCALC_HORNER_LOOPS_H

#include "lanes.h"

#define NUMBER float
#define LANES 16
#define NAME(name) name##_float
#include "horner.h"

#define NUMBER double
#define LANES 8
#define NAME(name) name##_double
#include "horner.h"

#define NUMBER long double
#define LANES 4
#define NAME(name) name##_longdouble
#include "horner.h"

#define NUMBER double _Complex
#define LANES 4
#define NAME(name) name##_complex
#include "horner.h"

/* spread(r, ...) and the like: the loop for the type of its output. */
#define FASTCALC_BY_TYPE(name, out, ...) \
    _Generic((out), float *: name##_float, double *: name##_double, \
        long double *: name##_longdouble, double _Complex *: name##_complex)(out, __VA_ARGS__)
#define spread(...) FASTCALC_BY_TYPE(spread, __VA_ARGS__)
#define fold(...) FASTCALC_BY_TYPE(fold, __VA_ARGS__)
#define fold_leaves(...) FASTCALC_BY_TYPE(fold_leaves, __VA_ARGS__)
#define slope(...) FASTCALC_BY_TYPE(slope, __VA_ARGS__)
#define slope_leaves(...) FASTCALC_BY_TYPE(slope_leaves, __VA_ARGS__)

#endif
