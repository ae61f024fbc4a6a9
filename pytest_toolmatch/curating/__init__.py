"""Recorded suites in, two smaller ones out: what ``toolmatch curate`` does. It reads and writes; choosing is pure."""
