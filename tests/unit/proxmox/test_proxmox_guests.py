"""Clone, configure, resize, migrate, destroy: what is sent for each, and what an absent VM means."""

import pytest
import requests
import responses

from providers.errors import Conflict, Rejected, Retryable, Unavailable
from providers.proxmox import Proxmox
from providers.proxmox.translate import WrongState

from .conftest import API, Calls

NODE = f"{API}/nodes/pve1"
UPID = "UPID:pve1:00007FA0:000A4880:6B033CD2:qmclone:9000:bridge@pve!whmcs:"
ABSENT = {"data": None, "message": "Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist\n"}


def clone(proxmox: Proxmox, **options: object) -> str:
    arguments = {"name": "web1", "description": "mark", "full": True} | options
    return proxmox.clone("pve1", 9000, 100, **arguments)  # type: ignore[arg-type]


@pytest.fixture
def cloning(net: responses.RequestsMock) -> responses.RequestsMock:
    net.post(f"{NODE}/qemu/9000/clone", json={"data": UPID})
    return net


@pytest.mark.req("STO-04", "DEP-13")
def test_a_full_clone_names_its_storage(cloning: responses.RequestsMock, proxmox: Proxmox, sent: Calls) -> None:
    assert clone(proxmox, storage="fast") == UPID
    assert sent.form() == {"newid": "100", "name": "web1", "description": "mark", "full": "1", "storage": "fast"}


def test_a_linked_clone_says_so_and_names_no_storage(
    cloning: responses.RequestsMock, proxmox: Proxmox, sent: Calls
) -> None:
    clone(proxmox, full=False, storage="fast")
    assert sent.form() == {"newid": "100", "name": "web1", "description": "mark", "full": "0"}


def test_a_target_is_sent_only_when_it_is_another_node(
    cloning: responses.RequestsMock, proxmox: Proxmox, sent: Calls
) -> None:
    clone(proxmox, target="pve1")
    assert "target" not in sent.form()
    clone(proxmox, target="pve2")
    assert sent.form()["target"] == "pve2"


def test_a_template_is_never_its_own_clone(net: responses.RequestsMock, proxmox: Proxmox, sent: Calls) -> None:
    with pytest.raises(Rejected):
        proxmox.clone("pve1", 9000, 9000, name="x", description="y", full=True)
    assert sent.lines == []


def test_a_taken_vmid_is_a_conflict(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    message = "unable to create VM 100: config file already exists\n"
    net.post(f"{NODE}/qemu/9000/clone", status=500, json={"data": None, "message": message})
    with pytest.raises(Conflict, match="Could not clone template 9000 to VM 100 on node pve1"):
        clone(proxmox)


def test_a_clone_whose_worker_did_not_start_may_have_left_a_stub(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    message = {"data": None, "message": "got no worker upid - start worker failed\n"}
    net.post(f"{NODE}/qemu/9000/clone", status=500, json=message)
    net.post(f"{NODE}/qemu/100/status/start", status=500, json=message)
    with pytest.raises(Retryable) as cloning:
        clone(proxmox)
    with pytest.raises(Retryable) as starting:
        proxmox.start("pve1", 100)
    assert (cloning.value.outcome_unknown, starting.value.outcome_unknown) == (True, False)


@pytest.mark.req("PRV-08")
def test_an_absent_vm_has_no_configuration_and_no_status(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    net.get(f"{NODE}/qemu/100/config", status=500, json=ABSENT)
    net.get(f"{NODE}/qemu/100/status/current", status=500, json=ABSENT)
    assert proxmox.config("pve1", 100) is None
    assert proxmox.status("pve1", 100) is None


@pytest.mark.req("PRV-08")
@pytest.mark.parametrize("status", [595, 502, 500])
def test_trouble_on_the_way_is_never_absence(net: responses.RequestsMock, proxmox: Proxmox, status: int) -> None:
    net.get(f"{NODE}/qemu/100/config", status=status, body="")
    net.delete(f"{NODE}/qemu/100", status=status, body="")
    with pytest.raises(Retryable):
        proxmox.config("pve1", 100)
    with pytest.raises(Retryable) as caught:
        proxmox.destroy("pve1", 100)
    assert caught.value.outcome_unknown


@pytest.mark.req("PRV-08")
@pytest.mark.parametrize(
    "trouble", [requests.ReadTimeout("slow"), requests.ConnectTimeout("far"), requests.ConnectionError("cut")]
)
def test_silence_is_never_absence(net: responses.RequestsMock, proxmox: Proxmox, trouble: Exception) -> None:
    net.get(f"{NODE}/qemu/100/config", body=trouble)
    net.get(f"{NODE}/qemu/100/status/current", body=trouble)
    net.delete(f"{NODE}/qemu/100", body=trouble)
    for call in (proxmox.config, proxmox.status, proxmox.destroy):
        with pytest.raises(Retryable):
            call("pve1", 100)


def test_configuration_is_read_with_or_without_pending_changes(
    net: responses.RequestsMock, proxmox: Proxmox, sent: Calls
) -> None:
    net.get(f"{NODE}/qemu/100/config", json={"data": {"memory": "128"}})
    proxmox.config("pve1", 100)
    proxmox.config("pve1", 100, current=True)
    assert sent.lines == ["GET /nodes/pve1/qemu/100/config", "GET /nodes/pve1/qemu/100/config?current=1"]


def test_values_are_spelled_as_forms_carry_them(net: responses.RequestsMock, proxmox: Proxmox, sent: Calls) -> None:
    net.put(f"{NODE}/qemu/100/config", json={"data": None})
    keys = "ssh-ed25519 AAAA me@x\nssh-ed25519 BBBB two\n"
    proxmox.configure(
        "pve1", 100, {"onboot": True, "cores": 2, "sshkeys": keys}, delete=["cipassword", "net1"], digest="d"
    )
    assert sent.form() == {
        "onboot": "1",
        "cores": "2",
        "sshkeys": "ssh-ed25519%20AAAA%20me%40x%0Assh-ed25519%20BBBB%20two",
        "delete": "cipassword,net1",
        "digest": "d",
    }


def test_ssh_keys_that_are_encoded_already_stay_as_they_are(
    net: responses.RequestsMock, proxmox: Proxmox, sent: Calls
) -> None:
    net.put(f"{NODE}/qemu/100/config", json={"data": None})
    proxmox.configure("pve1", 100, {"sshkeys": "ssh-ed25519%20AAAA%20me%40x%0A"})
    assert sent.form()["sshkeys"] == "ssh-ed25519%20AAAA%20me%40x%0A"


def test_nothing_to_change_sends_nothing(net: responses.RequestsMock, proxmox: Proxmox, sent: Calls) -> None:
    proxmox.configure("pve1", 100, {})
    proxmox.set_firewall_options("pve1", 100, {})
    assert sent.lines == []


def test_pending_changes_are_listed_with_their_new_value(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    rows = [
        {"key": "name", "value": "vm1"},
        {"key": "memory", "pending": "128", "value": "64"},
        {"key": "cores", "pending": 2, "value": 1},
        {"delete": 1, "key": "cpu", "value": "qemu64"},
    ]
    net.get(f"{NODE}/qemu/100/pending", json={"data": rows})
    assert proxmox.pending("pve1", 100) == {"memory": "128", "cores": "2", "cpu": None}


@pytest.mark.parametrize(("answer", "upid"), [(UPID, UPID), (None, None)])
def test_a_resize_is_absolute_and_answers_with_a_task_or_at_once(
    net: responses.RequestsMock, proxmox: Proxmox, sent: Calls, answer: str | None, upid: str | None
) -> None:
    net.put(f"{NODE}/qemu/100/resize", json={"data": answer})
    assert proxmox.resize("pve1", 100, "scsi0", 20 * 2**30) == upid
    assert sent.form() == {"disk": "scsi0", "size": "21474836480"}


@pytest.mark.req("DEP-18")
def test_a_migration_is_offline_with_a_storage_mapping(
    net: responses.RequestsMock, proxmox: Proxmox, sent: Calls
) -> None:
    net.post(f"{NODE}/qemu/100/migrate", json={"data": UPID})
    proxmox.migrate("pve1", 100, "pve2", targetstorage="fast")
    assert sent.form() == {"target": "pve2", "targetstorage": "fast"}


def test_destroying_takes_disks_and_references_along(
    net: responses.RequestsMock, proxmox: Proxmox, sent: Calls
) -> None:
    net.delete(f"{NODE}/qemu/100", json={"data": UPID})
    assert proxmox.destroy("pve1", 100) == UPID
    assert sent.lines == ["DELETE /nodes/pve1/qemu/100?purge=1&destroy-unreferenced-disks=1"]
    assert net.calls[0].request.body is None


def test_destroying_what_is_absent_is_done(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    net.delete(f"{NODE}/qemu/100", status=500, json=ABSENT)
    assert proxmox.destroy("pve1", 100) is None


def test_destroying_a_running_vm_is_refused(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    net.delete(f"{NODE}/qemu/100", status=500, json={"message": "VM 100 is running - destroy failed\n"})
    with pytest.raises(WrongState):
        proxmox.destroy("pve1", 100)


@pytest.mark.parametrize(
    ("version", "form"),
    [("7.4-16", {}), ("8.1.4", {}), ("8.4.1", {"overrule-shutdown": "1"}), ("9.2.3", {"overrule-shutdown": "1"})],
)
def test_stop_overrules_a_waiting_shutdown_where_proxmox_can(
    net: responses.RequestsMock, proxmox: Proxmox, sent: Calls, version: str, form: dict[str, str]
) -> None:
    net.get(f"{API}/version", json={"data": {"version": version}})
    net.post(f"{NODE}/qemu/100/status/stop", json={"data": UPID})
    proxmox.stop("pve1", 100)
    assert sent.form() == form
    proxmox.stop("pve1", 100)
    assert sent.lines.count("GET /version") == 1


def test_the_agent_is_silent_without_being_an_error(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    for message in ("QEMU guest agent is not running", "No QEMU guest agent configured", "VM 100 is not running"):
        net.post(f"{NODE}/qemu/100/agent/ping", status=500, json={"message": f"{message}\n"})
        assert proxmox.agent_ping("pve1", 100) is False
        net.remove("POST", f"{NODE}/qemu/100/agent/ping")
    net.post(f"{NODE}/qemu/100/agent/ping", json={"data": {}})
    assert proxmox.agent_ping("pve1", 100) is True


def test_a_node_that_cannot_be_asked_about_the_agent_is_an_error(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    net.post(f"{NODE}/qemu/100/agent/ping", status=595, body="")
    with pytest.raises(Unavailable):
        proxmox.agent_ping("pve1", 100)


@pytest.mark.parametrize("data", [None, "", "done", 7])
def test_a_started_task_without_a_upid_leaves_the_outcome_open(
    net: responses.RequestsMock, proxmox: Proxmox, data: object
) -> None:
    net.post(f"{NODE}/qemu/100/status/start", json={"data": data})
    with pytest.raises(Unavailable) as caught:
        proxmox.start("pve1", 100)
    assert caught.value.outcome_unknown
