"""Taylor polynomials of functions: exact, from values alone, and of functions that an equation defines."""
