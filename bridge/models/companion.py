"""Our own tables, prefix `kvm_bridge_`: what the documented tables have no place for.

Dropping them all leaves the documented tables whole, so that the old module could take the database back. Times are epoch
seconds (double precision). Uniqueness is the database's job: reservations rely on the unique keys declared here.
"""

from typing import ClassVar

from peewee import SQL, AutoField, BigIntegerField, CharField, DateTimeField, DoubleField, IntegerField, TextField

from bridge.models.base import BaseModel

ZERO = SQL("DEFAULT 0")  # for columns that came later: SQLite adds none that is NOT NULL and has no default


class CompanionModel(BaseModel):
    """A table of ours. Texts compare byte by byte on MySQL too, as they do on SQLite."""

    mysql_table_options: ClassVar[str] = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"


class VmWork(CompanionModel):
    """Work on the VM of one service: where the current step stands, when to look again, and who holds the lease.

    `generation` grows with every request that changes what is to be done, so that a run which began before it can write
    nothing more; `pending_action` is a request that waits for the VM to be ready; `suspended` 1 = the VM must not run,
    2 = not suspended any more and to be started; `onboot` 1 = it used to start with its node before it was suspended.
    `due_at` NULL = nothing to do; `template` the operating system template chosen for this VM; `intent` facts written
    down before acting, as JSON; `attention_*` set while a person has to act (cause, since when, who can).
    `job_state` is the state of a pipeline whose states the documented `vm_status` does not know (it shows `ready` then);
    `queue` the cron task whose runs drive what is due, NULL = processVirtualMachines; `backup_day` the last local date
    (`YYYY-MM-DD`) whose scheduled backup was made.
    """

    service_id = IntegerField(primary_key=True)
    server_id = IntegerField(null=True, index=True)
    node = CharField(null=True)
    template = IntegerField(null=True)
    task_upid = TextField(null=True)
    ticks = IntegerField(default=0)
    step_started = DoubleField(null=True)
    intent = TextField(null=True)
    pending_action = CharField(null=True)
    job_state = CharField(null=True, max_length=64)
    queue = CharField(null=True, max_length=64)
    generation = IntegerField(default=0, constraints=[ZERO])
    suspended = IntegerField(default=0, index=True, constraints=[ZERO])
    onboot = IntegerField(null=True)
    backup_day = CharField(max_length=10, null=True)
    due_at = DoubleField(null=True, index=True)
    lease_owner = CharField(null=True)
    lease_until = DoubleField(null=True, index=True)
    attempts = IntegerField(default=0)
    attention_cause = TextField(null=True)
    attention_since = DoubleField(null=True)
    attention_who = TextField(null=True)
    next_try_at = DoubleField(null=True)
    created_at = DoubleField(null=True)
    updated_at = DoubleField(null=True)

    class Meta:
        table_name = "kvm_bridge_vm"


class VmidReservation(CompanionModel):
    """A VMID of a cluster that is ours (`service_id`) or that we must not take (NULL: a stranger's, or in quarantine).

    `adopted_at` set = the old module made the VM; it has been ours since then.
    """

    id = AutoField()
    cluster = CharField()
    vmid = IntegerField()
    service_id = IntegerField(null=True, index=True)
    reserved_at = DoubleField()
    adopted_at = DoubleField(null=True)

    class Meta:
        table_name = "kvm_bridge_vmid"
        indexes = ((("cluster", "vmid"), True),)


class AddressReservation(CompanionModel):
    """An address held by a service: dotted IPv4 or eight full lower-case groups of IPv6.

    `family` 4 or 6, `position` orders the addresses of one family (0 first), `pool_id` NULL = from the server's legacy list,
    or from a pool that is gone. `prefix` to `vlan` are the network as it was when the address was given, name servers
    separated by blanks; `prefix` NULL = not written down.
    """

    id = AutoField()
    address = CharField(max_length=39, unique=True)
    service_id = IntegerField(index=True)
    server_id = IntegerField(index=True)
    family = IntegerField()
    position = IntegerField(default=0)
    pool_id = IntegerField(null=True)
    reserved_at = DoubleField()
    prefix = IntegerField(null=True)
    gateway = CharField(null=True)
    dns = TextField(null=True)
    bridge = CharField(null=True)
    vlan = IntegerField(null=True)

    class Meta:
        table_name = "kvm_bridge_address"


class QuarantinedAddress(CompanionModel):
    """An address that `service_id` gave back; for some time nobody else gets it. Forms and `family` as in reservations."""

    address = CharField(max_length=39, primary_key=True)
    family = IntegerField()
    service_id = IntegerField()
    released_at = DoubleField(index=True)

    class Meta:
        table_name = "kvm_bridge_address_quarantine"


class OutboxMessage(CompanionModel):
    """A mail or call that leaves after the state change it belongs to. `dedupe_key` makes it the same message again.

    `state` is pending, refused, sending, sent or failed; `payload` JSON. `client_id` 0 = no client's business, or the service
    has no row; messages of one client and kind leave one after the other. `evidence_after` is the highest row of WHMCS's log before the first attempt whose
    outcome is open: only rows beyond it can prove that the message left.
    """

    id = AutoField()
    kind = CharField(max_length=64)
    dedupe_key = CharField(max_length=191, unique=True)
    service_id = IntegerField(index=True)
    client_id = IntegerField(default=0)
    payload = TextField()
    state = CharField(max_length=16, default="pending")
    attempts = IntegerField(default=0)
    next_try_at = DoubleField(null=True)
    attempt_started_at = DoubleField(null=True)
    evidence_after = IntegerField(null=True)
    created_at = DoubleField()
    sent_at = DoubleField(null=True)
    last_error = TextField(null=True)

    class Meta:
        table_name = "kvm_bridge_outbox"
        indexes = ((("state", "next_try_at"), False), (("client_id", "state"), False))


class Slot(CompanionModel):
    """One of the places for heavy work in a scope ("node:…", "storage:…"), numbered from 0, taken by a service."""

    id = AutoField()
    scope = CharField(max_length=191)
    number = IntegerField()
    service_id = IntegerField(index=True)

    class Meta:
        table_name = "kvm_bridge_slot"
        indexes = ((("scope", "number"), True),)


class SnapshotSchedule(CompanionModel):
    """When snapshots of a service's VM are taken by themselves.

    `days` JSON as `vm_backup_schedule` has it (`{"0": "07:00"}`, 0 = Sunday); `served_on` the last local date that was seen to.
    """

    service_id = IntegerField(primary_key=True)
    days = TextField()
    served_on = CharField(max_length=10, null=True)

    class Meta:
        table_name = "kvm_bridge_snapshot_schedule"


class PendingRecord(CompanionModel):
    """A record set that is not as it should be in its zone: a provider failed, or has not been asked yet.

    What it should be is not kept here but follows from the service at the time of the next try. `ip` is the address that a
    PTR record belongs to, empty for A and AAAA; `since` when it was first not right, `cause` why.
    """

    id = AutoField()
    service_id = IntegerField(index=True)
    zone_id = IntegerField()
    name = CharField(max_length=255)
    type = CharField(max_length=8)
    ip = CharField(max_length=39, default="")
    cause = TextField(default="")
    since = DoubleField()
    attempts = IntegerField(default=0)
    due_at = DoubleField(index=True)

    class Meta:
        table_name = "kvm_bridge_dns_pending"
        indexes = ((("zone_id", "name", "type"), True),)


class TaskState(CompanionModel):
    """One cron task: who runs it now, and how its last run ended.

    `lease_owner` and `lease_until` are its lock, taken at `taken_at` and renewed while the run goes on; `last_run` is when it
    was begun last, whoever did it; `again_at` is set while there is more to do than a run could hand out: from then on it is begun
    anew, whatever its interval; `last_result` is ok or error, `details` the lines below its summary, one per service.
    """

    name = CharField(max_length=64, primary_key=True)
    lease_owner = CharField(null=True)
    lease_until = DoubleField(null=True)
    taken_at = DoubleField(null=True)
    last_run = DoubleField(null=True)
    again_at = DoubleField(null=True)
    last_ended = DoubleField(null=True)
    last_result = CharField(max_length=16, null=True)
    processed = IntegerField(default=0)
    errors = IntegerField(default=0)
    details = TextField(null=True)

    class Meta:
        table_name = "kvm_bridge_task"


class TrafficState(CompanionModel):
    """How far the traffic of a service's VM is counted: what was seen at the last collection, `sampled_at`.

    `node` to `netout` are of the QEMU process that was seen last, at `seen_at` (NULL = none yet): its uptime in seconds and
    what its network cards had counted, in bytes. From `open_since` on nothing is counted yet; it is before `sampled_at` while
    the VM is stopped. `newest_hour` is the hour of the newest row that we have written for it.
    """

    service_id = IntegerField(primary_key=True)
    server_id = IntegerField()
    vmid = IntegerField()
    sampled_at = DoubleField()
    open_since = DoubleField()
    seen_at = DoubleField(null=True)
    node = CharField(null=True)
    uptime = IntegerField(default=0)
    netin = BigIntegerField(default=0)
    netout = BigIntegerField(default=0)
    newest_hour = DateTimeField(null=True)

    class Meta:
        table_name = "kvm_bridge_traffic"


class TrafficKept(CompanionModel):
    """What rows of a service's month held that were removed for their age; `month` is YYYY-MM, bytes."""

    id = AutoField()
    service_id = IntegerField()
    month = CharField(max_length=7)
    netin = BigIntegerField(default=0)
    netout = BigIntegerField(default=0)

    class Meta:
        table_name = "kvm_bridge_traffic_kept"
        indexes = ((("service_id", "month"), True),)


class ProductSetting(CompanionModel):
    """One setting of one product; a setting without a row has its default."""

    id = AutoField()
    product_id = IntegerField()
    name = CharField(max_length=64)
    value = TextField()

    class Meta:
        table_name = "kvm_bridge_product"
        indexes = ((("product_id", "name"), True),)


class Setting(CompanionModel):
    """One global setting; a setting without a row has its default."""

    name = CharField(max_length=64, primary_key=True)
    value = TextField()

    class Meta:
        table_name = "kvm_bridge_setting"


class AppliedMigration(CompanionModel):
    """A migration that this database has seen."""

    version = IntegerField(primary_key=True)
    applied_at = DoubleField()

    class Meta:
        table_name = "kvm_bridge_migration"


TABLES: list[type[BaseModel]] = [
    VmWork,
    VmidReservation,
    AddressReservation,
    QuarantinedAddress,
    OutboxMessage,
    Slot,
    SnapshotSchedule,
    PendingRecord,
    TaskState,
    TrafficState,
    TrafficKept,
    ProductSetting,
    Setting,
    AppliedMigration,
]
