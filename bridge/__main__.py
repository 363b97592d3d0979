"""`python -m bridge` is `kvm-bridge`."""

from bridge.commands import main

if __name__ == "__main__":
    main()
