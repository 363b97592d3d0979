"""Set DNS records: all records of the VM are deleted and written anew."""

from statemachines import states as s
from statemachines.machine import CARRY_ON, MINUTES, Machine, Step
from statemachines.output import BlockStyle
from statemachines.steps import dns

SET_DNS_RECORDS = Machine(
    "set_dns_records",
    BlockStyle("SetDNSRecords"),
    final=s.READY,
    steps=[
        Step(s.SET_DNS_RECORDS, "Set DNS records", dns.set_records, s.READY, "VMSetDNSRecords", 2 * MINUTES, CARRY_ON)
    ],
)
