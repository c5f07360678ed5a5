"""Other people's list formats: bytes to entries and refusals, without any I/O of their own.

Each module has `parse(stream: BinaryIO) -> Iterator[ParsedRow]`, which yields, in the order of
the file:

- `ListEntry` for each hash that can be taken, with its `row`;
- `Refusal` for each row or hash that cannot, with whatever of its identity can still be read
  (`names`). A row that cannot be read is not a row that is gone: what it names stays as it was,
  and a row that could name any entry keeps the file from being taken for the full list. So a
  parser looks for the hash and the record in a damaged row as hard as in a good one, and says
  `certain` only where no other entry can be meant;
- `Ignored` for each side field that is left out (quality, date, category, note, unknown column).
  The hash is taken all the same, with the field's name in `ListEntry.unread`, so that an entry
  that is stored already keeps what it said there;
- `Partial` when the file shows that it is not the full list.

Only what decides over the entry refuses a row: the hash, its kind, and whether it is withdrawn.
A document that is broken as a whole is a `BadInput` that names the place; then nothing changes.

An entry with an empty `value` is a tombstone: the source took back the whole record that its
`external_id` names, and gave no hash with it.
"""
