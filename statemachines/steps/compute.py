"""CPU and memory."""

from typing import Any

from statemachines.context import Context
from statemachines.outcome import Done, Outcome
from statemachines.steps.look import node_of, own_config, reserved_vmid


def set_cpu_ram(ctx: Context) -> Outcome:
    """Give the VM the package's cores on one socket and its memory; the first write after the clone also tags the VM.

    (`clone` takes no tags; Proxmox sorts and lower-cases them.)
    """
    config = own_config(ctx)
    wanted = changes(ctx, config)
    if wanted:
        ctx.hypervisor.configure(node_of(ctx), reserved_vmid(ctx), wanted, digest=config.digest)
    return Done(changed=bool(wanted))


def changes(ctx: Context, config: Any) -> dict[str, str | int]:
    """What differs from the package, as configuration keys with their new values."""
    wanted: dict[str, str | int] = {}
    if (config.cores, config.sockets) != (ctx.package.cpu, 1):
        wanted |= {"cores": ctx.package.cpu, "sockets": 1}
    if config.memory != ctx.package.ram_gb * 1024:
        wanted["memory"] = ctx.package.ram_gb * 1024
    if ctx.mark.tag not in config.tags:
        wanted["tags"] = ctx.mark.tags_with(config.tags)
    return wanted
