"""Compiling: functions become machine code for this machine's processor.

Needs the compiler, which takes a second to load; so it runs in a process of its own
(see `main`) and writes what `kernels` loads.

A kernel's machine code is what `numba` makes of the function, behind an entry that takes numpy's
arrays as they lie in memory. The code needs nothing of numba's to run: room for its own arrays
comes from the C library (the runtime at the end of this file).
"""

import importlib
import json
import os
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite.binding as llvm
import numba
import numpy as np
from numba.core import sigutils, types
from numba.extending import intrinsic

from tutela.primitives.kernels import ENTRY, FAILED, path_of

_F = TypeVar("_F", bound=Callable[..., Any])
_KERNELS: list[tuple[Any, str]] = []
_POINTER_BYTES = 8
_NO_VALUE = -2
"""What numba's functions answer for None; 0 for a value, all else is an error."""
_LLVM_TYPES = {"int64": "i64", "float32": "float", "float64": "double"}


def kernel(signature: str = "", *, fast_math: bool = False) -> Callable[[_F], _F]:
    """Compile the function below for this `signature` (numba's words).

    Sums keep the written order and nothing is fused unless `fast_math` allows it; division by
    zero follows numpy. Without a signature it is compiled as a part of those that call it.
    """

    def compiled(function: _F) -> _F:
        dispatcher = numba.njit(nogil=True, fastmath=fast_math, error_model="numpy")(function)
        if signature:
            _KERNELS.append((dispatcher, signature))
        return cast("_F", dispatcher)

    return compiled


def machine(function: Any) -> Any:  # noqa: ANN401 - numba's
    """A machine's operation to be used in kernels; `function` writes it in LLVM's terms."""
    return intrinsic(function)


def main() -> None:
    """Arguments: a folder, and the modules whose kernels are written to it."""
    for module in sys.argv[2:]:
        compile_module(module, Path(sys.argv[1]))


def compile_module(name: str, into: Path) -> None:
    """Write the machine code of every kernel with a signature in this module."""
    module = importlib.import_module(name)
    machine = _machine()
    for dispatcher, signature in _KERNELS:
        if dispatcher.__module__ == module.__name__:
            arguments, code = _compiled(dispatcher, signature, machine)
            path = path_of(f"{name}:{dispatcher.__name__}", into)
            fresh = path.with_name(f"{path.name}.{os.getpid()}")
            head = {"arguments": arguments, "crc32": zlib.crc32(code)}
            fresh.write_bytes(json.dumps(head).encode() + b"\n" + code)
            fresh.replace(path)


def _compiled(dispatcher: Any, signature: str, machine: Any) -> tuple[list[list[Any]], bytes]:  # noqa: ANN401 - numba's
    """What its arguments are, and the object code."""
    arguments, returns = sigutils.normalize_signature(signature)  # type: ignore[no-untyped-call]
    dispatcher.compile(signature)
    (kind, result), *_ = dispatcher.overloads.items()
    described = [_described(argument) for argument in arguments]
    around = _entry(result.fndesc.llvm_func_name, described, returns=returns != types.none)
    module = llvm.parse_assembly(dispatcher.inspect_llvm(kind))
    module.link_in(llvm.parse_assembly(around + _RUNTIME))
    for function in module.functions:
        if not function.is_declaration and function.name != ENTRY:
            function.linkage = "internal"  # then what nobody calls is left out
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options()))
    return described, machine.emit_object(module)


def _described(argument: Any) -> list[Any]:  # noqa: ANN401 - numba's
    """An array as its type of number, axes, and whether it is written to; a number as its type."""
    if isinstance(argument, types.Array):
        return [argument.dtype.name, argument.ndim, argument.mutable]
    return [argument.name]


def _machine() -> Any:  # noqa: ANN401 - llvmlite's
    """For the processor of this machine, with all it can do."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        reloc="pic",
        codemodel="small",
    )


def _entry(native: str, arguments: list[list[Any]], *, returns: bool) -> str:
    """LLVM's words for `int64 ENTRY(argument, …)`: an array is the address of numpy's object.

    Answers the kernel's value (0 where it has none), or `FAILED`.
    """
    given, lines, handed = [], [], ["ptr %value", "ptr %why"]
    for number, argument in enumerate(arguments):
        name = f"%a{number}"
        if len(argument) == 1:
            given.append(f"{_LLVM_TYPES[argument[0]]} {name}")
            handed.append(given[-1])
            continue
        given.append(f"ptr {name}")
        lines += _array(name, argument[1])
        handed += _flat(name, argument)
    return "\n".join(
        [
            f'declare i32 @"{native}"({", ".join(part.rsplit(" ", 1)[0] for part in handed)})',
            f"define i64 @{ENTRY}({', '.join(given)}) {{",
            "  %value = alloca i64",
            "  %why = alloca ptr",
            "  store i64 0, ptr %value",
            *lines,
            f'  %status = call i32 @"{native}"({", ".join(handed)})',
            "  %whole = icmp eq i32 %status, 0",
            f"  %nothing = icmp eq i32 %status, {_NO_VALUE}",
            "  %right = or i1 %whole, %nothing",
            "  %found = load i64, ptr %value",
            f"  %answer = select i1 %right, i64 {'%found' if returns else 0}, i64 {FAILED}",
            "  ret i64 %answer",
            "}",
        ]
    )


def _array(name: str, axes: int) -> list[str]:
    """Read data, sides and steps of one of numpy's arrays (PyArrayObject, its stable fields)."""
    lines = []
    for field, place in (("data", 0), ("sides", 2), ("steps", 3)):
        offset = object.__basicsize__ + place * _POINTER_BYTES
        lines += [
            f"  {name}.{field}.at = getelementptr i8, ptr {name}, i64 {offset}",
            f"  {name}.{field} = load ptr, ptr {name}.{field}.at",
        ]
    for axis in range(axes):
        for field, one in (("sides", "side"), ("steps", "step")):
            lines += [
                f"  {name}.{one}{axis}.at = getelementptr i64, ptr {name}.{field}, i64 {axis}",
                f"  {name}.{one}{axis} = load i64, ptr {name}.{one}{axis}.at",
            ]
    lines.append(f"  {name}.size0 = add i64 {name}.side0, 0")
    for axis in range(1, axes):
        lines.append(f"  {name}.size{axis} = mul i64 {name}.size{axis - 1}, {name}.side{axis}")
    return lines


def _flat(name: str, argument: list[Any]) -> list[str]:
    """An array as numba's functions take it: nobody to count holders, size, data, sides, steps."""
    kind, axes, _ = argument
    return [
        "ptr null",
        "ptr null",
        f"i64 {name}.size{axes - 1}",
        f"i64 {np.dtype(kind).itemsize}",
        f"ptr {name}.data",
        *(f"i64 {name}.side{axis}" for axis in range(axes)),
        *(f"i64 {name}.step{axis}" for axis in range(axes)),
    ]


_RUNTIME = """
declare ptr @malloc(i64)
declare void @free(ptr)

; Room for an array: how many hold it, two pointers nobody uses, where its data begin, its size.
define ptr @NRT_MemInfo_alloc_aligned(i64 %size, i32 %align) {
  %room = add i64 %size, 128
  %block = call ptr @malloc(i64 %room)
  %none = icmp eq ptr %block, null
  br i1 %none, label %gone, label %there
there:
  %address = ptrtoint ptr %block to i64
  %after = add i64 %address, 127
  %aligned = and i64 %after, -64
  %data = inttoptr i64 %aligned to ptr
  store i64 1, ptr %block
  %data.at = getelementptr i8, ptr %block, i64 24
  store ptr %data, ptr %data.at
  %size.at = getelementptr i8, ptr %block, i64 32
  store i64 %size, ptr %size.at
  ret ptr %block
gone:
  ret ptr null
}

define void @NRT_MemInfo_call_dtor(ptr %block) {
  call void @free(ptr %block)
  ret void
}
"""
