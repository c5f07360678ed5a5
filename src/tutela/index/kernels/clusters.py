"""Kernels of clusters: union-find."""

from tutela.index.kernels.layout import Numbers
from tutela.primitives.compiling import kernel


@kernel("void(int64[::1], int64[::1], int64[::1])")
def unite(parent: Numbers, left: Numbers, right: Numbers) -> None:
    """Join the groups of each pair; the lesser root becomes the root of both."""
    for number in range(len(left)):
        one, other = left[number], right[number]
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        while parent[other] != other:
            parent[other] = parent[parent[other]]
            other = parent[other]
        if one < other:
            parent[other] = one
        elif other < one:
            parent[one] = other


@kernel("void(int64[::1])")
def settle(parent: Numbers) -> None:
    """Point each row at its root; a parent is never greater, so one pass upwards is enough."""
    for row in range(len(parent)):
        parent[row] = parent[parent[row]]
