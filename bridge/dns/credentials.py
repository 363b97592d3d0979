"""Secrets of DNS providers at rest: encrypted with a key of the configuration, readable in clear where the old module left them so."""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PREFIX = "kvm-bridge:"  # no provider's token begins so; what follows is a Fernet token
_PURPOSE = b"kvm-bridge secrets at rest"


class NoKey(Exception):
    """A secret cannot be read or kept, because the configuration has no key, or another one than when it was stored."""

    kind = "permanent"
    who = "admin"


class Vault:
    """Encrypts and decrypts. `key` is any text of the configuration; without one, only values in clear can be read."""

    def __init__(self, key: str | None) -> None:
        self._fernet = Fernet(_derived(key)) if key else None

    def seal(self, plain: str) -> str:
        """`plain` as it is stored; another text each time. Raises NoKey without a key."""
        if not plain:
            return ""
        return PREFIX + self._cipher("store").encrypt(plain.encode()).decode("ascii")

    def open(self, stored: str | None) -> str:
        """The secret behind a stored value, which may be in clear. Raises NoKey when it cannot be decrypted."""
        if not stored or not stored.startswith(PREFIX):
            return stored or ""
        try:
            return self._cipher("read").decrypt(stored.removeprefix(PREFIX).encode()).decode()
        except InvalidToken:
            raise NoKey(
                "the secret was stored with another KVM_BRIDGE_ENCRYPTION_KEY or KVM_BRIDGE_SECRET; enter it anew"
            ) from None

    def _cipher(self, what: str) -> Fernet:
        if self._fernet is None:
            raise NoKey(f"cannot {what} secrets: neither KVM_BRIDGE_ENCRYPTION_KEY nor KVM_BRIDGE_SECRET is set")
        return self._fernet


def _derived(key: str) -> bytes:
    """Fernet's key out of a text of any form. The text has to be hard to guess: nothing here slows a guesser down."""
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(key.encode())
    return base64.urlsafe_b64encode(derived)
