"""The words people read for each constant. `_` marks them for the catalogues."""

from collections.abc import Mapping

from tutela.oversight.law_words import LAW_WORDS


def _(text: str) -> str:
    """Mark a text for translation; it is translated when a page is drawn."""
    return text


WORDS: Mapping[str, Mapping[str, str]] = {
    **LAW_WORDS,
    "state": {
        "received": _("Received"),
        "matched": _("Waiting for review"),
        "reviewed": _("In review"),
        "decided": _("Decided"),
        "closed": _("Closed"),
    },
    "outcome": {
        "reported": _("Reported to the authority"),
        "restricted": _("Access disabled"),
        "preserved": _("Evidence preserved"),
    },
    "verdict": {
        "apparent_csam": _("Apparent child sexual abuse material"),
        "not_csam": _("Not child sexual abuse material"),
        "cannot_say": _("Cannot say"),
    },
    "age_band": {
        "prepubescent": _("Prepubescent"),
        "pubescent": _("Pubescent"),
        "unknown": _("Not known"),
    },
    "role": {
        "reviewer": _("Reviewer"),
        "counsel": _("Counsel"),
        "operator": _("Operator"),
        "auditor": _("Auditor"),
        "platform": _("Platform"),
    },
    "rendition": {
        "thumb": _("Tiny (64 pixels)"),
        "blur": _("Blurred"),
        "grey": _("Grey"),
        "lineart": _("Outlines"),
    },
    "viewed": {
        "nothing": _("Nothing was opened"),
        "rendition": _("Reduced forms only, no full view"),
        "part": _("A full view of one frame or page, not of the whole file"),
        "entire": _("A full view of the whole file"),
    },
    "entry_status": {
        "withdrawn": _("The list has withdrawn this entry since"),
        "deleted": _("The list has deleted this entry since"),
        "set_aside": _("This entry is malformed and no longer matches"),
        "gone": _("The list no longer holds this entry"),
    },
    "view_reason": {
        "match_doubtful": _("The match is doubtful"),
        "category_unclear": _("The category is unclear"),
        "age_unclear": _("The age is unclear"),
        "imminent_danger": _("Someone may be in danger now"),
        "second_opinion": _("I give the second opinion"),
    },
    "report_state": {
        "composed": _("Composed, not sent yet"),
        "opened": _("Opened at the authority"),
        "files": _("Files handed over"),
        "finished": _("Finished"),
        "refused": _("Refused by the authority"),
        "held": _("Held"),
    },
    "held_because": {
        "law": _("Counsel has not accepted the rule it rests on."),
        "facts": _("A fact the law asks for is not known, or no duty applies."),
        "unconfigured": _("No authority is configured."),
        "credentials": _("The authority does not accept our sign-in."),
        "schema": _("The authority's schema is not the one that was reviewed."),
        "composing": _("The case cannot be put into the authority's form."),
        "evidence": _("A sealed item cannot be read back as it was."),
        "unreachable": _("The authority has not given a usable answer."),
        "uncertain": _("It may be finished already; a person must ask the authority."),
        "restored": _("It may be filed already; a person must ask the authority."),
        "program": _("A fault of this program."),
    },
    "restriction_state": {
        "ordered": _("Ordered"),
        "delivered": _("Done by the platform"),
        "failed": _("Failed"),
        "manual": _("Waits for a person"),
    },
    "duty_state": {
        "owed": _("Yes, owed"),
        "discharged": _("Yes, and done"),
        "unknown": _("Cannot say"),
        "not_owed": _("Not owed on these facts"),
        "not_in_force": _("Not in force on this day"),
    },
    "step": {
        "restrict_access": _("disable access"),
        "seal_a_copy": _("keep a sealed copy"),
        "destroy_nothing": _("destroy nothing"),
        "prepare_the_report": _("prepare the report"),
        "tell_nobody_yet": _("tell nobody yet"),
        "ask_counsel": _("ask counsel"),
    },
    "clock_state": {
        "no_clock": _("the law sets no time"),
        "not_started": _("the clock has not started"),
        "running": _("the clock runs"),
        "paused": _("the clock is stopped"),
        "late": _("late"),
        "met": _("met in time"),
        "unknown": _("it cannot be said whether the clock runs"),
    },
    "asked": {
        "system": _("this system"),
        "operator": _("the operator"),
        "reviewer": _("the reviewer"),
        "counsel": _("counsel"),
    },
}
"""Group, constant, words. A constant without words is an error when the page is drawn."""

TOLD = (
    _("The name or password is not right"),
    _("Check both and try again."),
    _("Too many attempts for this name"),
    _("Wait a quarter of an hour, then try again. An operator can see the attempts in the ledger."),
    _("Too many requests of this kind wait already"),
    _("Nothing was done. Try again in a few seconds."),
    _("This form did not come from this page"),
    _("Nothing was changed. Load the page again and repeat the step."),
    _("This account may not do that"),
    _("Ask an operator for the role, or sign in with another account."),
    _("There is no such page"),
    _("There is no such case"),
    _("Go back to the queue."),
    _("Somebody else works on this case"),
    _("Take another case from the queue."),
    _("This case is not claimed by you"),
    _("Claim it first, so that two people do not look at the same thing."),
    _("This view is closed"),
    _("Open a new one from the case, with its reason, if you need it."),
    _("A full view needs its reason"),
    _("Choose one of those on the page."),
    _("Choose a verdict"),
    _("Choose an age band"),
    _("Say whether you agree"),
    _("Choose one of the two."),
    _("Apparent material needs its category"),
    _("Choose the category that fits best what was found."),
    _("Say in the note why"),
    _("One sentence about what is unclear is enough."),
    _("A disagreement needs a verdict of its own"),
    _("Agree with it, or choose another verdict and say why."),
    _("The note is too long"),
    _("Nothing was chosen"),
    _("Choose the cases that get the decision."),
    _("There is no decision of yours that could be taken over"),
    _("Decide this case first, with a verdict."),
    _("One of the cases is not like this one, or waits no more"),
    _("Nothing was stored. Load the page again and look before you repeat the step."),
    _("This is no day"),
    _("Write it as 2026-11-21."),
    _("This is no review status"),
    _("There is no such entry in the lawbook"),
    _("There is no such source in the lawbook"),
    _("Search for it under Law."),
    _("The database did not answer"),
    _("Something broke on our side"),
)
"""Sentences of the error tree that people meet most on these pages; others stay in English."""
