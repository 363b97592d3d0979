"""What a change of state says in the activity log of WHMCS. Recorded with the state, like mails.

WHMCS itself writes down that a module function was asked for; these lines tell how it ended. Clients read them.
"""

from statemachines.context import Context
from statemachines.ports import Activity

DEPLOYED = "Virtual machine deployed successfully"
REINSTALLING = "Virtual machine removed for its reinstallation"
CHANGED = "Virtual machine package changed successfully"
RESTORED = "Virtual machine restored from a backup successfully"
RESET = "Virtual machine password reset successfully"


def deployed(ctx: Context) -> Activity:
    """The VM is ready, for the first time or after a reinstallation."""
    return _now(ctx, "deployed", DEPLOYED)


def package_is_changed(ctx: Context) -> Activity:
    """The package is applied."""
    return _now(ctx, "changed", CHANGED)


def backup_is_restored(ctx: Context) -> Activity:
    """The VM is that of the backup, with the package of today."""
    return _now(ctx, "backup restored", RESTORED)


def reinstalling(ctx: Context) -> Activity:
    """The old VM is gone, the new one is still to come. One for each time it was asked for."""
    return Activity(_line(ctx, REINSTALLING), f"reinstalling:{ctx.vm.service_id}:{ctx.vm.generation}")


def password_is_reset(ctx: Context) -> Activity:
    """The guest has the new password. One for each time it was asked for."""
    return Activity(_line(ctx, RESET), f"password:{ctx.vm.service_id}:{ctx.vm.intent['asked_at']}")


def _now(ctx: Context, what: str, text: str) -> Activity:
    """Recorded in the transaction that leaves a state, which happens once: the moment makes the key."""
    return Activity(_line(ctx, text), f"{what}:{ctx.vm.service_id}:{ctx.clock.now():.6f}")


def _line(ctx: Context, text: str) -> str:
    """WHMCS makes a link of the service's id."""
    return f"{text} - Service ID: {ctx.vm.service_id}"
