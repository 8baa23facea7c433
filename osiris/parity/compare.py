"""Comparing two runs by what they left in their directories."""

from pathlib import Path

from osiris.parity.compare_events import compare_events
from osiris.parity.compare_files import compare_files
from osiris.parity.compare_metrics import compare_metrics
from osiris.parity.compare_status import compare_status
from osiris.parity.comparison import Comparison, Findings
from osiris.parity.error_places import compare_error_places
from osiris.parity.evidence import read_evidence


def compare_directories(a: Path, b: Path) -> Comparison:
    """Compare every aspect of two runs, each given by its directory.

    Whatever is missing, damaged or cannot be read is a difference, never an exception.
    """
    one, other = read_evidence(a), read_evidence(b)
    findings = Findings()
    compare_status(one, other, findings)
    compare_events(one, other, findings)
    compare_metrics(one, other, findings)
    compare_files(one, other, findings)
    compare_error_places(one, other, findings)
    return Comparison(one.side, other.side, findings.rows())
