"""Calling the user's function: one adapter per kind of callable, all with the same few methods."""
