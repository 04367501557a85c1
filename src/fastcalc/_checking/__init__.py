"""Checks of the user's derivatives: what is compared, with which reference, by which rule, and the report."""
