"""What an admin has to put right before a VM can have its addresses, or a pool its shape."""

from collections.abc import Mapping, Sequence


class AddressProblem(Exception):
    """The VM cannot have its addresses until an admin acts. The message is the line that is shown."""

    kind = "permanent"
    who = "admin"


class NoFreeAddress(AddressProblem):
    """All addresses of the server that would do are in use, or it has none. Add a pool or extend one."""


class AddressWithoutNetwork(AddressProblem):
    """A service holds an address of which neither mask nor gateway is known: its pool or line was removed."""


class AddressHeldTwice(AddressProblem):
    """WHMCS shows an address on a service that another service holds. One of both has to give it up."""


class NoServer(AddressProblem):
    """The service has no server, so there is no pool or list to take addresses from. Assign one in WHMCS."""


class PoolRefused(ValueError):
    """A pool is not stored or not deleted. `errors` has one line per field, or per object under an empty name."""

    kind = "permanent"
    who = "admin"

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


class PoolInUse(PoolRefused):
    """Services hold addresses of the pool; `users` are their ids. It is deleted only when somebody confirms."""

    def __init__(self, line: str, users: Sequence[int]) -> None:
        super().__init__({"": line})
        self.users = tuple(users)
