"""A sample plan in numbers: where a function is needed, and how its values combine.

Point ``p`` is ``x`` with ``multiple[e] * h[entry_slot[e]]`` added to component ``component[entry_slot[e]]`` for each of
its entries ``e``. Result ``r`` is

    sum_t weight[t] * (f[plus[t]] - f[minus[t]])  /  (denominator[r] * product of h[divisor_slot])

over its terms ``t``: only differences of values, so that a constant function gives exactly 0. ``minus = -1`` stands for
the value 0. The first ``n_retained`` points are kept during a whole walk; all others come in groups that are *closed*:
the results of a group need only its own points and the retained ones, so a walk keeps one block of groups at a time.
"""
import numpy as np


def _indices(values, name):
    array = np.ascontiguousarray(values, dtype=np.intp)
    if array.ndim != 1:
        raise ValueError(f"`{name}` must be one-dimensional")
    array.flags.writeable = False
    return array


def _numbers(values):
    array = np.ascontiguousarray(values, dtype=np.float64)
    array.flags.writeable = False
    return array


def _require(condition, rule):
    if not condition:
        raise ValueError(f"inconsistent sample plan: {rule}")


def _is_partition(starts, total):
    if starts.size == 0 or starts[0] != 0 or starts[starts.size - 1] != total:
        return False
    return bool((np.diff(starts) >= 0).all())


cdef class Plan:
    """Immutable; made once by a plan builder, checked here, walked by the kernels without further checks."""

    def __init__(
        self, *, n_components, component, point_start, entry_slot, multiple, n_retained, base, group_point,
        group_result, term_start, plus, minus, weight, embedded, divisor_start, divisor_slot, denominator, target,
        mirror, n_targets,
    ):
        component = _indices(component, "component")
        point_start = _indices(point_start, "point_start")
        entry_slot = _indices(entry_slot, "entry_slot")
        group_point = _indices(group_point, "group_point")
        group_result = _indices(group_result, "group_result")
        term_start = _indices(term_start, "term_start")
        plus, minus = _indices(plus, "plus"), _indices(minus, "minus")
        divisor_start = _indices(divisor_start, "divisor_start")
        divisor_slot = _indices(divisor_slot, "divisor_slot")
        target = _indices(target, "target")
        mirror = _indices(mirror, "mirror")
        multiple, weight, denominator = _numbers(multiple), _numbers(weight), _numbers(denominator)

        self.n_components = n_components
        self.n_slots = component.size
        self.n_points = point_start.size - 1
        self.n_retained = n_retained
        self.n_results = denominator.size
        self.n_groups = group_point.size - 1
        self.n_targets = n_targets
        self.base = base
        self.has_embedded = embedded is not None
        self.coordinates = np.array_equal(component, np.arange(n_components))

        def inside(array, stop, start=0):
            return array.size == 0 or (array.min() >= start and array.max() < stop)

        _require(inside(component, n_components, -1), "components")
        _require(_is_partition(point_start, entry_slot.size) and multiple.size == entry_slot.size, "entries of points")
        _require(inside(entry_slot, self.n_slots), "slots of points")
        _require(inside(component[entry_slot], n_components), "components of slots that move")
        _require(0 <= n_retained <= self.n_points, "retained points")
        _require(not base or (n_retained > 0 and point_start[1] == 0), "the first point is x itself")
        _require(_is_partition(group_point - n_retained, self.n_points - n_retained), "points of groups")
        _require(_is_partition(group_result, self.n_results), "results of groups")
        _require(group_result.size == group_point.size, "results of groups")
        _require(_is_partition(term_start, plus.size) and term_start.size == self.n_results + 1, "terms of results")
        _require(minus.size == plus.size == weight.size, "terms")
        _require(_is_partition(divisor_start, divisor_slot.size), "divisors")
        _require(divisor_start.size == self.n_results + 1, "divisors")
        _require(inside(divisor_slot, self.n_slots), "slots of divisors")
        _require(target.size == mirror.size == self.n_results, "targets of results")
        _require(inside(target, n_targets) and inside(mirror, n_targets), "targets")
        starts = np.repeat(point_start[:point_start.size - 1], np.diff(point_start))
        self.uniform = np.array_equal(multiple, multiple[starts])
        group_of_result = np.repeat(np.arange(self.n_groups), np.diff(group_result))
        group_of_term = np.repeat(group_of_result, np.diff(term_start))
        for points, lowest in ((plus, 0), (minus, -1)):
            _require(inside(points, self.n_points, lowest), "points of terms")
            own = (points >= group_point[group_of_term]) & (points < group_point[group_of_term + 1])
            _require(bool((own | (points < n_retained)).all()), "a group is closed")

        self.component, self.point_start, self.entry_slot, self.multiple = component, point_start, entry_slot, multiple
        self.group_point, self.group_result = group_point, group_result
        self.term_start, self.plus, self.minus, self.weight = term_start, plus, minus, weight
        if self.has_embedded:
            embedded = _numbers(embedded)
            _require(embedded.size == weight.size, "embedded weights")
            self.embedded = embedded
        self.divisor_start, self.divisor_slot, self.denominator = divisor_start, divisor_slot, denominator
        self.target, self.mirror = target, mirror

    def block(self, Py_ssize_t group, Py_ssize_t columns):
        """Last group (exclusive), first and last point of the longest run of groups from ``group`` within ``columns``
        points, at least one group."""
        cdef Py_ssize_t first = self.group_point[group], stop = group + 1
        if self.group_point[self.n_groups] - first <= columns:
            stop = self.n_groups
        else:
            while stop < self.n_groups and self.group_point[stop + 1] - first <= columns:
                stop += 1
        return stop, first, self.group_point[stop]
