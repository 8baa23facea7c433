"""`osiris sandboxes`: which sandboxes of ours there are in the cloud, and ending forgotten ones."""

from datetime import UTC, datetime

import click

from osiris.cli import options
from osiris.cli.e2b_account import e2b_account, e2b_cloud
from osiris.cli.invocation import Invocation
from osiris.cli.screen import columns, document, harmless, result, styled
from osiris.cli.table import table
from osiris.remote.errors import SandboxError
from osiris.remote.sandbox_reaper import FoundSandbox, Reaped, SandboxDirectory, Standing, reap

_HEADERS = ("SANDBOX", "STATE", "RUN", "ITS PROCESS", "AGE", "ENDS IN")
_NUMBERS = ("AGE", "ENDS IN")


@click.group(
    "sandboxes", epilog=options.epilog("osiris sandboxes list", "osiris sandboxes reap --dry-run")
)
def sandboxes_group() -> None:
    """List the sandboxes that Osiris made in E2B's cloud, and end the forgotten ones.

    The account is the one of E2B_API_KEY.
    """


@sandboxes_group.command(
    "list", epilog=options.epilog("osiris sandboxes list", "osiris sandboxes list --json")
)
@options.as_json
@click.pass_obj
def list_command(invocation: Invocation, /, *, as_json: bool) -> int:
    """List the sandboxes that Osiris made, whoever made them.

    ITS PROCESS is the one that made it: `running` here, `dead` here, or `elsewhere`, which says
    nothing of its life. As JSON: {"sandboxes": [{"id", "provider", "run", "attempt", "pid",
    "state", "standing", "started_at", "ends_at"}]}.
    """
    found = list(_directory(invocation).find())
    if as_json:
        document({"sandboxes": [sandbox.to_dict() for sandbox in found]})
        return 0
    if not found:
        result("this account has no sandbox that Osiris made")
        return 0
    now = datetime.now(UTC)
    head, *body = table(
        _HEADERS, [_row(sandbox, now) for sandbox in found], numbers=_NUMBERS, limit=columns()
    )
    result(styled(head, "dim"))
    for sandbox, line in zip(found, body, strict=True):
        result(styled(line, "bad") if sandbox.standing is Standing.DEAD else line)
    return 0


@sandboxes_group.command(
    "reap",
    short_help="End sandboxes whose run is dead.",
    epilog=options.epilog("osiris sandboxes reap", "osiris sandboxes reap --dry-run --json"),
)
@click.option("--dry-run", is_flag=True, help="End nothing; say what would be ended.")
@options.as_json
@click.pass_obj
def reap_command(invocation: Invocation, /, *, dry_run: bool, as_json: bool) -> int:
    """End the sandboxes whose run is dead: killed here before it could end its sandbox.

    Only a sandbox whose process was seen by this machine and is provably gone is touched; one
    that was made elsewhere ends when its time is over. Ends with 5 when one could not be ended.
    As JSON: {"reaped": [{"id", "provider", "run", "attempt", "pid", "state", "standing",
    "started_at", "ends_at", "error"}]}.
    """
    directory = _directory(invocation)
    if dry_run:
        reaped = [Reaped(s) for s in directory.find() if s.standing is Standing.DEAD]
    else:
        reaped = reap(directory)
    if as_json:
        document({"reaped": [one.to_dict() for one in reaped]})
    else:
        _show(reaped, dry_run=dry_run)
    return SandboxError.exit_code if any(one.error for one in reaped) else 0


def _directory(invocation: Invocation) -> SandboxDirectory:
    account = e2b_account(invocation)
    directory: SandboxDirectory = e2b_cloud().E2BSandboxDirectory(account)
    return directory


def _row(sandbox: FoundSandbox, now: datetime) -> tuple[str, ...]:
    return (
        harmless(sandbox.id),
        harmless(sandbox.state),
        harmless(sandbox.owner.run_id),
        str(sandbox.standing),
        _minutes((now - sandbox.started_at).total_seconds()),
        _minutes((sandbox.ends_at - now).total_seconds()),
    )


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}m{rest:02d}s"


def _show(reaped: list[Reaped], *, dry_run: bool) -> None:
    if not reaped:
        result("there is no sandbox of a dead run")
    for one in reaped:
        name = harmless(f"{one.sandbox.id} of {one.sandbox.owner.run_id}")
        if one.error is not None:
            result(styled(harmless(f"{name}: {one.error.message}"), "bad"))
        else:
            result(f"{name}: {'would be ended' if dry_run else 'ended'}")
