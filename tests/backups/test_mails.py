"""All five mails of the module about one VM: their merge fields, and the templates that the product has chosen."""

import pytest

from bridge.lifecycle.rules import Operation
from bridge.models.whmcs import EmailTemplate, Service
from emailtemplates import BACKUP_RESTORED, READY, RESET_PASSWORD, UPGRADE, WELCOME
from tests.backups.conftest import Open
from tests.backups.keeper import Keeper

FIELDS = "{$service_assigned_ips}|{$vm_id}|{$server_hostname}"


def a_whole_life(rig: Keeper) -> int:
    """Ordered, given a new password, restored from a backup, changed."""
    service = rig.deploy()
    rig.house.passwords.reset(service)
    rig.run()
    assert rig.ask_restore(service, rig.made(service).volid) == "success"
    rig.run()
    rig.ask_and_run(service, Operation.CHANGE_PACKAGE)
    return service


@pytest.mark.req("EML-13")
def test_addresses_vmid_and_server_are_in_all_five(keeper: Open) -> None:
    rig = keeper(ipv4_count="2", ipv6_count="0")
    EmailTemplate.update(message=FIELDS).execute()
    service = a_whole_life(rig)
    known = f"{Service.get_by_id(service).assignedips}|100|pve1"
    assert [(mail.template, mail.body) for mail in rig.whmcs.mails] == [
        (WELCOME, "||pve1"),
        (READY, known),
        (RESET_PASSWORD, known),
        (BACKUP_RESTORED, known),
        (UPGRADE, known),
    ]


@pytest.mark.req("EML-15")
def test_the_product_chooses_other_templates_or_none(keeper: Open) -> None:
    chosen = {"mail_ready": "Here it is", "mail_reset": "A new key", "mail_restored": "Back again"}
    rig = keeper(**chosen)
    for name in chosen.values():
        EmailTemplate.create(type="product", name=name, subject=name, message="…")
    service = a_whole_life(rig)
    assert rig.mails_of(service) == [WELCOME, "Here it is", "A new key", "Back again", UPGRADE]
    rig.set_product(**dict.fromkeys(chosen, "None"))
    rig.whmcs.mails.clear()
    a_whole_life(rig)
    assert [mail.template for mail in rig.whmcs.mails] == [WELCOME, UPGRADE]
