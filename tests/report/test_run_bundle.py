"""The archive of a run's records: reproducible, complete, and without any secret in any form."""

import base64
import io
import json
import shutil
import urllib.parse
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris.core.errors import InputError
from osiris.report.run_bundle import bundle_run
from tests.support.pipelines import PipelineBuilder, run_sample

SECRET = 'pä"s\\s w/ör+d\n&=🔑'


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = PipelineBuilder().add("make", "source", rows=10).add("keep", "sink", "make")
    return run_sample(tmp_path_factory.mktemp("project"), built).root


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    shutil.copytree(run, tmp_path / run.name)
    return tmp_path / run.name


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


def test_it_holds_the_records_as_they_are(run: Path) -> None:
    made = bundle_run(run, ["not in it"])
    members = _members(made.data)
    for path in run.rglob("*"):
        name = f"{run.name}/{path.relative_to(run)}"
        if path.is_dir() or "artifacts" in path.relative_to(run).parts:
            assert name not in members
        else:
            assert members[name] == path.read_bytes()
    contents = json.loads(members[f"{run.name}/bundle.json"])
    assert contents["session"] == run.name
    assert set(contents["files"]) == set(made.names) - {"bundle.json"}
    assert (made.masked, contents["masked"]) == ((), [])


def test_the_same_records_give_the_same_bytes(run: Path, copy: Path) -> None:
    (copy / "events.jsonl").touch()
    assert bundle_run(run, []).data == bundle_run(copy, ["x" * 9]).data


def _forms(secret: str) -> list[str]:
    raw = secret.encode()
    return [
        secret,
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        repr(secret),
        urllib.parse.quote(secret),
        urllib.parse.quote(secret, safe=""),
        urllib.parse.urlencode({"p": secret}),
        *(
            base64.b64encode(b"user:"[:n] + raw + b"!?"[:m]).decode()
            for n in range(6)
            for m in (0, 1, 2)
        ),
    ]


@pytest.mark.parametrize("form", _forms(SECRET))
@pytest.mark.parametrize("name", ["debug.log", "cfg/make.json", "commands.jsonl"])
def test_no_form_of_a_secret_gets_in(copy: Path, form: str, name: str) -> None:
    with (copy / name).open("a") as file:
        file.write(f"before {form} after\n")
    made = bundle_run(copy, [SECRET])
    text = _members(made.data)[f"{copy.name}/{name}"].decode()
    assert "***" in text
    assert text.rstrip("\n").endswith(" after")
    for fragment in ("pä", "\\u00e4", "%C3%A4", base64.b64encode("örd"[:1].encode()).decode()[:3]):
        assert fragment not in text.rpartition("before ")[2]
    assert made.masked == (name,)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.text(min_size=4, max_size=12), min_size=1, max_size=4))
def test_secrets_of_any_characters_are_absent(copy: Path, secrets: list[str]) -> None:
    """Also one within another, and one that a mask would make."""
    log = copy / "debug.log"
    log.write_bytes(
        "\n".join(secrets + [json.dumps(s) for s in secrets]).encode("utf-8", "replace")
    )
    try:
        members = _members(bundle_run(copy, secrets).data)
    except InputError as error:
        assert "secret" in error.message  # noqa: PT017 - refused is as good as masked
        return
    for data in members.values():
        assert not any(secret.encode("utf-8", "replace") in data for secret in secrets)


def test_what_cannot_be_masked_is_refused(copy: Path) -> None:
    """A secret that stands in what the archive itself says."""
    with pytest.raises(InputError, match="would hold a secret"):
        bundle_run(copy, ["bundle"])
    with pytest.raises(InputError, match="would hold a secret"):
        bundle_run(copy, [copy.name[-6:]])


def test_short_secrets_are_not_looked_for(run: Path) -> None:
    assert bundle_run(run, ["a", "abc", ""]).masked == ()


def test_a_damaged_run_can_be_passed_on(copy: Path) -> None:
    (copy / "events.jsonl").write_bytes(b"\xff\xfe\0half a line")
    (copy / "status.json").unlink()
    members = _members(bundle_run(copy, ["x" * 9]).data)
    assert members[f"{copy.name}/events.jsonl"] == b"\xff\xfe\0half a line"
    assert f"{copy.name}/status.json" not in members
    (copy / "debug.log").unlink()
    (copy / "debug.log").mkdir()
    with pytest.raises(InputError, match="cannot be read: it is not a regular file"):
        bundle_run(copy, [])
