"""What a cron run prints while VMs are deployed: cron-output.md, sections 1 to 4."""

import re

import pytest

from bridge.tasks import PROCESS
from tests.deploy.conftest import Install
from tests.deploy.installation import Installation

STEP = re.compile(r"^  \[([+!])\] ([ \d]\d)\. (.+?) +(success|.+?) \((\w+) -> (\w+)\) \[(\d+\.\d{2})s\]$")
TIME = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")

WHOLE = """\
<ts> PUQ Proxmox KVM Cron Start
<ts> [processVirtualMachines] Running (interval: 1m, last: never)

--- Deploy: service=1 vm=0 status=creation ---
  [+]  1. Allocate IP                         success (creation -> set_ip) [<n>s]
  [+]  2. Clone VM                            success (set_ip -> clone) [<n>s]
  [+]  3. Configure DNS records               success (clone -> set_dns) [<n>s]
  [+]  4. Migrate to target node (skip — same node) success (set_dns -> migrated) [<n>s]
  [+]  5. Set CPU & RAM                       success (migrated -> set_cpu_ram) [<n>s]
  [+]  6. Resize system disk                  success (set_cpu_ram -> set_system_disk_size) [<n>s]
  [+]  7. Set system disk I/O                 success (set_system_disk_size -> set_system_disk_bandwidth) [<n>s]
  [+]  8. Create additional disk              success (set_system_disk_bandwidth -> set_created_additional_disk) [<n>s]
  [+]  9. Resize additional disk              success (set_created_additional_disk -> set_additional_disk_size) [<n>s]
  [+] 10. Set additional disk I/O             success (set_additional_disk_size -> set_additional_disk_bandwidth) [<n>s]
  [+] 11. Configure network                   success (set_additional_disk_bandwidth -> set_network) [<n>s]
  [+] 12. Configure firewall                  success (set_network -> set_firewall) [<n>s]
  [+] 13. Configure cloud-init                success (set_firewall -> set_cloudinit) [<n>s]
  [+] 14. Start VM                            success (set_cloudinit -> starting) [<n>s]
  [+] 15. Verify running + Email              success (starting -> ready) [<n>s]
--- Deploy complete: service=1 status=ready ---
<ts> [processVirtualMachines] Done (<n>s) — processed: 1, errors: 0
<ts>   sid:1 action:deploy result:success
<ts> PUQ Proxmox KVM Cron End (<n>s total)"""

BARE = """\
--- Deploy: service=1 vm=0 status=creation ---
  [+]  1. Allocate IP                         success (creation -> set_ip) [<n>s]
  [+]  2. Clone VM                            success (set_ip -> clone) [<n>s]
  [+]  3. Configure DNS records               success (clone -> set_dns) [<n>s]
  [+]  4. Migrate to target node (skip — no suitable node) success (set_dns -> migrated) [<n>s]
  [+]  5. Set CPU & RAM                       success (migrated -> set_cpu_ram) [<n>s]
  [+]  6. Resize system disk (skip — no change) success (set_cpu_ram -> set_system_disk_size) [<n>s]
  [+]  7. Set system disk I/O                 success (set_system_disk_size -> set_system_disk_bandwidth) [<n>s]
  [+]  8. Create additional disk (skip — not configured) success (set_system_disk_bandwidth -> set_created_additional_disk) [<n>s]
  [+]  9. Resize additional disk (skip — not configured) success (set_created_additional_disk -> set_additional_disk_size) [<n>s]
  [+] 10. Set additional disk I/O (skip — not configured) success (set_additional_disk_size -> set_additional_disk_bandwidth) [<n>s]
  [+] 11. Configure network                   success (set_additional_disk_bandwidth -> set_network) [<n>s]
  [+] 12. Configure firewall (skip — DHCP)    success (set_network -> set_firewall) [<n>s]
  [+] 13. Configure cloud-init                success (set_firewall -> set_cloudinit) [<n>s]
  [+] 14. Start VM                            success (set_cloudinit -> starting) [<n>s]
  [+] 15. Verify running + Email              success (starting -> ready) [<n>s]
--- Deploy complete: service=1 status=ready ---"""

PAUSED = """\
<ts> PUQ Proxmox KVM Cron Start
<ts> [processVirtualMachines] Running (interval: 1m, last: never)

--- Deploy: service=1 vm=0 status=creation ---
  [+]  1. Allocate IP                         success (creation -> set_ip) [<n>s]
  [!]  2. Clone VM                            Could not clone template 9000 to VM 100: disk on fire. Will retry. (set_ip -> set_ip) [<n>s]
--- Deploy paused: waiting at (set_ip) ---
<ts> [processVirtualMachines] Done (<n>s) — processed: 1, errors: 1
<ts>   sid:1 action:deploy Could not clone template 9000 to VM 100: disk on fire. Will retry. (set_ip -> clone) [<n>s]
<ts> PUQ Proxmox KVM Cron End (<n>s total)"""


def masked(lines: list[str]) -> str:
    """Times and durations replaced; the form of both is checked before."""
    stamped = [TIME.sub("<ts> ", line) for line in lines]
    return re.sub(r"\d+\.\d\ds\]|(?<=\()\d+(\.[1-9])?s(?= total|\) —|\)$)", _mask, "\n".join(stamped))


def _mask(duration: re.Match[str]) -> str:
    return "<n>s]" if duration[0].endswith("]") else "<n>s"


def blocks(lines: list[str]) -> list[list[str]]:
    """The lines from each header to its end."""
    found: list[list[str]] = []
    for line in lines:
        if line.startswith("--- Deploy: "):
            found.append([])
        if found and (line.startswith(("  [", "--- ")) or found[-1] == []):
            found[-1].append(line)
    return found


@pytest.mark.req("DEP-49", "DEP-08", "DEP-41", "CRN-37", "CRN-38", "CRN-39", "CRN-41", "CRN-43", "CRN-44")
def test_the_whole_run_of_one_order(install: Install) -> None:
    rig = install()
    rig.order()
    assert masked(rig.tick(tasks=(PROCESS,))) == WHOLE


@pytest.mark.req("DEP-49")
def test_the_skips_of_a_small_product(install: Install) -> None:
    rig = install(node="pve9", sys_size="0", add_size="0", dhcp_ipv4="on", dhcp_ipv6="on")
    rig.order()
    assert BARE in masked(rig.tick(tasks=(PROCESS,)))


@pytest.mark.req("DEP-49", "DEP-39", "DEP-41")
def test_a_paused_run_and_the_next_one(install: Install) -> None:
    rig = install()
    rig.fault(kind="task-fails", task_type="qmclone", exit_status="disk on fire")
    rig.order()
    assert masked(rig.tick(tasks=(PROCESS,))) == PAUSED
    rig.clock.advance(60)
    again = masked(rig.tick(tasks=(PROCESS,))).splitlines()
    assert again[3] == "--- Deploy: service=1 vm=100 status=set_ip ---"
    assert again[4] == "  [+]  1. Clone VM                            success (set_ip -> clone) [<n>s]"
    assert again[17] == "  [+] 14. Verify running + Email              success (starting -> ready) [<n>s]"


@pytest.mark.req("DEP-49", "CRN-37")
def test_the_running_line_tells_when_the_task_ran_last(install: Install) -> None:
    rig = install()
    began = rig.clock.stamp(rig.clock.now())
    rig.tick(tasks=(PROCESS,))
    rig.clock.advance(60)
    assert rig.tick(tasks=(PROCESS,))[1].endswith(
        f"[processVirtualMachines] Running (interval: 1m, last: {began[11:]})"
    )


@pytest.mark.req("DEP-49", "ENG-40", "CRN-43", "CRN-44")
def test_every_step_line_obeys_the_grammar(install: Install) -> None:
    rig = install()
    rig.fault("PUT .*/config", times=2, status=500, text="two\nlines  and\tblanks")
    rig.order()
    rig.order()
    rig.run()
    lines = [line for line in rig.lines if line.startswith("  [")]
    assert len(lines) == 2 * 15 + 2
    for line in lines:
        parts = STEP.match(line)
        assert parts, line
        assert (parts[1] == "!") == (parts[5] == parts[6])
        label = line[10:].split(" (skip")[0]
        assert line[45] == " " or "(skip" in line, label


@pytest.mark.req("ENG-40", "DEP-42")
def test_blocks_of_vms_that_are_deployed_at_once_follow_each_other_whole(install: Install) -> None:
    rig = install()
    services = [rig.order() for _ in range(6)]
    printed = rig.tick(tasks=(PROCESS,))
    found = blocks(printed)
    assert [int(re.search(r"service=(\d+)", block[0])[1]) for block in found] == services  # type: ignore[index]
    for service, block in zip(services, found, strict=True):
        assert block[-1] == f"--- Deploy complete: service={service} status=ready ---"
        assert [int(line[6:8]) for line in block[1:-1]] == list(range(1, 16))
    summary = [line.partition("   ")[2] for line in printed if " sid:" in line]
    assert sorted(summary) == [f"sid:{service} action:deploy result:success" for service in services]
    assert _overlapped(rig)


def _overlapped(rig: Installation) -> bool:
    """Whether two clones ran at the same time: without that the test above would prove nothing."""
    clones = [task for task in rig.cluster.tasks.all() if task.type == "qmclone"]
    return any(a.started < b.started < (a.ended or 0) for a in clones for b in clones)


@pytest.mark.req("ENG-40", "DEP-42", "CRN-39", "CRN-40")
def test_a_paused_block_among_others(install: Install) -> None:
    rig = install()
    rig.fault("POST .*/clone", times=1, text="no")
    first, second = rig.order(), rig.order()
    printed = rig.tick(tasks=(PROCESS,))
    found = blocks(printed)
    assert found[0][-1] == "--- Deploy paused: waiting at (set_ip) ---"
    assert found[1][-1] == f"--- Deploy complete: service={second} status=ready ---"
    assert any(line.endswith("— processed: 2, errors: 1") for line in printed)
    assert rig.states() == {first: "set_ip", second: "ready"}
