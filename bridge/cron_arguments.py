"""The flags of a cron run, in both spellings users know; the same for `php cron.php` and `kvm-bridge cron`.

`--no-lock` and `--clear-locks` stand in crontabs and habits of the old module's users. There are no lock files here: a run works on
a VM under a lease, which ends by itself when the process is gone, so the one changes nothing and the other has nothing to do.
"""

from collections.abc import Sequence

from bridge.claims import LEASE
from bridge.cron import Wanted
from bridge.tasks import TASKS, find


class BadArguments(ValueError):
    """An unknown option or task; the message is the line to print."""


def parse(argv: Sequence[str]) -> Wanted | str:
    """What the flags ask for, or the text to print instead of a run (`--help`, `--clear-locks`). Raises BadArguments."""
    tasks = []
    force = False
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
            return NO_LOCKS
        elif argument not in ("--verbose", "--no-lock"):
            raise BadArguments(f"unknown option {argument!r}; --help lists what there is")
    return Wanted(tuple(tasks) or None, force)


NO_LOCKS = f"Nothing to clear: there are no lock files; a VM is free again {LEASE:.0f} seconds after the process at it is gone."

HELP = "\n".join(
    [
        "PUQ Proxmox KVM - Standalone Cron",
        "",
        "Usage:",
        "  php cron.php                                    Run all tasks (with interval checks)",
        "  php cron.php --task=processVirtualMachines       Run single task (skip interval check)",
        "  php cron.php --force                             Run all tasks (skip interval checks)",
        "  php cron.php --no-lock                           Changes nothing: there are no lock files",
        "  php cron.php --run-task=process_vms              Same as --task=processVirtualMachines",
        "  php cron.php --clear-locks                       Says so, and runs nothing",
        "  php cron.php --verbose                           Print every step (default)",
        "  php cron.php --help                              Show this help",
        "",
        "Available tasks:",
        *(f"  {task.name} — {task.label} (default: {task.default_interval}m)" for task in TASKS),
    ]
)
