"""Builds again only what an edit touches: a thousand models are not compiled for a change of one.

A full run leaves a memory of what each model is made from and makes (`memory`, `units`). The next run compiles the
models that a changed file concerns, as a project of their own (`part`), and takes the rest from the memory. Wherever
that could differ from a full run in a file or a finding, it gives up, and everything is compiled.
"""
