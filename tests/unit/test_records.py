"""Records behave as the standard library's dataclasses, of which they are a cheaper kind."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle
from dataclasses import field
from typing import Any

import pytest

from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float = 0.0
    note: str = field(default="", compare=False)
    tags: tuple[str, ...] = field(default=(), repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Standard:
    x: float
    y: float = 0.0
    note: str = field(default="", compare=False)
    tags: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Alone:
    value: Any


@dataclass(slots=True)
class Changing:
    count: int = 0


@dataclass(frozen=True, eq=False)
class Same:
    name: str


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


@dataclass(frozen=True, slots=True)
class Spoken:
    word: str

    def __repr__(self) -> str:
        return f"<{self.word}>"

    def __hash__(self) -> int:
        return 7


PAIRS = [
    ((1.0,), (1.0, 0.0)),
    ((1.0, 2.0, "a"), (1.0, 2.0, "b")),
    ((1.0,), (2.0,)),
    ((math.nan,), (math.nan,)),
    ((1.0, 0.0, "", ("a",)), (1.0, 0.0, "", ("a",))),
]


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=str)
def test_records_are_equal_where_dataclasses_are(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    assert (Point(*one) == Point(*other)) == (Standard(*one) == Standard(*other))
    assert (Point(*one) != Point(*other)) == (Standard(*one) != Standard(*other))


def test_equal_records_have_one_hash_and_stand_once_in_a_set() -> None:
    assert len({Point(1.0), Point(1.0, 0.0, "said"), Point(2.0)}) == 2
    assert hash(Nothing()) == hash(Nothing())
    assert Nothing() == Nothing()


def test_a_record_equals_no_tuple_and_no_record_of_another_class() -> None:
    others: list[object] = [(1,), Changing(1), Standard(1), 1]
    assert Alone(1) not in others


def test_a_single_value_that_is_a_nan_equals_itself() -> None:
    assert Alone(math.nan) == Alone(math.nan)
    assert Alone([1]) == Alone([1])
    with pytest.raises(TypeError):
        hash(Alone([1]))


def test_text_names_class_and_fields_as_a_dataclass_does() -> None:
    assert repr(Point(1.0, note="a")) == repr(Standard(1.0, note="a")).replace("Standard", "Point")


def test_what_a_class_defines_itself_stays() -> None:
    assert repr(Spoken("yes")) == "<yes>"
    assert hash(Spoken("yes")) == 7
    assert Spoken("yes") == Spoken("yes")


def test_records_that_change_have_no_hash_and_those_without_equality_their_identity() -> None:
    with pytest.raises(TypeError):
        hash(Changing())
    assert Same("a") != Same("a")
    assert len({Same("a"), Same("a")}) == 2


def test_the_standard_functions_take_records() -> None:
    point = Point(1.0, tags=("a",))
    assert dataclasses.is_dataclass(point)
    assert [f.name for f in dataclasses.fields(point)] == ["x", "y", "note", "tags"]
    assert dataclasses.replace(point, y=3.0) == Point(1.0, 3.0, tags=("a",))
    assert dataclasses.asdict(point) == {"x": 1.0, "y": 0.0, "note": "", "tags": ("a",)}
    assert copy.deepcopy(point) == pickle.loads(pickle.dumps(point)) == point


def test_records_with_slots_take_no_other_attribute() -> None:
    with pytest.raises(AttributeError):
        Changing().other = 1  # type: ignore[attr-defined]  # the point
