"""What machines that watch the daemon may know: whether it works, and numbers for Prometheus.

Two kinds of numbers. `gauges` say how the installation stands: they are read from the database when somebody asks, so every
process gives the same. `meters` count what a process has done: the web processes add theirs up in files that they share, the
scheduler shows its own at an `endpoint` of its own. What is counted tells its observers and knows nothing of Prometheus.
"""
