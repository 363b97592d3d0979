"""Stand-ins for the systems that the bridge talks to: used by the demo and by the tests, never by the daemon."""
