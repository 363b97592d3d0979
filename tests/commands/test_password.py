"""A new password: kept by WHMCS first, brought into the guest whatever happens, told by mail once."""

from collections.abc import Callable

import pytest

from bridge.models.companion import OutboxMessage
from bridge.models.whmcs import Service
from tests.chaos.gate import Killed, Moment
from tests.commands.conftest import Desk, Open

RESET_MAIL = "puqProxmoxKVM Reset password"


def password_in_whmcs(rig: Desk, service: int) -> str:
    return rig.whmcs.passwords.decrypt(Service.get_by_id(service).password)


def written_to_cloudinit(rig: Desk) -> list[str]:
    return [call.params["cipassword"] for call in rig.calls("PUT", "/config") if "cipassword" in call.params]


def given_to_the_agent(rig: Desk) -> list[str]:
    return [call.params["password"] for call in rig.calls("POST", "/agent/set-user-password") if call.status == 200]


def without_agent(rig: Desk) -> None:
    rig.cluster.guests[100].config.pop("agent", None)


def booted(rig: Desk) -> int:
    """A running VM whose guest has come up."""
    service = rig.deploy()
    rig.clock.advance(3600)
    rig.sent.clear()
    return service


@pytest.mark.req("RPW-01", "RPW-02", "RPW-03", "RPW-04")
def test_a_running_vm_with_agent_has_the_new_password_at_once(desk: Open) -> None:
    rig = desk()
    service = booted(rig)
    before = password_in_whmcs(rig, service)
    answer = rig.house.passwords.reset(service)
    assert (answer.text, answer.facts) == ("success", {"password_applies": "now"})
    new = password_in_whmcs(rig, service)
    assert new != before
    assert written_to_cloudinit(rig) == given_to_the_agent(rig) == [new]
    assert not [call for call in rig.writes() if "/status/" in call]
    assert rig.is_at_rest(service)


@pytest.mark.req("RPW-01")
def test_two_resets_give_different_passwords(desk: Open) -> None:
    rig = desk()
    service = booted(rig)
    seen = set()
    for _ in range(2):
        rig.house.passwords.reset(service)
        seen.add(password_in_whmcs(rig, service))
        rig.clock.advance(1)
    assert len(seen) == 2


@pytest.mark.req("RPW-06")
def test_a_running_vm_without_agent_is_restarted(desk: Open) -> None:
    rig = desk()
    service = booted(rig)
    without_agent(rig)
    assert rig.house.passwords.reset(service).begun
    rig.run()
    writes = rig.writes()
    reboot = next(index for index, call in enumerate(writes) if call.endswith("/status/reboot"))
    assert any(call.endswith("/config") for call in writes[:reboot])
    assert [task.type for task in rig.cluster.tasks.all()].count("qmreboot") == 1
    assert rig.log(service)["password_applies"] == "now, the VM was restarted"
    rig.clock.advance(30)
    assert rig.power(service) == "running"


@pytest.mark.req("RPW-05")
def test_a_stopped_vm_is_started(desk: Open) -> None:
    rig = desk()
    service = booted(rig)
    rig.press(service, "VMStop")
    answer = rig.house.passwords.reset(service)
    assert (answer.text, answer.facts) == ("success", {"password_applies": "now"})
    assert written_to_cloudinit(rig) == [password_in_whmcs(rig, service)]
    assert rig.power(service) == "running"


def test_a_suspended_vm_gets_the_password_and_stays_down(desk: Open) -> None:
    rig = desk()
    service = booted(rig)
    rig.house.suspension.suspend(service)
    rig.run()
    answer = rig.house.passwords.reset(service)
    assert answer.facts == {"password_applies": "when the VM is started again"}
    assert rig.power(service) == "stopped"


def test_a_guest_that_does_not_restart_is_said_to_keep_its_password_until_it_does(desk: Open) -> None:
    rig = desk()
    service = booted(rig)
    without_agent(rig)
    rig.cluster.timing.durations["qmshutdown"] = 100_000.0
    rig.house.passwords.reset(service)
    rig.run()
    assert rig.log(service)["password_applies"] == "after the next restart of the VM"
    assert rig.power(service) == "running"
    assert rig.mails_of(service).count(RESET_MAIL) == 1
    assert rig.is_at_rest(service)


@pytest.mark.req("RPW-07", "RPW-11")
def test_the_client_learns_it_by_one_mail(desk: Open) -> None:
    rig = desk()
    service = booted(rig)
    answer = rig.house.passwords.reset(service)
    rig.run()
    [mail] = [mail for mail in rig.whmcs.mails if mail.service_id == service and mail.template == RESET_MAIL]
    new, row = password_in_whmcs(rig, service), Service.get_by_id(service)
    assert new not in answer.text + str(answer.facts) + str(rig.record(service).vm_last_action_log)
    assert all(part in mail.body for part in (new, row.username, row.dedicatedip, row.domain))


@pytest.mark.req("EML-07")
def test_the_mail_is_recorded_when_the_password_is_in_the_guest_and_not_before(desk: Open) -> None:
    rig = desk()
    service = booted(rig)
    without_agent(rig)
    before_the_restart: list[int] = []

    def remember(request: object, answer: object) -> None:
        if not any(task.type == "qmreboot" and task.ended for task in rig.cluster.tasks.all()):
            before_the_restart.append(sum(RESET_MAIL in message.payload for message in OutboxMessage.select()))

    rig.witnesses.append(remember)
    rig.house.passwords.reset(service)
    rig.run()
    assert len(before_the_restart) > 3
    assert set(before_the_restart) == {0}
    assert rig.mails_of(service).count(RESET_MAIL) == 1


def test_without_a_template_there_is_no_mail(desk: Open) -> None:
    rig = desk(mail_reset="None")
    service = booted(rig)
    assert rig.house.passwords.reset(service).text == "success"
    rig.run()
    assert RESET_MAIL not in rig.mails_of(service)


@pytest.mark.req("RPW-09")
def test_it_succeeds_for_a_guest_whose_cloud_init_is_not_there(desk: Open) -> None:
    """Nobody outside of the guest can tell."""
    rig = desk()
    service = booted(rig)
    without_agent(rig)
    rig.press(service, "VMStop")
    assert rig.house.passwords.reset(service).text == "success"


@pytest.mark.req("RPW-10")
@pytest.mark.parametrize("lock", ["backup", "rollback", "snapshot"])
def test_a_locked_vm_keeps_its_password(desk: Open, lock: str) -> None:
    rig = desk()
    service = booted(rig)
    before = password_in_whmcs(rig, service)
    rig.cluster.guests[100].config["lock"] = lock
    assert rig.house.passwords.reset(service).text == f"Reset password is not possible now: VM 100 is locked ({lock})"
    assert password_in_whmcs(rig, service) == before
    assert rig.writes() == []


def test_change_password_of_whmcs_brings_the_new_one(desk: Open) -> None:
    rig = desk()
    service = booted(rig)
    assert rig.house.passwords.change(service, "Zm9vYmFy-typed") == "success"
    assert password_in_whmcs(rig, service) == "Zm9vYmFy-typed"
    assert written_to_cloudinit(rig) == given_to_the_agent(rig) == ["Zm9vYmFy-typed"]


@pytest.mark.parametrize("typed", ["", "abcd", "two\nlines", "x" * 256])
def test_a_password_that_no_guest_takes_is_refused(desk: Open, typed: str) -> None:
    rig = desk()
    service = booted(rig)
    before = password_in_whmcs(rig, service)
    answer = rig.house.passwords.change(service, typed)
    assert answer == "The new password must have 5 to 255 characters and no line breaks."
    assert password_in_whmcs(rig, service) == before


def test_a_package_change_waits_for_the_password(desk: Open) -> None:
    rig = desk()
    service = booted(rig)
    without_agent(rig)
    rig.cluster.timing.durations["qmshutdown"] = 20.0
    rig.house.passwords.reset(service)
    assert not rig.is_at_rest(service)
    rig.set_product(ram="3")
    assert rig.house.requests.ask(service, "change_package") == "success"
    assert rig.states()[service] == "ready"
    rig.run()
    assert rig.mails_of(service).count(RESET_MAIL) == 1
    assert int(rig.config(service)["memory"]) == 3072
    assert rig.is_at_rest(service)


def with_agent(rig: Desk, service: int) -> None:
    """The VM as it is."""


def no_agent(rig: Desk, service: int) -> None:
    without_agent(rig)


def switched_off(rig: Desk, service: int) -> None:
    rig.unplug(service)


def reset_until_it_dies(rig: Desk, service: int, index: int, moment: Moment) -> str:
    """Somebody asks for a new password; the process that answers, or the scheduler after it, dies at this call.

    Returns the call, empty when there were fewer.
    """
    rig.gate.__init__(index, moment)  # type: ignore[misc]
    try:
        rig.house.passwords.reset(service)
    except Killed:
        rig.clock.advance(rig.house.claims.lease + 1)
        rig.start_daemon()
    if rig.gate.struck:
        struck = rig.gate.struck
        rig.run()
        return struck
    return rig.run(index - len(rig.gate.calls), moment).struck


@pytest.mark.req("ENG-30", "ENG-31", "ENG-32")
@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("prepare", [with_agent, no_agent, switched_off])
def test_dying_at_any_call_never_loses_a_password(
    desk: Open, moment: Moment, prepare: Callable[[Desk, int], None]
) -> None:
    """What WHMCS shows is in the guest, or nothing has happened at all; and each change is told once."""
    rig = desk()
    service = booted(rig)
    mails, index, struck = 0, 0, "the first"
    while struck:
        rig.clock.advance(3600)
        prepare(rig, service)
        before, power = password_in_whmcs(rig, service), rig.power(service)
        struck = reset_until_it_dies(rig, service, index, moment)
        where = f"{moment}, call {index}: {struck}"
        rig.clock.advance(60)
        new = password_in_whmcs(rig, service)
        mails += new != before
        assert rig.mails_of(service).count(RESET_MAIL) == mails, where
        assert rig.is_at_rest(service), where
        assert rig.power(service) == (power if new == before else "running"), where
        if new != before:
            assert written_to_cloudinit(rig)[-1] == new, where
            assert prepare is not with_agent or given_to_the_agent(rig)[-1] == new, where
        index += 1
    assert mails > 3
    assert index > 6
