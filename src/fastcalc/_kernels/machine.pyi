from typing import Final

COMPILER: Final[str]
CYTHON: Final[str]
CHECKED: Final[bool]
HAS_AVX2_FMA: Final[bool]
