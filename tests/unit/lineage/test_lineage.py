"""The lineage of the tutorial: what stands above and below a node, by which flow, and in every format."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from mlc_compiler.cli.console import Console
from mlc_compiler.cli.main import run
from mlc_compiler.cli.project import Emission, Workspace, open_project
from mlc_compiler.lineage.build import lineage
from mlc_compiler.lineage.graph import Edge, Lineage, Node
from mlc_compiler.lineage.names import named
from mlc_compiler.lineage.view import view

EXAMPLES = Path(__file__).parents[3] / "examples"
SCHEMA = Path(__file__).parents[3] / "schemas" / "mlc_schemas" / "output" / "lineage.schema.json"
ARR_DELAY, MODEL = Node("column", "flights.arr_delay"), Node("model", "late-arrival")
Streams = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ignored = shutil.ignore_patterns(".mlc", "data", "deploy", "docs", ".github")
    return Path(shutil.copytree(EXAMPLES / "flights", tmp_path_factory.mktemp("lineage") / "flights", ignore=ignored))


@pytest.fixture(scope="module")
def opened(folder: Path) -> Workspace:
    found = open_project(folder, Console("text", False, True, False, False), emission=Emission.NOTHING)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def graph(opened: Workspace) -> Lineage:
    return lineage(opened.project, opened.compilation.models)


def kinds(nodes: Iterator[Node]) -> set[str]:
    return {node.kind for node in nodes}


def test_a_column_reaches_the_owner_by_way_of_everything_between(graph: Lineage) -> None:
    assert kinds(graph.downstream(ARR_DELAY)) == {
        "feature", "label", "model", "gate", "rollout", "monitor", "alert", "environment", "owner",
    }  # fmt: skip
    path = graph.path(ARR_DELAY, Node("alert", "late-arrival/inputs"))
    assert [edge.target.kind for edge in path] == ["feature", "model", "monitor", "alert"]


def test_columns_that_only_decide_stand_above_as_well(graph: Lineage) -> None:
    flows = {(e.source.name, e.flow) for e in graph.into[Node("feature", "departures.temp")]}
    assert flows == {
        ("weather.temp", "value"), ("weather.origin", "key"), ("flights.origin", "key"),
        ("weather.observed_at", "time"), ("flights.scheduled_departure", "time"),
    }  # fmt: skip


def test_features_of_features_and_the_slices_of_gates_are_edges(graph: Lineage) -> None:
    uses = {e.source.name for e in graph.into[Node("feature", "departures.delay_trend")]}
    assert uses == {"departures.origin_delay_3h", "departures.carrier_delay_24h"}
    slices = {e.source.name for e in graph.into[Node("gate", "release")] if e.flow == "key"}
    assert slices == {"flights.carrier", "flights.origin"}


def test_an_unused_column_has_nothing_below(graph: Lineage) -> None:
    node = Node("column", "flights.air_time")
    assert node in graph.nodes
    assert list(graph.downstream(node)) == []
    assert graph.path(node, MODEL) == ()


def test_every_edge_says_where_it_stands(graph: Lineage) -> None:
    assert all(edge.at is not None for edge in graph.edges)


def test_a_query_passes_on_what_it_reads(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parents[2] / "ok" / "queries", tmp_path, dirs_exist_ok=True)
    from specs_on_disk import a_project_on_disk

    root = a_project_on_disk(tmp_path / "p", {"specs/extra.yaml": (tmp_path / "specs/extra.yaml").read_text("utf-8")})
    found = open_project(root, Console("text", False, True, False, False), emission=Emission.NOTHING)
    assert found is not None
    graph = lineage(found.project, found.compilation.models)
    above = {str(node) for node in graph.upstream(Node("column", "latest.delay"))}
    assert {"column:departed.delay", "column:flights.delay", "column:planes.tailnum", "column:flights.tailnum"} <= above


# --- names -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("flights.arr_delay", "column:flights.arr_delay"),
        ("FLIGHTS.Arr_Delay", "column:flights.arr_delay"),
        ("departures.temp", "feature:departures.temp"),
        ("label:late-arrival", "label:late-arrival"),
        ("late-arrival", "model:late-arrival"),
        ("rollout:late-arrival", "rollout:late-arrival"),
        ("late-arrival/inputs", "alert:late-arrival/inputs"),
        ("release", "gate:release"),
        ("prod", "environment:prod"),
        ("ops-analytics", "owner:ops-analytics"),
    ],
)
def test_a_name_means_one_node(graph: Lineage, text: str, node: str) -> None:
    assert str(named(text, graph).node) == node


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("departures.tmp", "did you mean `departures.temp`?"),
        ("temp", "did you mean `column:weather.temp` or `feature:departures.temp`?"),
        ("flights", "holds 14 nodes; name one of them"),
        ("featur:departures.temp", "did you mean `feature`?"),
        ("feature:departures.tmp", "did you mean `departures.temp`?"),
        ("", "there is no name"),
        (":", "there is no kind"),
        ("nothing-like-it", "there is no name `nothing-like-it`"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(graph: Lineage, text: str, problem: str) -> None:
    found = named(text, graph)
    assert found.node is None
    assert problem in found.problem


def test_a_column_and_a_feature_of_one_name_are_told_apart_by_kind() -> None:
    column, feature = Node("column", "a.b"), Node("feature", "a.b")
    graph = Lineage.of([Edge(column, feature, "value")])
    assert "write one with its kind" in named("a.b", graph).problem
    assert named("feature:a.b", graph).node == feature


# --- views and formats -----------------------------------------------------------------------------------------------
def test_up_and_down_show_one_side(opened: Workspace, graph: Lineage) -> None:
    above = view(opened.project, graph, MODEL, down=False)
    below = view(opened.project, graph, MODEL, up=False)
    assert {node.kind for node in above.nodes} == {"column", "feature", "label", "model"}
    assert {"gate", "rollout", "monitor", "alert"} <= {node.kind for node in below.nodes}
    assert set(above.nodes) & set(below.nodes) == {MODEL}


def test_the_text_shows_flows_places_and_owners(folder: Path, capsys: Streams) -> None:
    assert run(["-C", str(folder), "-q", "lineage", "flights.arr_delay", "--down"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].startswith("column flights.arr_delay  owner ops-analytics  specs/data.yaml:")
    assert re.search(r"^  feature departures.origin_delay_3h +value +specs/features.yaml:\d+:\d+$", out, re.MULTILINE)
    assert re.search(r"gate release +value +specs/model.yaml:\d+:\d+  owner ops-analytics$", out, re.MULTILINE)
    assert "model late-arrival (above)" in out
    assert "depends on" not in out


@pytest.mark.parametrize("node", [["flights.arr_delay"], ["late-arrival", "--up"], []])
def test_the_json_fits_its_schema(node: list[str], folder: Path, capsys: Streams) -> None:
    assert run(["-C", str(folder), "-q", "lineage", *node, "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(shown)
    ids = {node["id"] for node in shown["nodes"]}
    assert all(edge["source"] in ids and edge["target"] in ids for edge in shown["edges"])


def test_the_flowchart_dots_what_only_decides(folder: Path, capsys: Streams) -> None:
    assert run(["-C", str(folder), "-q", "lineage", "departures.temp", "--up", "--format", "mermaid"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "flowchart LR"
    assert sum(" --> " in line for line in lines) == 1
    assert sum(" -.->|key| " in line for line in lines) == 2
    assert sum(" -.->|time| " in line for line in lines) == 2


class _Page(HTMLParser):
    """Collects what a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [f"{tag} {value}" for name, value in attrs if name in ("src", "href")]


def test_the_page_needs_nothing_else_and_nothing_ends_its_data(opened: Workspace) -> None:
    from mlc_compiler.diagnostics import Span
    from mlc_compiler.lineage.as_html import lineage_html

    hostile = Node("owner", "</script><script>alert(1)</script>")
    shown = view(opened.project, Lineage.of([Edge(MODEL, hostile, "value")]), None)
    page = lineage_html(shown, "p", lambda place: Span(place.file, 1, 1, 1, 1))
    parser = _Page()
    parser.feed(page)
    assert parser.loads == []
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    data = page.split('id="lineage">')[1].split("</script>")[0]
    assert json.loads(data)["nodes"][-1][1] == hostile.name


def test_an_unknown_name_exits_with_2(folder: Path, capsys: Streams) -> None:
    assert run(["-C", str(folder), "lineage", "departures.tmp"]) == 2
    assert "did you mean `departures.temp`?" in capsys.readouterr().err


def test_a_graph_with_a_circle_ends(opened: Workspace) -> None:
    a, b = Node("column", "a.x"), Node("column", "b.x")
    graph = Lineage.of([Edge(a, b, "value"), Edge(b, a, "value")])
    assert list(graph.upstream(a)) == [b]
    assert [edge.target for edge in graph.path(a, b)] == [b]
    assert graph.path(a, a) == ()
