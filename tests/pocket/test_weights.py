"""Weights on disk: what is not whole, or not ours, is refused in one line."""

import json
from pathlib import Path

import numpy as np
import pytest

from pytest_toolmatch.core.errors import ConfigError
from pytest_toolmatch.pocket import weights
from pytest_toolmatch.pocket.config import SHAPES
from pytest_toolmatch.pocket.model import open_model


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    arrays = {"a.weight": rng.normal(size=(7, 5)).astype(np.float32), "a.bias": rng.normal(size=5).astype(np.float32)}
    return weights.write(tmp_path, "tiny", SHAPES["small"], arrays, {"seed": 0})


def test_what_is_written_is_read_back(manifest: Path) -> None:
    shape, arrays = weights.read(manifest)
    rng = np.random.default_rng(0)
    matrix, vector = rng.normal(size=(7, 5)), rng.normal(size=5).astype(np.float32)
    assert shape == SHAPES["small"]
    assert np.abs(arrays["a.weight"] - matrix).max() <= np.abs(matrix).max() / 254 + 1e-6  # half a step of int8
    assert np.array_equal(arrays["a.bias"], vector)
    assert sorted(path.name for path in manifest.parent.iterdir()) == ["tiny.json", "tiny.weights"]


def test_the_manifest_says_what_it_is_of(manifest: Path) -> None:
    told = json.loads(manifest.read_text())
    assert told["parameters"] == 40
    assert told["bytes"] == (manifest.with_suffix(".weights")).stat().st_size
    assert told["made"] == {"seed": 0}


def refusal(manifest: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        weights.read(manifest)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_changed_byte_is_refused(manifest: Path) -> None:
    file = manifest.with_suffix(".weights")
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    assert "checksum differs" in refusal(manifest)


def test_half_a_file_is_refused(manifest: Path) -> None:
    file = manifest.with_suffix(".weights")
    file.write_bytes(file.read_bytes()[:-9])
    assert "checksum differs" in refusal(manifest)


def test_missing_weights_are_told(manifest: Path) -> None:
    manifest.with_suffix(".weights").unlink()
    assert "can't be read: No such file" in refusal(manifest)


def test_a_foreign_manifest_is_refused(manifest: Path) -> None:
    manifest.write_text('{"hello": 1}')
    assert "no manifest of a pocket model" in refusal(manifest)
    manifest.write_bytes(b"\xff\xfe")
    assert "no manifest of a pocket model" in refusal(manifest)


@pytest.mark.parametrize(
    "raw", [b"", b"PK\x03\x04", b"PKTW", b"PKTW\x02\0\0\0{}", b"PKTW\xff\xff\xff\xff{}", b"PKTW\x02\0\0\0\xff\xff"]
)
def test_foreign_bytes_are_refused_even_with_the_right_checksum(raw: bytes) -> None:
    with pytest.raises(ConfigError, match=r"x: no weights of a pocket model"):
        weights.unpack(raw, Path("x"))


def test_bytes_too_many_or_too_few_are_refused(manifest: Path) -> None:
    raw = manifest.with_suffix(".weights").read_bytes()
    for wrong in (raw + b"\0\0\0\0", raw[:-4]):
        with pytest.raises(ConfigError, match="no weights of a pocket model"):
            weights.unpack(wrong, Path("x"))


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "w.weights").mkdir()
    with pytest.raises(ConfigError, match=r"can't be written: .*nothing was left behind"):
        weights.write(tmp_path, "w", SHAPES["small"], {}, {})
    assert [file.name for file in tmp_path.iterdir()] == ["w.weights"]


def test_an_unknown_model_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="pocket:large: there is no such model"):
        open_model("large")
    with pytest.raises(ConfigError, match="there is no such model"):
        open_model(str(tmp_path))
