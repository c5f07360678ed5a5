"""Other people's list formats: bytes to entries and refusals, without any I/O of their own.

Each module has `parse(stream: BinaryIO) -> Iterator[ListEntry | Refusal]`. A row that cannot be
taken is a `Refusal` and the next row goes on; a document that is broken as a whole is a
`BadInput` that names the place.

An entry with an empty `value` is a tombstone: the source took back the whole record that its
`external_id` names, and gave no hash with it.
"""
