"""The flags of a cron run, in both spellings users know; the same for `php cron.php` and `kvm-bridge cron`.

`--no-lock` and `--clear-locks` are the old module's, and stand in crontabs. A run without the lock of a task plans what another run
plans at the same time; VMs have leases of their own, which nothing leaves out. `--clear-locks` frees what processes that are gone
held.
"""

from collections.abc import Sequence

from bridge.cron import Wanted
from bridge.tasks import TASKS, find


class BadArguments(ValueError):
    """An unknown option or task; the message is the line to print."""


def parse(argv: Sequence[str]) -> Wanted | str:
    """What the flags ask for, or the text to print instead of a run (`--help`). Raises BadArguments."""
    tasks = []
    force = clear_locks = listing = no_lock = False
    for argument in argv:
        option, _, value = argument.partition("=")
        if option in ("--task", "--run-task"):
            task = find(value)
            if task is None:
                raise BadArguments(f"unknown task {value!r}, known are {', '.join(task.name for task in TASKS)}")
            tasks.append(task)
        elif argument == "--force":
            force = True
        elif argument == "--help":
            return HELP
        elif argument == "--clear-locks":
            clear_locks = True
        elif argument == "--list":
            listing = True
        elif argument == "--no-lock":
            no_lock = True
        elif argument != "--verbose":
            raise BadArguments(f"unknown option {argument!r}; --help lists what there is")
    return Wanted(tuple(tasks) or None, force, clear_locks, listing, no_lock)


HELP = "\n".join(
    [
        "PUQ Proxmox KVM - Standalone Cron",
        "",
        "Usage:",
        "  php cron.php                                    Run all tasks (with interval checks)",
        "  php cron.php --task=processVirtualMachines       Run single task (skip interval check)",
        "  php cron.php --force                             Run all tasks (skip interval checks)",
        "  php cron.php --list                              Show tasks status",
        "  php cron.php --no-lock                           Run without lock file (debug)",
        "  php cron.php --run-task=process_vms              Same as --task=processVirtualMachines",
        "  php cron.php --clear-locks                       Clear all stale lock files",
        "  php cron.php --verbose                           Print every step (default)",
        "  php cron.php --help                              Show this help",
        "",
        "Available tasks:",
        *(f"  {task.name} — {task.label} (default: {task.default_interval}m)" for task in TASKS),
    ]
)
"""Word for word what users know, the lock files included: in their place there are locks in the database."""
