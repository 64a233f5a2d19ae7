"""What models take a value as: kind and column type of a feature, and the SQL that turns the value into it."""

from __future__ import annotations

from mlc_compiler.records import dataclass
from mlc_compiler.sql.definitions import FeatureKind
from mlc_compiler.sql.values import local_midnight

_BY_TYPE: dict[str, FeatureKind] = {
    "int64": "number", "float64": "number", "string": "category", "bool": "boolean",
    "timestamp": "timestamp", "date": "timestamp",
}  # fmt: skip
_FITS: dict[FeatureKind, tuple[str, ...]] = {
    "number": ("int64", "float64", "bool"),
    "category": ("string", "int64", "bool"),
    "boolean": ("bool",),
    "timestamp": ("timestamp", "date"),
    "text": ("string",),
}
_HELP = {
    "number": "cast(x as float64), or make it a category",
    "category": "group the values first, e.g. cast(floor(x / 10) as int64)",
    "boolean": "compare the value with something, e.g. `> 0`",
    "timestamp": "name a timestamp, or leave `type` out",
    "text": "cast(x as string)",
}


@dataclass(frozen=True, slots=True)
class Kinded:
    """`kind` and column `type` of a feature; in `form`, `{0}` is the value."""

    kind: FeatureKind
    type: str
    form: str

    def sql(self, value: str) -> str:
        return self.form.replace("{0}", value)


def kinded(declared: FeatureKind | None, type_: str, timezone: str) -> Kinded | tuple[str, str]:
    """Return a value of `type_` as the declared kind, or what is wrong and how to mend it."""
    kind = declared or _BY_TYPE[type_]
    if type_ not in _FITS[kind]:
        return f"is declared as {kind}, and its value is of type {type_}", _HELP[kind]
    if kind == "category" and type_ != "string":
        return Kinded(kind, "string", "CAST({0} AS VARCHAR)")
    if kind == "number" and type_ == "bool":
        return Kinded(kind, "int64", "CAST({0} AS BIGINT)")
    if type_ == "date":
        return Kinded(kind, "timestamp", local_midnight("{0}", timezone))
    if type_ == "float64":
        return Kinded(kind, type_, "CASE WHEN isfinite({0}) THEN {0} END")
    return Kinded(kind, type_, "{0}")
