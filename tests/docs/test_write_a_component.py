"""The component of the how-to guide is a real one: its code, as printed, runs."""

import re
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from osiris.components.component import Component
from osiris.core.cancel import CancelToken
from osiris.core.driver import DriverContext
from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import ConfigError

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-component.md"
_FILE = re.compile(r"^`(osiris_text/\w+\.py)`\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class _OneComponent(dict[str, Component]):
    """A registry of what it is given."""

    def names(self) -> list[str]:
        return sorted(self)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DriverRegistry:
    for name, text in _FILE.findall(GUIDE.read_text(encoding="utf-8")):
        path = tmp_path / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path / "package")
    from osiris_text.component import (  # type: ignore[import-not-found]  # noqa: PLC0415 - the guide's own package, written just now
        COMPONENT,
    )

    return DriverRegistry(_OneComponent({"text.lines": COMPONENT}))  # type: ignore[arg-type]  # a mapping will do


@pytest.fixture
def context(tmp_path: Path) -> DriverContext:
    return DriverContext(
        output_dir=tmp_path,
        base_dir=tmp_path,
        spill_dir=tmp_path,
        log_event=lambda _: None,
        log_metric=lambda *_: None,
        cancelled=CancelToken(),
    )


def test_it_reads_lines(registry: DriverRegistry, context: DriverContext, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\nthrée\n", encoding="utf-8")
    config = registry.component("text.lines").config
    driver = registry.driver("text.lines")
    rows = {}
    for skip in (False, True):
        given = config.model_validate({"path": "a.txt", "skip_empty": skip})
        out = driver.run(step_id="s", config=given, inputs={}, ctx=context)
        rows[skip] = pa.table(out["df"]).to_pylist()
    assert rows[False] == [
        {"number": 1, "line": "one"},
        {"number": 2, "line": ""},
        {"number": 3, "line": "thrée"},
    ]
    assert rows[True] == [rows[False][0], rows[False][2]]
    with pytest.raises(ConfigError, match=r"gone\.txt is no file"):
        driver.run(
            step_id="s", config=config.model_validate({"path": "gone.txt"}), inputs={}, ctx=context
        )


def test_its_example_is_valid(registry: DriverRegistry) -> None:
    component = registry.component("text.lines")
    assert [component.config.model_validate(e.config) for e in component.examples]
    assert "osiris_text.component" in sys.modules
