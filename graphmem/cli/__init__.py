"""The command line: the verbs of the manager, their arguments and how answers look.

No logic of its own: what a verb means is in ``manager``, how a memory is written as JSON in
``wire``, how it looks in ``console``.
"""

import typer

from graphmem.cli import (
    evaluating,
    forgetting,
    moving,
    reading,
    reviewing,
    running,
    streams,
    writing,
)

app = typer.Typer(
    name="graphmem",
    help="The memory that agents can trust.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for room in (writing, reading, forgetting, running, moving, evaluating):
    app.add_typer(room.app)
app.add_typer(streams.sessions_app, name="sessions")
app.add_typer(streams.jobs_app, name="jobs")
app.add_typer(reviewing.app, name="review")


def main() -> None:
    """Run the command line."""
    app()
