/* cross.h for each type of number: one lane, and as many as fill a cache line. */
#ifndef FASTCALC_SERIES_LOOPS_H
#define FASTCALC_SERIES_LOOPS_H

#include "lanes.h"

/* Without lanes, so many products are made in vector registers before they go to their places one by one. */
#define BLOCK 4

#define NUMBER float
#define LANES 1
#define NAME(name) name##_float_one
#include "cross.h"
#define NUMBER float
#define LANES 16
#define NAME(name) name##_float_line
#include "cross.h"

#define NUMBER double
#define LANES 1
#define NAME(name) name##_double_one
#include "cross.h"
#define NUMBER double
#define LANES 8
#define NAME(name) name##_double_line
#include "cross.h"

#define NUMBER long double
#define LANES 1
#define NAME(name) name##_longdouble_one
#include "cross.h"
#define NUMBER long double
#define LANES 4
#define NAME(name) name##_longdouble_line
#include "cross.h"

#define NUMBER double _Complex
#define LANES 1
#define NAME(name) name##_complex_one
#include "cross.h"
#define NUMBER double _Complex
#define LANES 4
#define NAME(name) name##_complex_line
#include "cross.h"

/* cross(wide, acc, ...) and the like: the loop for the type of its output, over a line of lanes or one. */
#define FASTCALC_PICK(name, width, out) \
    _Generic((out), float *: name##_float_##width, double *: name##_double_##width, \
        long double *: name##_longdouble_##width, double _Complex *: name##_complex_##width)
#define FASTCALC_LOOP(name, wide, out, ...) \
    ((wide) ? FASTCALC_PICK(name, line, out)(out, __VA_ARGS__) : FASTCALC_PICK(name, one, out)(out, __VA_ARGS__))
#define cross(wide, ...) FASTCALC_LOOP(cross, wide, __VA_ARGS__)
#define triangle(wide, ...) FASTCALC_LOOP(triangle, wide, __VA_ARGS__)
#define packed(wide, ...) FASTCALC_LOOP(packed, wide, __VA_ARGS__)
#define square(wide, ...) FASTCALC_LOOP(square, wide, __VA_ARGS__)
#define begin(wide, ...) FASTCALC_LOOP(begin, wide, __VA_ARGS__)
#define finish(wide, ...) FASTCALC_LOOP(finish, wide, __VA_ARGS__)
#define gather(wide, ...) FASTCALC_LOOP(gather, wide, __VA_ARGS__)
#define scatter(wide, ...) FASTCALC_LOOP(scatter, wide, __VA_ARGS__)

#endif
