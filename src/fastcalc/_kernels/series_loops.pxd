"""The loops of series_loops.h. Their arguments, whose types C picks the loop by, stand in cross.h after `wide`."""

ctypedef long double longdouble

ctypedef fused number:
    float
    double
    longdouble
    double complex


cdef extern from "series_loops.h" nogil:
    void cross(bint wide, ...)
    void triangle(bint wide, ...)
    void packed(bint wide, ...)
    void square(bint wide, ...)
    void begin(bint wide, ...)
    void finish(bint wide, ...)
    void gather(bint wide, ...)
    void scatter(bint wide, ...)
