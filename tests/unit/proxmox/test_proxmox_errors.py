"""Every text of Proxmox that we know means one thing, decided in one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.errors import (
    AuthFailed,
    ChangedMeanwhile,
    Conflict,
    Locked,
    NotFound,
    Permanent,
    ProviderError,
    Rejected,
    Retryable,
    Unavailable,
)
from providers.proxmox.translate import (
    AgentMissing,
    GuestSilent,
    Unauthenticated,
    WorkerNotStarted,
    WrongState,
    http_error,
    task_error,
)

# Texts of a node with Proxmox VE 8.4.1, unless a remark says otherwise.
STATUS_500 = [
    ("Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist", NotFound),
    ("unable to find configuration file for VM 100 on node 'pve1'", NotFound),
    ("no such IPSet 'ipfilter-net0'", NotFound),
    ("no such alias 'office'", NotFound),
    ("no rule at position 99", NotFound),
    ("snapshot 'nope' does not exist", NotFound),
    ("VM is locked (backup)", Locked),
    ("VM is locked (clone)", Locked),
    ("VM is locked (snapshot-delete)", Locked),
    ("can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout", Locked),
    ("cfs-lock 'storage-ceph' error: got lock request timeout", Locked),  # LINBIT/linstor-proxmox#73
    ("unable to create VM 100: config file already exists", Conflict),
    ("unable to create VM 100 - VM 100 already exists on node 'pve1'", Conflict),
    ("checksum mismatch (file change by other user?)", ChangedMeanwhile),
    ("detected modified configuration - file changed by other user? Try again.", ChangedMeanwhile),
    ("IPSet 'ipfilter-net0' is not empty", Conflict),
    ("VM 100 is running - destroy failed", WrongState),
    ("VM 100 not running", WrongState),
    ("VM 100 is not running", WrongState),
    ("QEMU guest agent is not running", GuestSilent),
    ("No QEMU guest agent configured", AgentMissing),
    ("Agent error: cannot find 'passwd' program in PATH", Permanent),
    ("storage 'nosuch' does not exist", Permanent),
    ("storage 'local-lvm' is not available on node 'pve2'", Permanent),  # [pve-storage] PVE::Storage
    ("volume 'local:snippets/user-dnsfix.yaml' does not exist", Permanent),
    ("Linked clone feature is not supported for 'local:100/vm-100-disk-0.qcow2' (scsi0)", Permanent),
    ("can't clone VM to node 'pve2' (VM uses local storage)", Permanent),  # [qs] clone_vm
    ("no such cluster node 'nosuch'", Permanent),
    ("can't remove VM 100 - protection mode enabled", Permanent),
    ("you can't convert a template to a template", Permanent),
    ("parameter 'storage' not allowed for linked clones", Rejected),
    ("no options specified", Rejected),
    ("no sdn vnet ID specified", Rejected),
    ("SSH public key validation error", Rejected),
    ("unable to parse directory volume name 'abc'", Rejected),
    ("ide3 - cloud-init drive is already attached at 'ide2'", Rejected),
    ("Only root can pass arbitrary filesystem paths. at /usr/share/perl5/PVE/Storage.pm line 569.", AuthFailed),
    ("got no worker upid - start worker failed", WorkerNotStarted),
    ("cluster not ready - no quorum?", Unavailable),  # [pve-cluster] check_cfs_quorum
]

STATUS_400 = [
    ({"vmid": "VM 100 already exists"}, Conflict),
    ({"name": "IPSet 'ipfilter-net0' already exists"}, Conflict),
    ({"cidr": "address '192.0.2.5' already exists"}, Conflict),
    ({"upid": "no such task"}, NotFound),
    ({"upid": "unable to parse worker upid"}, Rejected),
    ({"cores": "type check ('integer') failed - got 'x'"}, Rejected),
    ({"net0": "invalid format - format error\nnet0.tag: value must have a maximum value of 4094\n"}, Rejected),
    ({"storage": "No such storage."}, Permanent),
    ({"cidr": "a zero prefix is not allowed in ipset entries"}, Rejected),
]

TASKS = [
    ("VM is locked (backup)", Locked),
    ("can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout", Locked),
    ("Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist", NotFound),
    ("unable to find configuration file for VM 100 on node 'pve1'", NotFound),
    ("VM 100 already running", WrongState),
    ("VM quit/powerdown failed - got timeout", GuestSilent),
    ("shrinking disks is not supported", Rejected),
    ("disk 'scsi5' does not exist", Rejected),
    ("checksum mismatch (file change by other user?)", ChangedMeanwhile),
    ("MAX 2 vcpus allowed per VM on this node", Permanent),
    ("you can't start a vm if it's a template", Permanent),
    ("base volume 'local:9000/base-9000-disk-0.qcow2' is still in use by linked cloned", Permanent),
    ("bridge 'vmbr9' does not exist", Permanent),  # [pve-common] PVE::Network
    ("unable to create image: cfs-lock 'storage-local' error: got lock request timeout", Locked),
    ("received interrupt", Retryable),
    ("command '/usr/bin/qemu-img convert -p -n -f qcow2' failed: got signal 15", Retryable),
]


@pytest.mark.req("PRV-03")
@pytest.mark.parametrize(("text", "error"), STATUS_500)
def test_a_500_means_what_its_text_says_and_nothing_was_done(text: str, error: type[ProviderError]) -> None:
    found = http_error("configure VM 100", 500, f"{text}\n", write=True)
    assert (type(found), found.outcome_unknown) == (error, False)
    assert str(found) == f"Could not configure VM 100: {text}"


@pytest.mark.req("PRV-03")
@pytest.mark.parametrize(("fields", "error"), STATUS_400)
def test_a_400_means_what_its_fields_say(fields: dict[str, str], error: type[ProviderError]) -> None:
    found = http_error("do it", 400, "Parameter verification failed.\n", fields, write=True)
    assert (type(found), found.outcome_unknown) == (error, False)
    assert "\n" not in str(found)
    assert next(iter(fields)) in str(found)


def test_the_refused_fields_are_kept() -> None:
    found = http_error("do it", 400, "Parameter verification failed.", {"cores": "too\nmany\n", "memory": "x"})
    assert isinstance(found, Rejected)
    assert found.fields == {"cores": "too many", "memory": "x"}


@pytest.mark.req("PRV-03")
@pytest.mark.parametrize(("text", "error"), TASKS)
def test_a_task_failed_for_the_reason_in_its_exit_status(text: str, error: type[ProviderError]) -> None:
    assert type(task_error("start VM 100", text)) is error


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("status", [595, 596, 597, 598, 599])
def test_a_write_through_a_broken_proxying_node_has_an_unknown_outcome(status: int, write: bool) -> None:
    found = http_error("start VM 100", status, "No route to host", write=write)
    assert (type(found), found.outcome_unknown) == (Unavailable, write)
    assert "No route to host" in str(found)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_5xx_that_nobody_knows_may_have_had_its_effect(status: int) -> None:
    assert http_error("start VM 100", status, "Something new", write=True).outcome_unknown
    assert not http_error("read VM 100", status, "Something new", write=False).outcome_unknown
    assert http_error("start VM 100", status, "Something new", write=True).kind == "retryable"


@pytest.mark.req("PRV-03")
@pytest.mark.parametrize(
    ("status", "text", "error", "who"),
    [
        (401, "invalid token value!", Unauthenticated, "admin"),
        (401, "", Unauthenticated, "admin"),
        (403, "Permission check failed (/vms/100, VM.Clone)", AuthFailed, "Proxmox admin"),
        (501, "Method 'GET /api2/json/version' not implemented", Rejected, "admin"),
        (404, "not found", Rejected, "admin"),
        (302, "", Rejected, "admin"),
    ],
)
def test_other_statuses(status: int, text: str, error: type[ProviderError], who: str) -> None:
    found = http_error("do it", status, text, write=True)
    assert (type(found), found.who, found.outcome_unknown) == (error, who, False)


@pytest.mark.req("PRV-08")
def test_only_an_answer_that_says_absent_becomes_not_found() -> None:
    answers = [(404, "not found"), (500, ""), (595, "no such VM"), (500, "storage 'x' does not exist"), (502, "gone")]
    assert not [found for found in (http_error("do it", *answer) for answer in answers) if found.kind == "not_found"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Retryable, "retryable"),
        (Unavailable, "retryable"),
        (Locked, "retryable"),
        (Permanent, "permanent"),
        (AuthFailed, "permanent"),
        (Rejected, "permanent"),
        (NotFound, "not_found"),
        (Conflict, "conflict"),
    ],
)
def test_each_error_declares_its_kind_and_says_one_line(error: type[ProviderError], kind: str) -> None:
    found = error("Could not do it:\n  because\n")
    assert (found.kind, str(found), found.outcome_unknown) == (kind, "Could not do it: because", False)


def test_a_lock_and_another_editor_are_reasons_to_wait_and_a_taken_name_is_not() -> None:
    assert [error("x").busy for error in (Locked, ChangedMeanwhile, Conflict, Unavailable, Permanent)] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_time_alone_heals_what_is_retryable_and_a_person_what_is_permanent() -> None:
    assert (Retryable("x").who, Permanent("x").who, Permanent("x", who="Proxmox admin").who) == (
        "",
        "admin",
        "Proxmox admin",
    )


@pytest.mark.req("PRV-03")
@given(st.integers(300, 599), st.text(), st.dictionaries(st.text(), st.text(), max_size=3), st.booleans())
def test_any_answer_whatsoever_becomes_one_line_and_an_error_of_ours(
    status: int, text: str, fields: dict[str, str], write: bool
) -> None:
    found = http_error("start VM 100", status, text, fields, write=write)
    assert isinstance(found, ProviderError)
    assert str(found).startswith("Could not start VM 100: ")
    assert len(str(found).splitlines()) == 1
    assert write or not found.outcome_unknown
