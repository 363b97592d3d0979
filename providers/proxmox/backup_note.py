"""What is written into the notes of a backup: the client's text, and behind it our mark, from which we know our own.

`before the update [kvm-bridge install=a1b2c3 service=1001 for=manual id=9f2c4e1a]`: one line, because a list of backups shows no
more of the notes than their first one (PVE::Storage::Plugin and PBSPlugin, list_volumes).
"""

import re
from dataclasses import dataclass
from typing import Self

from providers.proxmox.mark import Mark

MANUAL = "manual"
LONGEST_TEXT = 200  # characters of the client's text; Proxmox takes 1024 in all

_NOTE = re.compile(
    r"(?P<text>.*?)\s*\[(?P<mark>kvm-bridge install=[a-z0-9]{1,32} service=\d{1,18})"
    r" for=(?P<purpose>manual|\d{4}-\d{2}-\d{2}) id=(?P<id>[0-9a-z]{1,32})\]",
    re.DOTALL,
)


@dataclass(frozen=True)
class BackupNote:
    """`text` of whoever asked for the backup; `mark` None = not made by us.

    `purpose` is MANUAL, or the date (`YYYY-MM-DD`) whose scheduled backup it is; `id` tells it from every other backup.
    """

    text: str = ""
    mark: Mark | None = None
    purpose: str = ""
    id: str = ""

    @classmethod
    def read(cls, notes: str) -> Self:
        """The note in the notes of a backup. Our mark is at the end of them; what looks like it elsewhere is text."""
        match = _NOTE.fullmatch(notes.strip())
        if match is None:
            return cls(notes.strip())
        return cls(match["text"], Mark.read(match["mark"]), match["purpose"], match["id"])

    def as_template(self) -> str:
        """The value of vzdump's `notes-template` that makes these notes.

        Proxmox fills in `{{node}}` and others, and reads `\\n` and `\\\\` (PVE::VZDump, generate_notes); a text gets none of that.
        """
        printable = "".join(char if char.isprintable() else " " for char in self.text)[:LONGEST_TEXT]
        text = re.sub(r"\{(?=\{)", "{ ", printable).replace("\\", "\\\\").strip()
        mark = f"[{self.mark.description} for={self.purpose} id={self.id}]" if self.mark else ""
        return f"{text} {mark}".strip()
