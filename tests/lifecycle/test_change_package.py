"""Change package: what the client bought anew reaches the VM, once, and nothing else changes."""

import pytest

from bridge.lifecycle.rules import Operation
from bridge.models.companion import AddressReservation
from bridge.models.whmcs import Service
from bridge.sandbox.proxmox.storage import BLANK
from statemachines.steps.mail import UPGRADE
from tests.deploy.installation import failed_step, steps
from tests.lifecycle.conftest import Install
from tests.lifecycle.living import Living
from tests.lifecycle.scenarios import records_fit

CHANGE = Operation.CHANGE_PACKAGE
LABELS = [
    "Update IP + DNS + Firewall",
    "Stop VM",
    "Set CPU & RAM",
    "Resize system disk",
    "Set system disk I/O",
    "Create additional disk",
    "Resize additional disk",
    "Set additional disk I/O",
    "Configure network",
    "Configure firewall",
    "Start VM",
    "Verify running",
]
STATES = [
    "change_package",
    "cp_update_ip",
    "cp_stop",
    "cp_cpu_ram",
    "cp_system_disk_size",
    "cp_system_disk_bandwidth",
    "cp_additional_disk",
    "cp_additional_disk_size",
    "cp_additional_disk_bandwidth",
    "cp_network",
    "cp_firewall",
    "cp_start",
    "ready",
]


def step_line(rig: Living, label: str) -> str:
    """The line of one step, from the label on and without its duration."""
    found = [line for line in steps(rig.lines) if f". {label} " in line]
    assert len(found) == 1, found
    return found[0].partition(". ")[2]


def skipped(rig: Living) -> dict[str, str]:
    """The reason behind each label that was skipped."""
    rows = [line.partition(". ")[2] for line in steps(rig.lines)]
    return {
        row.partition(" (skip — ")[0]: row.partition(" (skip — ")[2].partition(")")[0] for row in rows if "skip" in row
    }


@pytest.mark.req("CP-01")
def test_a_request_answers_without_a_call_to_proxmox(install: Install) -> None:
    rig = install()
    service = rig.living()
    assert rig.ask(service, CHANGE) == "success"
    assert (rig.state(service), rig.sent) == ("change_package", [])


@pytest.mark.req("CP-03")
def test_a_second_request_is_accepted_and_the_change_made_once(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.ask(service, CHANGE)
    assert rig.ask(service, CHANGE) == "success"
    assert rig.state(service) == "change_package"
    rig.run()
    assert rig.mails_of(service) == [UPGRADE]


@pytest.mark.req("CP-05", "CP-06", "CP-44", "OPT-36")
def test_a_whole_run_prints_the_documented_block(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.set_product(cpu="4", sys_size="30", sys_mbps_rd="7", add_size="11", add_mbps_rd="9", net_bandwidth="3")
    rig.set_product(fw_policy_in="DROP")
    rig.ask_and_run(service, CHANGE)
    expected = [
        f"  [+] {number:2d}. {label:<35} success ({before} -> {after})"
        for number, (label, before, after) in enumerate(zip(LABELS, STATES, STATES[1:], strict=False), 1)
    ]
    expected[5] = (
        "  [+]  6. Create additional disk (skip — exists) success (cp_system_disk_bandwidth -> cp_additional_disk)"
    )
    blocks = [line for line in rig.lines if line == "" or line.startswith("---")]
    assert blocks == [
        "",
        f"--- ChangePackage: service={service} vm=100 status=change_package ---",
        f"--- ChangePackage complete: service={service} status=ready ---",
    ]
    assert steps(rig.lines) == expected
    assert rig.log(service)["steps"][0]["step"] == LABELS[0]


@pytest.mark.req("CP-41")
def test_the_run_is_in_the_log_with_its_steps(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.ask_and_run(service, CHANGE)
    log = rig.log(service)
    assert (log["action"], log["result"], log["from"], log["to"]) == (
        "change_package",
        "success",
        STATES[0],
        STATES[-1],
    )
    assert log["started"] <= log["finished"]
    assert [step["to"] for step in log["steps"]] == STATES[1:]
    assert log["steps"][8]["step"] == "Configure network (skip — no change)"
    assert all(step["duration"] >= 0 for step in log["steps"])


@pytest.mark.req("CP-14", "CP-32", "CP-36")
def test_what_is_as_wanted_is_skipped_and_not_written(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.set_product(ram="3")
    rig.ask_and_run(service, CHANGE)
    assert rig.calls("PUT", "/config")[0].params["memory"] == "3072"
    assert len(rig.calls("PUT", "/config")) == 1
    assert rig.calls("PUT", "/resize") == []
    assert skipped(rig) == {
        "Resize system disk": "no change",
        "Set system disk I/O": "no change",
        "Create additional disk": "exists",
        "Resize additional disk": "no change",
        "Set additional disk I/O": "no change",
        "Configure network": "no change",
        "Configure firewall": "no change",
    }


@pytest.mark.req("CP-11", "CP-13", "CP-38")
def test_the_vm_is_stopped_once_and_started_once(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.set_product(cpu="4", sys_size="30", add_size="20")
    rig.ask_and_run(service, CHANGE)
    power = [call.path.rpartition("/")[2] for call in rig.sent if call.method == "POST" and "/status/" in call.path]
    assert power == ["shutdown", "start"]
    assert rig.running(service)


@pytest.mark.req("CP-12")
def test_a_guest_that_does_not_obey_is_stopped_in_the_end(install: Install) -> None:
    rig = install()
    service = rig.living()
    for volume in rig.cluster.storages["ceph-vm"].on(rig.node(service)).values():
        volume.system = BLANK
    rig.ask_and_run(service, CHANGE)
    power = [call.path.rpartition("/")[2] for call in rig.sent if call.method == "POST" and "/status/" in call.path]
    assert power == ["shutdown", "stop", "start"]


@pytest.mark.req("CP-15", "CP-31", "CP-28", "CP-22")
def test_disks_grow_in_place_and_get_their_limits(install: Install) -> None:
    rig = install()
    service = rig.living()
    before = rig.facts(service).volumes
    rig.set_product(sys_size="30", add_size="25", sys_mbps_wr="70", add_iops_rd="900")
    rig.ask_and_run(service, CHANGE)
    assert rig.facts(service).volumes == before
    assert (rig.disk(service)["size"], rig.disk(service)["mbps_wr"]) == ("30G", "70")
    assert (rig.disk(service, "scsi1")["size"], rig.disk(service, "scsi1")["iops_rd"]) == ("25G", "900")


@pytest.mark.req("CP-16", "CP-17", "CP-18", "CP-19", "CP-20", "CP-21", "CP-29", "LOG-08")
def test_no_disk_is_shrunk_and_everything_else_is_applied(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.snapshot(service, "monday")
    price = Service.get_by_id(service).amount
    rig.forget()
    rig.set_product(sys_size="10", add_size="5", cpu="3")
    rig.ask_and_run(service, CHANGE)
    assert (rig.disk(service)["size"], rig.disk(service, "scsi1")["size"]) == ("20G", "10G")
    assert rig.config(service)["cores"] == 3
    reasons = skipped(rig)
    assert reasons["Resize system disk"] == reasons["Resize additional disk"] == "shrink not allowed by Proxmox"
    log = "\n".join(rig.module_log())
    assert "system_disk_shrink_rejected | VM 100 scsi0" in log
    assert "additional_disk_shrink_rejected | VM 100 scsi1" in log
    assert rig.snapshots(service) == ["monday"]
    assert Service.get_by_id(service).amount == price


@pytest.mark.req("CP-23", "CP-27")
def test_an_additional_disk_is_created_when_the_package_has_one_now(install: Install) -> None:
    rig = install(add_size="0")
    service = rig.living()
    assert "scsi1" not in rig.config(service)
    rig.set_product(add_size="15")
    rig.ask_and_run(service, CHANGE)
    assert rig.disk(service, "scsi1")["size"] == "15G"


@pytest.mark.req("CP-24", "CP-25", "LOG-08", "STO-11")
def test_option_zero_deletes_the_additional_disk_its_volume_and_the_snapshots(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.snapshot(service, "monday")
    rig.choose(service, "Additional Disk", "0|none")
    rig.forget()
    volumes = set(rig.volumes())
    rig.ask_and_run(service, CHANGE)
    assert not [key for key in rig.config(service) if key == "scsi1" or key.startswith("unused")]
    assert rig.snapshots(service) == []
    assert volumes - set(rig.volumes()) == {"ceph-vm:vm-100-disk-1"}
    assert [row for row in rig.module_log() if row.startswith("additional_disk_deleted")] == [
        "additional_disk_deleted | VM 100 on node pve1 | volume ceph-vm:vm-100-disk-1 was deleted"
    ]
    assert step_line(rig, "Delete additional disk").split(None, 3)[3].startswith("success (cp_system_disk_bandwidth")
    down = [call for call in rig.sent if call.method != "GET"]
    assert down[0].path.endswith("/status/shutdown")


@pytest.mark.req("CP-26")
def test_option_zero_without_a_disk_does_nothing(install: Install) -> None:
    rig = install(add_size="0")
    service = rig.living()
    rig.choose(service, "Additional Disk", "0|none")
    rig.ask_and_run(service, CHANGE)
    assert skipped(rig)["Create additional disk"] == "no change"
    assert [call.path.rpartition("/")[2] for call in rig.sent if call.method != "GET"] == ["shutdown", "start"]


@pytest.mark.req("CP-30")
def test_a_product_without_additional_disk_takes_no_disk_away(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.write_data(service)
    rig.set_product(add_size="0")
    rig.ask_and_run(service, CHANGE)
    assert rig.data_on(service) == {"scsi0", "scsi1"}
    assert skipped(rig)["Create additional disk"] == "not configured"


@pytest.mark.req("CP-08", "OPT-29")
def test_fewer_addresses_go_back_to_the_pool_and_the_primary_one_stays(install: Install) -> None:
    rig = install(ipv4_count="4", ipv6_count="0")
    service = rig.living()
    held = rig.addresses(service)
    rig.set_product(ipv4_count="2")
    rig.ask_and_run(service, CHANGE)
    assert rig.addresses(service) == held[:2]
    assert {row.address for row in AddressReservation.select()} == set(held[:2])
    assert {entry["cidr"] for entry in rig.firewall(service, "ipset/ipfilter-net0")} == set(held[:2])


@pytest.mark.req("CP-08", "CP-09", "CP-33", "FW-20")
def test_more_addresses_are_added_behind_those_that_are_there(install: Install) -> None:
    rig = install(ipv4_count="1", ipv6_count="0")
    service = rig.living()
    first = rig.addresses(service)
    rig.set_product(ipv4_count="3")
    rig.ask_and_run(service, CHANGE)
    held = rig.addresses(service)
    assert (held[:1], len(set(held))) == (first, 3)
    assert {entry["cidr"] for entry in rig.firewall(service, "ipset/ipfilter-net0")} == set(held)


@pytest.mark.req("OPT-28")
@pytest.mark.parametrize(("option", "left"), [("IPv4 Addresses", ":"), ("IPv6 Addresses", ".")])
def test_zero_addresses_of_a_family_leave_none_of_it(install: Install, option: str, left: str) -> None:
    rig = install()
    service = rig.living()
    rig.choose(service, option, "0|none")
    rig.ask_and_run(service, CHANGE)
    held = rig.addresses(service)
    assert held
    assert all(left in address for address in held)
    assert {row.address for row in AddressReservation.select()} == set(held)
    assert set(rig.cloudinit(service)) == ({"ip6", "gw6"} if left == ":" else {"ip", "gw"})


@pytest.mark.req("OPT-28")
def test_without_any_address_cloud_init_forgets_the_old_one(install: Install) -> None:
    rig = install(ipv6_count="0")
    service = rig.living()
    rig.choose(service, "IPv4 Addresses", "0|none")
    rig.ask_and_run(service, CHANGE)
    assert rig.addresses(service) == []
    assert not {"ipconfig0", "nameserver"} & set(rig.config(service))


@pytest.mark.req("CP-10")
def test_records_of_given_back_addresses_are_deleted_and_those_of_the_others_written(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.set_product(ipv4_count="1", ipv6_count="2")
    rig.ask_and_run(service, CHANGE)
    assert len(rig.addresses(service)) == 3
    records_fit(rig, service)


@pytest.mark.req("CP-10")
def test_a_broken_dns_provider_stops_nothing(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.names.broken = True
    rig.set_product(cpu="4")
    rig.ask_and_run(service, CHANGE)
    assert rig.config(service)["cores"] == 4
    dns = rig.log(service)["dns"]
    assert (dns["forward_ok"], dns["forward_err"], dns["rev_ok"], dns["rev_err"]) == (0, 1, 0, 3)


@pytest.mark.req("CP-34", "CP-37", "CP-39", "CP-44")
def test_a_vm_that_does_not_start_pauses_the_run_and_the_next_tick_begins_there(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.set_product(cpu="4")
    rig.ask(service, CHANGE)
    rig.fault(kind="task-fails", task_type="qmstart", exit_status="no such bridge")
    first = rig.tick()
    assert failed_step(first).startswith("11. Start VM")
    assert "VM failed to start (status: stopped)" in failed_step(first)
    assert failed_step(first).endswith("(cp_firewall -> cp_firewall)")
    assert "--- ChangePackage paused: waiting at (cp_firewall) ---" in first
    assert (rig.state(service), rig.config(service)["cores"]) == ("cp_firewall", 4)
    second = rig.tick()
    assert [line.split(None, 2)[2] for line in steps(second)] == [
        f"{label:<35} success ({before} -> {after})"
        for label, before, after in (("Start VM", "cp_firewall", "cp_start"), ("Verify running", "cp_start", "ready"))
    ]


@pytest.mark.req("CP-40")
def test_a_start_is_tried_again_without_end(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.ask(service, CHANGE)
    rig.fault(kind="task-fails", task_type="qmstart", times=12)
    for _ in range(12):
        rig.tick()
        assert rig.state(service) == "cp_firewall"
        rig.clock.advance(61)
    rig.tick()
    assert rig.state(service) == "ready"


@pytest.mark.req("CP-07")
def test_the_package_of_the_moment_of_work_counts(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.set_product(cpu="4")
    rig.ask(service, CHANGE)
    rig.set_product(cpu="6")
    rig.run()
    assert rig.config(service)["cores"] == 6


@pytest.mark.req("CP-42")
def test_the_vm_stays_on_its_node(install: Install) -> None:
    rig = install()
    service = rig.living()
    node = rig.node(service)
    rig.set_product(node="pve3" if node != "pve3" else "pve2", cpu="4")
    rig.ask_and_run(service, CHANGE)
    assert rig.node(service) == node
    assert rig.calls("POST", "/migrate") == []


@pytest.mark.req("CP-43", "EML-09")
def test_the_upgrade_mail_follows_the_change(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.ask(service, CHANGE)
    rig.fault(kind="task-fails", task_type="qmstart")
    rig.tick()
    assert rig.mails_of(service) == []
    rig.tick()
    assert rig.mails_of(service) == [UPGRADE]
