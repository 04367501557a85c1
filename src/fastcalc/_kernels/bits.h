/* Words of 64 bits as small sets: their smallest member. */
#ifndef FASTCALC_BITS_H
#define FASTCALC_BITS_H

#include <stdint.h>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

/* Of a word other than 0. */
static inline int fastcalc_lowest_bit(uint64_t word) {
#if !defined(_MSC_VER) || defined(__clang__)
    return __builtin_ctzll(word);
#elif defined(_M_X64) || defined(_M_ARM64)
    unsigned long index;
    _BitScanForward64(&index, word);
    return (int)index;
#else
    int index = 0;
    while (!(word >> index & 1))
        index++;
    return index;
#endif
}

#endif
