"""XML in and out without surprises: no DTD, no entities, no network, no huge documents."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Final

from lxml import etree

from tutela.primitives.clock import iso
from tutela.primitives.errors import BadInput

MAX_DOCUMENT_BYTES: Final = 16 * 1024 * 1024
Scalar = str | bool | int | float | datetime | date

# Schema errors whose text names elements and attributes only. Every other text quotes the
# value, which may be a person's name, so it is replaced by the kind of error.
_NAMES_ONLY = frozenset(
    {
        "SCHEMAV_ELEMENT_CONTENT",
        "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1",
        "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2",
        "SCHEMAV_CVC_COMPLEX_TYPE_4",
        "SCHEMAV_CVC_ELT_1",
    }
)
_REACHES_OUT = frozenset({"import", "include", "redefine", "override"})


def written(value: Scalar) -> str:
    """The XML Schema spelling of a value; moments in UTC with `Z`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def put(
    parent: etree._Element,
    name: str,
    value: Scalar | None,
    attributes: Mapping[str, Scalar | None] | None = None,
) -> None:
    """Append `<name>value</name>` with the attributes that are not None; nothing for None."""
    if value is None:
        return
    element = branch(parent, name, attributes)
    element.text = written(value)


def put_each(parent: etree._Element, name: str, values: Iterable[Scalar]) -> None:
    """`put` for each value in turn."""
    for value in values:
        put(parent, name, value)


def branch(
    parent: etree._Element, name: str, attributes: Mapping[str, Scalar | None] | None = None
) -> etree._Element:
    """Append an empty `<name>` with the attributes that are not None, and hand it out."""
    element = etree.SubElement(parent, name)
    for key, value in (attributes or {}).items():
        if value is not None:
            element.set(key, written(value))
    return element


def document(root: etree._Element) -> bytes:
    """The document's bytes: UTF-8, declared, indented; the same root gives the same bytes."""
    bytes_out: bytes = etree.tostring(
        root, xml_declaration=True, encoding="UTF-8", pretty_print=True
    )
    return bytes_out


def parse(body: bytes, *, charset: str | None = None, what: str = "The document") -> etree._Element:
    """The root of a foreign document, or `BadInput` that says in plain words why not.

    `charset` overrules the document's own declaration. A document type, an entity, UTF-16
    and anything over 16 MiB are refused before the parser sees them.
    """
    if len(body) > MAX_DOCUMENT_BYTES:
        raise BadInput(f"{what} is too large", why=f"over {MAX_DOCUMENT_BYTES} bytes")
    if b"\x00" in body:
        raise BadInput(f"{what} is not XML in an 8-bit character set")
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise BadInput(f"{what} is refused", why="it declares a document type or an entity")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        encoding=charset,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.LxmlError, ValueError, LookupError):
        raise BadInput(f"{what} is not well-formed XML") from None
    if root.getroottree().docinfo.internalDTD is not None:  # in a character set not seen above
        raise BadInput(f"{what} is refused", why="it declares a document type")
    return root


def local_name(element: etree._Element) -> str:
    """The element's name without its namespace."""
    return etree.QName(element).localname


def validate(xml: bytes, xsd: bytes) -> list[str]:
    """What the schema objects to, one line each and none when the document is valid.

    The lines name elements and rules, never values. A schema that includes another one is
    refused with `BadInput`, so that checking reads no file and opens no connection.
    """
    schema_root = parse(xsd, what="The schema")
    if local_name(schema_root) != "schema":
        raise BadInput("The schema is not an XML Schema document")
    for element in schema_root.iterchildren(etree.Element):
        if local_name(element) in _REACHES_OUT:
            raise BadInput("The schema is refused", why="it includes another document")
    try:
        schema = etree.XMLSchema(schema_root)
    except etree.LxmlError:
        raise BadInput("The schema is not a valid XML Schema document") from None
    root = parse(xml)
    if schema.validate(root):
        return []
    return [
        f"line {entry.line}: {_reason(entry.type_name, entry.message, entry.path)}"
        for entry in schema.error_log  # type: ignore[attr-defined]
    ]


def _reason(kind: str, message: str, path: str | None) -> str:
    if kind in _NAMES_ONLY:
        return message
    return f"{path or 'the document'} has a value the schema refuses ({kind})"
