"""YAML as people write it: texts with the value that they mean, in every style and with ragged layout."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

# Words that a reader may take for something else, and characters that YAML, a terminal or a codec may trip over.
# fmt: off
WORDS = (
    "a", "on", "no", "null", "true", "~", "12:30", "010", "1.10", "1e5", "<<", "2014-01-01", "é中🙂", "${{ x }}",
    "-", "?", "#", "'", '"', "\\", "*a", "&a", "!a", "%", "@", "`", "[", "{", "=",
    "a b", "a: b", "a #b", "x\ty", " a ", "", "a\nb", "a\n\n  b\n",
)
# fmt: on

texts = st.sampled_from(WORDS) | st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff"), max_size=12
)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
keys = st.from_regex(r"[a-z][a-z_0-9]{0,6}", fullmatch=True) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
mappings = st.dictionaries(keys, values, min_size=1, max_size=5)


@dataclass
class Writer:
    """Writes a value as YAML; `draw` decides about indentation, style, blank lines and comments."""

    draw: Any

    def choose(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def flow(self, value: Any) -> str:
        if isinstance(value, dict):
            comma: str = self.choose(", ", ",  ")
            return "{" + comma.join(f"{self.scalar(k)}: {self.flow(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self.flow, value)) + "]"
        return self.scalar(value)

    def scalar(self, value: Any) -> str:
        if value is None:
            return str(self.choose("null", "~"))
        if not isinstance(value, str):
            return json.dumps(value)
        is_simple = value.isascii() and value.isalpha() and value.lower() not in {"null", "true", "false"}
        if is_simple and self.choose(True, False):
            return value
        if self.choose(True, False) and "\n" not in value and value.isprintable():
            return "'" + value.replace("'", "''") + "'"
        # YAML has no surrogate pairs: JSON's escapes beyond the first plane are no YAML.
        return json.dumps(value, ensure_ascii=max(value, default="") < "\U00010000" and self.choose(True, False))

    def lines(self, value: Any, indent: int) -> list[str]:
        """Return the lines of a block collection in the column `indent`."""
        made: list[str] = []
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            made += self.noise(indent)
            head = f"{self.scalar(key)}:" if isinstance(value, dict) else "-"
            made += self.entry(" " * indent + head, item, indent, inline=head == "-")
        return made

    def entry(self, head: str, item: Any, indent: int, *, inline: bool) -> list[str]:
        if not isinstance(item, (dict, list)) or not item or self.choose(True, False, False):
            comment = self.choose("", "", "  # why", " ")
            if isinstance(item, str) and self.literal_fits(item):
                body = [f"{' ' * (indent + 3)}{line}" for line in item[:-1].split("\n")]
                return [f"{head} |{comment}", *body]
            gap = " " * self.choose(1, 1, 3) if inline or self.choose(True, False) else " "
            return [head + gap + self.flow(item) + comment]
        deeper = indent + self.choose(1, 2, 2, 4)
        if isinstance(item, list) and not inline and self.choose(True, False):
            deeper = indent
        body = self.lines(item, max(deeper, indent + 1 if inline else deeper))
        return [head + self.choose("", "  # below", " "), *body]

    def literal_fits(self, text: str) -> bool:
        is_plain = text.endswith("\n") and not text.endswith("\n\n") and text[0] not in " \n\t"
        return is_plain and text.replace("\n", "").isprintable() and bool(self.choose(True, False))

    def noise(self, indent: int) -> list[str]:
        column = self.choose(indent, indent, 0, indent + 1)
        return list(self.choose([], [], [], [""], ["", "  ", ""], [" " * column + "# a note: {x"]))


@st.composite
def documents(draw: Any) -> tuple[str, dict[str, Any]]:
    """Return a text and the mapping that it means."""
    value = draw(mappings)
    writer = Writer(draw)
    lines = writer.lines(value, writer.choose(0, 0, 2))
    text = "\n".join(lines)
    # A literal block at the end of a file that lacks the last line break lacks it in its value too.
    return text + writer.choose("\n", "\n\n", "\n" if "|" in text else ""), value
