"""Changes of single records at Cloudflare, as many as possible in one request.

A batch is one transaction, carried out in the order deletes, patches, puts, posts; a record that is refused takes the
whole batch along, and the answer tells the first error only
(https://developers.cloudflare.com/dns/manage-dns-records/how-to/batch-record-changes/). So a refused batch is halved
until the record that is to blame stands alone: with one bad record of a hundred that is fifteen requests instead of a
hundred.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from providers.dns.changes import Change, concerns_one_record
from providers.dns.cloudflare_api import CloudflareApi
from providers.dns.records import TTL, Key
from providers.errors import ChangedMeanwhile, NotFound, ProviderError

PER_BATCH = 200  # changes that a zone of every plan takes at once; paid plans take more

Group = tuple[Key, tuple[Change, ...]]
"""The changes that one record set needs."""


class Batches:
    """Carries changes out, in batches or, where the API has none (an older gateway before Cloudflare's), one by one."""

    def __init__(self, api: CloudflareApi) -> None:
        self._api = api
        self._offered = True

    def carry_out(self, path: str, groups: Sequence[Group]) -> dict[Key, ProviderError]:
        """Make the changes of `groups` below `path`, `zones/ID/dns_records`; the keys that failed, with the reasons."""
        failed: dict[Key, ProviderError] = {}
        for part in _parts(groups, PER_BATCH if self._offered else 1):
            failed |= _all_alike(part, failed) or self._send(path, part)
        return failed

    def _send(self, path: str, groups: Sequence[Group]) -> dict[Key, ProviderError]:
        if len(groups) > 1 and not self._offered:
            return self.carry_out(path, groups)
        try:
            if self._offered:
                self._api.change("POST", f"{path}/batch", _batch(groups))
            else:
                self._change_singly(path, groups[0][1])
        except NotFound as error:
            if not self._offered:
                return {key: error for key, _ in groups}
            self._offered = False  # the zone was there a moment ago, so it is the batch that is not known
            return self.carry_out(path, groups)
        except ProviderError as error:
            if len(groups) == 1 or not concerns_one_record(error):
                return {key: error for key, _ in groups}
            middle = len(groups) // 2
            failed = self._send(path, groups[:middle])
            return failed | (_all_alike(groups[middle:], failed) or self._send(path, groups[middle:]))
        return {}

    def _change_singly(self, path: str, changes: Iterable[Change]) -> None:
        for change in changes:
            at = f"{path}/{quote(change.record.id, safe='')}" if change.record else path
            if change.value is None:
                self._delete(at)
            else:
                self._api.change("PUT" if change.record else "POST", at, _content(change))

    def _delete(self, at: str) -> None:
        with suppress(ChangedMeanwhile, NotFound):  # gone already
            self._api.change("DELETE", at)


def _all_alike(groups: Iterable[Group], failed: Mapping[Key, ProviderError]) -> dict[Key, ProviderError]:
    """What becomes of `groups` after the failures so far: once the provider itself fails, all do, each after a while."""
    reason = next((error for error in failed.values() if not concerns_one_record(error)), None)
    return {key: reason for key, _ in groups} if reason else {}


def _parts(groups: Iterable[Group], most: int) -> Iterator[list[Group]]:
    """`groups` in parts of at most `most` changes, each group in one piece."""
    part: list[Group] = []
    size = 0
    for group in groups:
        if part and size + len(group[1]) > most:
            yield part
            part, size = [], 0
        part.append(group)
        size += len(group[1])
    if part:
        yield part


def _batch(groups: Iterable[Group]) -> dict[str, list[dict[str, Any]]]:
    body: dict[str, list[dict[str, Any]]] = {}
    for change in (change for _, changes in groups for change in changes):
        if change.record is None:
            body.setdefault("posts", []).append(_content(change))
        elif change.value is None:
            body.setdefault("deletes", []).append({"id": change.record.id})
        else:
            body.setdefault("patches", []).append({"id": change.record.id, **_content(change)})
    return body


def _content(change: Change) -> dict[str, Any]:
    """The record that `change` wants. Addresses of VMs are never proxied: more than HTTP goes to them."""
    name, record_type = change.key
    content: dict[str, Any] = {"type": record_type, "name": name, "content": change.value, "ttl": TTL}
    return {**content, "proxied": False} if record_type in ("A", "AAAA") else content
