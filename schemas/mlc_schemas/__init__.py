"""JSON Schemas: those of our own specs, generated, and those of the tools that read what we write."""
