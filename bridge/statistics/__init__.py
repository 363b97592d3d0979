"""How much traffic the VMs had: collected from their clusters every hour, and told to WHMCS as usage of the month."""
