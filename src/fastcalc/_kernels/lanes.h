/* Loops over the lanes of a tile. */
#ifndef FASTCALC_LANES_H
#define FASTCALC_LANES_H

#include <stddef.h>
#include <stdint.h>

#ifdef _MSC_VER
#define restrict __restrict
#endif

/* Without the word that they don't depend on each other, GCC does not put lanes into vector registers. */
#if defined __GNUC__ || defined __clang__
#define EACH_LANE _Pragma("omp simd")
#else
#define EACH_LANE
#endif

/* The line of a place that is needed soon: for reading, for writing. */
#if defined(__GNUC__)
#define SOON(place) __builtin_prefetch(place)
#define SOON_WRITTEN(place) __builtin_prefetch(place, 1)
#else
#define SOON(place) ((void)0)
#define SOON_WRITTEN(place) ((void)0)
#endif

#endif
