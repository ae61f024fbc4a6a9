"""What keys and addresses look like: the patterns of detect-secrets, and those of keys that it does not know.

Its detectors by entropy and by keyword are left out: they take every hash and every ``token = …`` of a program for a
secret. So are those of public addresses, of services whose patterns match ordinary words, and of npm, whose pattern
takes a time that grows with the square of a line's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from types import MappingProxyType

import msgspec

_LIBRARY = MappingProxyType(
    {
        "aws": "AWSKeyDetector",
        "azure_storage_key": "AzureStorageKeyDetector",
        "basic_auth": "BasicAuthDetector",
        "discord": "DiscordBotTokenDetector",
        "github_token": "GitHubTokenDetector",
        "gitlab_token": "GitLabTokenDetector",
        "mailchimp": "MailchimpDetector",
        "openai": "OpenAIDetector",
        "pypi_token": "PypiTokenDetector",
        "sendgrid": "SendGridDetector",
        "slack": "SlackDetector",
        "square_oauth": "SquareOAuthDetector",
        "stripe": "StripeDetector",
        "telegram_token": "TelegramBotTokenDetector",
        "twilio": "TwilioKeyDetector",
    }
)
"""Module of ``detect_secrets.plugins`` → its detector."""

_WHOLE = ("github_token", "gitlab_token")
"""Detectors whose groups are only a part of the secret."""

_VALUE = r"[\"']?([A-Za-z0-9+/_.\-]{8,}={0,2})"
_OURS = (
    ("private key", r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[^-]{32,}(?:-----END [A-Z0-9 ]*-----)?"),
    ("JSON Web Token", r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{2,}(?:\.[A-Za-z0-9_-]+)?"),
    ("Anthropic key", r"sk-ant-[A-Za-z0-9_-]{16,}"),
    ("OpenAI key", r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{16,}"),
    ("Google key", r"AIza[A-Za-z0-9_-]{35}"),
    ("Hugging Face token", r"hf_[A-Za-z0-9]{30,}"),
    ("GitHub token", r"github_pat_[A-Za-z0-9_]{22,}"),
    ("npm token", r"npm_[A-Za-z0-9]{36}"),
)
_CONTEXT = (
    ("npm token", rf":_authToken=\s*{_VALUE}"),
    ("authorization", rf"(?i:authorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic|token)\s+){_VALUE}"),
    (
        "environment variable",
        rf"(?:API_?KEY|ACCESS_KEY|SECRET|TOKEN|PASSWORD|PASSWD)(?:_[A-Z0-9_]{{0,64}})?=(?=\S{{0,128}}?\d){_VALUE}",
    ),
)
_EMAIL = r"(?<![A-Za-z0-9._%+-])(?!git@)[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"

NAMES = re.compile(
    r"(?:.*[_-])?(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?token|auth[_-]?token|client[_-]?secret"
    r"|private[_-]?key|authorization)",
    re.IGNORECASE,
)
"""Names of arguments whose values are secrets, whatever they look like."""


class Pattern(msgspec.Struct, frozen=True):
    """One way in which a secret shows.

    ``group`` is the part that is secret; ``told`` says that only what stands around it gives it away, so that the same
    text elsewhere would not be found.
    """

    kind: str
    regex: re.Pattern[str]
    group: int = 0
    told: bool = False


def patterns(kinds: tuple[str, ...]) -> Iterator[Pattern]:
    """Yield the patterns of ``keys`` and ``emails``."""
    if "keys" in kinds:
        yield from (Pattern(kind, re.compile(regex)) for kind, regex in _OURS)
        yield from _of_library()
        yield from (Pattern(kind, re.compile(regex), 1, told=True) for kind, regex in _CONTEXT)
    if "emails" in kinds:
        yield Pattern("e-mail address", re.compile(_EMAIL))


def _of_library() -> Iterator[Pattern]:
    for module, name in _LIBRARY.items():
        detector = getattr(import_module(f"detect_secrets.plugins.{module}"), name)
        for regex in detector.denylist:
            group = 0 if module in _WHOLE else min(regex.groups, 1)
            yield Pattern(detector.secret_type, regex, group, told=bool(group))
