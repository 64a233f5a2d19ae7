"""The target model-card: everything the specs know of a model, and what people have yet to write."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

import monitoring_cases as monitoring
from builders import (
    a_batch_serving,
    a_dataset,
    a_feature,
    a_feature_query,
    a_gate,
    a_lookup,
    a_model,
    a_monitor,
    a_pin,
    a_project,
    a_project_release,
    a_release,
    a_rollout,
    an_environment,
)
from conftest import Golden
from mlc_compiler import ir
from mlc_compiler.backend.target import Artifact
from mlc_compiler.spec.model import TechnicalDocumentation
from mlc_targets.model_card import TARGET
from mlc_targets.model_card.annex_iv import POINTS
from mlc_targets.model_card.markdown import TO_BE_WRITTEN, cell, code, prose, table

DELAY = "avg(arr_delay) over flights by carrier within 86400s"


def rich_model() -> ir.Model:
    origin = ir.Origin("Model/late-arrival", "spec.estimator")
    checks = (
        ir.GateCheck("metric", "roc_auc", min=0.7, origin=ir.Origin("Gate/release", "spec.checks.0")),
        ir.GateCheck("metric", "roc_auc", versus="champion", margin=0.005),
        ir.GateCheck("fairness", "disparate_impact", min=0.8, group="carrier", report_only=True),
        ir.GateCheck("latency", "p99", max=0.02),
    )
    features = (
        a_feature("carrier", description="operating | carrier"),
        a_feature("late", kind="boolean", expression="a > 1 || b < 2"),
        a_feature("carrier_delay_24h", kind="number", expression="avg(arr_delay)", definition=DELAY, online=True),
    )
    columns = (*a_dataset().columns, ir.Column("tailnum", "string", classification="internal"))
    return a_model(
        features=a_feature_query([a_lookup()], features=features),
        estimator=ir.Estimator(
            "sklearn.ensemble.HistGradientBoostingClassifier",
            (("class_weight", (("late", 2), ("on_time", 1))), ("early_stopping", False), ("max_iter", 200)),
            preprocessing=ir.Preprocessing("median", "standard", True, "one_hot", 50, None),
            origin=origin,
        ),
        baseline=ir.Estimator("sklearn.linear_model.LogisticRegression"),
        search=ir.Search("random", 20, "roc_auc", (ir.SearchDimension("learning_rate", "log_uniform", (0.02, 0.3)),)),
        decision=ir.Decision("max_false_positive_rate", 0.2),
        code=("src/late/**",),
        gates=(a_gate(checks=checks),),
        rollout=a_rollout(steps=((5, 1800.0, "approval"), (100, None))),
        monitor=a_monitor(
            monitoring.SIGNALS, retrain=ir.Retrain(("inputs", "live-auc"), "0 4 * * 1", 2 * 86_400.0)
        ),
        card=ir.Card(
            intended_use="warn ground staff\nof late arrivals",
            out_of_scope=("decisions about crews", "airports other than <New York>"),
            risk="minimal",
            limitations=("2013 departures only",),
            ethical_considerations=(),
            human_oversight="",
            contacts=("ops@acme.example", "https://acme.example/team"),
            references=("https://acme.example/late", "Smith *et al.* 2013"),
            origin=ir.Origin("Model/late-arrival", "spec.card"),
        ),
        datasets=(
            a_dataset(columns=columns, license="CC0-1.0", rows=336_776, digest="sha256:" + "d4" * 32),
            a_dataset("weather", license=None),
        ),
    )  # fmt: skip


def full() -> ir.ProjectRelease:
    """Two environments: one runs what the card describes, one an older version."""
    model = rich_model()
    older = a_pin("prod", version="sha256:" + "9" * 64, evidence="sha256:" + "e" * 64)
    staging = a_release(replace(model, pin=a_pin("staging")), environment=an_environment("staging"))
    return a_project_release(staging, a_release(replace(model, pin=older)))


def bare() -> ir.ProjectRelease:
    """A batch of which people have said nothing."""
    card = ir.Card("", (), "minimal", (), (), "", (), (), ir.Origin("Model/late-arrival", "spec.card"))
    model = a_model(
        pinned=False, owner="", description="", card=card, gates=(), serving=a_batch_serving(), decision=None
    )
    return a_project_release(a_release(model))


def high_risk() -> ir.ProjectRelease:
    """A sensitive column that a feature reaches, and a gate over it; people wrote two parts."""
    model = a_model()
    columns = (*a_dataset().columns, ir.Column("sex", "string", classification="pii", sensitive=True))
    features = (
        a_feature("carrier", expression="avg(late)", rows="flights by sex, 24h", reaches=("flights.sex",), online=True),
        a_feature("dep_hour", kind="number", type="int64", expression="hour(scheduled_departure)"),
    )
    checks = (
        ir.GateCheck("fairness", "equal_opportunity", min=0.8, group="sex", min_rows=100),
        ir.GateCheck("metric", "roc_auc", min=0.7, slices=("sex",), report_only=True),
    )
    card = replace(
        model.card,
        risk="high",
        purpose="punctuality",
        sensitive_inputs=(("sex", "it is | needed"),),
        technical_documentation=(("provider", "Acme *Ltd*"), ("risk_management", "docs/risk.md")),
    )
    return a_project_release(
        a_release(
            replace(
                model,
                card=card,
                datasets=(a_dataset(columns=columns),),
                features=replace(model.features, features=features),
                gates=(a_gate(checks=checks),),
                serving=replace(model.serving, log_requests=0.05, log_classification="confidential"),
            )
        )
    )


CASES = {case.__name__.replace("_", "-"): case for case in (full, bare, high_risk)}


def emitted(project: ir.ProjectRelease) -> tuple[Artifact, ...]:
    return tuple(TARGET.emit_project(project))


def text_of(project: ir.ProjectRelease) -> str:
    return emitted(project)[0].text


def parsed(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def shown(tokens: list[Token]) -> list[str]:
    """Return what a reader sees of each inline token."""
    return [_shown(token) for token in tokens if token.type == "inline"]


def _shown(token: Token) -> str:
    return "".join(t.content for t in token.children or () if t.type in ("text", "code_inline"))


def part(project: ir.ProjectRelease, heading: str) -> str:
    return re.split(r"^## ", text_of(project).split(f"\n## {heading}\n")[1], flags=re.MULTILINE)[0]


@pytest.mark.parametrize("case", sorted(CASES))
def test_the_cards_are_the_golden_ones(case: str, golden: Golden) -> None:
    golden(f"model-card/{case}", emitted(CASES[case]()))


# --- it renders ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", sorted(CASES))
def test_a_card_has_no_html_but_its_first_comment(case: str) -> None:
    tokens = parsed(text_of(CASES[case]()))
    html = [t.content for t in tokens if t.type == "html_block"]
    assert len(html) == 1
    assert html[0].startswith("<!-- Generated by mlc from Model/late-arrival; do not edit. -->")
    inline = [child.type for token in tokens for child in token.children or ()]
    assert "html_inline" not in inline
    assert tokens[1].tag == "h1"


@pytest.mark.parametrize("case", sorted(CASES))
def test_every_table_has_as_many_cells_in_each_row_as_heads(case: str) -> None:
    rows: list[int] = []
    for token in parsed(text_of(CASES[case]())):
        if token.type == "tr_open":
            rows.append(0)
        elif token.type in ("th_open", "td_open"):
            rows[-1] += 1
        elif token.type == "table_close":
            assert len(set(rows)) == 1
            assert len(rows) > 1
            rows = []


def test_links_of_a_card_lead_to_its_own_headings_and_to_the_repository() -> None:
    tokens = parsed(text_of(high_risk()) + text_of(full()))
    targets = {str(c.attrs["href"]) for t in tokens for c in t.children or () if c.type == "link_open"}
    headings = {
        "#" + line.lstrip("# ").lower().replace(" ", "-")
        for line in text_of(high_risk()).splitlines()
        if line.startswith(("## ", "### "))
    }
    assert {target for target in targets if target.startswith("#")} <= headings
    assert "../../environments/evidence/late-arrival/999999999999.json" in targets
    assert "../../environments/prod/late-arrival.yaml" in targets
    assert f"../../environments/snapshots/late-arrival/{'c3' * 6}.json" in targets


ANY = st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"))
SIGNS = st.sampled_from("*_`[]()<>|~&;#+-=.!0123 ab\\:/$\"'@{}")
TEXTS = st.text(ANY, max_size=30) | st.text(SIGNS, max_size=20)


@given(TEXTS)
def test_any_text_reads_as_itself(text: str) -> None:
    flat = " ".join(text.split())
    assert shown(parsed(prose(text))) == ([flat] if flat else [])


@given(TEXTS, TEXTS)
def test_any_text_and_code_stay_in_their_cells(text: str, name: str) -> None:
    origin = ir.Origin("Model/m")
    lines = table(("text", "code"), [((prose(text), cell(name)), origin)])
    joined = "\n".join(str(getattr(line, "value", line)) for line in lines)
    tokens = parsed(joined)
    assert [t.type for t in tokens].count("td_open") == 2
    assert shown(tokens)[2:] == [" ".join(text.split()), " ".join(name.split())]


@given(TEXTS)
def test_any_code_reads_as_itself(text: str) -> None:
    flat = " ".join(text.split())
    assert shown(parsed(f"x {code(text)}")) == [f"x {flat}" if flat else "x"]


# --- what it says ----------------------------------------------------------------------------------------------------
def test_what_people_have_not_said_is_marked() -> None:
    for heading in ("Intended use", "Out of scope", "Human oversight", "Limitations", "Ethical considerations"):
        assert part(bare(), heading).strip() == TO_BE_WRITTEN
    assert TO_BE_WRITTEN not in part(full(), "Intended use")
    assert part(full(), "Human oversight").strip() == TO_BE_WRITTEN


def test_a_missing_licence_is_marked_as_work() -> None:
    lines = [line for line in part(full(), "Data").splitlines() if line.startswith("| `")]
    assert "CC0-1.0" in lines[0]
    assert "336,776" in lines[0]
    assert lines[1].count(TO_BE_WRITTEN) == 2


def test_columns_that_are_not_public_are_named() -> None:
    assert "| `flights.tailnum` | internal | no |" in part(full(), "Data")
    assert "All columns are classified as public." in part(bare(), "Data")


def test_features_say_how_they_come_about_and_from_where() -> None:
    text = part(full(), "Features")
    assert "| `late` | `a > 1 \\|\\| b < 2` |  | boolean | request |" in text
    assert "| `carrier_delay_24h` | `avg(arr_delay)` |  | number | looked up |" in text
    assert f"| `carrier_delay_24h` | `{DELAY}` |" in text


def test_a_filter_of_the_rows_is_part_of_the_card() -> None:
    rows = "from flights; predict_at scheduled_departure; where distance > 0"
    model = a_model(features=a_feature_query(definition=rows))
    assert f"The rows: `{rows}`." in part(a_project_release(a_release(model)), "Features")


def test_every_parameter_of_the_training_is_there() -> None:
    text = part(full(), "Training")
    assert "`class_weight = {late: 2, on_time: 1}`, `early_stopping = false`, `max_iter = 200`" in text
    assert "random, 20 trials, by `roc_auc` over `learning_rate: log_uniform [0.02, 0.3]`" in text
    assert "max false positive rate 0.2, on validation" in text


def test_gates_show_their_thresholds_and_which_of_them_block() -> None:
    text = part(full(), "Gates")
    assert "| `release` | roc_auc \\>= 0.7 | test | 95 % | blocks |" in text
    assert "| reported only |" in text
    assert "nothing keeps a version back" in part(bare(), "Gates")


def test_an_environment_that_runs_another_version_is_told_apart() -> None:
    rows = [line for line in part(full(), "Versions").splitlines() if line.startswith("| `")]
    assert "| yes |" in rows[0]
    assert "none recorded" in rows[0]
    assert "| no, in its [snapshot](" in rows[1]
    assert "[evidence](" in rows[1]
    assert "| none |" in part(bare(), "Versions")


def test_what_asks_for_a_new_training_is_told() -> None:
    text = part(full(), "Monitoring")
    assert "an alert of `inputs`, `live-auc` or the schedule `0 4 * * 1`, at most every 2d" in text
    assert "not watched" in part(bare(), "Monitoring")


# --- high risk -------------------------------------------------------------------------------------------------------
def test_a_high_risk_model_has_the_nine_points() -> None:
    headings = re.findall(r"^### (\d)\. (.+)$", text_of(high_risk()), flags=re.MULTILINE)
    assert [(str(i), point.title) for i, point in enumerate(POINTS, 1)] == headings
    assert len(headings) == 9
    assert "Annex IV" not in text_of(full())


def test_what_a_human_has_yet_to_write_is_listed_with_the_field_to_write_it_in() -> None:
    boxes = [line for line in text_of(high_risk()).splitlines() if line.startswith("- [ ] ")]
    topics = [topic.key for point in POINTS for topic in point.topics]
    written = {"provider", "risk_management"}
    assert "- [ ] [Limitations](#limitations): `card.limitations`" in boxes
    named = [line.split("`card.technical_documentation.")[1].rstrip("`") for line in boxes if "technical_doc" in line]
    assert named == [key for key in topics if key not in written]


def test_what_people_wrote_stands_at_its_point() -> None:
    text = text_of(high_risk())
    assert "- The provider, and how this version relates to earlier ones: Acme \\*Ltd\\*" in text
    assert "(Article 9): [docs/risk.md](../../docs/risk.md)" in text


def test_the_topics_of_the_specs_are_those_of_the_points() -> None:
    assert list(TechnicalDocumentation.model_fields) == [topic.key for point in POINTS for topic in point.topics]


def test_sensitive_attributes_show_their_features_reasons_and_gates() -> None:
    text = part(high_risk(), "Sensitive attributes")
    assert "| `flights.sex` | `carrier` | it is \\| needed | equal_opportunity, roc_auc (reported) |" in text
    assert "| `flights.sex` | pii, sensitive | no |" in part(high_risk(), "Data")
    assert "## Sensitive attributes" not in text_of(full())


def test_a_high_risk_model_without_sensitive_attributes_asks_whether_that_is_so() -> None:
    model = a_model()
    risky = a_release(replace(model, card=replace(model.card, risk="high")))
    assert "people have to judge" in part(a_project_release(risky), "Sensitive attributes")


def test_an_aggregate_says_of_which_rows_it_is() -> None:
    assert "| `carrier` | `avg(late)` | `flights by sex, 24h` |" in part(high_risk(), "Features")


def test_the_card_never_claims_that_a_model_complies() -> None:
    assert not re.search(r"\b(is|are) compliant\b|\bcomplies\b", text_of(high_risk()))


# --- scope -----------------------------------------------------------------------------------------------------------
def test_a_card_depends_on_no_environment() -> None:
    release = a_release()
    assert list(TARGET.emit_model(release, release.models[0])) == []
    assert list(TARGET.emit_environment(release)) == []
    assert [a.path for a in emitted(full())] == ["docs/models/late-arrival.md"]


def test_a_line_knows_the_field_that_it_comes_from() -> None:
    fields = {part.origin.document + "#" + part.origin.field for part in emitted(full())[0].parts}
    assert {
        "Model/late-arrival#spec.card.intended_use",
        "Model/late-arrival#spec.split",
        "Gate/release#spec.checks.0",
        "Rollout/late-arrival#spec.steps.0",
        "FeatureView/departures#spec.features.late",
    } <= fields


def test_an_unknown_option_is_refused_where_it_stands() -> None:
    release = a_release(project=a_project(targets={"model-card": {"format": "html"}}))
    assert [u.origin.field for u in TARGET.check(release)] == ["spec.targets.model-card.format"]
