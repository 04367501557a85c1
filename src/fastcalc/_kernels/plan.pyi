from numpy.typing import ArrayLike

class Plan:
    n_components: int
    n_slots: int
    n_points: int
    n_retained: int
    n_results: int
    n_groups: int
    n_targets: int
    base: bool
    has_embedded: bool
    coordinates: bool
    uniform: bool
    def __init__(
        self,
        *,
        n_components: int,
        component: ArrayLike,
        point_start: ArrayLike,
        entry_slot: ArrayLike,
        multiple: ArrayLike,
        n_retained: int,
        base: bool,
        group_point: ArrayLike,
        group_result: ArrayLike,
        term_start: ArrayLike,
        plus: ArrayLike,
        minus: ArrayLike,
        weight: ArrayLike,
        embedded: ArrayLike | None,
        divisor_start: ArrayLike,
        divisor_slot: ArrayLike,
        denominator: ArrayLike,
        target: ArrayLike,
        mirror: ArrayLike,
        n_targets: int,
    ) -> None: ...
    def block(self, group: int, columns: int) -> tuple[int, int, int]: ...
