"""Weights on disk: a JSON header, then raw arrays; beside it a manifest with the checksum. No pickle.

``NAME.weights`` is ``PKTW`` + the header's length (4 bytes, little end first) + the header (JSON) + the arrays' bytes.
Matrices are int8 with one scale for each row, vectors float32. ``NAME.json`` names the file's SHA-256.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.pocket.config import Shape

FORMAT = 1
_MAGIC = b"PKTW"
_HEAD = len(_MAGIC) + 4
_SHIPPED = Path(__file__).parent / "weights"
_AGAIN = "install the package again, or train it again with: toolmatch distill"


class Array(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One array of the file: its name, its shape, and whether its rows are int8 with a scale each."""

    name: str
    shape: tuple[int, ...]
    small: bool


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the arrays are of."""

    format: int
    shape: Shape
    arrays: tuple[Array, ...]


class Manifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a weights file: its name, checksum and size, and how it was made (``made``)."""

    file: str
    sha256: str
    bytes: int
    parameters: int
    made: dict[str, Any] = {}


Arrays = dict[str, NDArray[np.float32]]


def shipped() -> tuple[str, ...]:
    """Return the names of the models that come with the package."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.json")))


def manifest_of(name: str) -> Path:
    """Return where the manifest of a shipped model, or of a distilled one's folder or file, is; raises ConfigError."""
    if name in shipped():
        return _SHIPPED / f"{name}.json"
    path = Path(name).expanduser()
    found = sorted(path.glob("*.json")) if path.is_dir() else [path] if path.suffix == ".json" else []
    found = [one for one in found if one.with_suffix(".weights").exists()]
    if not found or not found[0].exists():
        raise ConfigError(
            f"pocket:{name}: there is no such model: write {' or '.join(f'pocket:{one}' for one in shipped())}, or the "
            "folder that toolmatch distill wrote"
        )
    return found[0]


def manifest(file: Path) -> Manifest:
    """Return what a manifest says; raises ConfigError for what is none."""
    try:
        return msgspec.json.decode(_bytes(file), type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: no manifest of a pocket model ({error}): {_AGAIN}") from None


def read(file: Path) -> tuple[Shape, Arrays]:
    """Return the shape of a manifest's model, and its arrays as float32.

    Raises ConfigError, one line, for what is not whole, not ours, or not what the manifest says.
    """
    told = manifest(file)
    weights = file.with_name(Path(told.file).name)
    raw = _bytes(weights)
    if hashlib.sha256(raw).hexdigest() != told.sha256:
        raise ConfigError(f"{weights}: these are not the weights of {file.name} (their checksum differs): {_AGAIN}")
    return unpack(raw, weights)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: can't be read: {error.strerror}: {_AGAIN}") from None


def unpack(raw: bytes, file: Path) -> tuple[Shape, Arrays]:
    """Return the shape and the arrays of a weights file's bytes; raises ConfigError."""
    try:
        header, end = _header(raw)
        return header.shape, _arrays(memoryview(raw)[end:], header.arrays)
    except (ValueError, msgspec.DecodeError) as error:
        raise ConfigError(f"{file}: no weights of a pocket model: {error}: {_AGAIN}") from None


def _header(raw: bytes) -> tuple[Header, int]:
    """Return the header and where it ends; raises ValueError."""
    if raw[:4] != _MAGIC:
        raise ValueError("it does not begin like one")
    end = _HEAD + int.from_bytes(raw[4:_HEAD], "little")
    header = msgspec.json.decode(raw[_HEAD:end], type=Header)
    if header.format != FORMAT:
        raise ValueError(f"its format is {header.format}, and this version reads {FORMAT}")
    return header, end


def _arrays(data: memoryview, arrays: tuple[Array, ...]) -> Arrays:
    made, at = {}, 0
    for array in arrays:
        size = int(np.prod(array.shape))
        if array.small:
            rows = array.shape[0]
            scale = np.frombuffer(data, np.float32, rows, at)
            values = np.frombuffer(data, np.int8, size, at + 4 * rows).reshape(array.shape)
            made[array.name] = values * scale[:, None]
            at += 4 * rows + size
        else:
            made[array.name] = np.frombuffer(data, np.float32, size, at).reshape(array.shape)
            at += 4 * size
    if at != len(data):
        raise ValueError("it is longer than its header says")
    return made


def write(folder: Path, name: str, shape: Shape, arrays: Arrays, made: dict[str, Any]) -> Path:
    """Write a model and return its manifest; both files appear whole, the manifest last.

    Raises ConfigError where the disk does not take them.
    """
    parts: list[bytes] = []
    listed: list[Array] = []
    for key, array in arrays.items():
        small = array.ndim == 2  # noqa: PLR2004 - a matrix
        listed.append(Array(key, array.shape, small))
        parts += _quantised(array) if small else [np.ascontiguousarray(array, np.float32).tobytes()]
    header = msgspec.json.encode(Header(format=FORMAT, shape=shape, arrays=tuple(listed)))
    raw = b"".join([_MAGIC, len(header).to_bytes(4, "little"), header, *parts])
    count = sum(array.size for array in arrays.values())
    told = Manifest(
        file=f"{name}.weights", sha256=hashlib.sha256(raw).hexdigest(), bytes=len(raw), parameters=count, made=made
    )
    put_whole(folder / told.file, raw)
    put_whole(folder / f"{name}.json", msgspec.json.format(msgspec.json.encode(told)) + b"\n")
    return folder / f"{name}.json"


def _quantised(array: NDArray[np.float32]) -> list[bytes]:
    """Return the scales and the int8 values of a matrix; the largest of a row is 127."""
    scale = np.maximum(np.abs(array).max(1), 1e-12).astype(np.float32) / np.float32(127)
    return [scale.tobytes(), np.rint(array / scale[:, None]).astype(np.int8).tobytes()]


def put_whole(file: Path, raw: bytes) -> None:
    """Write a file that is either whole or not there; ConfigError where the disk does not take it."""
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(raw)
        partial.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise ConfigError(f"{file}: can't be written: {error.strerror}: nothing was left behind") from None
