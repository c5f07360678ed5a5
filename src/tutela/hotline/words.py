"""Sentences of the error tree that people meet on the form; `_` marks them for the catalogues."""


def _(text: str) -> str:
    """Mark a text for translation; it is translated when a page is drawn."""
    return text


TOLD = (
    _("Please fill in an address or a description"),
    _("Both fields are empty."),
    _("The report is too long"),
    _("No report belongs to this code"),
    _("Check the letters; none is a 0, 1, i, l or o."),
    _("Very many people are writing to us at this moment"),
    _("Please try again in a minute. Nothing was lost but this attempt."),
    _("There is no such page"),
    _("The way back to the form is below."),
    _("Something broke on our side"),
    _("Please try again. If it stays, come back later."),
    _("The database did not answer"),
)
"""Others stay in English."""
