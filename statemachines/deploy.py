"""Deploy: from an order to a running VM."""

from statemachines import states as s
from statemachines.machine import CARRY_ON, MINUTES, SECONDS, STOP, Machine, Step
from statemachines.output import BlockStyle
from statemachines.steps import addresses, clone, cloudinit, compute, disks, dns, firewall, migrate, network, power

# fmt: off
DEPLOY = Machine("deploy", BlockStyle("Deploy"), final=s.READY, steps=[
    #    done so far                      label printed             what to do                   then it is                       named in the manual           patience               on failure
    Step(s.CREATION,                      "Allocate IP",            addresses.allocate,          s.SET_IP,                        "VMSetDedicatedIp",           60 * SECONDS,          STOP),
    Step(s.SET_IP,                        "Clone VM",               clone.clone_template,        s.CLONE,                         "VMClone",                    10 * MINUTES,          STOP),
    Step(s.CLONE,                         "Configure DNS records",  dns.set_records,             s.SET_DNS,                       "VMSetDNSRecords",            60 * SECONDS,          CARRY_ON),
    Step(s.SET_DNS,                       "Migrate to target node", migrate.to_target_node,      s.MIGRATED,                      "migrateToTargetNode",        lambda ctx: ctx.tuning.migration_timeout, STOP),
    Step(s.MIGRATED,                      "Set CPU & RAM",          compute.set_cpu_ram,         s.SET_CPU_RAM,                   "VMSetCpuRam",                60 * SECONDS,          STOP),
    Step(s.SET_CPU_RAM,                   "Resize system disk",     disks.resize_system,         s.SET_SYSTEM_DISK_SIZE,          "VMSetSystemDiskSize",        5 * MINUTES,           STOP),
    Step(s.SET_SYSTEM_DISK_SIZE,          "Set system disk I/O",    disks.limit_system,          s.SET_SYSTEM_DISK_BANDWIDTH,     "VMSetSystemDiskBandwidth",   60 * SECONDS,          STOP),
    Step(s.SET_SYSTEM_DISK_BANDWIDTH,     "Create additional disk", disks.create_additional,     s.SET_CREATED_ADDITIONAL_DISK,   "VMSetCreatedAdditionalDisk", 5 * MINUTES,           STOP),
    Step(s.SET_CREATED_ADDITIONAL_DISK,   "Resize additional disk", disks.resize_additional,     s.SET_ADDITIONAL_DISK_SIZE,      "VMSetAdditionalDiskSize",    5 * MINUTES,           STOP),
    Step(s.SET_ADDITIONAL_DISK_SIZE,      "Set additional disk I/O", disks.limit_additional,     s.SET_ADDITIONAL_DISK_BANDWIDTH, "VMSetAdditionalDiskBandwidth", 60 * SECONDS,        STOP),
    Step(s.SET_ADDITIONAL_DISK_BANDWIDTH, "Configure network",      network.set_network,         s.SET_NETWORK,                   "VMSetNetwork",               60 * SECONDS,          STOP),
    Step(s.SET_NETWORK,                   "Configure firewall",     firewall.set_firewall,       s.SET_FIREWALL,                  "VMSetFirewall",              60 * SECONDS,          STOP),
    Step(s.SET_FIREWALL,                  "Configure cloud-init",   cloudinit.set_cloudinit,     s.SET_CLOUDINIT,                 "VMSetCloudinit",             60 * SECONDS,          STOP),
    Step(s.SET_CLOUDINIT,                 "Start VM",               power.start,                 s.STARTING,                      "VMStart",                    60 * SECONDS,          STOP),
    Step(s.STARTING,                      "Verify running + Email", power.verify_deployed,       s.READY,                         "ServiceSendEmailVMReady",    10 * SECONDS,          STOP),
])
# fmt: on
