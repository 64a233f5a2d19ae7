"""The report: one file that fetches nothing, escapes everything, and is the same for the same run."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from builders import a_model
from mlc_compiler import ir
from mlc_compiler.metrics import BINARY, MULTICLASS
from mlc_targets.local.gates import Evaluation, judge, measure_all
from mlc_targets.local.report import (
    DataCheckRow,
    Fold,
    Importance,
    Input,
    RunReport,
    StepRow,
    Trial,
    report_html,
    write_report,
)
from mlc_targets.local.report.page import summary

HOSTILE = '<script>alert("1")</script>&\'"'
VERSION = "sha256:1a2b3c4d5e6f"
CHECKS = (
    ir.GateCheck("metric", "roc_auc", min=0.6),
    ir.GateCheck("metric", "brier", max=0.01),
    ir.GateCheck("metric", "roc_auc", versus="champion"),
    ir.GateCheck("metric", "roc_auc", min=0.5, slices=("carrier",), min_rows=100),
    ir.GateCheck("fairness", "equal_opportunity", min=0.1, group="carrier", report_only=True),
    ir.GateCheck("latency", "p99", max=0.02),
    ir.GateCheck("parity", "onnx", max=1e-5),
)
FOLDS = (
    Fold("train", 9000, "2013-01-01T10:00:00", "2013-09-13T04:00:00", 0.24, 12, 34),
    Fold("test", 1200, "2013-11-07T10:00:00", "2014-01-01T04:59:00", 0.26),
)


def binary(**fields: Any) -> Evaluation:
    random = np.random.default_rng(0)
    day = np.repeat(np.arange(15_000, 15_030), 40)
    x = random.normal(size=len(day))
    y = (random.random(len(day)) < 1 / (1 + np.exp(1 - x))) * 1
    carrier = random.choice(np.array(["UA", HOSTILE, ""]), len(day))
    evaluation = Evaluation(
        BINARY, "test", y, 1 / (1 + np.exp(1 - x)), baseline_scores=random.random(len(day)), blocks=day,
        block_unit="days", slices={"carrier": carrier}, classes=("on_time", "late"), threshold=0.35,
        latencies=random.gamma(4, 2e-5, 500), parity_difference=6e-7,
    )  # fmt: skip
    return replace(evaluation, **fields)


def numeric() -> Evaluation:
    random = np.random.default_rng(1)
    day = np.repeat(np.arange(15_000, 15_020), 30)
    y = random.gamma(3, 20, len(day))
    return Evaluation("regression", "test", y, y + random.normal(0, 9, len(day)), blocks=day, block_unit="days")


def multiclass() -> Evaluation:
    random = np.random.default_rng(2)
    logits = random.normal(size=(500, 3))
    y = (logits + random.gumbel(size=(500, 3))).argmax(axis=1)
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Evaluation(MULTICLASS, "test", y, scores, classes=("setosa", "versicolor", HOSTILE))


def a_run(evaluation: Evaluation | None = None, **fields: Any) -> RunReport:
    evaluation = evaluation or binary()
    task: Any = evaluation.task
    gates = (ir.Gate("release", "test", CHECKS),) if evaluation.task == BINARY else ()
    run = RunReport(
        "flights", replace(a_model(), task=task, decision=None), VERSION, "sha256:a1", False, {"test": evaluation},
        {"test": measure_all(evaluation)}, judge(gates, {"test": evaluation}, 0), folds=FOLDS,
        checks=(DataCheckRow("flights", "distance > 0", "warned", 3, 1200, HOSTILE),),
        importances=(Importance("hour", 0.02, 0.01, 0.03), Importance(HOSTILE, -0.001)), importance_metric="roc_auc",
        trials=(Trial(1, "depth=3", 0.7), Trial(2, "depth=9", None, note=HOSTILE),
                Trial(3, "depth=5", 0.8, chosen=True)),
        steps=(StepRow("train", "ran", "the seed changed"), StepRow("ingest", "unchanged", "same inputs")),
        inputs=(Input("flights", 1200, "sha256:ab"), Input("weather")),
        libraries={"scikit-learn": "1.9.1", "numpy": "2.4.6"}, notes=(HOSTILE,),
    )  # fmt: skip
    return replace(run, **fields)


class Tags(HTMLParser):
    """Collects what a page holds: tags with attributes, and whether they nest."""

    VOID = frozenset({"meta", "link", "br", "img"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


PAGES = {"binary": binary, "regression": numeric, "multiclass": multiclass}


@pytest.fixture(params=sorted(PAGES))
def page(request: pytest.FixtureRequest) -> str:
    return report_html(a_run(PAGES[request.param]()))


def test_a_page_nests_and_its_ids_are_unique_and_all_references_resolve(page: str) -> None:
    tags = Tags(page)
    assert tags.open == []
    ids = [a["id"] for _, a in tags.found if a.get("id")]
    assert len(ids) == len(set(ids))
    named = [name for _, a in tags.found for name in (a.get("aria-labelledby") or "").split()]
    anchors = [(a["href"] or "")[1:] for tag, a in tags.found if tag == "a"]
    assert set(named) | set(anchors) <= set(ids)


def test_a_page_fetches_nothing_and_runs_nothing(page: str) -> None:
    tags = Tags(page)
    assert not {"script", "img", "iframe", "object"} & {tag for tag, _ in tags.found}
    assert all(not name.startswith("on") for _, a in tags.found for name in a)
    assert not re.search(r"https?://|@import|url\(", page)
    assert "default-src 'none'" in page


def test_hostile_text_is_shown_and_never_becomes_markup(page: str) -> None:
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_every_picture_is_well_formed_and_described(page: str) -> None:
    pictures = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert pictures
    for picture in pictures:
        root = ET.fromstring(picture)
        assert root.get("role") == "img"
        assert [child.tag for child in root[:2]] == ["title", "desc"]
        assert all(child.text for child in root[:2])
        assert not re.search(r"\b(nan|inf)\b", picture)


def test_the_same_run_gives_the_same_bytes() -> None:
    assert report_html(a_run()) == report_html(a_run())


def test_binary_runs_show_their_plots() -> None:
    page = report_html(a_run())
    titles = ("ROC", "Precision and recall", "Calibration", "Scores", "Thresholds", "Confusion", "By day", "By carrier")
    assert [t for t in titles if f"<h3>{t}</h3>" not in page] == []
    assert "champion" not in re.findall(r'<svg[^>]*aria-labelledby="roc.*?</svg>', page, flags=re.DOTALL)[0]


def test_regressions_show_predictions_and_errors() -> None:
    page = report_html(a_run(numeric()))
    assert [t for t in ("Predicted and actual", "Errors", "By day") if f"<h3>{t}</h3>" not in page] == []
    assert "Operating point" not in page


def test_every_verdict_is_said_in_a_word_beside_its_colour() -> None:
    page = report_html(a_run())
    for word in ("passed", "failed", "not applicable", "reported"):
        assert re.search(rf"</b>{word}</span>", page), word
    assert "would pass" in page
    assert "not passed" in page


def test_the_summary_counts_what_was_judged() -> None:
    assert summary(a_run()) == "4 of 5 checks passed, 1 failed, 1 not applicable, 1 reported."
    assert summary(a_run(verdicts=())) == "No gate judges this model."


def test_the_arithmetic_of_a_verdict_is_on_the_page() -> None:
    run = a_run()
    assert all(str(v.reason).replace(">", "&gt;").replace("<", "&lt;") in report_html(run) for v in run.verdicts[:3])


def test_folds_show_dates_and_what_was_left_out() -> None:
    page = report_html(a_run())
    assert "2013-09-13T04:00:00" in page
    assert 'aria-labelledby="folds-title' in page
    assert 'aria-labelledby="folds-title' not in report_html(a_run(folds=(Fold("train", 5), Fold("test", 3))))


@pytest.mark.parametrize(
    "evaluation",
    [
        binary(scores=np.full(1200, np.nan)),
        binary(scores=np.full(1200, 0.5)),
        binary(y_true=np.zeros(1200)),
        binary(y_true=np.ones(1200), scores=np.ones(1200)),
        binary(blocks=None, block_unit="rows", slices={}, baseline_scores=None),
        Evaluation(BINARY, "test", np.zeros(0), np.zeros(0)),
        Evaluation(BINARY, "test", np.ones(1), np.ones(1)),
        Evaluation("regression", "test", np.zeros(1), np.zeros(1)),
        Evaluation("forecast", "test", np.zeros(9), np.zeros(9), blocks=np.zeros(9, dtype=int), block_unit="days"),
        Evaluation(MULTICLASS, "test", np.zeros(5), np.full((5, 3), 1 / 3)),
    ],
)
def test_unusable_rows_still_give_a_page(evaluation: Evaluation) -> None:
    tags = Tags(report_html(a_run(evaluation)))
    assert tags.open == []


def test_a_run_that_ended_early_has_a_page_too() -> None:
    run = RunReport("flights", a_model(), VERSION, None, False, {}, {}, ())
    assert "not packaged" in report_html(run)


def test_writing_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runs" / "report.html"
    write_report(path, a_run())
    before = path.read_bytes()
    assert before.startswith(b"<!doctype html>")
    monkeypatch.setattr("mlc_targets.local.report.page.report_html", lambda run: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(path, a_run())
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
