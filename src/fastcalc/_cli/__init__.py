"""What ``python -m fastcalc`` does; ``import fastcalc`` loads nothing of it."""
