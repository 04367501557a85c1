"""Sparse Jacobians and Hessians: patterns found, coloured, differentiated by colours and verified."""
