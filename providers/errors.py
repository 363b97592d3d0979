"""What can go wrong when we talk to the outside: one small taxonomy for every provider.

ProviderError
├── Retryable            may pass by itself
│   ├── Unavailable      not reachable, cut, too slow, or no sense in the answer
│   │   └── Unreached    there was no answer at all
│   ├── Locked           somebody else works on the object
│   └── RateLimited      we asked too often
├── Permanent            a person must change something
│   ├── AuthFailed       credentials or rights
│   ├── CertificateRefused  the other side is not who we were told it is
│   └── Rejected         the values we sent are refused, field by field
├── NotFound             the other side said "absent" (a timeout never becomes this)
└── Conflict             taken already, or in the wrong state
    └── ChangedMeanwhile somebody else edited it between our reading and our writing
"""

from collections.abc import Mapping
from typing import ClassVar


class ProviderError(Exception):
    """A call to an outside system failed. The message is one line that names verb, object, id and cause, never a secret.

    `kind` says what it means for the caller: "retryable", "permanent", "not_found" or "conflict". `outcome_unknown` is True
    when a write may have had its effect all the same: look before repeating it. `who` names the person who can help
    ("admin", "Proxmox admin"); empty when time may heal it. `busy` is True when something else is just at work on the
    object: no failure, only a reason to wait.
    """

    kind: ClassVar[str] = "retryable"
    busy: ClassVar[bool] = False
    default_who: ClassVar[str] = ""

    def __init__(self, message: str, *, outcome_unknown: bool = False, who: str | None = None) -> None:
        super().__init__(" ".join(message.split()))
        self.outcome_unknown = outcome_unknown
        self.who = self.default_who if who is None else who


class Retryable(ProviderError):
    """It may work next time without anybody doing anything."""


class Unavailable(Retryable):
    """The other side was not reached, broke off, answered too late, or answered something that makes no sense."""


class Unreached(Unavailable):
    """There was no answer at all: asking again at once would only take its time again."""


class Locked(Retryable):
    """The object is in use by another operation; wait until its lock has gone. Nothing was done."""

    busy = True


class RateLimited(Retryable):
    """We asked too often. Nothing was done; `retry_after` seconds from now it may be tried again, None = not said."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Permanent(ProviderError):
    """A person must change something before this can work."""

    kind = "permanent"
    default_who = "admin"


class AuthFailed(Permanent):
    """The credentials are refused, or they lack a right. Nothing was done."""


class CertificateRefused(Permanent):
    """The TLS certificate is not the expected one. Nothing was sent."""


class Rejected(Permanent):
    """The values sent are refused. Nothing was done; `fields` maps parameter names to reasons."""

    def __init__(
        self,
        message: str,
        *,
        outcome_unknown: bool = False,
        who: str | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, outcome_unknown=outcome_unknown, who=who)
        self.fields: dict[str, str] = dict(fields or {})


class NotFound(ProviderError):
    """The other side answered that the object does not exist."""

    kind = "not_found"


class Conflict(ProviderError):
    """Taken already, or in a state in which this is not possible. Nothing was done."""

    kind = "conflict"


class ChangedMeanwhile(Conflict):
    """Somebody else changed the object since it was read; read it again and decide anew. Nothing was done."""

    busy = True
