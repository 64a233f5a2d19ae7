"""The canonical layout of a spec file."""

from __future__ import annotations

import pytest

from mlc_compiler.fmt import format_text

RAGGED = """\


%YAML 1.2
---
# head


a:   {x: 1,   y: 2}   # aligned by hand
b:
- k: v
  # in k
  z:
        - 1
        # one
        -   two: 2
            three: >-
              folded
                more

              end
- - p
  - q
  # tail of q
# about c
c: |+
      keep

      me


d: "multi
      line"
e:
    f: {
      a: 1,
    }
    g: plain
      multi
    h: |2
        two
      three
# end of doc
...
---
x: &anchor
   y: 1
z: *anchor


"""
NEAT = """\
%YAML 1.2
---
# head

a:   {x: 1,   y: 2}   # aligned by hand
b:
  - k: v
    # in k
    z:
      - 1
      # one
      - two: 2
        three: >-
          folded
            more

          end
  - - p
    - q
    # tail of q
# about c
c: |+
  keep

  me


d: "multi
      line"
e:
  f: {
    a: 1,
  }
  g: plain
    multi
  h: |2
      two
    three
# end of doc
...
---
x: &anchor
  y: 1
z: *anchor
"""


def test_a_file_gets_two_spaces_a_level_and_single_blank_lines() -> None:
    assert format_text(RAGGED) == NEAT
    assert format_text(NEAT) == NEAT


def test_what_people_align_by_hand_stays() -> None:
    text = "columns:\n  id:        {type: int64,   unique: true}\n  departure: {type: timestamp}   # local\n"
    assert format_text(text) == text


def test_a_long_flow_mapping_stays_on_its_line() -> None:
    text = f"a: {{{', '.join(f'key{number}: {number}' for number in range(200))}}}\n"
    assert format_text(text) == text


def test_carriage_returns_and_the_byte_order_mark_go() -> None:
    assert format_text("\ufeffa: 1\r\nb:\r\n    c: 2\r\n") == "a: 1\nb:\n  c: 2\n"


def test_a_comment_goes_where_the_key_of_its_column_goes() -> None:
    assert format_text("a:\n    b: 1\n    # b\n# a\nc: 2\n") == "a:\n  b: 1\n  # b\n# a\nc: 2\n"


def test_a_comment_between_columns_goes_with_the_next_key() -> None:
    assert format_text("a:\n    b: 1\n      # c\n    c: 2\n") == "a:\n  b: 1\n  # c\n  c: 2\n"


@pytest.mark.parametrize(
    "text",
    [
        "a: [1\n",  # no YAML
        "a: 1\na: 2\n",  # YAML with a finding
        "? a\n:   b\n",  # explicit keys
        "a: &x\n    - 1\n",  # an anchor before a dash
        "a: |\n    without the last line break",
    ],
)
def test_what_cannot_be_laid_out_without_a_doubt_stays_as_it_is(text: str) -> None:
    assert format_text(text) == text


@pytest.mark.parametrize("text", ["", "# only a comment\n", "a: 1\n", "[1,\n   2]\n"])
def test_small_files_are_fine_as_they_are(text: str) -> None:
    assert format_text(text) == text
