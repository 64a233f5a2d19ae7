"""Whatever text a spec holds, every reader of the emitted YAML and JSON gets that text back."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mlc_compiler.backend.emitter import json_text, yaml_documents, yaml_text
from mlc_compiler.backend.target import Sourced
from mlc_compiler.diagnostics import Sink
from mlc_compiler.frontend.yaml_source import load
from mlc_compiler.ir import Origin

WORDS = r"""
on off yes no y n Y N NO True FALSE null Null ~ = << 1e3 1E-3 1.5e3 .5 5. 0o7 0O17 0x1 0b11 010 0644 1_000 1,000 +1 -1
12:30 12:30:00 1:2:3.5 -190:20:30 2014-01-01 2014-1-1 2014-01-01T00:00:00Z .inf -.INF +.inf .nan NaN nan inf infinity
- -- --- ... .. . ? : , [ ] { } # & * ! | > ' " % @ ` -x ?x :x a:b a: :a a#b #a !tag &anchor *alias %TAG {} [] {{x}}
0 00 0. 0.0 -0 1.10 10.0.0.1 500m 512Mi 5e 5e+ 0x 0o 1__ _1 1e400 123456789e123 12e03 685.230_15e+03 4:5:6: \ \n ""
"""
TRAPS = [*WORDS.split(), ""]
PIECES = [*TRAPS, " ", "\n", "\t", "\r", ": ", " #", "- ", "? ", "\x00", "\x07", "\x1b", "\x7f", "\x85", "\xa0", "\xad"]
PIECES += [
    "\u2028",
    "\u2029",
    "\u200b",
    "\u202e",
    "\ufeff",
    "\ufffe",
    "\ue000",
    "é",
    "日本",
    "😀",
    "\U000e0001",
    "a",
    "word",
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)  # what the own loader reads
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([1e16, 1e-5, -0.0, 5e-324, 1.7976931348623157e308, 1e22, 123456789012345680.0])
)
texts = (
    st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(TRAPS)
    | st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
    | st.lists(st.text(st.sampled_from("ab :#-|\t'\""), max_size=5), max_size=5).map("\n".join)
)
keys = st.sampled_from(PIECES).filter(bool) | texts.filter(lambda text: len(text) < 50)
trees = st.recursive(
    scalars | texts, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)


def read_yaml_1_1(text: str) -> Any:
    return yaml.load(text, yaml.CSafeLoader)


def read_yaml_1_1_in_python(text: str) -> Any:
    return yaml.load(text, yaml.SafeLoader)


def read_yaml_1_2(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def exactly(value: object) -> str:
    """Tell 1 from 1.0 and True, 0.0 from -0.0, and keep the order of keys."""
    return repr(value)


READERS = [read_yaml_1_1, read_yaml_1_1_in_python, read_yaml_1_2]


@pytest.mark.parametrize("read", READERS)
@given(tree=trees)
def test_every_reader_gets_the_tree_back(read: Any, tree: Any) -> None:
    assert exactly(read(yaml_text(tree)[0])) == exactly(tree)


@pytest.mark.parametrize("read", READERS)
@given(text=texts)
@example(text="a\n\tb\n\tc")
@example(text="a\n \n")
@example(text="a\n\n\n")
@example(text="key: |\n  block\n")
@example(text="---\n...\n")
def test_every_reader_gets_a_text_back_wherever_it_stands(read: Any, text: str) -> None:
    tree = [text, {text: text, "list": [[text], {text: [text, text]}], "last": text}]
    assert exactly(read(yaml_text(tree)[0])) == exactly(tree)
    assert exactly(read(yaml_text(text)[0])) == exactly(text)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("text", TRAPS)
def test_a_word_that_looks_like_something_else_stays_a_string(read: Any, text: str) -> None:
    tree = {text: [text, {"key": text}]}
    assert exactly(read(yaml_text(tree)[0])) == exactly(tree)


@given(trees=st.lists(trees, min_size=1, max_size=3))
def test_a_stream_reads_back_as_its_documents(trees: list[Any]) -> None:
    text, _ = yaml_documents(tuple(trees))
    assert exactly(list(yaml.load_all(text, yaml.CSafeLoader))) == exactly(trees)


@given(tree=trees)
def test_json_reads_back_and_is_what_the_standard_library_writes(tree: Any) -> None:
    text, _ = json_text(tree)
    assert exactly(json.loads(text)) == exactly(tree)
    if "e" not in text:  # a float's exponent is written with a dot, for YAML's sake
        assert text == json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


@given(text=texts)
def test_no_line_is_folded_and_nothing_hides_in_the_output(text: str) -> None:
    written, _ = yaml_text({"key": [text]})
    visible = written.replace("\n", "").replace("\t", "")
    assert all(character == " " or character.isprintable() or ord(character) > 0x300 for character in visible)
    assert not set(visible) & set("\r\x85\xa0\u2028\u2029\u200b\u202e\ufeff")
    assert len(written.splitlines()) <= 2 + text.count("\n") + 1


@given(tree=trees, data=st.data())
def test_origins_change_no_byte(tree: Any, data: st.DataObject) -> None:
    def sourced(value: Any) -> Any:
        if isinstance(value, dict):
            value = {key: sourced(item) for key, item in value.items()}
        elif isinstance(value, list):
            value = [sourced(item) for item in value]
        return Sourced(value, Origin("Model/m", "f")) if data.draw(st.booleans()) else value

    marked = sourced(tree)
    assert yaml_text(marked)[0] == yaml_text(tree)[0]
    assert json_text(marked)[0] == json_text(tree)[0]


@given(values=st.lists(trees, min_size=1, max_size=5))
def test_each_line_has_the_origin_of_the_value_that_wrote_it(values: list[Any]) -> None:
    tree = {f"field{index}": Sourced(value, Origin("Model/m", f"field{index}")) for index, value in enumerate(values)}
    for text, parts in (yaml_text(tree, Origin("Model/m")), json_text(tree, Origin("Model/m"))):
        lines = text.split("\n")
        expected = [index + 1 for index, line in enumerate(lines) if line.lstrip(' "').startswith("field")]
        starts = {part.origin.field: part.line for part in parts}
        assert [starts[name] for name in tree] == expected


@given(tree=st.dictionaries(keys, trees, max_size=4))
def test_the_own_loader_reads_what_the_emitter_writes(tree: Any) -> None:
    sink = Sink()
    (document,) = load("specs/x.yaml", yaml_text(tree)[0], sink)
    assert list(sink) == []
    assert exactly(document.value) == exactly(tree)
