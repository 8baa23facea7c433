"""Reading CSV files below a directory with the extractor, in every way there is."""

from pathlib import Path
from typing import Any

import pytest

from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import OsirisError
from tests.support.driver_run import DriverRun, read_scan

EXTRACTOR = DriverRegistry().component("filesystem.csv_extractor")


def scanned(root: Path, path: str = "*.csv", **options: Any) -> Any:
    """Return the scan of files below a directory."""
    return DriverRun(root).run(EXTRACTOR, {}, path=path, **options)["df"]


def refused(root: Path, path: str = "*.csv", **options: Any) -> OsirisError:
    """Return the error that reading ends with; every way of reading ends with one like it."""
    with pytest.raises(OsirisError) as caught:
        read_scan(scanned(root, path, **options))
    with pytest.raises(OsirisError) as counted:
        scanned(root, path, **options).count()
    assert counted.value.message == caught.value.message
    return caught.value
