"""What happens inside a booted guest: its files and the programs that its agent runs."""

import shlex
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Ended:
    """A program that has run."""

    code: int = 0
    output: str = ""


@dataclass
class GuestSystem:
    """The inside of a guest, as far as an agent can reach it; a new one with every boot.

    `programs` by process id: how they ended, None once that was told.
    """

    files: dict[str, str] = field(default_factory=dict)
    programs: dict[int, Ended | None] = field(default_factory=dict)
    frozen: bool = False

    def run(self, command: list[str]) -> int:
        """Run a program; returns its process id. Only `echo`, `exit`, `false` and shells with these do something."""
        pid = 130 + len(self.programs)
        self.programs[pid] = _run(command)
        return pid


def _run(command: list[str]) -> Ended:
    name = command[0].rpartition("/")[2] if command else ""
    if name in ("sh", "bash", "dash") and command[1:2] == ["-c"]:
        return _run_script(command[2] if len(command) > 2 else "")
    if name == "echo":
        return Ended(output=" ".join(command[1:]) + "\n")
    return Ended(code=int(name == "false"))


def _run_script(script: str) -> Ended:
    output, code = "", 0
    for line in script.replace("\n", ";").split(";"):
        words = shlex.split(line)
        if words[:1] == ["exit"]:
            return Ended(int(words[1]) if len(words) > 1 else code, output)
        if words:
            ended = _run(words)
            output, code = output + ended.output, ended.code
    return Ended(code, output)
