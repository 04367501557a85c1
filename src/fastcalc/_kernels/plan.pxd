cdef class Plan:
    cdef readonly Py_ssize_t n_components, n_slots, n_points, n_retained, n_results, n_groups, n_targets
    cdef readonly bint base, has_embedded
    cdef readonly bint coordinates  # slot s moves component s
    cdef readonly bint uniform      # all entries of a point have one multiple
    cdef const Py_ssize_t[::1] component, point_start, entry_slot, group_point, group_result
    cdef const Py_ssize_t[::1] term_start, plus, minus, divisor_start, divisor_slot, target, mirror
    cdef const double[::1] multiple, weight, embedded, denominator
