"""The daemon that wires it together: configuration, models, services, module protocol, pages, scheduler, CLI, sandbox."""
