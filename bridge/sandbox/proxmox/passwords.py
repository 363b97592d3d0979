"""Passwords as cloud-init gets them: never in clear."""

import base64
import hashlib
import re
import secrets

_CRYPTED = re.compile(r"\$(?:[156]|2[ay])(\$.+){2}")


def crypt_password(password: str) -> str:
    """A password in the form of crypt(3) with SHA-256; one that has such a form already stays as it is.

    Only the form is right: nobody logs in with it, and the clear text is not to be found in it.
    """
    if _CRYPTED.match(password):
        return password
    salt = secrets.token_hex(4)
    digest = hashlib.sha256(f"{salt}{password}".encode()).digest()
    return f"$5${salt}${base64.b64encode(digest).decode().rstrip('=').replace('+', '.')}"
