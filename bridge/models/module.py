"""The product's documented tables, names and columns as an existing installation has them.

The old module may have written these rows and may read them again: columns keep name and meaning, further columns and
rows that we do not know survive, and what only we need lives in `companion`.
"""

from peewee import SQL, AutoField, BigIntegerField, CharField, DateTimeField, IntegerField, TextField

from bridge.models.base import BaseModel, LongTextField, LooseIntegerField, SharedModel

ZERO = SQL("DEFAULT 0")


class VmInfo(SharedModel):
    """The VM of one service: Proxmox identity, module state (`vm_status`) and its logs.

    `vm_rev_dns`, `vm_backup_schedule`, `vm_last_action_log` and `vm_deploy_log` are JSON texts; `vm_snapshots` and
    `vm_backups` count what exists; the `_utid` columns hold UPIDs of running backup tasks. Rows of older versions may have
    NULL or '' anywhere but in `service_id`.
    """

    service_id = IntegerField(primary_key=True)
    vm_id = LooseIntegerField(null=True)
    vm_name = CharField(null=True)
    vm_status = CharField(null=True)
    vm_net0_mac = CharField(null=True)
    vm_rev_dns = TextField(null=True)
    vm_snapshots = LooseIntegerField(null=True, default=0, constraints=[ZERO])
    vm_backups = LooseIntegerField(null=True, default=0, constraints=[ZERO])
    vm_backup_now_utid = CharField(null=True)
    vm_backup_restore_utid = CharField(null=True)
    vm_backup_schedule = TextField(null=True)
    vm_last_action_log = LongTextField(null=True)
    vm_deploy_log = LongTextField(null=True)

    class Meta:
        table_name = "puqProxmoxKVM_vm_info"


class TrafficSample(SharedModel):
    """Network traffic of one VM in one hour, in bytes."""

    id = AutoField()
    service_id = IntegerField(constraints=[ZERO])
    vm_id = LooseIntegerField(null=True)
    date = DateTimeField(null=True)
    netin = BigIntegerField(default=0, constraints=[ZERO])
    netout = BigIntegerField(default=0, constraints=[ZERO])

    class Meta:
        table_name = "puqProxmoxKVM_statistics"
        indexes = ((("service_id", "date"), True),)


class IpPool(SharedModel):
    """A range of addresses of one server with what a guest needs to use them. `type` is ipv4 or ipv6, `vlan` 0 = untagged."""

    id = AutoField()
    server_id = IntegerField(index=True, constraints=[ZERO])
    type = CharField(max_length=8, default="ipv4", constraints=[SQL("DEFAULT 'ipv4'")])
    bridge = CharField(null=True)
    vlan = LooseIntegerField(null=True, default=0, constraints=[ZERO])
    gateway = CharField(null=True)
    mask = LooseIntegerField(null=True)
    dns1 = CharField(null=True)
    dns2 = CharField(null=True)
    address_start = CharField(null=True)
    address_stop = CharField(null=True)

    class Meta:
        table_name = "puq_proxmox_kvm_ip_pools"


class DnsZone(SharedModel):
    """A zone and the provider that serves it (`type`: cloudflare, hestiacp, powerdns); unused provider fields stay NULL.

    `api_token`, `password` and `api_key` are secrets.
    """

    id = AutoField()
    zone = CharField(null=True)
    type = CharField(null=True)
    account_id = CharField(null=True)
    zone_id = CharField(null=True)
    api_token = TextField(null=True)
    server = CharField(null=True)
    admin = CharField(null=True)
    user = CharField(null=True)
    password = TextField(null=True)
    api_key = TextField(null=True)

    class Meta:
        table_name = "puq_proxmox_kvm_dns_zones"


TABLES: list[type[BaseModel]] = [VmInfo, TrafficSample, IpPool, DnsZone]
