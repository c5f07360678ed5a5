"""The public form as data: what is asked, how much may be written, what is optional.

As little as possible is asked. Nobody is asked who they are; a way to answer is optional.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One field of the form; of those marked `any_of` at least one must be answered."""

    key: str
    label: str
    hint: str
    kind: Literal["line", "text"]
    max_length: int
    any_of: bool = False


QUESTIONS: tuple[Question, ...] = (
    Question(
        key="address",
        label="Where did you see it?",
        hint="An internet address, an app or a channel name. Do not copy or send any picture.",
        kind="line",
        max_length=2083,
        any_of=True,
    ),
    Question(
        key="description",
        label="What should we know?",
        hint="A few words are enough. You need not describe the picture.",
        kind="text",
        max_length=5000,
        any_of=True,
    ),
    Question(
        key="danger",
        label="Is a child in danger right now?",
        hint="If so, please also call your emergency number; we cannot answer at once.",
        kind="line",
        max_length=200,
    ),
    Question(
        key="contact",
        label="A way to answer you, if you wish",
        hint="You may leave this empty. You can always come back with the code we give you.",
        kind="line",
        max_length=320,
    ),
)
