"""The local target: executes a release's pipeline on this machine."""
