"""What modules import, read from their sources."""

import json
import subprocess
import sys
from pathlib import Path

import osiris
from osiris.remote.import_closure import imported

SOURCES = {
    "a": "",
    "a.b": "from a import c\nfrom a.d import (\n    One,\n    e,\n)\nimport a.f as f, os\n",
    "a.c": "if TYPE_CHECKING:\n    import a.never\n\ndef later():\n    from a import never\n",
    "a.d": "from a.b import Round\n",
    "a.d.e": "",
    "a.f": "",
    "a.never": "",
    "x": "from x.y.z import *\n",
    "x.y": "",
    "x.y.z": "",
}


def test_the_roots_and_what_is_imported_with_them() -> None:
    assert imported(SOURCES, ["a.b"]) == {"a", "a.b", "a.c", "a.d", "a.d.e", "a.f"}
    assert imported(SOURCES, ["x"]) == {"x", "x.y", "x.y.z"}
    assert imported(SOURCES, ["nowhere", "a.f"]) == {"a", "a.f"}


def test_as_python_does() -> None:
    root = Path(osiris.__file__).parent
    sources = {}
    for path in root.rglob("*.py"):
        name = ".".join(path.relative_to(root.parent).with_suffix("").parts)
        sources[name.removesuffix(".__init__")] = path.read_text()
    roots = ["osiris.remote.proxy_worker", "osiris.drivers.mysql_extractor"]
    program = (
        f"import json, sys, {', '.join(roots)}; "
        "print(json.dumps([m for m in sys.modules if m.partition('.')[0] == 'osiris']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert imported(sources, roots) == set(json.loads(done.stdout))
