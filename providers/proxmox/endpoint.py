"""Where a Proxmox VE cluster is, and how to know that it is the right one."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from providers.tls import Tls

DEFAULT_PORT = 8006

_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%\w+)?")


@dataclass(frozen=True)
class Endpoint:
    """One cluster: address, credentials, verification and patience.

    `host` may be pasted in any form that occurs: name, IPv4, IPv6, with scheme, port, path or a trailing slash.
    `token_id` `user@realm!id` with the token's secret, or `user@realm` with the password of the account (ticket login).
    `timeout` seconds for reads, `heavy_timeout` for writes and slow reads: a write may wait 10 s for a lock, and a dead
    storage stalls status calls. `secure` False = plain HTTP, for an API behind a proxy on the same machine. Raises ValueError when host or token make no sense.
    """

    host: str
    port: int = DEFAULT_PORT
    token_id: str = ""
    token_secret: str = field(default="", repr=False)
    tls: Tls = field(default_factory=Tls)
    timeout: float = 10.0
    heavy_timeout: float = 60.0
    secure: bool = True

    def __post_init__(self) -> None:
        host, port = _split(self.host)
        if not _HOST.fullmatch(host):
            raise ValueError(f"not a host name: {self.host!r}")
        object.__setattr__(self, "host", host)
        object.__setattr__(self, "port", port or self.port or DEFAULT_PORT)
        if self.uses_token:
            # Both travel in a header, and are pasted with a blank or a line end at times.
            for name in ("token_id", "token_secret"):
                value = getattr(self, name).strip()
                if not value.isascii() or not value.isprintable():
                    raise ValueError(f"the {name.replace('_', ' ')} holds characters that no API token has")
                object.__setattr__(self, name, value)

    @property
    def uses_token(self) -> bool:
        """True for an API token, False for login with a password."""
        return "!" in self.token_id

    @property
    def base_url(self) -> str:
        """Root of the API, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}/api2/json"

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def _split(host: str) -> tuple[str, int | None]:
    """Name and port out of whatever was typed into the host field."""
    text = host.strip()
    if "://" not in text:
        if text.count(":") > 1 and not text.startswith("["):
            text = f"[{text.rstrip('/')}]"
        text = f"https://{text}"
    parts = urlsplit(text)
    return parts.hostname or "", parts.port
