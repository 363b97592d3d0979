"""The ways in which a call or a task ends badly, as Proxmox VE words them."""

from collections.abc import Mapping


class ApiError(Exception):
    """An answer that is no success. The text goes into the reason phrase and into `message`.

    Raised inside a task it becomes the task's exit status.
    """

    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Refused(ApiError):
    """403: a right is missing."""

    status = 403

    @classmethod
    def on(cls, path: str, *privileges: str) -> "Refused":
        """The usual text: path and the rights of which one (or all) would be needed."""
        return cls(f"Permission check failed ({path}, {'|'.join(privileges)})")


class NotImplementedHere(ApiError):
    """501: no such method on no such path."""

    status = 501


class LoginFailed(ApiError):
    """401 with a body: user name or password are wrong."""

    status = 401


class InvalidParameters(ApiError):
    """400: `errors` names what is wrong with which parameter."""

    status = 400

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("Parameter verification failed.")
        self.errors = dict(errors)


class NotAuthenticated(Exception):
    """401 without a body, given after three seconds."""


class PlainError(Exception):
    """An error that the HTTP server answers itself, as plain text, before the API is reached."""

    def __init__(self, status: int, reason: str, text: str) -> None:
        super().__init__(reason)
        self.status, self.reason, self.text = status, reason, text


class Unreachable(Exception):
    """595 to 599: the node that was asked cannot reach the node that should answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Interrupted(Exception):
    """A task was stopped by request (SIGTERM, then SIGINT in its handler)."""

    def __init__(self, message: str = "received interrupt") -> None:
        super().__init__(message)


class CutConnection(Exception):
    """The connection breaks off: nobody answers. Raised out of `Cluster.handle` by faults, turned into a network error
    by the carrier."""


def missing_config(node: str, vmid: int) -> ApiError:
    """The VM's file cannot be opened."""
    return ApiError(f"Configuration file 'nodes/{node}/qemu-server/{vmid}.conf' does not exist")


def no_config_found(node: str, vmid: int) -> ApiError:
    """The other wording for a missing VM, from the calls that look for the process first."""
    return ApiError(f"unable to find configuration file for VM {vmid} on node '{node}'")
