"""A layered layout of an acyclic graph: layers by longest path, few crossings, short edges.

The method is Sugiyama's: edges that span several layers get a waypoint in each between, layers are
ordered by the mean of their neighbours' places, and places are then pulled towards neighbours.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean
from typing import Final

_SWEEPS: Final = 6
_MANY: Final = 1500
"""Nodes and waypoints from which on fewer sweeps must do."""
_WAYPOINT: Final = 0.35
"""Room that a passing edge takes in a layer; a node takes 1."""

Edge = tuple[str, str]


@dataclass(frozen=True)
class Point:
    """A place: the number of the layer, and where across it, the room of a node being 1."""

    layer: int
    across: float


@dataclass(frozen=True)
class Layout:
    """Where everything is.

    Attributes:
        nodes: each node's place.
        routes: for each edge the places it passes, both ends included.
        layers: how many layers there are.
        breadth: how much room the broadest layer takes.

    """

    nodes: Mapping[str, Point]
    routes: Mapping[Edge, tuple[Point, ...]]
    layers: int
    breadth: float


@dataclass
class _Graph:
    """The graph with its waypoints; a waypoint is the edge it belongs to and its layer."""

    layers: list[list[object]]
    before: dict[object, list[object]] = field(default_factory=dict)
    after: dict[object, list[object]] = field(default_factory=dict)
    across: dict[object, float] = field(default_factory=dict)

    def join(self, one: object, other: object) -> None:
        self.after.setdefault(one, []).append(other)
        self.before.setdefault(other, []).append(one)


def lay_out(nodes: list[str], edges: Iterable[Edge]) -> Layout:
    """Lay out a graph whose nodes are in an order in which no edge goes back.

    Edges that do go back, and those to nodes that are not there, are left out.
    """
    place = {node: number for number, node in enumerate(nodes)}
    kept = list(
        dict.fromkeys((a, b) for a, b in edges if a in place and b in place and place[a] < place[b])
    )
    layer = _layers(nodes, kept)
    count = max(layer.values(), default=-1) + 1
    graph = _Graph([[] for _ in range(count)])
    for node in nodes:
        graph.layers[layer[node]].append(node)
    chains = {edge: _chain(edge, layer, graph) for edge in kept}
    sweeps = _SWEEPS if sum(map(len, graph.layers)) < _MANY else 2
    for _ in range(sweeps):
        _order(graph)
    _place(graph, 2 * sweeps)
    where: dict[object, Point] = {
        item: Point(number, graph.across[item])
        for number, items in enumerate(graph.layers)
        for item in items
    }
    breadth = max((p.across + 0.5 for p in where.values()), default=0.0)
    routes = {edge: tuple(where[item] for item in chain) for edge, chain in chains.items()}
    return Layout({node: where[node] for node in nodes}, routes, count, breadth)


def _layers(nodes: list[str], edges: list[Edge]) -> dict[str, int]:
    """Number the layers by longest path; what has nothing before it moves next to what follows."""
    layer = dict.fromkeys(nodes, 0)
    place = {node: number for number, node in enumerate(nodes)}
    for a, b in sorted(edges, key=lambda edge: (place[edge[1]], place[edge[0]])):
        layer[b] = max(layer[b], layer[a] + 1)
    targets = {b for _, b in edges}
    followers: dict[str, int] = {}
    for a, b in edges:
        followers[a] = min(followers.get(a, layer[b]), layer[b])
    return layer | {node: n - 1 for node, n in followers.items() if node not in targets}


def _chain(edge: Edge, layer: Mapping[str, int], graph: _Graph) -> list[object]:
    """Put the edge's waypoints into their layers; return all it passes."""
    a, b = edge
    chain: list[object] = [a]
    for number in range(layer[a] + 1, layer[b]):
        waypoint = (edge, number)
        graph.layers[number].append(waypoint)
        chain.append(waypoint)
    chain.append(b)
    for one, other in pairwise(chain):
        graph.join(one, other)
    return chain


def _order(graph: _Graph) -> None:
    """Order each layer by the mean place of the neighbours, down and up again."""
    down = graph.layers[1:]
    up = graph.layers[-2::-1] if len(graph.layers) > 1 else []
    for layers, neighbours in ((down, graph.before), (up, graph.after)):
        rank = {item: float(n) for items in graph.layers for n, item in enumerate(items)}
        for items in layers:
            keys = {item: _middle(item, neighbours, rank) for item in items}
            items.sort(key=keys.__getitem__)
            rank.update({item: float(n) for n, item in enumerate(items)})


def _place(graph: _Graph, sweeps: int) -> None:
    """Give each item its place across: near its neighbours, in order, without overlap."""
    for items in graph.layers:
        _spread(items, {item: float(n) for n, item in enumerate(items)}, graph.across)
    for number in range(sweeps):
        neighbours = graph.before if number % 2 == 0 else graph.after
        layers = graph.layers if number % 2 == 0 else graph.layers[::-1]
        for items in layers:
            wanted = {item: _middle(item, neighbours, graph.across) for item in items}
            _spread(items, wanted, graph.across)
    least = min((place - _room(item) / 2 for item, place in graph.across.items()), default=0)
    for item in graph.across:
        graph.across[item] -= least


def _middle(
    item: object,
    neighbours: Mapping[object, list[object]],
    where: Mapping[object, float],
) -> float:
    """Return the mean place of an item's neighbours; its own when it has none."""
    return fmean(where[other] for other in neighbours[item]) if item in neighbours else where[item]


def _room(item: object) -> float:
    return 1.0 if isinstance(item, str) else _WAYPOINT


def _spread(
    items: list[object], wanted: Mapping[object, float], across: dict[object, float]
) -> None:
    """Place the items of a layer as wanted, as far as their order and room allow.

    Pushed apart from the first on and from the last on, the middle of both is what is nearest.
    """
    low: list[float] = []
    for item in items:
        start = low[-1] + (_room(items[len(low) - 1]) + _room(item)) / 2 if low else wanted[item]
        low.append(max(wanted[item], start))
    high: list[float] = []
    for item in reversed(items):
        if high:
            end = high[-1] - (_room(items[len(items) - len(high)]) + _room(item)) / 2
            high.append(min(wanted[item], end))
        else:
            high.append(wanted[item])
    for item, one, other in zip(items, low, reversed(high), strict=True):
        across[item] = (one + other) / 2
