"""The merge fields of the module's own mails, in templates that a shop has changed."""

from bridge.lifecycle.rules import Operation
from bridge.models.whmcs import EmailTemplate, Server, Service
from emailtemplates import READY, RESET_PASSWORD, UPGRADE, WELCOME
from tests.commands.conftest import Open

FIELDS = "{$service_assigned_ips}|{$vm_id}|{$server_hostname}|"


def test_addresses_vmid_and_host_name_of_the_server_are_in_every_mail_about_a_vm(desk: Open) -> None:
    rig = desk(ipv4_count="2", ipv6_count="0")
    EmailTemplate.update(message=FIELDS).execute()
    Server.update(name="Warsaw", hostname="pve-waw1.example.com").execute()
    service = rig.deploy()
    rig.house.passwords.reset(service)
    rig.run()
    assert rig.house.requests.ask(service, Operation.CHANGE_PACKAGE) == "success"
    rig.run()
    assigned = Service.get_by_id(service).assignedips
    known = f"{assigned}|100|pve-waw1.example.com|"
    assert [(mail.template, mail.body) for mail in rig.whmcs.mails] == [
        (WELCOME, "||pve-waw1.example.com|"),
        (READY, known),
        (RESET_PASSWORD, known),
        (UPGRADE, known),
    ]
