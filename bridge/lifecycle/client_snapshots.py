"""What clients see of the snapshots of their VM, and what they do with them. `admission` is the gate in front of it."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.clock import SystemClock
from bridge.lifecycle import admission, snapshot_plans
from bridge.lifecycle.direct import Direct
from bridge.lifecycle.rules import Situation
from bridge.lifecycle.snapshot_sight import SnapshotSight, look_at
from bridge.lifecycle.week import BadWeek, Week
from bridge.runs import load
from bridge.vm_context import Shop, VmContext
from bridge.web.callers import Actor, Refusal
from statemachines.commands import REMOVE_SNAPSHOT, ROLL_BACK_SNAPSHOT, TAKE_SNAPSHOT
from statemachines.steps.rollback import RESTART_NEEDED
from statemachines.steps.snapshot_rules import Obstacle, is_scheduled
from statemachines.steps.snapshots import DESCRIPTION, NAME, WITH_RAM

Facts = dict[str, Any]

SNAPSHOTS = "snapshots"
LONGEST_DESCRIPTION = 200
FULL = "You have as many snapshots as your plan allows. Remove one of them first."
NOT_SUPPORTED = "Snapshots are not possible for this virtual machine."
NO_ROOM = "There is too little room for a snapshot with memory. Take one without memory."
GONE = "This snapshot does not exist any more."
SENTENCES = {Obstacle.FULL: FULL, Obstacle.NOT_SUPPORTED: NOT_SUPPORTED, Obstacle.NO_ROOM: NO_ROOM}


@dataclass(frozen=True)
class ClientSnapshots:
    """Implements `bridge.web.snapshot_interfaces.Snapshots`. Every refusal is a `Refusal` with a sentence for the client."""

    direct: Direct
    shop: Callable[[], Shop]
    clock: SystemClock

    def list(self, service_id: int, actor: Actor) -> Facts:
        """The Snapshots page: `count` of `max`, the snapshots, newest first, whether one can be taken (`possible`, else `why`),
        whether with memory (`ram`), what keeps all of them from being used (`busy`), and the weekly `schedule`.
        """
        service = admission.look_in(service_id, actor, SNAPSHOTS)
        most, busy = admission.quota(service_id, SNAPSHOTS), admission.hindrance(service)
        page: Facts = {
            "count": 0,
            "max": most,
            "possible": False,
            "why": busy,
            "ram": False,
            "busy": busy,
            "snapshots": [],
        }
        page["schedule"] = json.loads(snapshot_plans.week_of(service_id).as_json())
        if admission.situation_of(service_id) is not Situation.READY:
            return page
        seen = admission.calmly(service_id, SNAPSHOTS, lambda: self._look(service_id))
        busy = busy or (admission.BUSY if seen.locked else "")
        obstacle = admission.calmly(service_id, SNAPSHOTS, lambda: seen.obstacle(with_ram=True))
        possible = not busy and obstacle in (None, Obstacle.NO_ROOM)
        return page | {
            "count": len(seen.present),
            "possible": possible,
            "why": busy or ("" if possible or obstacle is None else SENTENCES[obstacle]),
            "ram": possible and seen.running and obstacle is None,
            "busy": busy,
            "snapshots": [self._row(seen, each) for each in reversed(seen.present) if each.complete],
        }

    def take(self, service_id: int, actor: Actor, description: str, with_ram: bool) -> Facts:
        """Take one, of a running VM with its memory if `with_ram`. `done` False = it goes on by itself; else its `name`."""
        admission.enter(service_id, actor, SNAPSHOTS)
        self._nothing_in_the_way(service_id, with_ram)
        text = "".join(each for each in " ".join(description.split()) if each.isprintable())[:LONGEST_DESCRIPTION]
        answer = self.direct.run(service_id, TAKE_SNAPSHOT, {DESCRIPTION: text, WITH_RAM: with_ram})
        told = admission.told(service_id, "snapshot_take", answer)
        if answer.done and NAME not in answer.facts:  # somebody else took the last place meanwhile
            self._nothing_in_the_way(service_id, with_ram)
            raise admission.refusal(service_id, "snapshot_take", admission.SOMETHING_WRONG, "no snapshot was taken")
        return {**told, "name": answer.facts.get(NAME, "")}

    def roll_back(self, service_id: int, actor: Actor, name: str) -> Facts:
        """Roll the VM back. `done` False = it goes on by itself; `restart` True = some of the package waits for a restart."""
        self._enter_for(service_id, actor, name)
        answer = self.direct.run(service_id, ROLL_BACK_SNAPSHOT, {NAME: name})
        told = admission.told(service_id, "snapshot_rollback", answer)
        return {**told, "restart": bool(answer.facts.get(RESTART_NEEDED))}

    def remove(self, service_id: int, actor: Actor, name: str) -> Facts:
        """Remove one for good. `done` False = it goes on by itself."""
        self._enter_for(service_id, actor, name)
        return admission.told(service_id, "snapshot_remove", self.direct.run(service_id, REMOVE_SNAPSHOT, {NAME: name}))

    def save_schedule(self, service_id: int, actor: Actor, days: Mapping[str, str]) -> Facts:
        """Take snapshots weekly: each key an enabled day, 0 = Sunday, its value HH:MM or empty for any time. Answers the `schedule`."""
        admission.enter(service_id, actor, SNAPSHOTS)
        try:
            week = Week.typed(days, random.SystemRandom())
        except BadWeek as error:
            text = str(error)
            raise Refusal(f"{text[:1].upper()}{text[1:]}.") from error
        snapshot_plans.save(service_id, week, self.clock.local(self.clock.now()))
        return {"schedule": json.loads(week.as_json())}

    def _enter_for(self, service_id: int, actor: Actor, name: str) -> None:
        """Through the gate, to a snapshot that exists."""
        admission.enter(service_id, actor, SNAPSHOTS)
        seen = admission.calmly(service_id, SNAPSHOTS, lambda: self._look(service_id))
        if seen.locked:
            raise Refusal(admission.BUSY)
        if not any(each.name == name for each in seen.present):
            raise Refusal(GONE)

    def _nothing_in_the_way(self, service_id: int, with_ram: bool) -> None:
        seen = admission.calmly(service_id, SNAPSHOTS, lambda: self._look(service_id))
        if seen.locked:
            raise Refusal(admission.BUSY)
        reason = admission.calmly(service_id, SNAPSHOTS, lambda: seen.obstacle(with_ram))
        if reason:
            raise Refusal(SENTENCES[reason])

    def _look(self, service_id: int) -> SnapshotSight:
        """The VM now. Raises what `sight.look` raises."""
        found = load(service_id)
        if found is None:
            raise Refusal(admission.SOMETHING_WRONG)
        return look_at(VmContext(*found, self.shop()))

    def _row(self, seen: SnapshotSight, snapshot: Any) -> Facts:
        lifetime = seen.ctx.package.snapshot_lifetime
        left = max(0, int(snapshot.time + lifetime - self.clock.now())) if lifetime else None
        lines = [line for line in snapshot.description.splitlines() if line != seen.ctx.mark.description]
        return {
            "name": snapshot.name,
            "description": " ".join(lines),
            "time": f"{self.clock.local(snapshot.time):%d-%m-%Y %H:%M:%S}",
            "remaining": None if left is None else remaining(left),
            "remaining_seconds": left,
            "with_ram": snapshot.with_ram,
            "scheduled": is_scheduled(seen.ctx, snapshot),
        }


def remaining(seconds: int) -> str:
    """`D days HH:MM:SS`."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours // 24} days {hours % 24:02d}:{minute:02d}:{second:02d}"
