"""What admins, clients and WHMCS may ask of a VM, and when: the rules, and the requests that record what is wanted.

A request only writes down what is to be done; the pipelines do it. Short commands with an answer that somebody waits for
are run directly (`direct`), by the same step functions and under the same lease.
"""
