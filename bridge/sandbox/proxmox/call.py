"""One API call on its way through the cluster: what the route functions get."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bridge.sandbox.proxmox.access import Identity
from bridge.sandbox.proxmox.failures import InvalidParameters, missing_config
from bridge.sandbox.proxmox.guest import Guest
from bridge.sandbox.proxmox.node import Node
from bridge.sandbox.proxmox.tasks import Task, Work

if TYPE_CHECKING:
    from bridge.sandbox.proxmox.cluster import Cluster

Values = dict[str, Any]


@dataclass
class Call:
    """A call whose sender, parameters and rights have been checked.

    `values`: parameters, those of the path among them; integers and booleans are int, the rest text. `given`: the names
    that were in the query or body.
    """

    cluster: "Cluster"
    who: Identity
    values: Values
    given: frozenset[str]

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter."""
        return self.values.get(name, default)

    def flag(self, name: str) -> bool:
        """A boolean parameter."""
        return bool(self.values.get(name))

    @property
    def now(self) -> float:
        """Epoch seconds."""
        return self.cluster.simulation.now

    @property
    def node(self) -> Node:
        """The node named in the path."""
        return self.cluster.nodes[self.values["node"]]

    @property
    def vmid(self) -> int:
        """The VMID in the path."""
        return int(self.values["vmid"])

    @property
    def options(self) -> Values:
        """The parameters without those of the path."""
        return {name: value for name, value in self.values.items() if name in self.given}

    def guest(self) -> Guest:
        """The VM named in the path. Raises ApiError when it is not on that node."""
        found = self.cluster.guest_on(self.node.name, self.vmid)
        if found is None:
            raise missing_config(self.node.name, self.vmid)
        return found

    def may(self, path: str, *privileges: str, any_of: bool = False) -> bool:
        """Whether the sender has all (or any) of the privileges on a path."""
        return self.cluster.access.allows(self.who, path, privileges, any_of=any_of)

    def require(self, path: str, *privileges: str, any_of: bool = False) -> None:
        """Raises Refused unless the sender has all (or any) of the privileges on a path."""
        self.cluster.access.require(self.who, path, *privileges, any_of=any_of)

    def root_only(self, *names: str) -> None:
        """Raises InvalidParameters when somebody else than root@pam itself gives one of these (a token is not root)."""
        for name in names:
            if self.values.get(name) and str(self.who) != "root@pam":
                raise InvalidParameters({name: "Only root may use this option."})

    def start_task(self, kind: str, work: Work, ident: str | int | None = None) -> str:
        """Start a task on the call's node and return its UPID. `ident` is the VMID unless it is given.

        Raises ApiError when no worker can be started (a fault).
        """
        name = str(self.values.get("vmid", "") if ident is None else ident)
        return self.cluster.start_task(self.node.name, kind, name, str(self.who), work).upid

    def owns(self, task: Task) -> bool:
        """Whether the sender (the user, or one of its tokens) started the task."""
        return re.sub(r"!.*", "", task.user) == self.who.user
