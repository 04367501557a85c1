"""What only compiled code can tell: how this build was made, and what the processor it runs on has."""


cdef extern from "processor.h":
    const char *FASTCALC_COMPILER
    bint FASTCALC_IS_CHECKED
    bint fastcalc_has_avx2_fma() noexcept nogil

cdef extern from *:
    const unsigned long CYTHON_HEX_VERSION  # 0xMMmmpp and a byte for pre-releases


COMPILER = FASTCALC_COMPILER.decode().strip()
CYTHON = f"{CYTHON_HEX_VERSION >> 24}.{CYTHON_HEX_VERSION >> 16 & 255}.{CYTHON_HEX_VERSION >> 8 & 255}"
CHECKED = FASTCALC_IS_CHECKED
HAS_AVX2_FMA = fastcalc_has_avx2_fma()
