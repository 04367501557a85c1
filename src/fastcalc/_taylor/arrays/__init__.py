"""NumPy's functions of arrays for arrays of polynomials, a file per kind; `dispatch` finds them."""
