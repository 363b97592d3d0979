"""Terminate: from a VM to nothing, and to an admin's desk when Proxmox refuses."""

from statemachines import states as s
from statemachines.machine import MINUTES, Machine, Step
from statemachines.output import LineStyle
from statemachines.steps import terminate

TERMINATE = Machine(
    "terminate",
    LineStyle("terminate", s.REMOVE),
    final=s.REMOVE,
    steps=[
        Step(
            s.TERMINATE,
            "Terminate",
            terminate.terminate,
            s.REMOVE,
            "VMRemove",
            patience=15 * MINUTES,
            failure=s.ERROR_TERMINATE,
            on_failure=terminate.failed,
        )
    ],
)
