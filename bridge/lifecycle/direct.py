"""Commands that somebody waits for: run at once in the process that was asked, by the step functions of the pipelines.

What is begun is recorded first (`VmWork.intent`, and the VM is due), so that the scheduler finishes a command whose process
died, and one that takes longer than anybody waits.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bridge.claims import Claims
from bridge.console import Console
from bridge.database import retry_lost_connection, transaction
from bridge.lifecycle.requests import SUCCESS, command_in
from bridge.lifecycle.rules import Situation, situation
from bridge.lifecycle.sight import look
from bridge.models.companion import VmWork
from bridge.runs import MACHINES, Runs, load
from bridge.vm_context import VmContext
from bridge.vm_state import state_of
from statemachines import errors
from statemachines.commands import COMMAND, COMMANDS, Command, Power, WhenSuspended
from statemachines.engine import Ended, Run
from statemachines.steps import power

PATIENCE = 8.0  # seconds; the shim gives WHMCS an answer after 10


class Why(StrEnum):
    """Why a command is not done, for those who must not read the line that staff reads."""

    DONE = "done"
    GOES_ON = "goes on"  # begun; the scheduler finishes it
    BUSY = "busy"  # something else is at work on the VM, here or in Proxmox
    SUSPENDED = "suspended"
    POWER = "power"  # it is not possible while the VM runs, or while it is stopped
    FAILED = "failed"  # there is no such VM, its server cannot be asked, or it did not obey


@dataclass(frozen=True)
class Answer:
    """What to tell whoever asked. `text` is "success" or one line; `facts` is what the command found out.

    `begun` False = nothing was done at all; `done` False with `begun` = it goes on by itself, or has failed.
    """

    text: str
    begun: bool = False
    done: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    why: Why = Why.BUSY


@dataclass(frozen=True)
class Direct:
    """Runs commands. `pause(seconds)` lets time pass between two looks, `patience` seconds are waited for the end."""

    runs: Runs
    claims: Claims
    pause: Callable[[float], None] = time.sleep
    patience: float = PATIENCE

    def run(
        self,
        service_id: int,
        name: str,
        facts: Mapping[str, Any] | None = None,
        together: Callable[[], object] = lambda: None,
    ) -> Answer:
        """Run the command of this name on the service's VM, as `statemachines.commands` has it.

        `facts` are kept for its step; `together` is written in the transaction that records the command. At a state of a
        pipeline the step that is due can be asked for, and no other.
        """
        state = _state(service_id)
        command = COMMANDS.get(name)
        if command is None or state not in command.at:
            return self._step_of_pipeline(service_id, state, name)
        if not self.claims.take_one(service_id):
            return Answer(f"{command.label} is not possible now: {at_work(service_id)}")
        try:
            return self._run(service_id, command, facts or {}, together)
        except errors.LeaseLost:
            return Answer(f"{command.label} was given up: something else was asked for meanwhile", begun=True)
        finally:
            self.claims.give_back(service_id)

    def look(self, service_id: int, label: str, wanted: Power) -> str:
        """Why what `label` names is not possible on the VM as it is, empty when it is. Nothing is changed."""
        refused = self.examine(service_id, label, wanted)
        return refused.text if refused else ""

    def examine(self, service_id: int, label: str, wanted: Power) -> Answer | None:
        """The refusal of what `label` names on the VM as it is, None when it is possible. Nothing is written."""
        found = load(service_id)
        if found is None:
            return Answer(f"{label} is not possible: service {service_id} has no VM", why=Why.FAILED)
        return self._refusal(VmContext(*found, self.runs.shop), label, wanted, _seen_power)

    def _run(
        self, service_id: int, command: Command, facts: Mapping[str, Any], together: Callable[[], object]
    ) -> Answer:
        found = load(service_id)
        if found is None:
            text = f"{command.label} is not possible: service {service_id} does not exist in WHMCS"
            return Answer(text, why=Why.FAILED)
        if found[0].intent.get(COMMAND) or found[0].status not in command.at:
            return Answer(f"{command.label} is not possible now: {at_work(service_id)}")
        if found[0].suspended and command.suspended is WhenSuspended.REFUSED:
            return Answer(f"{command.label} is not possible: service {service_id} is suspended", why=Why.SUSPENDED)
        refused = self._refusal(VmContext(*found, self.runs.shop), command.label, command.power, power.remote_status)
        if refused:
            return refused
        self._record(service_id, {**facts, COMMAND: command.name}, together)
        run = self.runs.open(service_id, Console(_nobody_reads).block())
        return self._drive(run, command.label) if run else Answer(f"{command.label} was given up", begun=True)

    @staticmethod
    def _refusal(ctx: VmContext, label: str, wanted: Power, ask: Callable[[VmContext], str]) -> Answer | None:
        """Looks at the VM, which has to exist, to be ours, and to be free of locks. `ask` tells whether it runs."""
        try:
            status = ask(ctx)
        except Exception as error:
            if errors.kind_of(error) is errors.Kind.BUG:
                raise
            why = Why.BUSY if errors.is_busy(error) else Why.FAILED
            return Answer(f"{label} is not possible now: {error}", why=why)
        if wanted is not Power.ANY and (wanted is Power.RUNNING) != (status == power.RUNNING):
            text = f"{label} is possible on a {wanted} VM only: VM {ctx.vm.vm_id} is {status}"
            return Answer(text, why=Why.POWER)
        return None

    @retry_lost_connection
    def _record(self, service_id: int, intent: Mapping[str, Any], together: Callable[[], object]) -> None:
        now = self.claims.clock.now()
        with transaction():
            recorded = VmWork.update(
                intent=json.dumps(intent),
                queue=COMMANDS[intent[COMMAND]].task,
                task_upid=None,
                ticks=0,
                attempts=0,
                due_at=now,
                updated_at=now,
            ).where((VmWork.service_id == service_id) & (VmWork.lease_owner == self.claims.owner))
            if not recorded.execute():
                raise errors.LeaseLost(f"service {service_id} was taken over")
            together()

    def _step_of_pipeline(self, service_id: int, state: str, name: str) -> Answer:
        """The commands with "->" are steps of a pipeline, too: it is taken up at once when it stands before this one."""
        label = COMMANDS[name].label if name in COMMANDS else name
        due = next((step for machine in MACHINES if (step := machine.step_at(state))), None)
        if due is None or due.name != name:
            return Answer(f"{label} is not possible: {_standing(service_id, state)}")
        if not self.claims.take_one(service_id):
            return Answer(f"{label} is not possible now: {at_work(service_id)}")
        try:
            run = self.runs.open(service_id, Console(_nobody_reads).block())
            return self._drive(run, label, beyond=state) if run else Answer(f"{label} was given up")
        except errors.LeaseLost:
            return Answer(f"{label} was given up: something else was asked for meanwhile", begun=True)
        finally:
            self.claims.give_back(service_id)

    def _drive(self, run: Run, label: str, beyond: str = "") -> Answer:
        """Give the run its turns until it has ended, the VM has left the state `beyond`, or patience is over."""
        try:
            return self._turns(run, label, beyond)
        finally:
            run.close()

    def _turns(self, run: Run, label: str, beyond: str) -> Answer:
        clock = self.claims.clock
        give_up_at = clock.now() + self.patience
        run.start()
        while True:
            turn = run.turn()
            if isinstance(turn, Ended):
                break
            if beyond and run.ctx.vm.status != beyond:
                return Answer(SUCCESS, begun=True, done=True, why=Why.DONE)
            if turn.at >= give_up_at:
                task = f" (task {run.ctx.vm.task})" if run.ctx.vm.task else ""
                text = f"{label} of VM {run.ctx.vm.vm_id} is still running; it goes on by itself{task}"
                return Answer(text, begun=True, why=Why.GOES_ON)
            self.pause(max(0.0, turn.at - clock.now()))
        if turn.report.ok or (beyond and run.ctx.vm.status != beyond):
            return Answer(SUCCESS, begun=True, done=True, facts=run.log.facts, why=Why.DONE)
        why = Why.GOES_ON if run.ctx.vm.intent.get(COMMAND) else Why.FAILED  # one that lasts is tried again by itself
        return Answer(run.log.error.removesuffix(" Will retry."), begun=True, why=why)


def _seen_power(ctx: VmContext) -> str:
    """`running`, `stopped` … of a VM that nobody has taken a lease of. Raises Busy while Proxmox holds a lock on it."""
    seen = look(ctx)
    if seen.lock:
        raise errors.Busy(f"VM {ctx.vm.vm_id} is locked ({seen.lock})")
    return str(seen.status.status)


def at_work(service_id: int) -> str:
    """What keeps the VM busy, in one line."""
    work = VmWork.get_or_none(VmWork.service_id == service_id) or VmWork()
    if command := COMMANDS.get(command_in(work.intent)):
        cause = f" ({work.attention_cause})" if work.attention_cause else ""
        return f"{command.label} is still at work on the VM of service {service_id}{cause}"
    state = _state(service_id)
    if situation(state) is Situation.READY:
        return f"another command is being begun on the VM of service {service_id}"
    return _standing(service_id, state)


def _standing(service_id: int, state: str) -> str:
    if not state:
        return f"service {service_id} has no VM"
    return f"the VM of service {service_id} is {situation(state)} (status {state})"


def _state(service_id: int) -> str:
    return state_of(service_id) or ""


def _nobody_reads(line: str) -> None:
    """The answer says it."""
