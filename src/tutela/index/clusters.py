"""Clusters: groups of rows that chains of near pairs connect (union-find)."""

from collections.abc import Iterable

import numpy as np

from tutela.index.bits import Found, Numbers
from tutela.primitives.errors import BadInput
from tutela.primitives.kernels import compiled

_unite = compiled("tutela.index.kernels.clusters:unite")
_settle = compiled("tutela.index.kernels.clusters:settle")


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
