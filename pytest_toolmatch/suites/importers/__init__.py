"""Logs into suites: one file per format, the same names in each."""
