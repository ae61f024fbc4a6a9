"""Tools of other trades, to stand beside a suite's own: plausible, and of no use to it."""

from __future__ import annotations

from typing import Any

from pytest_toolmatch.core.tool import Tool


def _tool(name: str, description: str, required: str, **properties: dict[str, Any]) -> Tool:
    """Return a tool; ``required`` names its required arguments, separated by spaces."""
    schema = {"type": "object", "properties": properties, "required": required.split(), "additionalProperties": False}
    return Tool(name=name, description=description, parameters=schema)


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


def _whole(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "integer", "description": description, **more}


def _one_of(description: str, *values: str) -> dict[str, Any]:
    return {"type": "string", "description": description, "enum": list(values)}


STRANGERS = (
    _tool(
        "restart_pod",
        "Restart one pod of a Kubernetes deployment.",
        "namespace pod",
        namespace=_text("Kubernetes namespace."),
        pod=_text("Name of the pod."),
        grace_seconds=_whole("Seconds until it is killed.", minimum=0, default=30),
    ),
    _tool(
        "rotate_tls_certificate",
        "Replace the TLS certificate of a host by a fresh one.",
        "hostname",
        hostname=_text("Fully qualified host name.", format="hostname"),
        key_type=_one_of("Kind of the private key.", "rsa2048", "rsa4096", "ecdsa"),
    ),
    _tool(
        "create_dns_record",
        "Add a record to a DNS zone.",
        "zone kind content",
        zone=_text("The zone, such as example.org."),
        kind=_one_of("Record type.", "A", "AAAA", "CNAME", "TXT", "MX"),
        content=_text("What the record says."),
        ttl=_whole("Time to live in seconds.", minimum=60, default=3600),
    ),
    _tool(
        "merge_pull_request",
        "Merge a pull request of a code repository.",
        "repository pull_number",
        repository=_text("As owner/name."),
        pull_number=_whole("Number of the pull request.", minimum=1),
        method=_one_of("How to merge.", "merge", "squash", "rebase"),
    ),
    _tool(
        "transpose_chord_chart",
        "Transpose a chord chart by a number of semitones.",
        "chart semitones",
        chart=_text("Chords, one bar per line."),
        semitones=_whole("Upwards; negative is downwards.", minimum=-11, maximum=11),
    ),
    _tool(
        "get_tide_table",
        "Tell high and low water at a harbour.",
        "harbour day",
        harbour=_text("Name of the harbour."),
        day=_text("Calendar day.", format="date"),
    ),
    _tool(
        "analyse_chess_position",
        "Evaluate a chess position with an engine.",
        "fen",
        fen=_text("The position in Forsyth–Edwards notation."),
        depth=_whole("Search depth in plies.", minimum=1, maximum=40, default=18),
    ),
    _tool(
        "align_sequences",
        "Align two nucleotide sequences.",
        "first second",
        first=_text("Sequence of A, C, G and T.", pattern="^[ACGT]+$"),
        second=_text("Sequence of A, C, G and T.", pattern="^[ACGT]+$"),
        local={"type": "boolean", "description": "Local instead of global alignment.", "default": False},
    ),
    _tool(
        "point_telescope",
        "Point the telescope at an object of the sky.",
        "right_ascension declination",
        right_ascension={"type": "number", "description": "In hours.", "minimum": 0, "exclusiveMaximum": 24},
        declination={"type": "number", "description": "In degrees.", "minimum": -90, "maximum": 90},
    ),
    _tool(
        "calibrate_spectrometer",
        "Run the calibration of a spectrometer against a reference lamp.",
        "device_serial",
        device_serial=_text("Serial number of the spectrometer."),
        wavelengths={"type": "array", "items": {"type": "number"}, "description": "In nanometres."},
    ),
    _tool(
        "assign_ward_shift",
        "Give a nurse a shift on a hospital ward.",
        "ward nurse shift",
        ward=_text("Name of the ward."),
        nurse=_text("Staff name."),
        shift=_one_of("Which shift.", "early", "late", "night"),
    ),
    _tool(
        "lookup_building_permit",
        "Find a building permit in the municipal archive.",
        "parcel_number",
        parcel_number=_text("Cadastral number."),
        since_year=_whole("Only permits from this year on.", minimum=1900),
    ),
    _tool(
        "set_stage_lights",
        "Fade the stage of a theatre to a lighting cue.",
        "cue",
        cue=_whole("Number of the cue.", minimum=1),
        fade_seconds={"type": "number", "description": "Length of the fade.", "minimum": 0, "default": 2},
    ),
    _tool(
        "tune_pipe_organ",
        "Compute the pipe lengths of an organ stop at a temperature.",
        "stop temperature_c",
        stop=_text("Name of the stop, such as Principal 8'."),
        temperature_c={"type": "number", "description": "Air temperature in degrees Celsius."},
    ),
    _tool(
        "grade_timber",
        "Assign a strength class to a batch of timber.",
        "species",
        species=_text("Wood species."),
        knots_per_metre={"type": "number", "description": "Mean number of knots.", "minimum": 0},
    ),
    _tool(
        "simulate_reactor",
        "Simulate a stirred-tank reactor to steady state.",
        "feed_rate temperature_k",
        feed_rate={"type": "number", "description": "In litres per second.", "exclusiveMinimum": 0},
        temperature_k={"type": "number", "description": "In kelvin.", "exclusiveMinimum": 0},
    ),
    _tool(
        "compress_video",
        "Encode a video with another codec.",
        "source codec",
        source=_text("Path of the video."),
        codec=_one_of("Codec.", "h264", "h265", "av1"),
        bitrate_kbps=_whole("Target bit rate.", minimum=100),
    ),
    _tool(
        "count_ballots",
        "Count the ballots of a polling district by the Schulze method.",
        "district",
        district=_text("Code of the polling district."),
        include_postal={"type": "boolean", "description": "With postal votes.", "default": True},
    ),
    _tool(
        "dose_pool_chlorine",
        "Compute how much chlorine a swimming pool needs.",
        "volume_m3 ph",
        volume_m3={"type": "number", "description": "Water volume in cubic metres.", "exclusiveMinimum": 0},
        ph={"type": "number", "description": "Measured pH.", "minimum": 0, "maximum": 14},
    ),
    _tool(
        "classify_meteorite",
        "Name the class of a meteorite from its composition.",
        "iron_share",
        iron_share={"type": "number", "description": "Share of iron by mass.", "minimum": 0, "maximum": 1},
        has_chondrules={"type": "boolean", "description": "Whether chondrules were seen."},
    ),
)
