"""What an SDK's exception means to us: which error a status is, how long to wait, and no key in any message."""

from __future__ import annotations

import json
import math
import os
import re
import socket
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pytest_toolmatch.core.errors import ModelUnavailable, RequestRejected, SamplingError, ServiceFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_UNAVAILABLE = {
    401: "the key is not accepted: check it",
    402: "payment is due: check the account",
    403: "the key has no access to this: check its rights and the region",
    404: "there is no such model at this address: check its name and the URL",
}
_PASSING = {408, 409, 425, 429, 499}
_OVERLOADED = {429, 503, 529}
_UNPAID = ("insufficient_quota", "credit balance is too low")
_SHOWN = 300

_KEYS = (
    (re.compile(r"\bsk-[\w*-]{4,}"), "***"),
    (re.compile(r"\bAIza[\w-]{8,}"), "***"),
    (re.compile(r"\b(?:gsk_|hf_|xai-|ya29\.|AKIA|eyJ)[\w.-]{12,}"), "***"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s'\",}]+"), r"\1 ***"),
    (re.compile(r"(?i)(api[-_]key['\"]?\s*[:=]\s*['\"]?)[^\s'\",}&]+"), r"\1***"),
    (re.compile(r"(?i)([?&][\w-]*(?:key|token|signature|secret)=)[^&\s'\"#]+"), r"\1***"),
    (re.compile(r"(://)[^/\s@'\"]+@"), r"\1***@"),
)
_SECRET_NAME = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD)$")
_SHORTEST_SECRET = 4
_RETRY_DELAY = re.compile(r"retryDelay\W{1,6}([\d.]+)s")


def fault_of_status(status: int, message: str, headers: Mapping[str, str], *, model: str) -> SamplingError:
    """Return the error that an HTTP status is.

    ``message`` is the body as text, or what the SDK made of it; keys are taken out of it. ``headers`` in any case.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    where, said = f"{model}: HTTP {status}", _said(message)
    if any(word in message for word in _UNPAID):
        return ModelUnavailable(f"{where}: the account has no credit left: check it. {said}".strip())
    if status in _PASSING or status >= 500 or lower.get("x-should-retry") == "true":  # noqa: PLR2004
        wait, overloaded = retry_after(lower, message), status in _OVERLOADED
        return ServiceFault(f"{where}: {said or 'no reason given'}", retry_after=wait, overloaded=overloaded)
    if status in _UNAVAILABLE:
        return ModelUnavailable(f"{where}: {_UNAVAILABLE[status]}. {said}".strip())
    if status < 400:  # noqa: PLR2004
        return ModelUnavailable(f"{where}: the address does not answer but sends elsewhere: check the URL. {said}")
    return RequestRejected(f"{where}: {said or 'the request is not taken, no reason given'}")


def fault_of_connection(error: Exception, *, model: str, url: str) -> ServiceFault:
    """Return the fault that a time-out or a broken connection is; ``unreachable`` where nothing answered at all."""
    chain = list(_causes(error))
    place = f"{model}: {scrub(url, environment_secrets())}"
    # First: some transports call it a failure to connect when somebody answers and hangs up.
    if not any(map(_cut_off, chain)):
        if any(map(_unreachable, chain)):
            return ServiceFault(f"{place} can't be reached: {_reason(chain)}", unreachable=True)
        if any(isinstance(one, TimeoutError) or "Timeout" in type(one).__name__ for one in chain):
            return ServiceFault(f"{place} did not answer in time: raise `timeout`, or ask less at once")
    return ServiceFault(f"{place} broke the connection off: {_reason(chain)}")


def retry_after(headers: Mapping[str, str], message: str = "") -> float | None:
    """Return what the service asks to wait, in seconds, where it does; header names in lower case.

    Read from ``retry-after-ms``, ``Retry-After`` (seconds or an HTTP date), or the ``retryDelay`` of a Google body.
    """
    body = _RETRY_DELAY.search(message)
    found = (
        _number(headers.get("retry-after-ms", ""), 1000),
        _number(headers.get("retry-after", ""), 1),
        _until(headers.get("retry-after", "")),
        _number(body[1], 1) if body else None,
    )
    return next((seconds for seconds in found if seconds is not None), None)


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Return the text with ``***`` for every secret and for whatever looks like a key."""
    forms = {form for secret in secrets for form in (secret.strip(), quote(secret.strip(), safe=""))}
    for secret in sorted(forms, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    for pattern, instead in _KEYS:
        text = pattern.sub(instead, text)
    return text


def environment_secrets() -> list[str]:
    """Return the values of the environment's variables that are named like a key, a token, a secret, a password."""
    return [value for name, value in os.environ.items() if _SECRET_NAME.search(name.upper()) and _is_secret(value)]


def _is_secret(value: str) -> bool:
    """Whether a value is none of the flags that also stand in variables named so."""
    return len(value) >= 2 * _SHORTEST_SECRET


def _said(message: str) -> str:
    """Return what a body says, short and in one line."""
    text = _message_of(message) or ("" if "<html" in message.lower() else message)
    line = " ".join(scrub(text, environment_secrets()).split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"


def _message_of(text: str) -> str:
    with suppress(ValueError, RecursionError):
        found: Any = json.loads(text)
        for key in ("error", "message"):
            found = found.get(key, found) if isinstance(found, dict) else found
        return found if isinstance(found, str) else ""
    return ""


def _number(text: str, divisor: float) -> float | None:
    with suppress(ValueError):
        number = float(text)
        return max(0.0, number / divisor) if math.isfinite(number) else None
    return None


def _until(text: str) -> float | None:
    with suppress(ValueError, TypeError, OverflowError):
        date = parsedate_to_datetime(text)
        aware = date if date.tzinfo else date.replace(tzinfo=UTC)
        return max(0.0, (aware - datetime.now(UTC)).total_seconds())
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _unreachable(error: BaseException) -> bool:
    names = ("ConnectError", "ConnectTimeout", "ClientConnectorError", "ProxyError")
    return isinstance(error, ConnectionRefusedError | socket.gaierror) or type(error).__name__ in names


def _cut_off(error: BaseException) -> bool:
    return (
        isinstance(error, ConnectionResetError | BrokenPipeError) or type(error).__name__ == "ServerDisconnectedError"
    )


def _reason(chain: list[BaseException]) -> str:
    """Return why, in the words of the innermost error that has any; those on a header would repeat its value."""
    inner = next((one for one in reversed(chain) if str(one)), chain[-1])
    text = "a header can't be sent as it is" if "header" in str(inner).lower() else _said(str(inner))
    return f"{text} ({type(inner).__name__})".strip()
