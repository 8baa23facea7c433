"""`osiris completion`: what a shell needs to complete commands, options and names."""

import click
from click.shell_completion import get_completion_class

from osiris.cli import options
from osiris.cli.screen import document, result
from osiris.core.errors import RunEnvironmentError

_PROGRAM = "osiris"
VARIABLE = "_OSIRIS_COMPLETE"
"""Set by the script to ask for proposals; click answers."""

# Bash takes @ for the beginning of a word (a host); here it is a part of names.
_AFTERWARDS = {"bash": 'COMP_WORDBREAKS="${COMP_WORDBREAKS//@}"\n'}

# Zsh calls what it loaded from a file by the file's name, which would only register it: it has to
# be registered the first time.
_CALL = '    _osiris_completion "$@"\n'
_INSTEAD = {"zsh": (_CALL, f"    compdef _osiris_completion osiris\n{_CALL}")}


@click.command(
    "completion",
    epilog=options.epilog(
        "osiris completion bash > ~/.local/share/bash-completion/completions/osiris",
        "osiris completion zsh > ~/.zfunc/_osiris",
        "osiris completion fish > ~/.config/fish/completions/osiris.fish",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@options.as_json
@click.pass_context
def completion_command(ctx: click.Context, /, *, shell: str, as_json: bool) -> int:
    """Print the script with which SHELL completes commands, options, runs, connections, components.

    For a try: eval "$(osiris completion bash)", or with fish `osiris completion fish | source`.
    For good: see the examples; zsh needs `fpath+=~/.zfunc` before compinit in ~/.zshrc. As JSON:
    {"shell", "script"}.
    """
    found = get_completion_class(shell)
    if found is None:
        raise RunEnvironmentError(f"there is no completion for {shell}")
    script = found(ctx.find_root().command, {}, _PROGRAM, VARIABLE).source()
    script = script.replace(*_INSTEAD.get(shell, ("", "")))
    script = script.rstrip("\n") + "\n" + _AFTERWARDS.get(shell, "")
    if as_json:
        document({"shell": shell, "script": script})
    else:
        result(script.rstrip("\n"))
    return 0
