"""The replay of recordings notices what differs, and nothing else."""

import copy
from typing import Any

import pytest

from tests.contract.sandbox_replay.comparison import Answer, Comparison
from tests.contract.sandbox_replay.placeholders import Bindings, Names

NAMES = Names({"node": ("pve1",), "vm1": ("7301",), "token": ("module@pve!test",)})

ENTRY = {
    "status": 200,
    "reason": "OK",
    "body": {
        "data": {
            "vmid": "<vm1|int>",
            "net0": "virtio=<mac:1>,bridge=vmbr0",
            "digest": "<digest:1>",
            "mem": 5,
            "disks": [{"key": "scsi0", "size": 1}, {"key": "scsi1", "size": 2}],
        }
    },
    "task": {"status": {"exitstatus": "OK"}, "log_tail": ["TASK OK"]},
}


def good() -> Answer:
    """An answer that is alike."""
    data = {
        "vmid": 7301,
        "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0",
        "digest": "a" * 40,
        "mem": 77,
        "disks": [{"key": "scsi1", "size": 2}, {"key": "scsi0", "size": 1}],
    }
    return Answer(200, "OK", {"data": data}, "", "OK", "TASK OK")


def differences(answer: Answer, entry: dict[str, Any] | None = None, bindings: Bindings | None = None) -> list[str]:
    return Comparison(entry or ENTRY, NAMES, bindings or Bindings()).run(answer)


def test_names_moments_and_order_do_not_count() -> None:
    assert differences(good()) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda a: setattr(a, "status", 500), "status"),
        (lambda a: setattr(a, "reason", "Fine"), "reason"),
        (lambda a: setattr(a, "exit_status", "failed"), "task.exitstatus"),
        (lambda a: setattr(a, "last_line", "TASK ERROR: failed"), "task.log"),
        (lambda a: a.body["data"].pop("digest"), "body.data.digest"),
        (lambda a: a.body["data"].update(extra=1), "body.data.extra"),
        (lambda a: a.body["data"].update(vmid=7302), "body.data.vmid"),
        (lambda a: a.body["data"].update(vmid="7301"), "body.data.vmid"),
        (lambda a: a.body["data"].update(mem="77"), "body.data.mem"),
        (lambda a: a.body["data"].update(net0="virtio=zz,bridge=vmbr0"), "body.data.net0"),
        (lambda a: a.body["data"]["disks"].pop(), "body.data.disks"),
        (lambda a: a.body["data"]["disks"][0].update(size=3), "body.data.disks[].size"),
    ],
)
def test_everything_else_does(change: Any, place: str) -> None:
    answer = good()
    change(answer)
    assert place in [difference.partition(":")[0] for difference in differences(answer)]


def test_equal_numbers_must_be_equal_values_throughout_a_case() -> None:
    bindings = Bindings()
    assert differences(good(), bindings=bindings) == []
    other = good()
    other.body["data"]["digest"] = "b" * 40
    assert differences(other, bindings=bindings) != []


def test_different_numbers_must_be_different_values() -> None:
    bindings = Bindings()
    assert differences(good(), bindings=bindings) == []
    entry = copy.deepcopy(ENTRY)
    entry["body"]["data"]["digest"] = "<digest:2>"  # type: ignore[index]
    assert [d.partition(":")[0] for d in differences(good(), entry, bindings)] == ["body.data.digest"]


@pytest.mark.parametrize(
    ("recorded", "found", "alike"),
    [
        ("<upid:qmstart:<vm1>>", "UPID:pve1:00000A28:00001234:6AB13B80:qmstart:7301:a@pve!b:", True),
        ("<upid:qmstart:<vm1>>", "UPID:pve1:00000A28:00001234:6AB13B80:qmstop:7301:a@pve!b:", False),
        ("<upid:qmstart:<vm1>>", "UPID:pve1:00000A28:00001234:6AB13B80:qmstart:7302:a@pve!b:", False),
        ("nodes/<node>/qemu-server/<vm1>.conf", "nodes/pve1/qemu-server/7301.conf", True),
        ("nodes/<node>/qemu-server/<vm1>.conf", "nodes/pve2/qemu-server/7301.conf", False),
        ("password: <crypt:sha256>", "password: clear", False),
        ("a+b", "aab", False),
    ],
)
def test_placeholders_stand_for_their_kind_only(recorded: str, found: str, alike: bool) -> None:
    assert NAMES.matches(recorded, found, Bindings()) is alike
