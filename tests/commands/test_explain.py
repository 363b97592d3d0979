"""What `kvm-bridge explain`, `status` and `record` tell, in words and as JSON."""

import json

import pytest
from click.testing import CliRunner, Result

import bridge
from bridge.commands import cli
from bridge.commands import explain as explain_module
from bridge.commands import record as record_module
from bridge.commands import run as run_module
from bridge.lifecycle.explain import Explanations, UnknownService
from bridge.models.companion import VmWork
from bridge.task_book import TaskBook
from bridge.tasks import BACKUPS, SNAPSHOTS, TASKS
from bridge.tasks import Result as TaskResult
from tests.commands.conftest import Desk, Open


@pytest.fixture
def office(desk: Open, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The commands work on this installation."""
    rig = desk()
    for module in (explain_module, record_module, run_module):
        monkeypatch.setattr(module, "house_from_environment", lambda: rig.house)
    return rig


def kvm_bridge(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def parked(rig: Desk) -> int:
    """A service whose clone cannot begin."""
    rig.set_product(os_template="4711")
    service = rig.order()
    rig.tick()
    return service


def test_a_parked_vm_says_what_why_since_when_and_who_can_act(office: Desk) -> None:
    service = parked(office)
    stamp = office.clock.stamp
    facts = Explanations(office.clock, office.house.settings).service(service)
    work = office.work(service)
    assert (facts["status"], facts["waits_for"]) == ("set_ip", "Clone VM")
    assert facts["cause"].startswith("template 4711 does not exist on server")
    assert (facts["who_can_act"], facts["tries"]) == ("admin", 1)
    assert (facts["since"], facts["next_try"]) == (stamp(work.attention_since or 0), stamp(work.due_at or 0))
    assert (facts["held_by"], facts["task"]) == ("", "")


def test_a_vm_at_work_says_who_holds_it_and_which_task_it_waits_for(office: Desk) -> None:
    service = office.deploy()
    office.cluster.timing.durations["qmshutdown"] = 20.0
    office.press(service, "VMShutdown")
    assert office.house.claims.take_one(service)
    facts = Explanations(office.clock, office.house.settings).service(service)
    assert facts["waits_for"] == "Shut down"
    assert facts["held_by"] == office.house.owner
    assert facts["task"].startswith("UPID:")
    assert facts["next_try"] == "now"


def test_explain_fits_one_screen_and_has_the_same_as_json(office: Desk) -> None:
    service = parked(office)
    told = kvm_bridge("explain", service)
    assert told.exit_code == 0
    assert len(told.output.splitlines()) < 24
    assert "Clone VM" in told.output
    assert "template 4711 does not exist" in told.output
    assert json.loads(kvm_bridge("explain", service, "--json").output)["waits_for"] == "Clone VM"


def test_a_service_that_nobody_knows_is_refused_with_one_line(office: Desk) -> None:
    told = kvm_bridge("explain", 4711)
    assert (told.exit_code, told.output) == (1, "Error: service 4711 does not exist in WHMCS and has no VM record\n")
    with pytest.raises(UnknownService):
        Explanations(office.clock, office.house.settings).service(4711)


def test_status_counts_vms_and_names_those_in_trouble(office: Desk) -> None:
    ready = office.deploy()
    troubled = parked(office)
    facts = json.loads(kvm_bridge("status", "--json").output)
    assert facts["vms"] == {"ready": 1, "set_ip": 1}
    assert [trouble["service"] for trouble in facts["troubles"]] == [troubled]
    assert ready not in [trouble["service"] for trouble in facts["troubles"]]
    assert facts["outbox"] == {}
    told = kvm_bridge("status")
    assert told.exit_code == 0
    assert "1 ready, 1 set_ip" in told.output


@pytest.mark.req("OBS-09")
def test_status_tells_who_has_to_act_what_waits_and_how_the_work_goes(office: Desk) -> None:
    parked(office)
    office.clock.advance(600)
    facts = json.loads(kvm_bridge("status", "--json").output)
    assert (facts["version"], facts["schema_pending"], facts["works"]) == (bridge.__version__, [], False)
    assert sum(facts["act"].values()) == 1
    assert facts["waiting"] == 1
    assert 0 < facts["waiting_seconds"] <= 600
    assert facts["leases"] == facts["places"] == {}
    assert facts["last_runs"].keys() == facts["tasks"].keys() == {task.name for task in TASKS}
    office.house.settings.set_scheduler_seen(office.clock.now())
    told = kvm_bridge("status").output
    assert f"Version    {bridge.__version__}\n" in told
    assert f"Waiting    1, the oldest for {facts['waiting_seconds']} s\n" in told
    assert "To act     " in told
    assert "(every 1 min" in told
    assert len(told.splitlines()) < 30


@pytest.mark.req("OBS-09")
def test_status_tells_how_the_last_run_of_a_task_ended_and_whether_one_is_at_work(office: Desk) -> None:
    book = TaskBook(office.clock, lambda: 600.0)
    book.begin(SNAPSHOTS.name, None)
    book.note(SNAPSHOTS.name, TaskResult(processed=5, errors=3), ok=False)
    office.house.settings.change({f"cron_interval_{BACKUPS.name}": 0})
    facts = json.loads(kvm_bridge("status", "--json").output)["tasks"]
    told = {key: facts[SNAPSHOTS.name][key] for key in ("interval", "result", "processed", "errors")}
    assert told == {"interval": 5, "result": "error", "processed": 5, "errors": 3}
    lines = kvm_bridge("status").output.splitlines()
    stamp = office.clock.stamp(office.clock.now())
    assert f"Last run   {SNAPSHOTS.name} {stamp} (every 5 min, error, 3 in vain, at work)" in lines
    assert f"Last run   {BACKUPS.name} never (off)" in lines


@pytest.mark.req("OBS-09")
def test_status_names_who_holds_a_vm_and_says_when_nobody_works(office: Desk) -> None:
    service = office.deploy()
    VmWork.update(lease_owner="host/1", lease_until=9e9).where(VmWork.service_id == service).execute()
    assert json.loads(kvm_bridge("status", "--json").output)["leases"] == {"host/1": 1}
    told = kvm_bridge("status").output
    assert "Held       1 by host/1\n" in told
    assert "To act     nobody\n" in told
    assert "NOBODY WORKS ON VMs NOW" in told


def test_a_record_is_shown_changed_reset_and_deleted(office: Desk) -> None:
    service = office.deploy()
    assert json.loads(kvm_bridge("record", "show", service, "--json").output)["vm_status"] == "ready"
    assert "vm_id: 100" in kvm_bridge("record", "show", service).output.splitlines()
    assert kvm_bridge("record", "set", service, "vm_backups=2").output == f"service {service}: vm_backups changed\n"
    assert kvm_bridge("record", "reset", service, "remove").output == f"service {service}: ready -> remove\n"
    assert kvm_bridge("record", "delete", service, "--yes").output == f"service {service}: record deleted\n"
    refused = kvm_bridge("record", "show", service)
    assert (refused.exit_code, refused.output) == (1, f"Error: service {service} has no VM record\n")


def test_a_record_is_not_changed_to_nonsense(office: Desk) -> None:
    service = office.deploy()
    refused = kvm_bridge("record", "set", service, "vm_status=running")
    assert (refused.exit_code, refused.output) == (1, "Error: vm_status is not a documented status\n")
    assert kvm_bridge("record", "set", service, "vm_status").exit_code == 2


def test_commands_can_be_run_from_the_shell(office: Desk) -> None:
    service = office.deploy()
    assert kvm_bridge("run", service, "VMStop", "--yes").output == "done\n"
    assert office.power(service) == "stopped"
    refused = kvm_bridge("run", service, "VMReboot", "--yes")
    assert (refused.exit_code, refused.output) == (
        1,
        "Error: Reboot is possible on a running VM only: VM 100 is stopped\n",
    )
    assert kvm_bridge("run", service, "ResetPassword", "--yes").output == "done; the password applies now\n"
    assert office.power(service) == "running"
