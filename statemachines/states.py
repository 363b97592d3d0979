"""Values of `vm_status`, each followed by what it means. A state is the last completed step, safe to stop at."""

# Deploy
CREATION = "creation"  # ordered: nothing exists yet but the record
SET_IP = "set_ip"  # VMID, name, credentials and addresses are reserved
CLONE = "clone"  # the VM exists and carries our mark
SET_DNS = "set_dns"  # forward and reverse records were written where zones match
MIGRATED = "migrated"  # the VM is on the node where it stays
SET_CPU_RAM = "set_cpu_ram"  # cores, sockets and memory are those of the package
SET_SYSTEM_DISK_SIZE = "set_system_disk_size"  # the system disk is at least as large as the package says
SET_SYSTEM_DISK_BANDWIDTH = "set_system_disk_bandwidth"  # the system disk has its I/O limits
SET_CREATED_ADDITIONAL_DISK = "set_created_additional_disk"  # the additional disk exists if the package has one
SET_ADDITIONAL_DISK_SIZE = "set_additional_disk_size"  # the additional disk has its size
SET_ADDITIONAL_DISK_BANDWIDTH = "set_additional_disk_bandwidth"  # the additional disk has its I/O limits
SET_NETWORK = "set_network"  # net0 has bridge, VLAN, rate and firewall flag
SET_FIREWALL = "set_firewall"  # firewall options, policies and the anti-spoofing set are in place
SET_CLOUDINIT = "set_cloudinit"  # host name, addresses and credentials are in the cloud-init settings
STARTING = "starting"  # the start was accepted
READY = "ready"  # the client has the VM

# Change package
CHANGE_PACKAGE = "change_package"  # asked for, nothing done yet
CP_UPDATE_IP = "cp_update_ip"
CP_STOP = "cp_stop"
CP_CPU_RAM = "cp_cpu_ram"
CP_SYSTEM_DISK_SIZE = "cp_system_disk_size"
CP_SYSTEM_DISK_BANDWIDTH = "cp_system_disk_bandwidth"
CP_ADDITIONAL_DISK = "cp_additional_disk"
CP_ADDITIONAL_DISK_SIZE = "cp_additional_disk_size"
CP_ADDITIONAL_DISK_BANDWIDTH = "cp_additional_disk_bandwidth"
CP_NETWORK = "cp_network"
CP_FIREWALL = "cp_firewall"
CP_START = "cp_start"

# Restore backup: the documented record shows `ready` meanwhile
RESTORE_BACKUP = "restore_backup"  # asked for, nothing done yet
RB_STOPPED = "rb_stopped"  # the VM is down, and the backup was seen to be there
RB_SNAPSHOTS_REMOVED = "rb_snapshots_removed"
RB_RESTORED = "rb_restored"  # the VM is that of the backup, and carries our mark
RB_CPU_RAM = "rb_cpu_ram"
RB_SYSTEM_DISK_SIZE = "rb_system_disk_size"
RB_SYSTEM_DISK_BANDWIDTH = "rb_system_disk_bandwidth"
RB_ADDITIONAL_DISK = "rb_additional_disk"
RB_ADDITIONAL_DISK_SIZE = "rb_additional_disk_size"
RB_ADDITIONAL_DISK_BANDWIDTH = "rb_additional_disk_bandwidth"
RB_NETWORK = "rb_network"
RB_FIREWALL = "rb_firewall"
RB_CLOUDINIT = "rb_cloudinit"
RB_START = "rb_start"

# Other jobs
REINSTALL = "reinstall"  # the VM is to be removed and deployed again
SET_DNS_RECORDS = "set_dns_records"  # all records of the VM are to be written anew
TERMINATE = "terminate"  # the VM is to be deleted

# At rest
ERROR_TERMINATE = "error_terminate"  # deletion was not confirmed; VMID, addresses and domain are kept
REMOVE = "remove"  # the VM is gone; only its record is left

DEPLOY_STATES = (
    CREATION,
    SET_IP,
    CLONE,
    SET_DNS,
    MIGRATED,
    SET_CPU_RAM,
    SET_SYSTEM_DISK_SIZE,
    SET_SYSTEM_DISK_BANDWIDTH,
    SET_CREATED_ADDITIONAL_DISK,
    SET_ADDITIONAL_DISK_SIZE,
    SET_ADDITIONAL_DISK_BANDWIDTH,
    SET_NETWORK,
    SET_FIREWALL,
    SET_CLOUDINIT,
    STARTING,
)
# States that the documented column has no words for: it shows `ready` while the pipeline is at work.
HIDDEN = frozenset(
    {
        RESTORE_BACKUP,
        RB_STOPPED,
        RB_SNAPSHOTS_REMOVED,
        RB_RESTORED,
        RB_CPU_RAM,
        RB_SYSTEM_DISK_SIZE,
        RB_SYSTEM_DISK_BANDWIDTH,
        RB_ADDITIONAL_DISK,
        RB_ADDITIONAL_DISK_SIZE,
        RB_ADDITIONAL_DISK_BANDWIDTH,
        RB_NETWORK,
        RB_FIREWALL,
        RB_CLOUDINIT,
        RB_START,
    }
)

AT_REST = frozenset({READY, ERROR_TERMINATE, REMOVE})


def shown(state: str) -> str:
    """What the documented column says while a VM is at `state`."""
    return READY if state in HIDDEN else state
