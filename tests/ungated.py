"""A gate that is always open, for tests of what stands behind it."""


class Ungated:
    """Lets every outward act pass and notes nothing."""

    def clear(self) -> None:
        return None
