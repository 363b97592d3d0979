"""Reinstall: the VM is removed, and the deploy pipeline goes on where VMID, name, MAC and addresses are known."""

from statemachines import states as s
from statemachines.deploy import DEPLOY
from statemachines.machine import MINUTES, Machine, Step
from statemachines.output import BlockStyle
from statemachines.steps import removal

REMOVE_OLD_VM = Step(s.REINSTALL, "Remove old VM", removal.remove_old_vm, s.SET_IP, "VMReinstall", patience=5 * MINUTES)

REINSTALL = Machine(
    "reinstall",
    BlockStyle("Deploy"),
    final=s.READY,
    steps=[REMOVE_OLD_VM, *DEPLOY.steps],
    entries=frozenset({s.CREATION}),
)
