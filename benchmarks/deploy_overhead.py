"""What the daemon adds to the time that Proxmox itself needs for a deploy."""

import time

from benchmarks.case import Ground, Ratio
from bridge.models.module import VmInfo
from tests.chaos.processes import wait_until

SETTINGS = {"node": "pve2"}  # not the template's node: the migration belongs to it


def run(ground: Ground) -> list[Ratio]:
    """Realistic task times (clone 4 s, migration 6 s, start 3 s), over HTTPS."""
    with ground.installation("deploy_overhead", SETTINGS, speed=1.0) as installation:
        installation.start("serve")
        service = installation.order()
        began = time.monotonic()
        wait_until(lambda: VmInfo.get_by_id(service).vm_status == "ready", 120, lambda: installation.describe(120))
        wall = time.monotonic() - began
        tasks = [task.ended - task.started for task in installation.cluster.tasks.all() if task.ended]
        calls = len(installation.calls)
    return [
        Ratio(
            "deploy, wall time / sum of Proxmox task times",
            wall / sum(tasks),
            f"{wall:.1f} s",
            f"{sum(tasks):.1f} s",
            f"{len(tasks)} tasks one after the other, {calls} calls; 1 would be a daemon that costs nothing",
        )
    ]
