"""Vectors of 16 lanes for the kernels of `boxes`, written out as LLVM operations.

Compilers find neither the turning of 16 x 16 values in registers nor a running sum that stays
in one. Every processor can do these operations; those with wide registers do them at once.
"""

# ruff: noqa: ANN401, ARG001, PLR0917 - the types and the order of arguments are numba's

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from tutela.primitives.compiling import machine

LANES = 16
"""Lines computed side by side: single precision in what one register of 512 bits holds."""

_INDEX = ir.IntType(64)


class _Plane:
    """A C-contiguous array of two sides, or of one, read and written 16 neighbours at a time."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        held = context.make_array(kind)(context, builder, value)
        self._builder = builder
        self._start = held.data
        self.sides = cgutils.unpack_tuple(builder, held.shape)  # type: ignore[no-untyped-call]
        self._lane = context.get_value_type(kind.dtype)
        self.lanes = ir.VectorType(self._lane, LANES)
        self._bytes = context.get_abi_sizeof(self._lane)

    def _at(self, row: Any, column: Any) -> Any:
        place = self._builder.add(self._builder.mul(row, self.sides[-1]), column)
        return self._builder.bitcast(
            self._builder.gep(self._start, [place]), self.lanes.as_pointer()
        )

    def load(self, row: Any, column: Any = _INDEX(0)) -> Any:
        return self._builder.load(self._at(row, column), align=self._bytes)

    def store(self, values: Any, row: Any, column: Any = _INDEX(0)) -> None:
        self._builder.store(values, self._at(row, column), align=self._bytes)


@machine
def turn(
    typingctx: Any, old: Any, row: Any, column: Any, new: Any, to_row: Any, to_column: Any
) -> Any:
    """Copy 16 x 16 values of `old` from (row, column) on, transposed, to `new`.

    Nothing is checked: both planes must reach that far.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source = _Plane(context, builder, signature.args[0], args[0])
        target = _Plane(context, builder, signature.args[3], args[3])
        lines = [source.load(builder.add(args[1], _INDEX(n)), args[2]) for n in range(LANES)]
        for far in (1, 2, 4, 8):  # swap the off-diagonal blocks of ever larger squares
            keep, bring = [], []
            for n in range(LANES):
                keep.append(n if not n & far else LANES + n - far)
                bring.append(n + far if not n & far else LANES + n)
            for n in range(LANES):
                if not n & far:
                    pair = lines[n], lines[n + far]
                    lines[n] = builder.shuffle_vector(*pair, _mask(keep))
                    lines[n + far] = builder.shuffle_vector(*pair, _mask(bring))
        for n, line in enumerate(lines):
            target.store(line, builder.add(args[4], _INDEX(n)), args[5])
        return context.get_dummy_value()

    number = types.int64
    return types.void(old, number, number, new, number, number), code


def _mask(places: list[int]) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), LANES), places)


@machine
def slide(typingctx: Any, lines: Any, total: Any, box: Any, means: Any, shift: Any) -> Any:
    """Move 16 windows of `box` values down all of `lines`, each in its lane, from full ones on.

    `total` holds the 16 sums before and after. A value enters, one leaves, and the sum over the
    count goes to the row of `means` that is `shift` above the one that entered.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source = _Plane(context, builder, signature.args[0], args[0])
        sums = _Plane(context, builder, signature.args[1], args[1])
        target = _Plane(context, builder, signature.args[3], args[3])
        kind = signature.args[0].dtype
        width = context.cast(builder, args[2], types.int64, kind)
        one = builder.insert_element(
            ir.Constant(source.lanes, ir.Undefined), width, ir.IntType(32)(0)
        )
        count = builder.shuffle_vector(one, one, _mask([0] * LANES))
        moved = cgutils.alloca_once_value(builder, sums.load(_INDEX(0)))  # type: ignore[no-untyped-call]
        with cgutils.for_range_slice(builder, args[2], source.sides[0], _INDEX(1), _INDEX) as (
            place,
            _,
        ):
            entered = builder.fadd(builder.load(moved), source.load(place))
            left = builder.fsub(entered, source.load(builder.sub(place, args[2])))
            builder.store(left, moved)
            target.store(builder.fdiv(left, count), builder.sub(place, args[4]))
        sums.store(builder.load(moved), _INDEX(0))
        return context.get_dummy_value()

    return types.void(lines, total, types.int64, means, types.int64), code
