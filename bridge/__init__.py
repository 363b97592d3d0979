"""The daemon that wires it together: configuration, models, services, module protocol, pages, scheduler, CLI, sandbox."""

__version__ = "0.1.0"
