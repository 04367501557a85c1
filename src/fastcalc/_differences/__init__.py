"""Derivatives of functions: where to sample, at which steps, with which weights."""
