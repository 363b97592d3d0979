"""The flags of a cron run, in both spellings users know; the same for `php cron.php` and `kvm-bridge cron`.

`--no-lock` and `--clear-locks` are the old module's, and stand in crontabs. Locks are leases of VMs here: a run without them would
work on a VM that another run holds, so the first changes nothing; the second frees those of processes that are gone.
"""

from collections.abc import Sequence

from bridge.cron import Wanted
from bridge.tasks import TASKS, find


class BadArguments(ValueError):
    """An unknown option or task; the message is the line to print."""


def parse(argv: Sequence[str]) -> Wanted | str:
    """What the flags ask for, or the text to print instead of a run (`--help`). Raises BadArguments."""
    tasks = []
    force = clear_locks = False
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
        elif argument not in ("--verbose", "--no-lock"):
            raise BadArguments(f"unknown option {argument!r}; --help lists what there is")
    return Wanted(tuple(tasks) or None, force, clear_locks)


HELP = "\n".join(
    [
        "PUQ Proxmox KVM - Standalone Cron",
        "",
        "Usage:",
        "  php cron.php                                    Run all tasks (with interval checks)",
        "  php cron.php --task=processVirtualMachines       Run single task (skip interval check)",
        "  php cron.php --force                             Run all tasks (skip interval checks)",
        "  php cron.php --no-lock                           Changes nothing: a VM is never worked on twice",
        "  php cron.php --run-task=process_vms              Same as --task=processVirtualMachines",
        "  php cron.php --clear-locks                       Free what dead processes hold, run nothing",
        "  php cron.php --verbose                           Print every step (default)",
        "  php cron.php --help                              Show this help",
        "",
        "Available tasks:",
        *(f"  {task.name} — {task.label} (default: {task.default_interval}m)" for task in TASKS),
    ]
)
