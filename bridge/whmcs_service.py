"""The WHMCS service behind a VM. Implements `statemachines.ports.Service`."""

import html
from collections.abc import Callable

from bridge.database import retry_lost_connection
from bridge.models.whmcs import Service
from bridge.ssh_keys import ssh_keys_of
from providers.whmcs import WhmcsApi


class WhmcsService:
    """One row of tblhosting. Passwords are decrypted and encrypted by WHMCS itself and live in this object only."""

    def __init__(self, row: Service, whmcs: Callable[[], WhmcsApi]) -> None:
        self._id = row.id
        self._whmcs = whmcs
        self._ciphertext = row.password or ""
        self._plain: str | None = None
        self.domain = html.unescape(row.domain or "")
        self.username = html.unescape(row.username or "")

    def __repr__(self) -> str:
        return f"<WhmcsService {self._id}>"

    @property
    def ssh_keys(self) -> str:
        """Public keys from the product's custom field, one per line."""
        return ssh_keys_of(self._id)

    def password(self) -> str:
        """The guest password in clear; asked for once."""
        if self._plain is None:
            self._plain = self._whmcs().decrypt(self._ciphertext) if self._ciphertext else ""
        return self._plain

    def set_credentials(self, username: str, password: str | None) -> None:
        """Store the user name, and the password unless None."""
        changes = {"username": username}
        if password is not None:
            changes["password"] = self._ciphertext = self._whmcs().encrypt(password)
            self._plain = password
        self._write(changes)
        self.username = username

    def set_domain(self, domain: str) -> None:
        """Store the FQDN."""
        self._write({"domain": domain})
        self.domain = domain

    @retry_lost_connection
    def _write(self, changes: dict[str, str]) -> None:
        Service.update(changes).where(Service.id == self._id).execute()
