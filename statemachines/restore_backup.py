"""Restore a backup: the VM becomes what it was, and is made what the client has bought since."""

from statemachines import states as s
from statemachines.machine import MINUTES, SECONDS, STOP, Machine, Step
from statemachines.output import BlockStyle
from statemachines.steps import compute, disks, firewall, network, power, restore

# Until the VM is restored an error ends the job: the VM rests, and the client decides whether to try again or to reinstall.
REST = s.READY

# fmt: off
RESTORE_BACKUP = Machine("restore_backup", BlockStyle("RestoreBackup"), final=s.READY, tells_unchanged=True, task="restoreBackupStatus", steps=[
    #    done so far                        label printed                what to do                  then it is                       name in the logs                     patience      on failure
    Step(s.RESTORE_BACKUP,                  "Stop VM",                   restore.stop,               s.RB_STOPPED,                    "RestoreStop",                       5 * MINUTES,  REST),
    Step(s.RB_STOPPED,                      "Delete snapshots",          restore.delete_snapshots,   s.RB_SNAPSHOTS_REMOVED,          "RestoreDeleteSnapshots",            5 * MINUTES,  REST, background=True),
    Step(s.RB_SNAPSHOTS_REMOVED,            "Restore backup",            restore.restore,            s.RB_RESTORED,                   "RestoreBackup",                     60 * SECONDS, REST, background=True),
    Step(s.RB_RESTORED,                     "Set CPU & RAM",             compute.set_cpu_ram,        s.RB_CPU_RAM,                    "RestoreSetCpuRam",                  60 * SECONDS, STOP),
    Step(s.RB_CPU_RAM,                      "Resize system disk",        disks.resize_system,        s.RB_SYSTEM_DISK_SIZE,           "RestoreSetSystemDiskSize",          5 * MINUTES,  STOP),
    Step(s.RB_SYSTEM_DISK_SIZE,             "Set system disk I/O",       disks.limit_system,         s.RB_SYSTEM_DISK_BANDWIDTH,      "RestoreSetSystemDiskBandwidth",     60 * SECONDS, STOP),
    Step(s.RB_SYSTEM_DISK_BANDWIDTH,        "Create additional disk",    disks.create_additional,    s.RB_ADDITIONAL_DISK,            "RestoreSetCreatedAdditionalDisk",   5 * MINUTES,  STOP),
    Step(s.RB_ADDITIONAL_DISK,              "Resize additional disk",    disks.resize_additional,    s.RB_ADDITIONAL_DISK_SIZE,       "RestoreSetAdditionalDiskSize",      5 * MINUTES,  STOP),
    Step(s.RB_ADDITIONAL_DISK_SIZE,         "Set additional disk I/O",   disks.limit_additional,     s.RB_ADDITIONAL_DISK_BANDWIDTH,  "RestoreSetAdditionalDiskBandwidth", 60 * SECONDS, STOP),
    Step(s.RB_ADDITIONAL_DISK_BANDWIDTH,    "Configure network",         network.set_network,        s.RB_NETWORK,                    "RestoreSetNetwork",                 60 * SECONDS, STOP),
    Step(s.RB_NETWORK,                      "Configure firewall",        firewall.set_firewall,      s.RB_FIREWALL,                   "RestoreSetFirewall",                60 * SECONDS, STOP),
    Step(s.RB_FIREWALL,                     "Configure cloud-init",      restore.set_cloudinit,      s.RB_CLOUDINIT,                  "RestoreSetCloudinit",               60 * SECONDS, STOP),
    Step(s.RB_CLOUDINIT,                    "Start VM",                  power.start,                s.RB_START,                      "RestoreStart",                      60 * SECONDS, STOP),
    Step(s.RB_START,                        "Verify running + Email",    restore.verify,             s.READY,                         "RestoreSendEmail",                  60 * SECONDS, STOP),
])
# fmt: on
