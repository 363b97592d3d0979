"""How the stand-in keeps passwords: reversible, keyed, another ciphertext each time, as WHMCS does."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken


class Passwords:
    """Encrypts with a key derived from `secret` (in WHMCS: the hash in configuration.php)."""

    def __init__(self, secret: str) -> None:
        self._box = Fernet(base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()))

    def encrypt(self, plain: str) -> str:
        """A new ciphertext of `plain`."""
        return self._box.encrypt(plain.encode()).decode("ascii")

    def decrypt(self, ciphertext: str) -> str:
        """The clear text; empty when `ciphertext` is not one of ours, as WHMCS answers then."""
        try:
            return self._box.decrypt(ciphertext.encode()).decode()
        except InvalidToken:
            return ""
