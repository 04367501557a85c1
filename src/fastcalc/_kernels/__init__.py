"""Cython loops over plain numbers: no policy, and no Python object inside a loop except the user's function."""
