"""The lawbook of this installation: ours, with the operator's own folder over it."""

from tutela.law.book import Lawbook
from tutela.law.loading import load_lawbook
from tutela.primitives.errors import Misconfigured
from tutela.wiring.settings import Settings


def lawbook_of(settings: Settings) -> Lawbook:
    """Read and check the lawbook; an entry of TUTELA_LAWBOOK with an id of ours replaces ours.

    Raises `Misconfigured` when the folder is not there: without it the law that somebody
    checked would quietly be left out. Raises `BadInput` with every fault of the files.
    """
    if settings.lawbook is None:
        return load_lawbook()
    folder = settings.lawbook.expanduser()
    if not folder.is_dir():
        raise Misconfigured(
            "TUTELA_LAWBOOK cannot be used",
            why="there is no such folder",
            remedy="Name a folder laid out as docs/reference/lawbook.md says, or leave it empty.",
        )
    return load_lawbook(overlays=(folder,))
