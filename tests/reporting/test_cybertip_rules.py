"""The authority's appendix rules: each is refused at construction, with its place."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tutela.primitives.errors import BadInput
from tutela.reporting import model

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(days=1)
LATER = NOW + timedelta(seconds=1)
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 (the point of the test)
EMAIL = model.Email(address="person.a@mail.example")


def tip(**changes: Any) -> model.CyberTip:
    facts = {
        "composed_at": NOW,
        "incident": model.IncidentSummary(
            incident_type=model.IncidentType.CHILD_PORNOGRAPHY, incident_at=EARLIER
        ),
        "reporter": model.Reporter(reporting_person=model.Person(emails=(EMAIL,))),
    }
    return model.CyberTip(**{**facts, **changes})


def file(**changes: Any) -> model.TipFile:
    facts = {
        "composed_at": NOW,
        "report_id": "1",
        "file_id": "f" * 32,
        "file_viewed_by_esp": False,
    }
    return model.TipFile(**{**facts, **changes})


BATCH = model.BatchReason.VIRAL_POTENTIAL_MEME
SUPPLEMENTAL = model.FileRelevance.SUPPLEMENTAL
MEME = frozenset({model.FileAnnotation.POTENTIAL_MEME})
ACCOUNT = model.ReportedPerson(esp_identifier="acct-1")

REFUSED = {
    "reporter without e-mail": (
        lambda: model.Reporter(reporting_person=model.Person(first_name="Person A")),
        r"reporter\.reporting_person\.emails",
    ),
    "naive incident": (
        lambda: model.IncidentSummary(
            incident_type=model.IncidentType.CHILD_PORNOGRAPHY, incident_at=NAIVE
        ),
        r"incident\.incident_at: has no time zone",
    ),
    "naive composing": (lambda: tip(composed_at=NAIVE), "no time zone"),
    "future incident": (
        lambda: tip(
            incident=model.IncidentSummary(
                incident_type=model.IncidentType.CHILD_PORNOGRAPHY, incident_at=LATER
            )
        ),
        r"report\.incident\.incident_at: is not in the past",
    ),
    "future capture deep inside": (
        lambda: tip(
            reported=(
                model.ReportedPerson(
                    ip_captures=(model.IpCapture(ip_address="192.0.2.1", at=LATER),)
                ),
            )
        ),
        r"report\.reported\[0\]\.ip_captures\[0\]\.at: is not in the past",
    ),
    "future birthday": (
        lambda: tip(
            victims=(model.Victim(person=model.Person(date_of_birth=LATER.date().replace(day=30))),)
        ),
        r"report\.victims\[0\]\.person\.date_of_birth",
    ),
    "two suspects": (lambda: tip(reported=(ACCOUNT, ACCOUNT)), "outside batch mode"),
    "batch with details": (
        lambda: tip(batch=BATCH, internet_details=(model.WebPageIncident(),)),
        r"report\.internet_details: is not allowed in batch mode",
    ),
    "batch with additional info": (
        lambda: tip(batch=BATCH, additional_info="a note"),
        r"report\.additional_info: is not allowed in batch mode",
    ),
    "batch account without identifier": (
        lambda: tip(batch=BATCH, reported=(model.ReportedPerson(),)),
        r"reported\[0\]\.esp_identifier: is required",
    ),
    "batch account with more": (
        lambda: tip(batch=BATCH, reported=(replace(ACCOUNT, compromised_account=False),)),
        r"reported\[0\]\.compromised_account: is not allowed",
    ),
    "address on nobody": (
        lambda: tip(internet_details=(model.EmailIncident(email_addresses=(EMAIL,)),)),
        r"internet_details\[0\]\.email_addresses\[0\]: stands on no",
    ),
    "newsgroup address on nobody": (
        lambda: tip(internet_details=(model.NewsgroupIncident(email_addresses=(EMAIL,)),)),
        "stands on no",
    ),
    "platform too long": (
        lambda: model.IncidentSummary(
            incident_type=model.IncidentType.CHILD_PORNOGRAPHY,
            incident_at=EARLIER,
            platform="x" * 257,
        ),
        r"incident\.platform: has 257 characters, at most 256",
    ),
    "blank escalation": (
        lambda: model.IncidentSummary(
            incident_type=model.IncidentType.CHILD_PORNOGRAPHY,
            incident_at=EARLIER,
            escalate_to_high_priority="  ",
        ),
        r"incident\.escalate_to_high_priority: is blank",
    ),
    "display name too long": (
        lambda: model.ReportedPerson(display_names=("short", "x" * 256)),
        r"account\.display_names\[1\]: has 256",
    ),
    "screen name with a control character": (
        lambda: model.ReportedPerson(screen_name="a\x00b"),
        "XML cannot carry",
    ),
    "prior report that is none": (
        lambda: model.ReportedPerson(prior_ct_reports=("12a",)),
        r"prior_ct_reports\[0\]: is not a report number",
    ),
    "permanently disabled and enabled again": (
        lambda: model.ReportedPerson(
            permanently_disabled=model.AccountDisabled(disabled=True, reenabled_date=EARLIER)
        ),
        "cannot have been enabled again",
    ),
    "notified before disabled": (
        lambda: model.AccountDisabled(disabled=True, disabled_date=NOW, user_notified_date=EARLIER),
        "is before the moment it must follow",
    ),
    "profile that is no URL": (
        lambda: model.ReportedPerson(profile_urls=("platform.example/a",)),
        "not an absolute URL",
    ),
    "page over 2083 characters": (
        lambda: model.WebPageIncident(urls=("https://platform.example/" + "a" * 2083,)),
        "at most 2083",
    ),
    "page that breaks the parser": (
        lambda: model.WebPageIncident(urls=("https://[bad",)),
        "is not a URL",
    ),
    "e-mail without a domain": (lambda: model.Email(address="person.a@"), "not a well-formed"),
    "e-mail with a long first part": (
        lambda: model.Email(address="x" * 65 + "@mail.example"),
        "not a well-formed",
    ),
    "verified on a date, but not verified": (
        lambda: model.Email(address=EMAIL.address, verification_date=EARLIER),
        r"email\.verified: must be true",
    ),
    "phone with the code twice": (
        lambda: model.Phone(number="+1 5550100", country_calling_code="+1"),
        "repeats the country calling code",
    ),
    "calling code of four digits": (
        lambda: model.Phone(number="5550100", country_calling_code="+1234"),
        "plus sign and 1 to 3 digits",
    ),
    "extension of letters": (
        lambda: model.Phone(number="5550100", extension="1a"),
        "1 to 10 digits",
    ),
    "age of 151": (lambda: model.Person(age=151), "between 0 and 150"),
    "port 0": (lambda: model.IpCapture(ip_address="192.0.2.1", port=0), "between 1 and 65535"),
    "address that is none": (lambda: model.IpCapture(ip_address="192.0.2"), "not an IPv4"),
    "address with a zone": (lambda: model.IpCapture(ip_address="fe80::1%eth0"), "scope zone"),
    "latitude that is no number": (
        lambda: model.CellPhoneIncident(latitude=float("nan")),
        "between -90 and 90",
    ),
    "state that is none": (lambda: model.Address(state="XX"), "US state"),
    "country in lower case": (lambda: model.Address(country="us"), "country code"),
    "US city without a region": (
        lambda: model.EstimatedLocation(country_code="US", city="Anytown"),
        "required with a city in the US",
    ),
    "age and birthday of an account": (
        lambda: model.AssociatedAccount(
            type=model.AssociationType.LINKED, approximate_age=1, date_of_birth=EARLIER.date()
        ),
        "both an age and a date of birth",
    ),
    "flea country alone": (
        lambda: model.LawEnforcement(agency_name="Agency A", flea_country="DE"),
        "needs the answer it belongs to",
    ),
    "EXIF seen, file not": (
        lambda: file(exif_viewed_by_esp=True),
        r"file\.file_viewed_by_esp: must be true",
    ),
    "EXIF seen, file unknown": (
        lambda: file(file_viewed_by_esp=None, exif_viewed_by_esp=True),
        "must be true",
    ),
    "supplemental meme": (
        lambda: file(relevance=SUPPLEMENTAL, annotations=MEME),
        "supplemental file cannot be a potential meme",
    ),
    "supplemental and classified": (
        lambda: file(
            relevance=SUPPLEMENTAL, industry_classification=model.IndustryClassification.A1
        ),
        "not allowed on a supplemental file",
    ),
    "file name too long": (lambda: file(original_file_name="x" * 2057), "at most 2056"),
    "file of no report": (lambda: file(report_id="0"), "is not a report number"),
    "file of the future": (lambda: file(uploaded_to_esp_at=LATER), "not in the past"),
    "metadata without pairs": (lambda: model.FileMetadata(pairs=()), "is empty"),
    "metadata with a long name": (
        lambda: model.FileMetadata(pairs=(("x" * 65, "v"),)),
        r"metadata\.pairs\[0\]\.name",
    ),
    "batched file without annotation": (lambda: file(batched=True), "must be viral"),
    "batched file with another annotation": (
        lambda: file(batched=True, annotations=MEME | {model.FileAnnotation.INFANT}),
        "nothing else",
    ),
    "batched file with a name": (
        lambda: file(batched=True, annotations=MEME, original_file_name="a.png"),
        r"file\.original_file_name: is not allowed",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_broken_rule_is_refused_with_its_place(case: str) -> None:
    build, why = REFUSED[case]
    with pytest.raises(BadInput, match=why) as caught:
        build()
    assert "Person A" not in str(caught.value)
    assert "mail.example" not in str(caught.value)


def test_an_account_may_be_enabled_again_in_the_future() -> None:
    account = model.ReportedPerson(
        temporarily_disabled=model.AccountDisabled(
            disabled=True, disabled_date=EARLIER, reenabled_date=LATER
        )
    )
    assert tip(reported=(account,)).reported == (account,)


def test_an_address_may_stand_on_any_person_whatever_its_case() -> None:
    upper = model.Email(address=EMAIL.address.upper())
    for place in ("reported", "intended_recipients", "victims"):
        kind = {
            "reported": model.ReportedPerson,
            "intended_recipients": model.IntendedRecipient,
            "victims": model.Victim,
        }[place]
        person = model.Person(emails=(EMAIL,))
        details = (model.EmailIncident(email_addresses=(upper,)),)
        built = tip(**{place: (kind(person=person),), "internet_details": details})
        assert built.internet_details == details


def test_what_xml_cannot_carry_is_made_carriable_and_stays_visible() -> None:
    name = model.carriable("a\x00b\ud800c\u0007")
    assert name == "a\ufffdb\ufffdc\ufffd"
    assert model.ReportedPerson(screen_name=name).screen_name == name


def test_whether_the_file_was_viewed_is_never_a_default() -> None:
    with pytest.raises(TypeError, match="file_viewed_by_esp"):
        model.TipFile(composed_at=NOW, report_id="1", file_id="f" * 32)
