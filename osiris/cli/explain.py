"""`osiris explain`: what an error code means, what may cause it, what to do."""

from importlib.resources import files

import click

from osiris.cli import completions, options
from osiris.cli.screen import document, result, styled
from osiris.compiler.problem import did_you_mean
from osiris.core.errors import UsageError

_SUFFIX = ".md"


def explanations() -> dict[str, str]:
    """Return the page of every error code: a line of what it is, a blank line, the text."""
    pages = (files("osiris.cli") / "explained").iterdir()
    found = {page.name.removesuffix(_SUFFIX): page.read_text("utf-8") for page in pages}
    return dict(sorted(found.items()))


@click.command(
    "explain",
    epilog=options.epilog("osiris explain step.authentication", "osiris explain"),
)
@click.argument("code", required=False, shell_complete=completions.error_codes)
@options.as_json
def explain_command(*, code: str | None, as_json: bool) -> int:
    """Explain an error CODE: what it means, what may cause it, what to do. Without one, list all.

    As JSON: {"code", "title", "text"}, or {"codes"}.
    """
    pages = explanations()
    if code is None:
        _list(pages, as_json=as_json)
        return 0
    if code not in pages:
        hint = did_you_mean(code, pages) or "`osiris explain` lists all codes"
        raise UsageError(f"there is no error code {code!r}", hint=hint)
    title, _, text = pages[code].partition("\n\n")
    if as_json:
        document({"code": code, "title": title, "text": text})
        return 0
    result(styled(title, "strong"))
    result()
    result(text.rstrip("\n"))
    return 0


def _list(pages: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        document({"codes": list(pages)})
        return
    for code in pages:
        result(code)
