"""Garbage collection, put off while a project is compiled."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Do without garbage collection.

    Of the million small values of a compilation none is in a cycle, and looking for some among them, again and again
    while they become more, takes a quarter of a build. Later collections leave them out.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
