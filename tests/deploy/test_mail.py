"""The mails of an order: welcome at once, ready when the VM runs, each once."""

import pytest

from bridge.models.whmcs import Service
from bridge.sandbox.whmcs.faults import FaultKind
from tests.deploy.conftest import Install

WELCOME, READY = "puqProxmoxVKM Welcome Email", "puqProxmoxKVM VM is ready"


@pytest.mark.req("DEP-45")
def test_the_welcome_mail_leaves_before_anything_is_done_on_the_cluster(install: Install) -> None:
    rig = install()
    service = rig.order()
    left_by_then: list[int] = []
    rig.witnesses.append(lambda request, answer: left_by_then.append(len(rig.mails_of(service))))
    rig.run()
    assert rig.mails_of(service) == [WELCOME, READY]
    assert set(left_by_then) == {1}


@pytest.mark.req("DEP-36", "DEP-52", "EML-06")
def test_the_ready_mail_has_what_the_client_needs_to_log_in(install: Install) -> None:
    rig = install(os_username="debian")
    service = rig.order()
    rig.run()
    mail = rig.whmcs.mails[-1]
    assert mail.template == READY
    assert mail.to == "zoe@example.com"
    assert "debian" in mail.body
    assert "192.168.130.2" in mail.body
    assert rig.whmcs.passwords.decrypt(Service.get_by_id(service).password) in mail.body
    assert str(rig.record(service).vm_name) in mail.body


@pytest.mark.req("CFG-60")
def test_with_none_chosen_no_ready_mail_leaves(install: Install) -> None:
    rig = install(mail_ready="None")
    service = rig.deploy()
    assert rig.mails_of(service) == [WELCOME]


@pytest.mark.req("ENG-15", "DEP-36")
@pytest.mark.parametrize("fault", list(FaultKind))
def test_trouble_with_whmcs_delays_the_mails_and_neither_loses_nor_doubles_them(
    install: Install, fault: FaultKind
) -> None:
    rig = install()
    service = rig.order()
    rig.whmcs.faults.plan(fault, "SendEmail", times=3)
    rig.run()
    assert rig.states()[service] == "ready"
    assert rig.mails_of(service) == [WELCOME, READY]
