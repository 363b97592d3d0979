"""A VM as it was at the time of its backup: before we came, smaller, and with an address that is somebody else's today."""

from dataclasses import replace
from typing import Any

from bridge.sandbox.proxmox.archive import Archive
from bridge.sandbox.proxmox.guest import Guest
from bridge.sandbox.proxmox.sizes import GIB
from bridge.sandbox.proxmox.storage import Volume
from tests.backups.keeper import Keeper

OLD_ADDRESS = "198.51.100.77"


def backup_of_the_past(rig: Keeper, service: int, size: int = 5, **further: Any) -> Volume:
    """A backup without our mark: one disk of `size` GiB, another card, firewall and address. The VM of today stays as it is."""
    rig.made(service, "of the past")
    volume = rig.kept()[-1]
    archive: Archive = volume.archive
    config = dict(archive.config)
    card = str(config["net0"]).replace("rate=12", "rate=1").replace("vmbr0", "vmbr1")
    config |= {"cores": 1, "memory": "512", "net0": card, "name": "old-name"}
    for key in ("description", "tags", "scsi1"):
        config.pop(key, None)
    config |= {"ipconfig0": f"ip={OLD_ADDRESS}/24,gw=198.51.100.1", **further}
    system = archive.disks[0]
    drive = replace(system.drive, options={**system.drive.options, "mbps_rd": "7", "size": f"{size}G"})
    disk = replace(system, drive=drive, image=replace(system.image, size=size * GIB))
    sets = {"ipfilter-net0": [{"cidr": OLD_ADDRESS}]}
    firewall = replace(archive.firewall, ipsets=sets, options={"enable": 1, "policy_in": "DROP", "ipfilter": 0})
    text = Guest(archive.vmid, "pve1", config).file_text()
    volume.archive = Archive(archive.vmid, config, text, (disk,), firewall)
    return volume
