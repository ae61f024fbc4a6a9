"""Samples in, verdicts out. Pure: no I/O."""
