"""Laying out graphs of every shape: edges go forward, nothing overlaps, nothing is lost."""

from collections import defaultdict
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from osiris.report.html.drawing import HEIGHT, WIDTH, draw
from osiris.report.html.graph_layout import Edge, lay_out


@st.composite
def _graphs(draw_from: st.DrawFn) -> tuple[list[str], list[Edge]]:
    count = draw_from(st.integers(0, 14))
    nodes = [f"n{i}" for i in range(count)]
    pairs = [(a, b) for i, a in enumerate(nodes) for b in nodes[i + 1 :]]
    edges = draw_from(st.lists(st.sampled_from(pairs), max_size=25)) if pairs else []
    return nodes, edges


@given(_graphs())
def test_every_edge_goes_forward_and_nothing_overlaps(graph: tuple[list[str], list[Edge]]) -> None:
    nodes, edges = graph
    layout = lay_out(nodes, edges)
    assert set(layout.nodes) == set(nodes)
    assert set(layout.routes) == set(edges)
    places = defaultdict(list)
    for node, point in layout.nodes.items():
        places[point.layer].append(point.across)
        assert 0 <= point.layer < layout.layers, node
        assert 0.5 - 1e-9 <= point.across <= layout.breadth
    for across in places.values():
        assert all(b - a >= 1 - 1e-6 for a, b in pairwise(sorted(across)))
    for (a, b), route in layout.routes.items():
        assert (route[0], route[-1]) == (layout.nodes[a], layout.nodes[b])
        assert [p.layer for p in route] == list(range(route[0].layer, route[-1].layer + 1))
        assert len(route) > 1
    assert lay_out(nodes, edges) == layout


def test_nonsense_is_left_out() -> None:
    layout = lay_out(["a", "b"], [("b", "a"), ("a", "a"), ("a", "nowhere"), ("a", "b"), ("a", "b")])
    assert list(layout.routes) == [("a", "b")]
    assert lay_out([], []).layers == 0


def test_a_diamond_is_drawn_without_a_crossing() -> None:
    edges = [("a", "c"), ("b", "d"), ("c", "e"), ("d", "e")]
    layout = lay_out(["a", "b", "d", "c", "e"], edges)
    across = {node: point.across for node, point in layout.nodes.items()}
    assert (across["a"] < across["b"]) is (across["c"] < across["d"])


def test_a_source_stands_just_before_what_reads_it() -> None:
    layout = lay_out(
        ["a", "b", "c", "late", "d"], [("a", "b"), ("b", "c"), ("c", "d"), ("late", "d")]
    )
    assert layout.nodes["late"].layer == 2


@given(_graphs())
def test_the_picture_holds_everything(graph: tuple[list[str], list[Edge]]) -> None:
    picture = draw(*graph)
    for box in picture.boxes:
        assert 0 <= box.x <= picture.width - WIDTH
        assert 0 <= box.y <= picture.height - HEIGHT
    for curve in picture.curves:
        assert 0 <= curve.x <= picture.width
        assert 0 <= curve.y <= picture.height
        assert curve.path.startswith("M")


def test_a_long_chain_goes_down_the_page() -> None:
    nodes = [f"step-{i}" for i in range(12)]
    picture = draw(nodes, pairwise(nodes))
    assert picture.width < 300
    assert len({box.x for box in picture.boxes}) == 1
    short = draw(nodes[:3], pairwise(nodes[:3]))
    assert len({box.y for box in short.boxes}) == 1
