"""Clusters: groups of rows that chains of near pairs connect (union-find)."""

from collections.abc import Iterable

import numpy as np

from tutela.index.bits import Found, Numbers
from tutela.primitives.errors import BadInput
from tutela.primitives.kernels import kernel


def clusters(pairs: Iterable[Found], rows: int) -> list[Numbers]:
    """Groups of two or more of the rows 0..rows-1 that the pairs connect.

    Rows ascend within a group, groups by their first row, in whatever order the pairs come.
    Needs 8 bytes a row and one part of `pairs` at a time. Raises `BadInput` for other rows.
    """
    parent = np.arange(rows, dtype=np.int64)
    for left, right, _ in pairs:
        if not left.size:
            continue
        if min(left.min(), right.min()) < 0 or max(left.max(), right.max()) >= rows:
            raise BadInput("These pairs name rows that are not there", why=f"there are {rows}")
        _unite(parent, np.ascontiguousarray(left), np.ascontiguousarray(right))
    _settle(parent)
    # A root is the least row of its group, so a stable sort keeps both orders.
    grouped = np.flatnonzero(np.bincount(parent, minlength=rows)[parent] > 1)
    order = grouped[np.argsort(parent[grouped], kind="stable")]
    roots = parent[order]
    return np.split(order, np.flatnonzero(roots[1:] != roots[:-1]) + 1) if order.size else []


@kernel("void(int64[::1], int64[::1], int64[::1])")
def _unite(parent: Numbers, left: Numbers, right: Numbers) -> None:
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
def _settle(parent: Numbers) -> None:
    """Point each row at its root; a parent is never greater, so one pass upwards is enough."""
    for row in range(len(parent)):
        parent[row] = parent[parent[row]]
