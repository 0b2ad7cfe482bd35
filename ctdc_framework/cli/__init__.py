"""The command line. Each file here holds one command; this one puts them together.

Nothing heavy is imported before a command needs it: `ctdc --help` loads neither pandas nor numba.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Annotated, NoReturn

import typer

from ctdc_framework.cli import (
    codebook,
    compare,
    demo,
    faults,
    plan,
    plugins,
    prepare,
    run,
    verify,
)
from ctdc_framework.errors import CtdcError, Exit, harmless

app = typer.Typer(
    name="ctdc",
    no_args_is_help=True,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback with local values would show records
    rich_markup_mode=None,
)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="show the version", is_eager=True)
    ] = False,
) -> None:
    """Turn sensitive case records into data that may be published, and see what each way costs."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"ctdc {installed('ctdc-framework')}")
        raise typer.Exit


app.command()(demo.demo)
app.command()(run.run)
app.command()(compare.compare)
app.command()(prepare.prepare)
app.command()(verify.verify)
app.add_typer(codebook.app, name="codebook")
app.add_typer(plan.app, name="plan")
app.add_typer(plugins.app, name="plugins")


STOPPED = 130
"""The exit code of a command that the user stopped, as shells have it."""


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit with what it came to: see `Exit`."""
    try:
        with _stopped_politely():
            words = list(sys.argv[1:] if argv is None else argv)
            if plugins.is_foreign(words):
                plugins.call_foreign(words)
            app(args=words, prog_name="ctdc")
    except CtdcError as error:
        typer.echo(harmless(str(error)), err=True)
        sys.exit(error.exit_code)
    except SystemExit as stop:
        if stop.code == STOPPED:  # typer makes this of a KeyboardInterrupt
            typer.echo("stopped; nothing was written", err=True)
        raise
    except BrokenPipeError:
        sys.exit(Exit.FINE)
    except Exception as error:
        typer.echo(faults.told(error), err=True)
        sys.exit(Exit.BUG)
    sys.exit(Exit.FINE)


@contextlib.contextmanager
def _stopped_politely() -> Iterator[None]:
    """Let a request to end be as Ctrl-C, so that nothing half-written stays behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    main()
