"""Command lines for a sandbox's login shell, which is the only thing that E2B starts."""

import re
import shlex
from collections.abc import Mapping, Sequence

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ALWAYS = ("PATH", "HOME")


def exact(argv: Sequence[str], seconds: float) -> str:
    """Return a command that is ended when its time is over, and gives its output as base64.

    The SDK decodes what it gets, which would not keep every byte; and a deadline of E2B's own
    ends the shell and leaves what the shell has started.
    """
    bounded = shlex.join(["timeout", "--kill-after=1", f"{seconds:g}", *argv])
    return f"set -o pipefail; {bounded} | base64 -w 0"


def direct(argv: Sequence[str]) -> str:
    """Return a command that takes the shell's place, so that a kill or a deadline hits it."""
    return f"exec {shlex.join(argv)}"


def detached(argv: Sequence[str], env: Mapping[str, str]) -> str:
    """Return a command that starts another in a session of its own and ends at once.

    No descriptor of the shell's is left open in it; of the environment it gets what `only` says.
    """
    return f"{only(env)}exec setsid -f {shlex.join(argv)} </dev/null >/dev/null 2>&1"


def only(env: Mapping[str, str]) -> str:
    """Return what stands before a command that is to get PATH, HOME and the names in `env` alone.

    Their values are not in the text.

    Raises:
        ValueError: for a name that no shell can hold.

    """
    wrong = sorted(name for name in env if not _NAME.fullmatch(name))
    if wrong:
        raise ValueError(f"not names of environment variables: {', '.join(wrong)}")
    kept = " ".join([*_ALWAYS, *sorted(env)])
    return (
        f'for name in $(compgen -e); do case " {kept} " in *" $name "*) ;; '
        '*) unset "$name" ;; esac; done; '
    )


def joined(parts: Sequence[str], path: str) -> str:
    """Return a command that makes one file of several and removes them."""
    sources = shlex.join(parts)
    return f"cat {sources} > {shlex.quote(path)} && rm {sources}"
