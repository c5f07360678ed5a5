"""Hypothesis strategies for whole CyberTipline reports, with neutral text only."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import TypeVar

from hypothesis import strategies as st

from tutela.reporting import model

T = TypeVar("T")
COMPOSED_AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
_COUNTRIES = ("US", "DE", "GB", "FR", "BR", "JP")

text = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=20,
).filter(lambda value: bool(value.strip()))
moments = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001 (the strategy adds the zone)
    max_value=datetime(2026, 11, 20),  # noqa: DTZ001 (the strategy adds the zone)
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7)), timezone(timedelta(hours=5.5))]),
)
ages = st.integers(0, 150)
birthdays = st.dates(date(1920, 1, 1), date(2026, 1, 1))
flags = st.booleans()
numbers = st.integers(1, 2**63 - 1).map(str)
countries = st.sampled_from(_COUNTRIES)
urls = st.integers(0, 999).map(lambda number: f"https://platform.example/item/{number}?a=1&b=%20")
digits = st.text("0123456789", min_size=1, max_size=10)


def some(strategy: st.SearchStrategy[T], most: int = 2) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(strategy, max_size=most).map(tuple)


def maybe(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | strategy


@st.composite
def emails(draw: st.DrawFn) -> model.Email:
    verified = draw(maybe(flags))
    return model.Email(
        address=f"person{draw(st.integers(0, 5))}@mail.example",
        type=draw(maybe(st.sampled_from(model.EmailType))),
        verified=verified,
        verification_date=draw(maybe(moments)) if verified else None,
    )


@st.composite
def phones(draw: st.DrawFn) -> model.Phone:
    verified = draw(maybe(flags))
    return model.Phone(
        number=draw(digits),
        type=draw(maybe(st.sampled_from(model.PhoneType))),
        verified=verified,
        verification_date=draw(maybe(moments)) if verified else None,
        country_calling_code=draw(maybe(st.sampled_from(["+1", "+49", "+351"]))),
        extension=draw(maybe(digits)),
    )


addresses = st.builds(
    model.Address,
    address=maybe(text),
    city=maybe(text),
    zip_code=maybe(text),
    state=maybe(st.sampled_from(["CA", "NY", "GU", "DC"])),
    non_usa_state=maybe(text),
    country=maybe(countries),
    type=maybe(st.sampled_from(model.AddressType)),
)
contacts = st.builds(
    model.ContactPerson,
    first_name=maybe(text),
    last_name=maybe(text),
    phones=some(phones()),
    emails=some(emails()),
    addresses=some(addresses, 1),
)
_person = {
    "first_name": maybe(text),
    "last_name": maybe(text),
    "phones": some(phones(), 1),
    "addresses": some(addresses, 1),
    "age": maybe(ages),
    "date_of_birth": maybe(birthdays),
}
people = st.builds(model.Person, emails=some(emails()), **_person)
events = maybe(st.sampled_from(model.CaptureEvent))
captures = st.builds(
    model.IpCapture,
    ip_address=st.ip_addresses().map(str),
    event=events,
    at=maybe(moments),
    possible_proxy=maybe(flags),
    port=maybe(st.integers(1, 65535)),
)
devices = st.builds(model.DeviceId, id_type=text, id_value=text, event=events, at=maybe(moments))
locations = st.builds(
    model.EstimatedLocation,
    country_code=countries,
    city=maybe(text),
    region=st.sampled_from(["CA", "NY"]),
    verified=maybe(flags),
    timestamp=maybe(moments),
)


@st.composite
def disabled(draw: st.DrawFn, *, temporarily: bool) -> model.AccountDisabled:
    first, second, third = sorted(draw(st.tuples(moments, moments, moments)))
    return model.AccountDisabled(
        disabled=draw(flags),
        disabled_date=first,
        user_notified=draw(maybe(flags)),
        user_notified_date=draw(maybe(st.just(second))),
        reenabled_date=draw(maybe(st.just(third))) if temporarily else None,
    )


_account = {
    "esp_identifier": maybe(text),
    "esp_service": maybe(text),
    "compromised_account": maybe(flags),
    "screen_name": maybe(text),
    "display_names": some(text),
    "profile_urls": some(urls),
    "profile_bio": maybe(text),
    "ip_captures": some(captures, 1),
    "device_ids": some(devices, 1),
    "prior_ct_reports": some(numbers),
    "temporarily_disabled": maybe(disabled(temporarily=True)),
    "permanently_disabled": maybe(disabled(temporarily=False)),
    "all_emails_reported": maybe(flags),
    "additional_info": maybe(text),
}


@st.composite
def associated(draw: st.DrawFn) -> model.AssociatedAccount:
    platform = draw(maybe(text))
    by_age = draw(flags)
    return draw(
        st.builds(
            model.AssociatedAccount,
            type=st.sampled_from(model.AssociationType),
            platform=st.just(platform),
            third_party_user=maybe(flags) if platform else st.none(),
            first_name=maybe(text),
            middle_name=maybe(text),
            last_name=maybe(text),
            approximate_age=maybe(ages) if by_age else st.none(),
            date_of_birth=st.none() if by_age else maybe(birthdays),
            phones=some(phones(), 1),
            emails=some(emails(), 1),
            addresses=some(addresses, 1),
            group_identifier=maybe(text),
            **_account,
        )
    )


reported = st.builds(
    model.ReportedPerson,
    person=maybe(people),
    vehicle_description=maybe(text),
    third_party_user_reported=maybe(flags),
    group_identifier=maybe(text),
    estimated_location=maybe(locations),
    associated_accounts=some(associated(), 1),
    **_account,
)
recipients = st.builds(
    model.IntendedRecipient,
    person=maybe(people),
    group_identifier=maybe(text),
    estimated_location=maybe(locations),
    **_account,
)
victims = st.builds(
    model.Victim,
    person=people,
    school_name=maybe(text),
    estimated_location=maybe(locations),
    associated_accounts=some(associated(), 1),
    **_account,
)
_notes = {"content": maybe(text), "additional_info": maybe(text)}
_settings = [
    st.builds(
        model.WebPageIncident,
        urls=some(urls),
        third_party_hosted_content=maybe(flags),
        additional_info=maybe(text),
    ),
    st.builds(model.ChatIncident, chat_client=maybe(text), chat_room_name=maybe(text), **_notes),
    st.builds(model.OnlineGamingIncident, game_name=maybe(text), console=maybe(text), **_notes),
    st.builds(
        model.CellPhoneIncident,
        phone_number=maybe(phones()),
        latitude=maybe(st.floats(-90, 90)),
        longitude=maybe(st.floats(-180, 180)),
        additional_info=maybe(text),
    ),
    st.builds(
        model.NonInternetIncident,
        location_name=maybe(text),
        incident_addresses=some(addresses),
        additional_info=maybe(text),
    ),
    st.builds(
        model.PeerToPeerIncident,
        client=maybe(text),
        ip_captures=some(captures),
        file_names=maybe(text),
        additional_info=maybe(text),
    ),
]


@st.composite
def police(draw: st.DrawFn) -> model.LawEnforcement:
    international = draw(maybe(flags))
    return model.LawEnforcement(
        agency_name=draw(text),
        case_number=draw(maybe(text)),
        officer_contact=draw(maybe(contacts)),
        reported_to_le=draw(maybe(flags)),
        served_legal_process_domestic=draw(maybe(flags)),
        served_legal_process_international=international,
        flea_country=draw(maybe(countries)) if international is not None else None,
    )


reporters = st.builds(
    model.Reporter,
    reporting_person=st.builds(
        model.Person, emails=st.lists(emails(), min_size=1, max_size=2).map(tuple), **_person
    ),
    contact_person=maybe(contacts),
    company_template=maybe(text),
    terms_of_service=maybe(text),
    legal_url=maybe(urls),
)
incidents = st.builds(
    model.IncidentSummary,
    incident_type=st.sampled_from(model.IncidentType),
    incident_at=moments,
    platform=maybe(text),
    escalate_to_high_priority=maybe(text),
    annotations=st.frozensets(st.sampled_from(model.ReportAnnotation)),
    incident_at_description=maybe(text),
)


@st.composite
def tips(draw: st.DrawFn) -> model.CyberTip:
    suspects = draw(some(reported, 1))
    known = [email for each in suspects for email in (each.person.emails if each.person else ())]
    mail = [
        st.builds(model.EmailIncident, email_addresses=st.just(tuple(known)), **_notes),
        st.builds(
            model.NewsgroupIncident,
            name=maybe(text),
            email_addresses=st.just(tuple(known)),
            **_notes,
        ),
    ]
    return model.CyberTip(
        composed_at=COMPOSED_AT,
        incident=draw(incidents),
        internet_details=draw(some(st.one_of(_settings + mail))),
        law_enforcement=draw(maybe(police())),
        reporter=draw(reporters),
        reported=suspects,
        intended_recipients=draw(some(recipients, 1)),
        victims=draw(some(victims, 1)),
        additional_info=draw(maybe(text)),
    )


metadata = st.builds(
    model.FileMetadata,
    pairs=st.lists(st.tuples(text, text), min_size=1, max_size=3).map(tuple),
    type=maybe(st.sampled_from(model.MetadataType)),
)


@st.composite
def files(draw: st.DrawFn) -> model.TipFile:
    viewed = draw(maybe(flags))
    supplemental = draw(flags)
    annotations = draw(st.frozensets(st.sampled_from(model.FileAnnotation)))
    return model.TipFile(
        composed_at=COMPOSED_AT,
        report_id=draw(numbers),
        file_id=draw(st.uuids()).hex,
        file_name=draw(maybe(text)),
        original_file_name=draw(maybe(text)),
        uploaded_to_esp_at=draw(maybe(moments)),
        location_of_file=draw(maybe(urls)),
        file_viewed_by_esp=viewed,
        exif_viewed_by_esp=draw(maybe(flags)) if viewed else False,
        publicly_available=draw(maybe(flags)),
        relevance=model.FileRelevance.SUPPLEMENTAL
        if supplemental
        else draw(maybe(st.just(model.FileRelevance.REPORTED))),
        annotations=annotations - {model.FileAnnotation.POTENTIAL_MEME}
        if supplemental
        else annotations,
        industry_classification=None
        if supplemental
        else draw(maybe(st.sampled_from(model.IndustryClassification))),
        original_file_hashes=draw(
            some(st.builds(model.OriginalFileHash, hash_type=text, value=text))
        ),
        ip_capture=draw(maybe(captures)),
        device_ids=draw(some(devices)),
        metadata=draw(some(metadata)),
        additional_info=draw(some(text)),
    )
