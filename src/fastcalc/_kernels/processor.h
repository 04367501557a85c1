/* What only the C compiler can tell: which one it is, and which instructions the processor and its operating system
 * have beyond the baseline (0 where neither GCC nor Clang is there to ask). */
#ifndef FASTCALC_PROCESSOR_H
#define FASTCALC_PROCESSOR_H

#if defined(__clang__)
#define FASTCALC_COMPILER "Clang " __clang_version__
#elif defined(__GNUC__)
#define FASTCALC_COMPILER "GCC " __VERSION__
#elif defined(_MSC_FULL_VER)
#define FASTCALC_TEXT_OF(x) #x
#define FASTCALC_TEXT(x) FASTCALC_TEXT_OF(x)
#define FASTCALC_COMPILER "MSVC " FASTCALC_TEXT(_MSC_FULL_VER)
#else
#define FASTCALC_COMPILER "unknown"
#endif

#ifdef FASTCALC_CHECKED
#define FASTCALC_IS_CHECKED 1
#else
#define FASTCALC_IS_CHECKED 0
#endif

static inline int fastcalc_has_avx2_fma(void)
{
#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return 0;
#endif
}

#endif
