"""The mails that a change of state causes. They are recorded with the state and leave through the outbox."""

from statemachines.context import Context
from statemachines.ports import Mail

UPGRADE = "puqProxmoxKVM Upgrade Email"


def vm_is_ready(ctx: Context) -> tuple[Mail, ...]:
    """The mail with the access parameters; none when the product has chosen None."""
    template = ctx.package.mail_ready
    if not template:
        return ()
    # Recorded in the transaction that leaves `starting`, which happens once per deployment: the moment makes the key.
    key = f"ready:{ctx.vm.service_id}:{ctx.vm.vm_id}:{ctx.clock.now():.6f}"
    return (Mail(template, key, _fields(ctx)),)


def password_is_reset(ctx: Context) -> tuple[Mail, ...]:
    """The mail with the new password; none when the product has chosen None. One for each time it was asked for."""
    template = ctx.package.mail_reset
    if not template:
        return ()
    key = f"reset:{ctx.vm.service_id}:{ctx.vm.intent['asked_at']}"
    return (Mail(template, key, _fields(ctx)),)


def package_is_changed(ctx: Context) -> tuple[Mail, ...]:
    """The mail after a package change, by its fixed name [C-42]."""
    key = f"upgrade:{ctx.vm.service_id}:{ctx.clock.now():.6f}"
    return (Mail(UPGRADE, key, _fields(ctx)),)


def backup_is_restored(ctx: Context) -> tuple[Mail, ...]:
    """The mail after a restore; none when the product has chosen None. One for each time that a restore ends."""
    template = ctx.package.mail_restored
    if not template:
        return ()
    key = f"restored:{ctx.vm.service_id}:{ctx.clock.now():.6f}"
    return (Mail(template, key, _fields(ctx)),)


def _fields(ctx: Context) -> dict[str, str]:
    """The merge fields that every mail of ours has beyond WHMCS's own (EML-13)."""
    return {"vm_id": str(ctx.vm.vm_id), "server_hostname": ctx.server_host}
