"""`osiris connections add`: a new connection in the project's file, secrets left out."""

import re
from pathlib import Path
from typing import Any

import click

from osiris.cli import options
from osiris.cli.connection_fields import fields_of
from osiris.cli.invocation import Invocation
from osiris.cli.screen import document, result, styled
from osiris.compiler.connection_edit import with_connection
from osiris.compiler.problem import did_you_mean, one_of
from osiris.compiler.store import CONNECTIONS, read_connections
from osiris.components.component import Connection
from osiris.connections import connection_models, views_of
from osiris.core.atomic_file import replace_bytes
from osiris.core.errors import ConnectionConfigError, StepError, UnwritableOutputError, UsageError
from osiris.core.placeholders import placeholders

_REF = re.compile(r"@?(?P<family>[A-Za-z0-9_-]+)\.(?P<alias>[A-Za-z0-9_-]+)")


@click.command(
    "add",
    short_help="Add a connection to osiris_connections.yaml.",
    epilog=options.epilog(
        "osiris connections add @mysql.shop host=db.example.org user=reader",
        "osiris connections add @mysql.shop user=me tls.mode=required --default",
        "osiris connections add @mysql.local user=me password=",
    ),
)
@click.argument("ref", metavar="@FAMILY.ALIAS")
@click.argument("given", metavar="[FIELD=VALUE]…", nargs=-1)
@click.option("--default", is_flag=True, help="Let it stand for @FAMILY as well.")
@options.as_json
@click.pass_obj
def add_command(
    invocation: Invocation,
    /,
    *,
    ref: str,
    given: tuple[str, ...],
    default: bool,
    as_json: bool,
) -> int:
    """Add a connection to osiris_connections.yaml; everything else in it stays as it is.

    A secret is never written: the field becomes ${FAMILY_ALIAS_FIELD}, a variable to be set in
    .env. That is what the password becomes when it is not given, and any field named without a
    value; `password=` leaves it out. As JSON: {"ref", "file", "fields", "variables"}.
    """
    family, alias = _named(ref)
    ref = f"@{family}.{alias}"
    fields = fields_of(_model(family), f"{family}_{alias}", given)
    project = invocation.project()
    written = {**fields, **({"default": True} if default else {})}
    text = _with(read_connections(project.root), ref, written)
    _write(project.root / CONNECTIONS, text)
    variables = [name for name, default_ in placeholders(fields) if default_ is None]
    if as_json:
        document({"ref": ref, "file": CONNECTIONS, "fields": fields, "variables": variables})
        return 0
    result(f"added {ref} to {CONNECTIONS}")
    result(f"\n{styled('Next:', 'strong')}")
    for name in variables:
        result(f"  put {name}=… into .env")
    result(f"  osiris connections test {ref}")
    return 0


def _named(ref: str) -> tuple[str, str]:
    match = _REF.fullmatch(ref)
    if match is None:
        raise UsageError(
            f"{ref!r} is no name for a connection",
            hint="write @FAMILY.ALIAS, such as @mysql.shop: letters, digits, - and _",
        )
    return match["family"], match["alias"]


def _model(family: str) -> type[Connection]:
    models = connection_models()
    if family not in models:
        raise UsageError(
            f"no installed component takes connections of the family {family!r}",
            hint=did_you_mean(family, models) or f"there are {one_of(models)}",
        )
    return models[family]


def _with(source: tuple[bytes, str] | None, ref: str, fields: dict[str, Any]) -> str:
    """Return the text of the file with the connection added, both checked."""
    before = views_of(source, {})
    if any(view.ref == ref for view in before.views):
        raise UsageError(f"there is a connection {ref} already", hint=f"change it in {CONNECTIONS}")
    if before.problems:
        first = before.problems[0]
        raise ConnectionConfigError(f"{first.where}: {first.message}", hint=first.hint)
    family, _, alias = ref.removeprefix("@").partition(".")
    old = source[0].decode("utf-8-sig") if source else ""
    text = with_connection(old, family, alias, fields, CONNECTIONS)
    after = views_of((text.encode(), CONNECTIONS), {})
    view = after.named(ref)
    if view.problems:
        first = view.problems[0]
        where = first.path.removeprefix(f"connections.{family}.{alias}").removeprefix(".")
        message = f"{where}: {first.message}" if where else first.message
        raise UsageError(message, hint=first.hint)
    kept = [other.declared.fields for other in after.views if other.ref != ref]
    if kept != [other.declared.fields for other in before.views]:
        raise ConnectionConfigError(
            f"{CONNECTIONS} is written in a way that nothing can be added to it",
            hint="add the connection by hand",
        )
    return text


def _write(path: Path, text: str) -> None:
    target = path.resolve()
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else None
        replace_bytes(target, text.encode())
        if mode is not None:
            target.chmod(mode)
    except (OSError, StepError) as error:
        raise UnwritableOutputError(
            f"cannot write {path}: {error}", hint="check the file and its rights"
        ) from error
