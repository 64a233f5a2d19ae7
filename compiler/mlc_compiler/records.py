"""`dataclass`, as the standard library's, at a quarter of its price: a command starts with some 250 of them.

The standard one compiles six functions for each class, 1 ms of CPU in Python 3.11, and a frozen instance takes five
times as long to make. Here only `__init__` is compiled; comparison, hash and text are closures over the fields, and the
type checker alone holds `frozen`. A record is a dataclass to `fields`, `replace` and `asdict`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414  an export
else:
    import dataclasses
    from collections.abc import Callable
    from operator import attrgetter

    def dataclass(cls: type | None = None, *, frozen: bool = False, slots: bool = False, eq: bool = True) -> object:
        """Return the class as a dataclass; frozen ones hash by value, others that compare have no hash."""

        def record(cls: type) -> type:
            own = cls.__dict__.keys()
            cls.__doc__ = cls.__doc__ or cls.__name__  # else a signature is formatted for it
            made = dataclasses.dataclass(cls, slots=slots, eq=False, repr=False)
            methods = {"__repr__": _text(made), **(_comparison(made, frozen) if eq else {})}
            for name, method in methods.items():
                if name not in own:
                    setattr(made, name, method)
            return made

        return record if cls is None else record(cls)

    def _comparison(cls: type, hashed: bool) -> dict[str, Callable[..., object] | None]:
        names = [field.name for field in dataclasses.fields(cls) if field.compare]
        values = attrgetter(*names) if names else lambda _: ()

        def equal(self: object, other: object) -> bool:
            if other.__class__ is not self.__class__:
                return NotImplemented
            return (values(self),) == (values(other),)  # in tuples, where a NaN equals itself

        return {"__eq__": equal, "__hash__": (lambda self: hash(values(self))) if hashed else None}

    def _text(cls: type) -> Callable[[object], str]:
        names = [field.name for field in dataclasses.fields(cls) if field.repr]

        def text(self: object) -> str:
            return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

        return text
