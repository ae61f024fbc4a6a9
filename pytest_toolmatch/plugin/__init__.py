"""The pytest face; the only package that imports pytest."""
