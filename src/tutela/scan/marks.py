"""Marks of finished files: sixteen bytes each, so that ten million of them take 160 MB."""

from collections.abc import Sequence

MARK_BYTES = 16


class Marks:
    """What earlier runs have finished. numpy is loaded only when there is something."""

    def __init__(self, marks: bytes | bytearray) -> None:
        """Take marks of `MARK_BYTES` each, one after the other, in any order."""
        self._count = len(marks) // MARK_BYTES
        if self._count:
            import numpy as np  # noqa: PLC0415 - a tenth of a second that most runs need not pay

            self._sorted = np.frombuffer(bytes(marks), dtype=f"S{MARK_BYTES}").copy()
            self._sorted.sort()

    def __len__(self) -> int:
        return self._count

    def hold(self, sought: Sequence[bytes]) -> list[bool]:
        """Whether each of these marks is among them; an empty one never is."""
        if not self._count or not sought:
            return [False] * len(sought)
        import numpy as np  # noqa: PLC0415 - same

        wanted = np.array(sought, dtype=self._sorted.dtype)
        places = np.minimum(np.searchsorted(self._sorted, wanted), self._count - 1)
        held: list[bool] = (self._sorted[places] == wanted).tolist()
        return held
