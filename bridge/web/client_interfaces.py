"""What the views need of the daemon for the client's pages: charts, firewall, information on real time, ISO images.

Methods for clients raise `Refusal` with one line that clients may read, those for staff with a line that names the cause.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from bridge.web.callers import Actor


class Charts(Protocol):
    """What a VM has used over time."""

    def for_client(self, service_id: int, actor: Actor, timeframe: str) -> dict[str, Any]:
        """Series of the last hour, day, week, month or year."""

    def for_staff(self, service_id: int, timeframe: str) -> dict[str, Any]:
        """The same, whatever the product permits."""


class Firewall(Protocol):
    """Policies and rules. Each method answers how they are now."""

    def read(self, service_id: int, actor: Actor) -> dict[str, Any]:
        """Look."""

    def save_policies(self, service_id: int, actor: Actor, policies: Mapping[str, str], digest: str) -> dict[str, Any]:
        """Set `policy_in` and `policy_out`."""

    def add_rule(self, service_id: int, actor: Actor, typed: Mapping[str, str], digest: str) -> dict[str, Any]:
        """Put a rule in front of all others."""

    def delete_rule(self, service_id: int, actor: Actor, position: int, digest: str) -> dict[str, Any]:
        """Remove a rule."""

    def move_rule(self, service_id: int, actor: Actor, position: int, to: int, digest: str) -> dict[str, Any]:
        """Put a rule to another position."""


class Information(Protocol):
    """What a VM is and does now."""

    def for_client(self, service_id: int, actor: Actor) -> dict[str, Any]:
        """What the overview shows."""

    def for_staff(self, service_id: int) -> dict[str, Any]:
        """What the service page of staff shows."""


class Isos(Protocol):
    """ISO images."""

    def listed(self, service_id: int, actor: Actor) -> dict[str, Any]:
        """What is mounted, and what there is."""

    def mount(self, service_id: int, actor: Actor, file: str) -> dict[str, Any]:
        """Put an image into the drive."""

    def unmount(self, service_id: int, actor: Actor) -> dict[str, Any]:
        """Take it out."""


class ClientPages(Protocol):
    """The subjects."""

    @property
    def charts(self) -> Charts: ...
    @property
    def firewall(self) -> Firewall: ...
    @property
    def information(self) -> Information: ...
    @property
    def iso(self) -> Isos: ...
