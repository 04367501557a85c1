/* Seconds on a clock that only goes forward; reading it takes some 20 ns. */
#ifndef FASTCALC_CLOCK_H
#define FASTCALC_CLOCK_H

#ifdef _WIN32
#include <windows.h>
static inline double fastcalc_seconds(void)
{
    LARGE_INTEGER ticks, per_second;
    QueryPerformanceFrequency(&per_second);
    QueryPerformanceCounter(&ticks);
    return (double)ticks.QuadPart / (double)per_second.QuadPart;
}
#else
#include <time.h>
static inline double fastcalc_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
#endif

#endif
