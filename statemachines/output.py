"""How a run looks on the console: as a block with one line per step, or as lines that each carry the service."""

from typing import Protocol

from statemachines.ports import Vm
from statemachines.run import StepRecord


class Style(Protocol):
    """The lines of one kind of run. `stamp` is the local time, with which a log line begins."""

    def header(self, vm: Vm, stamp: str) -> list[str]:
        """Before the first step."""
        ...

    def step(self, record: StepRecord) -> list[str]:
        """After each step."""
        ...

    def detail(self, vm: Vm, stamp: str, text: str) -> str:
        """A live line of a step."""
        ...

    def paused(self, vm: Vm, stamp: str) -> list[str]:
        """The run ends before its pipeline does."""
        ...

    def complete(self, vm: Vm, stamp: str, seconds: float) -> list[str]:
        """The pipeline has come to its end, or to the state that stands for its failure."""
        ...


class BlockStyle:
    """`--- Deploy: … ---`, step lines, `--- Deploy complete: … ---`."""

    def __init__(self, title: str) -> None:
        self._title = title

    def header(self, vm: Vm, stamp: str) -> list[str]:
        return ["", f"--- {self._title}: service={vm.service_id} vm={vm.vm_id or 0} status={vm.status} ---"]

    def step(self, record: StepRecord) -> list[str]:
        return [record.as_line()]

    def detail(self, vm: Vm, stamp: str, text: str) -> str:
        return f"{stamp}       · {text}"

    def paused(self, vm: Vm, stamp: str) -> list[str]:
        return [f"--- {self._title} paused: waiting at ({vm.status}) ---"]

    def complete(self, vm: Vm, stamp: str, seconds: float) -> list[str]:
        return [f"--- {self._title} complete: service={vm.service_id} status={vm.status} ---"]


class LineStyle:
    """No block: `sid:5546  [terminate] starting`, details, `sid:5546  [terminate] done (74.31s) result=success`."""

    def __init__(self, action: str, success: str) -> None:
        self._action = action
        self._success = success

    def header(self, vm: Vm, stamp: str) -> list[str]:
        return [self._line(vm, stamp, f"[{self._action}] starting")]

    def step(self, record: StepRecord) -> list[str]:
        return []

    def detail(self, vm: Vm, stamp: str, text: str) -> str:
        return self._line(vm, stamp, f"  · {text}")

    def paused(self, vm: Vm, stamp: str) -> list[str]:
        return [self._line(vm, stamp, f"[{self._action}] paused")]

    def complete(self, vm: Vm, stamp: str, seconds: float) -> list[str]:
        result = "success" if vm.status == self._success else vm.status
        return [self._line(vm, stamp, f"[{self._action}] done ({seconds:.2f}s) result={result}")]

    @staticmethod
    def _line(vm: Vm, stamp: str, message: str) -> str:
        return f"{stamp}   sid:{vm.service_id}  {message}"
