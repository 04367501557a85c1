"""Truncated multivariate Taylor polynomials: their space, their arithmetic, NumPy's protocols, their calculus."""
