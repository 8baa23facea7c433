"""`python -m tools.docs.site`: build the documentation as a site in build/site, strictly.

Its order is that of docs/README.md; everything else is in zensical.toml.
"""

import json
import shutil
import subprocess
import sys
from itertools import groupby
from pathlib import Path

from tools.docs.contents import contents

_ROOT = Path(__file__).parents[2]


def navigation() -> str:
    """Return zensical's `nav`; JSON is TOML here, but for the colon."""
    entries = ['{"Contents" = "README.md"}']
    for section, pages in groupby(contents(_ROOT / "docs"), key=lambda page: page.section):
        inside = ", ".join(
            f"{{{json.dumps(p.title[:1].upper() + p.title[1:])} = {json.dumps(p.path)}}}"
            for p in pages
        )
        entries.append(f"{{{json.dumps(section)} = [{inside}]}}")
    return f"nav = [{', '.join(entries)}]"


def main() -> int:
    """Build; return zensical's exit code, 0 when no link is broken."""
    build = _ROOT / "build"
    shutil.rmtree(build / "docs", ignore_errors=True)
    shutil.copytree(_ROOT / "docs", build / "docs")
    settings = (_ROOT / "zensical.toml").read_text(encoding="utf-8")
    config = build / "zensical.toml"
    config.write_text(settings.replace("[project]\n", f"[project]\n{navigation()}\n", 1), "utf-8")
    zensical = str(Path(sys.executable).with_name("zensical"))
    command = [zensical, "build", "--strict", "--clean", "--config-file", str(config)]
    done = subprocess.run(command, cwd=build, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout + done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
