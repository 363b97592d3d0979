"""How long things take on the stand-in cluster."""

from dataclasses import dataclass, field

# Seconds a VM's file lock is waited for, as on a real node.
CONFIG_LOCK_SECONDS = 10.0
CLONE_LOCK_SECONDS = 1.0
STORAGE_LOCK_SECONDS = 10.0
# A refused login is answered late.
REFUSED_LOGIN_SECONDS = 3.0
# A guest agent that does not answer is given up after this.
AGENT_TIMEOUT_SECONDS = 3.0

REALISTIC = {
    "qmclone": 4.0,
    "qmmove": 4.0,
    "qmigrate": 6.0,
    "qmstart": 3.0,
    "qmstop": 1.0,
    "qmshutdown": 3.0,
    "qmreboot": 3.0,
    "qmdestroy": 1.0,
    "qmcreate": 1.0,
    "qmtemplate": 0.5,
    "qmconfig": 0.1,
    "resize": 0.5,
    "qmsnapshot": 1.0,
    "qmdelsnapshot": 1.0,
    "qmrollback": 1.0,
    "qmsuspend": 1.0,
    "imgdel": 0.3,
    "imgcopy": 0.3,
    "vzdump": 5.0,
    "qmrestore": 4.0,
}

# The recorded node copied a sparse GiB in no time and had small guests.
RECORDED = dict.fromkeys(REALISTIC, 0.1) | {
    "qmclone": 0.2,
    "qmstart": 0.3,
    "qmstop": 0.3,
    "qmshutdown": 1.0,
    "vzdump": 1.5,
}


@dataclass
class Timing:
    """Durations in seconds by task type; `speed` divides them all (2 = twice as fast).

    `boot_seconds`: from the start of the QEMU process until its guest agent answers. `worker_seconds`: until a worker
    that was forked for a task does its first step. `listing_seconds`: how long /cluster/resources knows of a new VM
    no more than its id.
    """

    durations: dict[str, float] = field(default_factory=lambda: dict(REALISTIC))
    speed: float = 1.0
    boot_seconds: float = 6.0
    worker_seconds: float = 0.02
    listing_seconds: float = 5.0

    def is_listed(self, age: float, *, cloning: bool) -> bool:
        """Whether /cluster/resources knows more than the id of a VM that came into being `age` seconds ago.

        The nodes report every ten seconds; a clone that is still being made is usually not among them yet.
        """
        return age >= (max(self.listing_seconds, 10.0) if cloning else self.listing_seconds)

    def of(self, task_type: str) -> float:
        """Seconds that a task of this type takes."""
        return self.durations.get(task_type, 0.2) / self.speed

    @property
    def boot(self) -> float:
        """Seconds until the guest agent answers."""
        return self.boot_seconds / self.speed
