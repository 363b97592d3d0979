"""The ticket of a server entry with password login, kept where the product has always kept it: the Access Hash field."""

from dataclasses import dataclass

from bridge.database import retry_lost_connection
from bridge.models.whmcs import Server


@dataclass(frozen=True)
class AccessHash:
    """`<ticket>|<CSRF token>` of one server entry. Implements `providers.proxmox.session.TicketStore`.

    Token authentication never writes it (SRV-04).
    """

    server_id: int

    @retry_lost_connection
    def load(self) -> str:
        """The stored text; empty when there is none."""
        row = Server.get_or_none(Server.id == self.server_id)
        return str(row.accesshash or "") if row else ""

    @retry_lost_connection
    def save(self, ticket: str) -> None:
        """Keep the text."""
        Server.update(accesshash=ticket).where(Server.id == self.server_id).execute()
