"""Change package: what the client bought anew is applied to the VM."""

from statemachines import states as s
from statemachines.machine import MINUTES, SECONDS, STOP, Machine, Step
from statemachines.output import BlockStyle
from statemachines.steps import compute, disks, power, repackage

# fmt: off
CHANGE_PACKAGE = Machine("change_package", BlockStyle("ChangePackage"), final=s.READY, tells_unchanged=True, steps=[
    #    done so far                        label printed                what to do                  then it is                       named in the manual             patience      on failure
    Step(s.CHANGE_PACKAGE,                  "Update IP + DNS + Firewall", repackage.update_addresses, s.CP_UPDATE_IP,                 "VMSetDedicatedIp",             2 * MINUTES,  STOP),
    Step(s.CP_UPDATE_IP,                    "Stop VM",                   repackage.stop_if_needed,   s.CP_STOP,                       "VMStop",                       4 * MINUTES,  STOP),
    Step(s.CP_STOP,                         "Set CPU & RAM",             compute.set_cpu_ram,        s.CP_CPU_RAM,                    "VMSetCpuRam",                  60 * SECONDS, STOP),
    Step(s.CP_CPU_RAM,                      "Resize system disk",        disks.resize_system,        s.CP_SYSTEM_DISK_SIZE,           "VMSetSystemDiskSize",          5 * MINUTES,  STOP),
    Step(s.CP_SYSTEM_DISK_SIZE,             "Set system disk I/O",       disks.limit_system,         s.CP_SYSTEM_DISK_BANDWIDTH,      "VMSetSystemDiskBandwidth",     60 * SECONDS, STOP),
    Step(s.CP_SYSTEM_DISK_BANDWIDTH,        "Create additional disk",    repackage.additional_disk,  s.CP_ADDITIONAL_DISK,            "VMSetCreatedAdditionalDisk",   5 * MINUTES,  STOP),
    Step(s.CP_ADDITIONAL_DISK,              "Resize additional disk",    disks.resize_additional,    s.CP_ADDITIONAL_DISK_SIZE,       "VMSetAdditionalDiskSize",      5 * MINUTES,  STOP),
    Step(s.CP_ADDITIONAL_DISK_SIZE,         "Set additional disk I/O",   disks.limit_additional,     s.CP_ADDITIONAL_DISK_BANDWIDTH,  "VMSetAdditionalDiskBandwidth", 60 * SECONDS, STOP),
    Step(s.CP_ADDITIONAL_DISK_BANDWIDTH,    "Configure network",         repackage.set_network,      s.CP_NETWORK,                    "VMSetNetwork",                 60 * SECONDS, STOP),
    Step(s.CP_NETWORK,                      "Configure firewall",        repackage.set_firewall,     s.CP_FIREWALL,                   "VMSetFirewall",                60 * SECONDS, STOP),
    Step(s.CP_FIREWALL,                     "Start VM",                  repackage.start_if_stopped, s.CP_START,                      "VMStart",                      60 * SECONDS, STOP),
    Step(s.CP_START,                        "Verify running",            power.verify_changed,       s.READY,                         "ServiceSendEmailUpgrade",      10 * SECONDS, STOP),
])
# fmt: on
