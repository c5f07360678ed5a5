"""Machine operations for the index's kernels: vectors, prefetch, memory by address.

Vectors are written out as LLVM operations on 16 lanes of 16 bits, which every processor
can do and those with wide registers do at once.
"""

from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import types
from numba.core import cgutils

from tutela.primitives.compiling import machine

LANES = 16
"""Half a line of memory: buckets are short, and shorter reads cross lines less often."""
COUNTS_FAST = bool(get_host_cpu_features().get("avx512bitalg"))
"""Whether the processor counts the bits of 16-bit lanes in one step."""


def _declared(module: Any, kind: Any, name: str) -> Any:  # noqa: ANN401
    """LLVM's operation of this name."""
    return cgutils.get_or_insert_function(module, kind, name)  # type: ignore[no-untyped-call]


def _pointer(builder: Any, address: Any, place: Any, kind: Any) -> Any:  # noqa: ANN401
    """Where element `place` of the array at `address` stands."""
    return builder.gep(builder.inttoptr(address, kind.as_pointer()), [place])


@machine
def address_of(typingctx: Any, array: Any) -> Any:  # noqa: ANN401, ARG001 - numba's types
    """Where an array begins. Whoever asks keeps the array; passing it on would count holders."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        held = context.make_array(signature.args[0])(context, builder, args[0])
        return builder.ptrtoint(held.data, ir.IntType(64))

    return types.int64(array), code


@machine
def fetch(typingctx: Any, address: Any, byte: Any) -> Any:  # noqa: ANN401, ARG001
    """Ask memory for the line with this byte; the address need not be valid."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        line = _pointer(builder, args[0], args[1], ir.IntType(8))
        word = ir.IntType(32)
        asked = _declared(
            builder.module,
            ir.FunctionType(ir.VoidType(), [line.type, word, word, word]),
            "llvm.prefetch.p0i8",
        )
        builder.call(asked, [line, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), code


@machine
def near(typingctx: Any, address: Any, place: Any, value: Any, limit: Any) -> Any:  # noqa: ANN401, ARG001
    """Which of the 16 signatures from `place` on differ from `value` in at most `limit` bits.

    Answers a number whose bit b stands for lane b. Limits are small, so nothing is counted:
    what is 0 after its lowest set bit has been cleared `limit` times had no more than those.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        lane = ir.IntType(16)
        lanes = ir.VectorType(lane, LANES)
        where = builder.bitcast(_pointer(builder, args[0], args[1], lane), lanes.as_pointer())
        apart = builder.xor(builder.load(where, align=2), spread(builder, args[2], lanes))
        nothing = ir.Constant(lanes, None)
        if COUNTS_FAST:
            count = _declared(
                builder.module, ir.FunctionType(lanes, [lanes]), f"llvm.ctpop.v{LANES}i16"
            )
            within = spread(builder, builder.trunc(args[3], lane), lanes)
            close = builder.icmp_unsigned("<=", builder.call(count, [apart]), within)
            return _one_bit_each(builder, close)
        one = ir.Constant(lanes, [1] * LANES)

        def cleared(left: Any) -> Any:  # noqa: ANN401
            return builder.and_(left, builder.sub(left, one))

        # Nearly every limit is 2 or 3; those are written out.
        before = builder.block
        two, three, done = (builder.append_basic_block(name) for name in ("two", "three", "done"))
        loop, more = builder.append_basic_block("loop"), builder.append_basic_block("more")
        chosen = builder.switch(args[3], loop)
        chosen.add_case(2, two)
        chosen.add_case(3, three)
        builder.position_at_end(two)
        after_two = cleared(cleared(apart))
        builder.branch(done)
        builder.position_at_end(three)
        after_three = cleared(cleared(cleared(apart)))
        builder.branch(done)
        builder.position_at_end(loop)
        left, many = builder.phi(lanes), builder.phi(args[3].type)
        builder.cbranch(builder.icmp_signed(">", many, many.type(0)), more, done)
        builder.position_at_end(more)
        left.add_incoming(apart, before)
        left.add_incoming(cleared(left), more)
        many.add_incoming(args[3], before)
        many.add_incoming(builder.sub(many, many.type(1)), more)
        builder.branch(loop)
        builder.position_at_end(done)
        rest = builder.phi(lanes)
        rest.add_incoming(after_two, two)
        rest.add_incoming(after_three, three)
        rest.add_incoming(left, loop)
        return _one_bit_each(builder, builder.icmp_unsigned("==", rest, nothing))

    return types.uint32(types.int64, types.int64, types.uint16, types.int64), code


def _one_bit_each(builder: Any, lanes: Any) -> Any:  # noqa: ANN401
    """Which lanes are true, as a number."""
    return builder.zext(builder.bitcast(lanes, ir.IntType(LANES)), ir.IntType(32))


def spread(builder: Any, value: Any, lanes: Any) -> Any:  # noqa: ANN401
    """The value in every lane."""
    first = builder.insert_element(ir.Constant(lanes, ir.Undefined), value, ir.IntType(32)(0))
    order = ir.Constant(ir.VectorType(ir.IntType(32), lanes.count), None)
    return builder.shuffle_vector(first, ir.Constant(lanes, ir.Undefined), order)


@machine
def both(typingctx: Any, address: Any, place: Any) -> Any:  # noqa: ANN401, ARG001
    """Offset `place` in the low half and the next in the high half, read at once."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        word = ir.IntType(64)
        where = _pointer(builder, args[0], args[1], ir.IntType(32))
        return builder.load(builder.bitcast(where, word.as_pointer()), align=4)

    return types.uint64(types.int64, types.int64), code


@machine
def peek(typingctx: Any, address: Any, place: Any) -> Any:  # noqa: ANN401, ARG001
    """Number `place` of the int64 at `address`; inside by construction, so not looked after."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        return builder.load(_pointer(builder, args[0], args[1], ir.IntType(64)))

    return types.int64(types.int64, types.int64), code


@machine
def peek_short(typingctx: Any, address: Any, place: Any) -> Any:  # noqa: ANN401, ARG001
    """Number `place` of the uint32 at `address`."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        value = builder.load(_pointer(builder, args[0], args[1], ir.IntType(32)))
        return builder.zext(value, ir.IntType(64))

    return types.int64(types.int64, types.int64), code


@machine
def peek_byte(typingctx: Any, address: Any, place: Any) -> Any:  # noqa: ANN401, ARG001
    """Number `place` of the bytes at `address`."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        value = builder.load(_pointer(builder, args[0], args[1], ir.IntType(8)))
        return builder.zext(value, ir.IntType(64))

    return types.int64(types.int64, types.int64), code


@machine
def poke(typingctx: Any, address: Any, place: Any, value: Any) -> Any:  # noqa: ANN401, ARG001
    """Set number `place` of the int64 at `address`."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        builder.store(args[2], _pointer(builder, args[0], args[1], ir.IntType(64)))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), code


@machine
def lowest(typingctx: Any, value: Any) -> Any:  # noqa: ANN401, ARG001
    """The number of the lowest bit that is set; `value` is not 0."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        place = builder.cttz(args[0], ir.IntType(1)(1))
        return place if place.type.width == 64 else builder.zext(place, ir.IntType(64))  # noqa: PLR2004

    return types.int64(value), code


@machine
def ones(typingctx: Any, value: Any) -> Any:  # noqa: ANN401, ARG001
    """How many bits are set."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        return builder.ctpop(args[0])

    return types.int64(types.uint64), code
