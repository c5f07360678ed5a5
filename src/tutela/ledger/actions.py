"""Every action that a line of the ledger may name. Values are stored for good: never change one."""

from enum import StrEnum
from typing import Self


class LedgerAction(StrEnum):
    """What was done, and what that means (docs/reference/ledger.md is made from it).

    The line's `subject` is what it was done to.
    """

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        """One action: its stored value, and a sentence."""
        action = str.__new__(cls, value)
        action._value_ = value
        action.meaning = meaning
        return action

    ACCOUNT_CREATED = (
        "account_created",
        "An account was made for a person; `roles`.",
    )
    ACCOUNT_DISABLED = (
        "account_disabled",
        "An account was closed and its sessions ended.",
    )
    API_KEY_CREATED = (
        "api_key_created",
        "A program's key was made; `roles`.",
    )
    API_KEY_REVOKED = (
        "api_key_revoked",
        "A program's key was ended.",
    )
    CASE_CLAIMED = (
        "case_claimed",
        "A person took a case.",
    )
    CASE_CLOSED = (
        "case_closed",
        "A case ended; `reason`.",
    )
    CASE_EXPORTED = (
        "case_exported",
        "A case was packed for whoever must check it.",
    )
    CASE_OPENED = (
        "case_opened",
        "An item met an entry of a list, and a case was opened about it.",
    )
    CASE_RELEASED = (
        "case_released",
        "A person gave a case back.",
    )
    DECISION_MADE = (
        "decision_made",
        "A person decided; `verdict`, `final`, and what that person was shown.",
    )
    DECISION_NOT_TOLD = (
        "decision_not_told",
        "The platform did not take word of a decision.",
    )
    DECISION_TAKEN_OVER = (
        "decision_taken_over",
        "A person's decision was applied to a case that is alike.",
    )
    DECISION_TOLD = (
        "decision_told",
        "The platform has taken word of a decision.",
    )
    DETECTION_END_WARNED = (
        "detection_end_warned",
        "The end of the basis for matching comes nearer; told 180, 90 and 30 days before.",
    )
    DETECTION_PERMITTED = (
        "detection_permitted",
        "A basis in law permits matching again.",
    )
    DETECTION_STOPPED = (
        "detection_stopped",
        "No basis in law permits matching any more.",
    )
    DUTIES_ASSESSED = (
        "duties_assessed",
        "What the law asks about a case was derived anew.",
    )
    EXHIBIT_DAMAGED = (
        "exhibit_damaged",
        "A sealed item is not what was sealed, or does not open.",
    )
    EXHIBIT_DESTROYED = (
        "exhibit_destroyed",
        "An exhibit's bytes were destroyed.",
    )
    EXHIBIT_DESTRUCTION_CONFIRMED = (
        "exhibit_destruction_confirmed",
        "A second person confirmed that an exhibit be destroyed.",
    )
    EXHIBIT_DESTRUCTION_REQUESTED = (
        "exhibit_destruction_requested",
        "A first person asked that an exhibit be destroyed.",
    )
    EXHIBIT_DIFFERENT = (
        "exhibit_different",
        "A sealed item opens to something else than what was handed in.",
    )
    EXHIBIT_MISSING = (
        "exhibit_missing",
        "A sealed item is not in the store.",
    )
    EXHIBIT_RENDITION_SHOWN = (
        "exhibit_rendition_shown",
        "A person was shown a reduced form of an exhibit.",
    )
    EXHIBIT_SEALED = (
        "exhibit_sealed",
        "An exhibit's bytes were sealed and stored.",
    )
    EXHIBIT_VIEW_CLOSED = (
        "exhibit_view_closed",
        "A full view of an exhibit ended; how, and after how long.",
    )
    EXHIBIT_VIEW_OPENED = (
        "exhibit_view_opened",
        "A person opened a full view of an exhibit; the reason.",
    )
    EXHIBIT_WHOLE_AGAIN = (
        "exhibit_whole_again",
        "A sealed item that was missing or damaged is whole.",
    )
    HOLD_PLACED = (
        "hold_placed",
        "A reason to keep an exhibit began.",
    )
    HOLD_RELEASED = (
        "hold_released",
        "A reason to keep an exhibit ended.",
    )
    LAW_RULE_ACCEPTANCE_WITHDRAWN = (
        "law_rule_acceptance_withdrawn",
        "Counsel took that back.",
    )
    LAW_RULE_ACCEPTED = (
        "law_rule_accepted",
        "Counsel let a version of a rule or a basis act.",
    )
    LEDGER_HEAD_NOTED = (
        "ledger_head_noted",
        "The ledger's head was noted in a file for the first time.",
    )
    LEDGER_RECONCILED = (
        "ledger_reconciled",
        "A person said that a database from an older copy counts as it is.",
    )
    LIST_CATEGORY_MAPPED = (
        "list_category_mapped",
        "An unknown category code of a list was given a meaning.",
    )
    LIST_CONFIGURED = (
        "list_configured",
        "A list's policy was changed.",
    )
    LIST_CREATED = (
        "list_created",
        "A hash list was made.",
    )
    LIST_ENTRY_RESTORED = (
        "list_entry_restored",
        "Entries that had been withdrawn match again.",
    )
    LIST_ENTRY_WITHDRAWN = (
        "list_entry_withdrawn",
        "Entries were taken out for good.",
    )
    LIST_IMPORTED = (
        "list_imported",
        "A file was brought into a list; what it added, changed, withdrew and refused.",
    )
    MATCH_RECORDED = (
        "match_recorded",
        "One entry that an item met.",
    )
    OUTWARD_ACTS_GO_ON = (
        "outward_acts_go_on",
        "Reports, orders and removals may leave again.",
    )
    OUTWARD_ACTS_WAIT = (
        "outward_acts_wait",
        "Nothing leaves: the noted head is not in the ledger.",
    )
    PRESERVATION_SET = (
        "preservation_set",
        "Until when a case's exhibits must be kept.",
    )
    REPORT_ABANDONED = (
        "report_abandoned",
        "An open report was given up; its number is kept.",
    )
    REPORT_ASKED_AGAIN = (
        "report_asked_again",
        "A person asked for a report again.",
    )
    REPORT_CALL_BEGUN = (
        "report_call_begun",
        "A call that changes something at an authority is about to leave.",
    )
    REPORT_COMPOSED = (
        "report_composed",
        "A report was composed; its digest.",
    )
    REPORT_FILE_DESCRIBED = (
        "report_file_described",
        "The authority has taken what was said about a file.",
    )
    REPORT_FILE_UPLOADED = (
        "report_file_uploaded",
        "The authority has taken a file.",
    )
    REPORT_FINISHED = (
        "report_finished",
        "The authority has confirmed a report; the digest of its receipt.",
    )
    REPORT_HELD = (
        "report_held",
        "A report waits until somebody settles why.",
    )
    REPORT_OPENED = (
        "report_opened",
        "The authority has opened a report under its number.",
    )
    REPORT_ORDERED_VOLUNTARILY = (
        "report_ordered_voluntarily",
        "Counsel ordered a report that no recorded duty asks for.",
    )
    REPORT_REFUSED = (
        "report_refused",
        "The authority refused a report.",
    )
    REPORT_RESUMED = (
        "report_resumed",
        "A report that was held goes on.",
    )
    RESTRICTION_ASKED_AGAIN = (
        "restriction_asked_again",
        "A person asked for a failed order again.",
    )
    RESTRICTION_DELIVERED = (
        "restriction_delivered",
        "Access to an item was disabled, by the platform or a person.",
    )
    RESTRICTION_FAILED = (
        "restriction_failed",
        "The platform did not carry out an order.",
    )
    RESTRICTION_ORDERED = (
        "restriction_ordered",
        "The platform was ordered to disable access to an item.",
    )
    REVIEW_FINISHED = (
        "review_finished",
        "A person was ready to decide; what that person was shown.",
    )
    SECOND_OPINION_GIVEN = (
        "second_opinion_given",
        "A second person agreed or disagreed.",
    )
    SIGNED_IN = (
        "signed_in",
        "A person signed in.",
    )
    SIGNED_OUT = (
        "signed_out",
        "A session was ended by its person.",
    )
    SIGN_IN_REFUSED = (
        "sign_in_refused",
        "Somebody was not let in.",
    )
    TIP_ADVANCED = (
        "tip_advanced",
        "A report by the public form has come further.",
    )
    TIP_OPENED = (
        "tip_opened",
        "A person read a report by the public form.",
    )
    TIP_RECEIVED = (
        "tip_received",
        "Somebody sent a report by the public form.",
    )
