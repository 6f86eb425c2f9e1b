"""Measurements: ratios within one run, printed, never judged. `make bench` runs them."""
