"""Owners: written as metadata, read back, and dead only when that is certain."""

import dataclasses
import subprocess
import sys

import pytest

from osiris.core.status_file import process_start
from osiris.remote.ownership import MACHINE, PROCESS, Owner


def test_an_owner_reads_back() -> None:
    owner = Owner.this_process("run_x", 2)
    assert Owner.of(owner.to_metadata() | {"more": "of others"}) == owner
    assert owner.is_here
    assert not owner.is_dead


@pytest.mark.parametrize(
    "field", sorted(set(Owner.this_process("r", 1).to_metadata()) - {"made_by"})
)
def test_what_is_not_whole_is_not_ours(field: str) -> None:
    metadata = Owner.this_process("run_x", 1).to_metadata()
    del metadata[field]
    assert Owner.of(metadata) is None
    assert Owner.of({**metadata, field: ""}) is None or field in {MACHINE, "osiris_run"}


@pytest.mark.parametrize("process", ["", "1", "1:", ":1", "-1:5", "1:x", "1:2:3"])
def test_a_process_that_is_none(process: str) -> None:
    metadata = Owner.this_process("run_x", 1).to_metadata()
    assert Owner.of({**metadata, PROCESS: process}) is None


def test_a_process_that_ended_is_dead() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        start = process_start(process.pid)
        assert start is not None
        here = Owner.this_process("run_x", 1)
        owner = dataclasses.replace(here, pid=process.pid, start=start)
        assert not owner.is_dead
        process.communicate(b"\n")
    assert owner.is_dead


def test_another_process_of_the_same_number_is_not_it() -> None:
    owner = Owner.this_process("run_x", 1)
    assert dataclasses.replace(owner, start=owner.start + 1).is_dead


def test_of_another_machine_nothing_is_known() -> None:
    owner = dataclasses.replace(Owner.this_process("r", 1), machine="0" * 32, pid=4_000_000)
    assert not owner.is_here
    assert not owner.is_dead


def test_no_two_processes_make_the_same_key() -> None:
    owner = Owner.this_process("run_20240101T000000Z_ab12", 1)
    others = [
        dataclasses.replace(owner, attempt=2),
        dataclasses.replace(owner, run_id="run_20240101T000000Z_ab13"),
        dataclasses.replace(owner, machine="0" * 32),
        dataclasses.replace(owner, pid=owner.pid + 1),
    ]
    keys = {one.idempotency_key for one in [owner, *others]}
    assert len(keys) == 5
    assert all(set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for key in keys)
    assert owner.idempotency_key == Owner.this_process(owner.run_id, 1).idempotency_key
