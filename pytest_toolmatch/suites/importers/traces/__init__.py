"""Traces of agents: spans read from any container, understood in any dialect, joined into runs.

A *container* is how spans lie in a file (Jaeger, Tempo, OTLP, Langfuse …), a *dialect* how the attributes of a span
hold a request to a model and its answer. Neither knows of the other, so every pair works.
"""
