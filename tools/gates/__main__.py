"""`python -m tools.gates`: run every gate over the checkout; exit code 1 for any finding."""

import sys
from pathlib import Path

from tools.gates import machine_paths, names, reasons, sizes, third_party
from tools.gates.tree import Finding, Gate, Tree
from tools.gates.waivers import apply_waivers

GATES: tuple[Gate, ...] = (
    machine_paths.check,
    names.check,
    reasons.check,
    sizes.check,
    third_party.check,
)


def run(tree: Tree) -> list[Finding]:
    """Give what all gates find, in the order of files and lines, waivers applied."""
    found = [finding for gate in GATES for finding in gate(tree)]
    return sorted(apply_waivers(tree, found))


def main() -> int:
    """Print the findings; return the exit code."""
    tree = Tree.of_checkout(Path(__file__).parents[2])
    findings = run(tree)
    for finding in findings:
        print(finding)
    if not findings:
        print(f"gates: {len(tree.files)} files kept to every rule")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
