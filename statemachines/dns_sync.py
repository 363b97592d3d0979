"""Set DNS records: all records of the VM are deleted and written anew."""

from statemachines import states as s
from statemachines.machine import CARRY_ON, MINUTES, STOP, Machine, Step
from statemachines.output import BlockStyle
from statemachines.steps import dns

# fmt: off
SET_DNS_RECORDS = Machine("set_dns_records", BlockStyle("SetDNSRecords"), final=s.READY,
    #               done so far        label printed         what to do          then it is         named in the manual     patience     on failure
    opening=Step(s.SET_DNS_RECORDS, "Delete DNS records", dns.delete_records, s.SET_DNS_RECORDS, "VMDeleteDNSRecords", 2 * MINUTES, STOP),
    opened=dns.DELETED,
    steps=[
        Step(s.SET_DNS_RECORDS, "Set DNS records",    dns.create_records, s.READY,           "VMSetDNSRecords",    2 * MINUTES, CARRY_ON),
])
# fmt: on
