"""DNS records of VMs: forward names, reverse names, in every zone of the installation that they fit into.

`names` is the arithmetic of names and zones, `plan` turns what a VM should have into operations, both pure. `zones` reads the
configured zones and connects to their providers, `credentials` keeps their secrets. `sync` carries a plan out and prints it,
`pending` remembers what failed, `retries` tries it again. `holdings` says which records a service should have right now.
`zone_admin` is the admin's list of zones, `reverse` the reverse names that clients choose, `check` compares everything with
what the providers hold, `listing` is the list behind the old dns.php.
"""
