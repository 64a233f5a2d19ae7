"""Locks of two branches: what either changed, and what both did."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlc_compiler.frontend.lock import LockFile
from mlc_compiler.frontend.lock_merging import merge_locks

images = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("123"))


def a_lock(**images: str) -> LockFile:
    return LockFile(mlc="0.1.0", images=images)


def test_each_side_brings_what_it_added_changed_and_removed() -> None:
    base, ours, theirs = a_lock(a="1", b="1", c="1"), a_lock(a="2", b="1", m="1"), a_lock(a="1", b="2", c="1", n="1")
    assert merge_locks(base, ours, theirs) == (a_lock(a="2", b="2", m="1", n="1"), ())


def test_what_both_changed_is_named_unless_they_agree() -> None:
    assert merge_locks(a_lock(a="1"), a_lock(a="2"), a_lock(a="3"))[1] == ("images/a",)
    assert merge_locks(a_lock(a="1"), a_lock(a="2"), a_lock(a="2")) == (a_lock(a="2"), ())
    assert merge_locks(a_lock(a="1"), a_lock(), a_lock(a="2"))[1] == ("images/a",)


def test_another_version_of_mlc_comes_along() -> None:
    assert merge_locks(LockFile(mlc="1"), LockFile(mlc="1"), LockFile(mlc="2"))[0].mlc == "2"
    assert merge_locks(LockFile(mlc="1"), LockFile(mlc="3"), LockFile(mlc="2"))[1] == ("mlc",)


@given(images, images, images)
def test_which_side_is_ours_matters_only_where_both_changed(
    base: dict[str, str], ours: dict[str, str], theirs: dict[str, str]
) -> None:
    (one, met), (other, again) = (
        merge_locks(a_lock(**base), a_lock(**x), a_lock(**y)) for x, y in ((ours, theirs), (theirs, ours))
    )
    assert met == again
    assert all(one.images.get(k) == other.images.get(k) for k in {**base, **ours, **theirs} if f"images/{k}" not in met)


@given(images, images)
def test_a_side_that_changed_nothing_takes_the_other(base: dict[str, str], changed: dict[str, str]) -> None:
    assert merge_locks(a_lock(**base), a_lock(**base), a_lock(**changed)) == (a_lock(**changed), ())
