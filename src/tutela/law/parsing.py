"""From YAML text to the room's facts: strict at every step, with the place in every refusal."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

import yaml

from tutela.law.model import All, AnyOf, AtLeast, Expr, Leaf, Literal, Not, Op, Scalar, Status
from tutela.law.offences import Conducts
from tutela.law.vocabulary import OPS_OF, Fact, FactKind, Vocabulary
from tutela.primitives.errors import BadInput

T = TypeVar("T")
_DEEPEST = 20
_LONGEST_FACTS = 1_000_000
_COMBINING = ("all", "any", "not", "at_least")
_LEAF_KEYS = {"fact", "cite", "source", "status"}


class _Strict(yaml.constructor.SafeConstructor, yaml.resolver.Resolver):
    """Safe YAML with the simple scalars only.

    Left out on purpose: `NO` and `yes` stay text (Norway is not false), dates stay text until
    a field asks for one, aliases and merge keys are refused, a key may stand once.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001 - PyYAML's shape
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str) or key in seen:
                raise yaml.constructor.ConstructorError(None, None, _TWICE, key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_Strict.yaml_implicit_resolvers = {}
_Strict.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Strict.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]*)$"), list("-0123456789")
)
_Strict.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""]
)


class _StrictLoader(_Strict, yaml.SafeLoader):
    """For text of anybody's: however deeply it nests, nothing worse than `RecursionError`."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401 - PyYAML's shape
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _alias(mark)
        return super().compose_node(parent, index)


class _BookLoader(_Strict, yaml.CSafeLoader):
    """For the lawbook's own files: the same by libyaml, which reads many times as fast."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:  # noqa: ANN401 - PyYAML's shape
        if kind is yaml.ScalarNode and implicit[0] and value[:1] not in _MAY_BE_NO_TEXT:
            return _TEXT
        tag: str = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        return tag

    def get_single_data(self) -> object:
        """The document by one walk over its nodes, which are what `_Strict` would build on."""
        node = self.get_single_node()
        return None if node is None else _plain(node, set())


def _plain(node: Any, seen: set[int]) -> object:  # noqa: ANN401 - PyYAML's node
    """What a node stands for. An alias is a node that stands in two places."""
    if id(node) in seen:
        raise _alias(node.start_mark)
    seen.add(id(node))
    if node.tag == _TEXT and isinstance(node, yaml.ScalarNode):
        return node.value
    if node.tag == "tag:yaml.org,2002:map" and isinstance(node, yaml.MappingNode):
        found: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = _plain(key_node, seen)
            if not isinstance(key, str) or key in found:
                raise yaml.constructor.ConstructorError(None, None, _TWICE, key_node.start_mark)
            found[key] = _plain(value_node, seen)
        return found
    if node.tag == "tag:yaml.org,2002:seq" and isinstance(node, yaml.SequenceNode):
        return [_plain(each, seen) for each in node.value]
    if node.tag in _SCALARS and isinstance(node, yaml.ScalarNode):
        return _SCALARS[node.tag](node.value)
    raise yaml.constructor.ConstructorError(
        None, None, "could not determine a constructor for the tag", node.start_mark
    )


_TEXT = "tag:yaml.org,2002:str"
_MAY_BE_NO_TEXT = "tfn~-0123456789"
"""How text begins that may be another scalar; so may no text at all."""
_SCALARS: Mapping[str, Callable[[str], object]] = {
    "tag:yaml.org,2002:bool": lambda text: text == "true",
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:null": lambda _: None,
}
_TWICE = "a key stands twice or is no text"


def _alias(mark: Any) -> yaml.constructor.ConstructorError:  # noqa: ANN401 - PyYAML's
    return yaml.constructor.ConstructorError(None, None, "aliases are not allowed", mark)


def read_yaml(text: str, *, where: str, ours: bool = False) -> dict[str, object]:
    """One YAML mapping; anything else, doubled keys and aliases refuse with `BadInput`.

    `ours` only for the lawbook's own files: those are read many times as fast.
    """
    loader = _BookLoader if ours else _StrictLoader
    try:
        data = yaml.load(text, Loader=loader)  # noqa: S506 - a SafeLoader made stricter
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or type(error).__name__
        raise BadInput(
            f"{where}{line} is not readable YAML",
            why=problem,
            remedy="Indent with blanks, never tabs, and quote text with ': ', ', ' or '#' in it.",
        ) from error
    if not isinstance(data, dict):
        raise refusal(where, "expected a mapping with keys")
    return data


def read_facts(text: str, *, where: str) -> dict[str, object]:
    """A case's facts from JSON (first letter `{`) or YAML: one flat mapping of names to values."""
    if len(text) > _LONGEST_FACTS:
        raise refusal(where, f"longer than {_LONGEST_FACTS} letters")
    if not text.lstrip().startswith("{"):
        return read_yaml(text, where=where)
    try:
        data = json.loads(text, object_pairs_hook=lambda pairs: _once(pairs, where))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where} is not readable JSON", why=type(error).__name__) from error
    return cast("dict[str, object]", data)


def _once(pairs: list[tuple[str, object]], where: str) -> dict[str, object]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise refusal(where, "a key stands twice")
    return mapping


def refusal(where: str, why: str) -> BadInput:
    """The error for a lawbook that cannot be read, with the place in it."""
    return BadInput(f"{where} is refused", why=why)


@cache
def _keys_of(kind: type[object]) -> tuple[Mapping[str, tuple[str, Any]], frozenset[str]]:
    """The keys of a `kind` with the field and type of each, and those that must be there."""
    hints = get_type_hints(kind)
    given = [each for each in fields(cast("Any", kind)) if not each.metadata.get("derived")]
    known = {each.name.rstrip("_"): (each.name, hints[each.name]) for each in given}
    required = frozenset(
        each.name.rstrip("_")
        for each in given
        if each.default is MISSING and each.default_factory is MISSING
    )
    return known, required


class _Shape(Enum):
    """How a value is read, by the type of its field."""

    OPTIONAL, LIST, WHOLE, PARTS, CHOICE, DAY, PLAIN = range(7)


@cache
def _shape(hint: Any) -> tuple[_Shape, Any]:  # noqa: ANN401
    """The shape of a type, and what is inside an optional one or a list."""
    if isinstance(hint, UnionType) and hint != Scalar:
        return _Shape.OPTIONAL, next(each for each in get_args(hint) if each is not NoneType)
    if get_origin(hint) is tuple:
        return _Shape.LIST, get_args(hint)[0]
    if hint in _WHOLE:
        return _Shape.WHOLE, hint
    if is_dataclass(hint):
        return _Shape.PARTS, hint
    if issubclass(hint, Enum):
        return _Shape.CHOICE, hint
    return (_Shape.DAY if hint is date else _Shape.PLAIN), hint


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Builds the room's dataclasses from plain data by their field types.

    `vocabulary` types the literals in conditions, `sets` are named lists of codes that a
    condition may use as `{in: {set: NAME}}`.
    """

    vocabulary: Vocabulary | None = None
    sets: Mapping[str, tuple[str, ...]]

    def build(self, kind: type[T], data: object, *, where: str) -> T:
        """`data` as a `kind`; unknown and missing keys and wrong types refuse."""
        if not isinstance(data, Mapping):
            raise refusal(where, "expected a mapping with keys")
        known, required = _keys_of(cast("Any", kind))
        unknown = sorted(data.keys() - known.keys())
        lacking = sorted(required - data.keys())
        if unknown or lacking:
            raise refusal(where, _key_faults(data, unknown, lacking, set(known)))
        values = {}
        for key, value in data.items():
            name, hint = known[key]
            values[name] = self._typed(hint, value, f"{where}.{key}")
        return kind(**values)

    def _typed(self, hint: Any, value: object, where: str) -> object:  # noqa: ANN401, PLR0911 - one line a type
        shape, inner = _shape(hint)
        match shape:
            case _Shape.OPTIONAL:
                return None if value is None else self._typed(inner, value, where)
            case _Shape.LIST:
                if not isinstance(value, list):
                    raise refusal(where, "expected a list")
                return tuple(
                    self._typed(inner, each, f"{where}[{n}]") for n, each in enumerate(value)
                )
            case _Shape.WHOLE:
                return _WHOLE[hint](self, value, where)
            case _Shape.PARTS:
                return self.build(cast("type[object]", hint), value, where=where)
            case _Shape.CHOICE:
                return _choice(hint, value, where)
            case _Shape.DAY:
                return _day(value, where)
        if hint is str and (not isinstance(value, str) or not value.strip()):
            raise refusal(where, "expected text that is not empty")
        if type(value) is not hint:
            raise refusal(where, f"expected {_PLAIN_TYPES.get(hint, hint.__name__)}")
        return value.strip() if isinstance(value, str) else value

    def conducts(self, data: object, where: str) -> Conducts:
        """`{fact: value or list of values}`, each value of the fact's type."""
        if not isinstance(data, Mapping) or not data or self.vocabulary is None:
            raise refusal(where, "expected facts with one value or a list of values")
        values = []
        for name, listed in data.items():
            many = listed if isinstance(listed, list) else [listed]
            if not many:
                raise refusal(where, f"{name} has no value")
            try:
                fact = self.vocabulary.fact(str(name))
                values.append((fact.name, tuple(self.vocabulary.scalar(fact, x) for x in many)))
            except BadInput as error:
                raise refusal(where, str(error)) from error
        return Conducts(values=tuple(values))

    def expression(self, data: object, *, where: str, depth: int = 0) -> Expr:
        """A condition; empty `all`, `any` and `at_least` refuse (empty means no)."""
        if not isinstance(data, Mapping) or depth > _DEEPEST:
            raise refusal(where, "expected a condition, nested at most 20 deep")
        if "fact" in data:
            return self._leaf(data, where)
        if len(data) != 1 or next(iter(data)) not in _COMBINING:
            raise refusal(where, f"expected one of {', '.join(_COMBINING)}, or a fact")
        op, inner = next(iter(data.items()))
        if op == "not":
            return Not(part=self.expression(inner, where=f"{where}.not", depth=depth + 1))
        n, listed = 0, inner
        if op == "at_least":
            if not isinstance(inner, Mapping) or set(inner) != {"n", "of"}:
                raise refusal(where, "at_least needs n and of")
            n, listed = inner["n"], inner["of"]
        if not isinstance(listed, list) or not listed:
            raise refusal(where, f"{op} without parts: empty means no")
        parts = tuple(
            self.expression(each, where=f"{where}.{op}[{at}]", depth=depth + 1)
            for at, each in enumerate(listed)
        )
        if op == "at_least":
            if type(n) is not int or not 1 <= n <= len(parts):
                raise refusal(where, f"n must lie between 1 and {len(parts)}")
            return AtLeast(n=n, parts=parts)
        return All(parts=parts) if op == "all" else AnyOf(parts=parts)

    def _leaf(self, data: Mapping[str, object], where: str) -> Leaf:
        ops = sorted(set(data) - _LEAF_KEYS)
        lacking = sorted(_LEAF_KEYS - set(data))
        if len(ops) != 1 or ops[0] not in {op.value for op in Op} or lacking:
            raise refusal(where, f"expected one test, found {ops}; missing keys {lacking}")
        if self.vocabulary is None:
            raise refusal(where, "conditions need a vocabulary")
        op = Op(ops[0])
        try:
            fact = self.vocabulary.fact(str(data["fact"]))
            if op not in OPS_OF[fact.kind]:
                raise refusal(where, f"{op.value} cannot test a {fact.kind.value}")
            value = self._literal(op, fact, data[op.value], where)
        except BadInput as error:
            raise refusal(where, str(error)) from error
        return Leaf(
            fact=fact.name,
            op=op,
            value=value,
            cite=cast("str", self._typed(str, data["cite"], f"{where}.cite")),
            source=cast("str", self._typed(str, data["source"], f"{where}.source")),
            status=cast("Status", _choice(Status, data["status"], f"{where}.status")),
        )

    def _literal(self, op: Op, fact: Fact, value: object, where: str) -> Literal:
        vocabulary = cast("Vocabulary", self.vocabulary)
        if op is Op.EXISTS:
            if value is not True:
                raise refusal(where, "exists takes only true; write not around it")
            return True
        if op in {Op.EQ, Op.GE, Op.LT}:
            return vocabulary.scalar(fact, value)
        if isinstance(value, Mapping):
            name = str(value.get("set"))
            if set(value) != {"set"} or name not in self.sets:
                raise refusal(where, f"there is no set called {name[:40]!r}")
            value = list(self.sets[name])
        if not isinstance(value, list) or not value:
            raise refusal(where, f"{op.value} needs a list that is not empty")
        values = tuple(vocabulary.scalar(fact, each) for each in value)
        if op is Op.BETWEEN:
            low, high = values if len(values) == 2 else (0, 0)  # noqa: PLR2004 - [low, high)
            if not low < high:  # type: ignore[operator]
                raise refusal(where, "between needs [low, high) with low below high")
            return values
        if len(set(values)) != len(values):
            raise refusal(where, "a value stands twice")
        return cast("Literal", tuple(sorted(values, key=str)))


def _key_faults(
    data: Mapping[Any, object], unknown: list[Any], lacking: list[str], known: set[str]
) -> str:
    """What is wrong with the keys of a mapping, and which were meant."""
    told = []
    if unknown:
        told.append("unknown keys " + ", ".join(map(str, unknown)))
        if any(data[key] is None for key in unknown):
            told.append("a text with a comma stands in quotes")
        told.append(f"allowed are {', '.join(sorted(known))}")
    if lacking:
        told.append(f"missing keys {', '.join(lacking)}")
    return "; ".join(told)


_PLAIN_TYPES: Mapping[Any, str] = {bool: "true or false", int: "a whole number", str: "text"}
_WHOLE: Mapping[Any, Callable[[Reader, object, str], object]] = {
    Expr: lambda reader, value, where: reader.expression(value, where=where),
    Conducts: lambda reader, value, where: reader.conducts(value, where),
    Scalar: lambda _, value, __: value,
}
"""Types of the room that are read as a whole."""


def _choice(kind: type[Enum], value: object, where: str) -> Enum:
    try:
        member = kind(value)
    except ValueError:
        member = None
    if member is not None and type(member.value) is type(value):
        return member
    raise refusal(where, "expected one of " + ", ".join(str(member.value) for member in kind))


def _day(value: object, where: str) -> date:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise refusal(where, "expected a date as 2026-04-07")


def check_fact(fact: Fact, *, where: str) -> None:
    """Refuse a vocabulary entry that contradicts itself."""
    if (fact.kind is FactKind.CHOICE) != bool(fact.allowed):
        raise refusal(where, "a choice lists what is allowed, and only a choice does")
    if fact.may_be_none and fact.kind not in {FactKind.MOMENT, FactKind.COUNTRY}:
        raise refusal(where, "only a moment or a country may be none")
