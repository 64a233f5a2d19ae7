"""How findings look to people, programs and GitHub."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from mlc_compiler.diagnostics import Finding, Place, Related, Severity, Span
from mlc_compiler.render import render_github, render_json, render_sarif, render_text, summary
from mlc_compiler.render.cells import width

FEATURES = """\
kind: FeatureView
spec:
  features:
    arr_delay_raw: {expr: arr_delay}
"""
LEAK = Finding(
    "MLC302",
    "feature `arr_delay_raw` uses `arr_delay`, known only after the prediction is made",
    Span("specs/features.yaml", 4, 27, 4, 36),
    note="known at `actual_arrival`",
    related=(
        Related("declared", "arr_delay: {..., known_at: actual_arrival}", Span("specs/flights.yaml", 18, 5, 18, 14)),
        Related("predict_at", "scheduled_departure (specs/features.yaml:6:15)"),
    ),
    help='aggregate earlier flights instead, e.g. {aggregate: "avg(arr_delay)", by: [carrier], window: 24h}',
)


def read(_: str) -> str:
    return FEATURES


def block(text: str, span: tuple[int, int, int, int], note: str = "", columns: int = 120) -> list[str]:
    """Return the lines of source and carets that a finding shows."""
    finding = Finding("MLC001", "x", Span("a.yaml", *span), note)
    shown = render_text([finding], lambda _: text, width=columns).split("\n")
    return shown[2 : shown.index(next(line for line in shown if "= see" in line))]


# --- text ------------------------------------------------------------------------------------------------------------
def test_a_finding_shows_message_place_source_related_places_and_help() -> None:
    assert (
        render_text([LEAK], read)
        == """\
error[MLC302]: feature `arr_delay_raw` uses `arr_delay`, known only after the prediction is made
 --> specs/features.yaml:4:27
  |
4 |     arr_delay_raw: {expr: arr_delay}
  |                           ^^^^^^^^^ known at `actual_arrival`
  = declared: specs/flights.yaml:18:5  arr_delay: {..., known_at: actual_arrival}
  = predict_at: scheduled_departure (specs/features.yaml:6:15)
  = help: aggregate earlier flights instead, e.g. {aggregate: "avg(arr_delay)", by: [carrier], window: 24h}
  = see: mlc explain MLC302

1 error
"""
    )


def test_the_summary_counts_each_severity() -> None:
    at = Span("a.yaml", 1, 1, 1, 1)
    severities = [Severity.WARNING, Severity.ERROR, Severity.ERROR, Severity.INFO]
    assert (
        summary(Finding("MLC001", "x", at, severity=severity) for severity in severities)
        == "2 errors, 1 warning, 1 info"
    )


def test_no_findings_show_nothing() -> None:
    assert render_text([], read) == ""


def test_findings_are_separated_by_an_empty_line() -> None:
    shown = render_text([LEAK, LEAK], read)
    assert shown.count("\n\nerror[MLC302]") == 1
    assert shown.endswith("\n\n2 errors\n")


def test_without_its_source_a_finding_still_shows_its_place_and_note() -> None:
    finding = Finding("MLC001", "x", Span("a.yaml", 7, 3, 7, 4), "seven")
    for text in (None, "one line"):
        assert render_text([finding], lambda _, text=text: text).split("\n")[:4] == [  # type: ignore[misc]
            "error[MLC001]: x", " --> a.yaml:7:3", "    seven", "  = see: mlc explain MLC001",
        ]  # fmt: skip


def test_a_related_place_without_text_shows_its_line() -> None:
    finding = Finding(
        "MLC001", "x", Span("a.yaml", 1, 1, 1, 5), related=(Related("first", at=Span("a.yaml", 3, 3, 3, 11)),)
    )
    assert "  = first: a.yaml:3:3  features:\n" in render_text([finding], read)


def test_lines_of_help_and_notes_hang_below_their_first() -> None:
    finding = Finding("MLC001", "x", Span("a.yaml", 1, 7, 1, 18), "one\ntwo", help="three\nfour")
    assert render_text([finding], read).split("\n")[3:8] == [
        "1 | kind: FeatureView",
        "  |       ^^^^^^^^^^^ one",
        "  |                   two",
        "  = help: three",
        "          four",
    ]


def test_the_margin_is_as_wide_as_the_line_number() -> None:
    assert block("\n" * 99 + "abc", (100, 2, 100, 3)) == ["    |", "100 | abc", "    |  ^"]


def test_an_empty_span_gets_one_caret_even_behind_its_line() -> None:
    assert block("key:\n", (1, 5, 1, 5)) == ["  |", "1 | key:", "  |     ^"]
    assert block("", (1, 1, 1, 1)) == ["  |", "1 |", "  | ^"]


def test_a_span_of_two_lines_marks_both() -> None:
    assert block("a: one\n  two  # x\n", (1, 4, 2, 6), "here") == [
        "  |", "1 | a: one", "  |    ^^^", "2 |   two  # x", "  |   ^^^ here",
    ]  # fmt: skip


def test_a_span_of_many_lines_marks_the_first_and_the_last() -> None:
    text = "a: |\n" + "  b\n" * 10
    assert block(text, (1, 4, 11, 4), "here") == [
        "   |", " 1 | a: |", "   |    ^", "  ...", "11 |   b", "   |   ^ here",
    ]  # fmt: skip


def test_tabs_and_wide_and_combining_characters_keep_the_carets_in_place() -> None:
    assert block("\tx", (1, 2, 1, 3)) == ["  |", "1 |     x", "  |     ^"]
    assert block("中文: x", (1, 2, 1, 3)) == ["  |", "1 | 中文: x", "  |   ^^"]
    assert block("e\u0301: x", (1, 5, 1, 6)) == ["  |", "1 | e\u0301: x", "  |    ^"]


def test_characters_that_hide_or_reorder_text_are_escaped_everywhere() -> None:
    hostile = "\x1b[31m\u202e\u200b\x00\ud800"
    finding = Finding(
        "MLC001", hostile, Span(f"{hostile}.yaml", 1, 1, 1, 3), hostile, (Related(hostile, hostile),), hostile,
        Severity.WARNING,
    )  # fmt: skip
    shown = render_text([finding], lambda _: hostile)
    assert not re.search("[\x00\x1b\u202e\u200b\ud800]", shown)
    assert "\\x1b[31m\\u202e\\u200b\\x00\\ud800" in shown
    assert "  | ^^^^^" in shown  # the first character is shown as four, the second as one


@pytest.mark.parametrize("column", [1, 50, 1000, 1990, 2000])
def test_a_long_line_is_clipped_round_its_carets(column: int) -> None:
    words = "".join(f"{number % 10}" for number in range(2000))
    _, source, carets = block(words, (1, column, 1, column + 1), columns=60)
    assert max(width(source), width(carets)) <= 60
    assert source[carets.index("^")] == words[column - 1]
    assert source.count("...") == (column > 20) + (column < 1970)


def test_carets_end_where_a_long_line_is_cut() -> None:
    _, source, carets = block("x" * 500, (1, 1, 1, 501), "all of it", columns=60)
    assert carets == f"  | {'^' * source.count('x')} all of it"


def test_colors_change_nothing_but_the_color() -> None:
    colored = render_text([LEAK], read, color=True)
    assert colored.startswith("\x1b[1;31merror[MLC302]\x1b[0m")
    assert re.sub("\x1b\\[[0-9;]*m", "", colored) == render_text([LEAK], read)


def test_a_finding_that_was_never_located_is_our_mistake() -> None:
    lost = Finding("MLC001", "x", Place("a.yaml"))
    half = Finding("MLC001", "x", Span("a.yaml", 1, 1, 1, 1), related=(Related("first", at=Place("a.yaml")),))
    for finding in (lost, half):
        with pytest.raises(TypeError, match="was not located"):
            render_text([finding], read)
        with pytest.raises(TypeError, match="was not located"):
            render_json([finding])


# --- JSON ------------------------------------------------------------------------------------------------------------
def test_json_has_the_published_shape() -> None:
    schema = json.loads(files("mlc_schemas").joinpath("output/findings.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    shown = json.loads(render_json([LEAK]))
    validator.validate(shown)
    validator.validate(json.loads(render_json([])))
    assert not validator.is_valid({**shown, "format_version": 2})
    assert not validator.is_valid({**shown, "findings": [{**shown["findings"][0], "severity": "fatal"}]})


def test_json_says_all_that_the_text_says() -> None:
    (finding,) = json.loads(render_json([LEAK]))["findings"]
    assert finding == {
        "code": "MLC302",
        "severity": "error",
        "message": LEAK.message,
        "fix": "",
        "at": {"file": "specs/features.yaml", "line": 4, "column": 27, "end_line": 4, "end_column": 36},
        "note": "known at `actual_arrival`",
        "help": LEAK.help,
        "related": [
            {
                "label": "declared",
                "text": "arr_delay: {..., known_at: actual_arrival}",
                "at": {"file": "specs/flights.yaml", "line": 18, "column": 5, "end_line": 18, "end_column": 14},
            },
            {"label": "predict_at", "text": "scheduled_departure (specs/features.yaml:6:15)", "at": None},
        ],
    }


def test_json_survives_any_stream_encoding() -> None:
    assert render_json([Finding("MLC001", "é\ud800", Span("a.yaml", 1, 1, 1, 1))]).isascii()


# --- GitHub ----------------------------------------------------------------------------------------------------------
def test_a_github_annotation_is_one_line_with_every_special_character_escaped() -> None:
    finding = Finding(
        "MLC001", "100%\r\nsure::error::no", Span("a,b:c%.yaml", 3, 5, 3, 9), "why", (Related("first", "x"),),
        "mend, it", Severity.WARNING,
    )  # fmt: skip
    assert render_github([finding]) == (
        "::warning file=a%2Cb%3Ac%25.yaml,line=3,endLine=3,col=5,title=MLC001::"
        "100%25%0D%0Asure::error::no%0Awhy%0Afirst: x%0Ahelp: mend, it\n"
    )


def test_a_github_annotation_of_several_lines_has_no_column() -> None:
    info = Finding("MLC001", "x", Span("a.yaml", 3, 5, 9, 2), severity=Severity.INFO)
    assert render_github([info]) == "::notice file=a.yaml,line=3,endLine=9,title=MLC001::x\n"


@pytest.mark.parametrize("character", ["x", "%", "中", "🙂"])
@pytest.mark.parametrize("shift", range(4))
def test_a_github_annotation_is_cut_at_64_kib_between_characters(character: str, shift: int) -> None:
    long = Finding("MLC001", "x" * shift + character * 70_000, Span("a.yaml", 1, 1, 1, 1))
    shown = render_github([long]).removesuffix("\n")
    assert 64 * 1024 - 4 <= len(shown.encode()) <= 64 * 1024
    assert re.fullmatch("(x|%25|中|🙂)*\\.\\.\\.", shown.split("::", 2)[2])


# --- SARIF -----------------------------------------------------------------------------------------------------------
def sarif(*findings: Finding, text: str = FEATURES) -> dict[str, Any]:
    (run,) = json.loads(render_sarif(findings, lambda _: text))["runs"]
    return dict(run)


def test_sarif_says_all_that_the_text_says() -> None:
    run = sarif(LEAK)
    (rule,), (result,) = run["tool"]["driver"]["rules"], run["results"]
    assert rule["id"] == result["ruleId"] == "MLC302"
    assert result["level"] == "error"
    assert "known at `actual_arrival`" in result["message"]["text"]
    assert "help: aggregate earlier flights" in result["message"]["text"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "specs/features.yaml", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 4, "startColumn": 27, "endLine": 4, "endColumn": 36}
    assert result["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] == 18


def test_a_fix_becomes_a_replacement_of_the_marked_text() -> None:
    (result,) = sarif(replace(LEAK, fix="dep_delay"))["results"]
    (change,) = result["fixes"][0]["artifactChanges"]
    assert change["replacements"][0]["insertedContent"] == {"text": "dep_delay"}
    assert change["replacements"][0]["deletedRegion"] == result["locations"][0]["physicalLocation"]["region"]
    assert "fixes" not in sarif(LEAK)["results"][0]


def test_a_fingerprint_survives_lines_that_move_and_tells_twins_apart() -> None:
    moved = replace(LEAK, at=Span("specs/features.yaml", 5, 27, 5, 36))
    marks = [
        result["partialFingerprints"]["mlcFinding/v1"]
        for run in (sarif(LEAK), sarif(moved, text=f"# new{FEATURES}".replace("# new", "# new\n")), sarif(LEAK, LEAK))
        for result in run["results"]
    ]
    assert marks[0] == marks[1] == marks[2]
    assert marks[2] != marks[3]


def test_a_path_is_a_uri() -> None:
    (result,) = sarif(replace(LEAK, at=Span("specs/a b%.yaml", 1, 1, 1, 1)))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "specs/a%20b%25.yaml"
