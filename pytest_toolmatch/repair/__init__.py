"""Repair: other words for a student that fails a suite, proved on cases that no optimiser has seen."""
