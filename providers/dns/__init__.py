"""DNS providers: one interface in terms of record sets, and one adapter per kind of provider.

An adapter reads, replaces and deletes record sets of a zone, in batches where its API can, and translates its errors into
those of `providers.errors`; which names and addresses a VM has is not its business. The adapters (Cloudflare,
PowerDNS, HestiaCP) come with the zones of the addon; until then a deploy finds no zone, and its DNS step has nothing to do.
"""
