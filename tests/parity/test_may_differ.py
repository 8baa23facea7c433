"""What is a run's own in a text is taken out, and nothing else is."""

import time
from pathlib import Path

import pytest

from osiris.core.events import event_classes
from osiris.core.layout import RunLayout
from osiris.parity.may_differ import EVENT_FIELDS, TRANSPORT, OwnNames

RUN = "run_20260101T000000Z_1a2b"


@pytest.fixture
def own(tmp_path: Path) -> OwnNames:
    return OwnNames(tmp_path / "logs" / RUN, RUN)


@pytest.mark.parametrize(
    "text,plain",
    [
        (
            "cannot write {root}/logs/{run}/artifacts/a.csv: full",
            "cannot write <run>/artifacts/a.csv: full",
        ),
        ("{root}/logs/{run}", "<run>"),
        ("in '{root}/logs/{run}': no", "in '<run>': no"),
        ("/home/user/session/{run}/artifacts/a.csv", "<run>/artifacts/a.csv"),
        ("from=/a/{run}/x to /b c/{run}", "from=<run>/x to /b c<run>"),
        ("the run {run} ended", "the run <session> ended"),
        ("{root}/data/in.csv is missing", "<project>/data/in.csv is missing"),
        ("{root}: it is full", "<project>: it is full"),
        ("{root}/logs/compile_20260101T000000Z_ffff/x", "<project>/logs/<compilation>/x"),
        ("<Driver object at 0x7f0011223344>", "<Driver object at <address>>"),
    ],
)
def test_own_names(own: OwnNames, tmp_path: Path, text: str, plain: str) -> None:
    assert own.plain(text.format(root=tmp_path, run=RUN)) == plain


@pytest.mark.parametrize(
    "text",
    [
        "{root}x/data",
        "/mnt{root}/data",
        "{run}0",
        "x{run}",
        "/logs/run_20260101T000000Z_1a2c/x",
        "bad byte at 0xff",
        "bytes 0xdeadbeef",
        "compile_20260101T000000Z_fffff",
    ],
)
def test_what_only_looks_like_one(own: OwnNames, tmp_path: Path, text: str) -> None:
    given = text.format(root=tmp_path, run=RUN)
    assert own.plain(given) == given


def test_a_link_on_the_way_to_the_run(tmp_path: Path) -> None:
    (tmp_path / "real" / "logs" / RUN).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    own = OwnNames(tmp_path / "link" / "logs" / RUN, RUN)
    for name in ("real", "link"):
        assert own.plain(f"{tmp_path}/{name}/logs/{RUN}/a") == "<run>/a"
        assert own.plain(f"{tmp_path}/{name}/data") == "<project>/data"


def test_a_project_at_the_root_of_the_file_system() -> None:
    assert OwnNames(Path("/logs") / RUN, RUN).plain(f"/logs/{RUN}/a /data") == "<run>/a /data"


@pytest.mark.parametrize("text", ["/" * 50_000, "/a" * 50_000, f"/{RUN}" * 5000, "/a'" * 50_000])
def test_a_text_that_is_made_to_take_long(own: OwnNames, text: str) -> None:
    began = time.process_time()
    own.plain(text)
    assert time.process_time() - began < 1


def test_the_table_names_fields_that_exist() -> None:
    classes = event_classes()
    for name, fields in EVENT_FIELDS.items():
        assert fields <= set(classes[name].__dataclass_fields__)
    assert not any(name.startswith(TRANSPORT) for name in EVENT_FIELDS)
    assert RunLayout(Path()).commands.name == "commands.jsonl"
