"""Scripted models: seeded Python callables that answer the example suites from hand-written scripts.

They imitate no real model and say nothing about any. They are here so that the examples run without a key, and so that
every kind of success and failure can be seen.
"""
