"""Providers: one file per wire, the same names in each.

``to_wire(request)`` and ``from_wire(response)`` are pure; ``Provider`` sends. See ``provider`` for what all have in
common, and ``registry`` for which prefix means which file.
"""
