"""Options that many commands share. Loads nothing else, for commands that must start at once."""

from typing import Annotated

import typer

AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON, one object a line, for programs.")
]
