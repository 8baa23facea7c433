"""The check of what was handed over: nothing may be lost on the way without being told."""

from osiris.report.html.row_flow import Flow, flows
from osiris.report.run_record import StepRecord


def _flow(source: StepRecord, target: StepRecord) -> Flow:
    found = flows({"a": source, "b": target}, {"b": {"df": "a"}})
    return next(flow for flow in found if flow.target == "b")


def _source(rows: int | None, state: str = "completed") -> StepRecord:
    return StepRecord("a", state, rows_out=rows, bytes=10)


def _target(read: int, written: int | None = None, state: str = "completed") -> StepRecord:
    return StepRecord("b", state, rows_in={"df": read}, rows_written=written)


def test_all_arrived() -> None:
    flow = _flow(_source(5), _target(5))
    assert (flow.verdict, flow.given, flow.taken, flow.bytes) == ("kept", 5, 5, 10)


def test_a_transform_may_stop_early_a_writer_may_not() -> None:
    assert _flow(_source(5), _target(3)).verdict == "part"
    assert _flow(_source(5), _target(3, written=3)).verdict == "lost"
    assert _flow(_source(5), _target(3)).missing == 2


def test_too_many_is_as_wrong_as_too_few() -> None:
    assert _flow(_source(5), _target(6)).verdict == "lost"
    assert _flow(_source(5), _target(6)).missing == -1


def test_nothing_is_said_of_what_did_not_end() -> None:
    for source, target in (
        (_source(5, "failed"), _target(5)),
        (_source(5), _target(3, state="skipped")),
        (_source(None), _target(3)),
        (_source(5), StepRecord("b", "completed")),
    ):
        assert _flow(source, target).verdict == "open"


def test_a_target_got_what_its_writer_was_handed() -> None:
    (_, kept) = flows({"a": _source(5), "b": _target(5, written=5)}, {"b": {"df": "a"}})
    assert (kept.target, kept.verdict) == (None, "kept")
    (_, lost) = flows({"a": _source(5), "b": _target(5, written=4)}, {"b": {"df": "a"}})
    assert (lost.target, lost.verdict, lost.missing) == (None, "lost", 1)
