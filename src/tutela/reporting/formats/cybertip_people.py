"""People and accounts as elements of a CyberTipline report, each in the schema's order."""

from lxml.etree import _Element

from tutela.reporting.formats.xml_documents import Scalar, branch, put, put_each
from tutela.reporting.people import (
    Account,
    AccountDisabled,
    Address,
    AssociatedAccount,
    ContactPerson,
    DeviceId,
    Email,
    EstimatedLocation,
    IntendedRecipient,
    IpCapture,
    Person,
    Phone,
    ReportedPerson,
    Victim,
)


def put_email(parent: _Element, name: str, email: Email) -> None:
    """One e-mail address with its attributes."""
    attributes = {
        "type": email.type,
        "verified": email.verified,
        "verificationDate": email.verification_date,
    }
    put(parent, name, email.address, attributes)


def put_phone(parent: _Element, name: str, phone: Phone) -> None:
    """One telephone number with its attributes."""
    attributes = {
        "type": phone.type,
        "verified": phone.verified,
        "verificationDate": phone.verification_date,
        "countryCallingCode": phone.country_calling_code,
        "extension": phone.extension,
    }
    put(parent, name, phone.number, attributes)


def put_address(parent: _Element, name: str, address: Address) -> None:
    """One postal address."""
    element = branch(parent, name, {"type": address.type})
    put(element, "address", address.address)
    put(element, "city", address.city)
    put(element, "zipCode", address.zip_code)
    put(element, "state", address.state)
    put(element, "nonUsaState", address.non_usa_state)
    put(element, "country", address.country)


def put_contact(parent: _Element, name: str, person: ContactPerson | Person) -> _Element:
    """Names, telephones, e-mails, addresses; a person's age follows in `put_person`."""
    element = branch(parent, name)
    put(element, "firstName", person.first_name)
    put(element, "lastName", person.last_name)
    for phone in person.phones:
        put_phone(element, "phone", phone)
    for email in person.emails:
        put_email(element, "email", email)
    for address in person.addresses:
        put_address(element, "address", address)
    return element


def put_person(parent: _Element, name: str, person: Person | None) -> None:
    """A person with age and date of birth."""
    if person is None:
        return
    element = put_contact(parent, name, person)
    put(element, "age", person.age)
    put(element, "dateOfBirth", person.date_of_birth)


def put_ip_capture(parent: _Element, capture: IpCapture) -> None:
    """An internet address seen at a moment."""
    element = branch(parent, "ipCaptureEvent")
    put(element, "ipAddress", capture.ip_address)
    put(element, "eventName", capture.event)
    put(element, "dateTime", capture.at)
    put(element, "possibleProxy", capture.possible_proxy)
    put(element, "port", capture.port)


def put_device(parent: _Element, device: DeviceId) -> None:
    """A device seen at a moment."""
    element = branch(parent, "deviceId")
    put(element, "idType", device.id_type)
    put(element, "idValue", device.id_value)
    put(element, "eventName", device.event)
    put(element, "dateTime", device.at)


def put_location(parent: _Element, location: EstimatedLocation | None) -> None:
    """Where an account is believed to be."""
    if location is None:
        return
    attributes = {"verified": location.verified, "timestamp": location.timestamp}
    element = branch(parent, "estimatedLocation", attributes)
    put(element, "city", location.city)
    put(element, "region", location.region)
    put(element, "countryCode", location.country_code)


def _put_disabled(parent: _Element, account: Account) -> None:
    for name, state in (
        ("accountTemporarilyDisabled", account.temporarily_disabled),
        ("accountPermanentlyDisabled", account.permanently_disabled),
    ):
        if state is not None:
            put(parent, name, state.disabled, _disabled_attributes(state))


def _disabled_attributes(state: AccountDisabled) -> dict[str, Scalar | None]:
    return {
        "disabledDate": state.disabled_date,
        "userNotified": state.user_notified,
        "userNotifiedDate": state.user_notified_date,
        "reenabledDate": state.reenabled_date,
    }


def _put_identity(parent: _Element, account: Account) -> None:
    """`espIdentifier` to `deviceId*`: the run that three kinds of account share."""
    put(parent, "espIdentifier", account.esp_identifier)
    put(parent, "espService", account.esp_service)
    put(parent, "compromisedAccount", account.compromised_account)
    put(parent, "screenName", account.screen_name)
    put_each(parent, "displayName", account.display_names)
    put_each(parent, "profileUrl", account.profile_urls)
    put(parent, "profileBio", account.profile_bio)
    _put_captures(parent, account)


def _put_captures(parent: _Element, account: Account) -> None:
    for capture in account.ip_captures:
        put_ip_capture(parent, capture)
    for device in account.device_ids:
        put_device(parent, device)


def put_reported(parent: _Element, account: ReportedPerson) -> None:
    """`personOrUserReported`."""
    element = branch(parent, "personOrUserReported")
    put_person(element, "personOrUserReportedPerson", account.person)
    put(element, "vehicleDescription", account.vehicle_description)
    _put_identity(element, account)
    put(element, "thirdPartyUserReported", account.third_party_user_reported)
    put_each(element, "priorCTReports", account.prior_ct_reports)
    put(element, "groupIdentifier", account.group_identifier)
    _put_disabled(element, account)
    put_location(element, account.estimated_location)
    put(element, "allEmailsReported", account.all_emails_reported)
    for associated in account.associated_accounts:
        put_associated(element, associated)
    put(element, "additionalInfo", account.additional_info)


def put_recipient(parent: _Element, account: IntendedRecipient) -> None:
    """`intendedRecipient`."""
    element = branch(parent, "intendedRecipient")
    put_person(element, "intendedRecipientPerson", account.person)
    _put_identity(element, account)
    put_each(element, "priorCTReports", account.prior_ct_reports)
    put(element, "groupIdentifier", account.group_identifier)
    _put_disabled(element, account)
    put_location(element, account.estimated_location)
    put(element, "allEmailsReported", account.all_emails_reported)
    put(element, "additionalInfo", account.additional_info)


def put_victim(parent: _Element, account: Victim) -> None:
    """`victim`."""
    element = branch(parent, "victim")
    put_person(element, "victimPerson", account.person)
    _put_identity(element, account)
    put(element, "schoolName", account.school_name)
    put_each(element, "priorCTReports", account.prior_ct_reports)
    _put_disabled(element, account)
    put_location(element, account.estimated_location)
    put(element, "allEmailsReported", account.all_emails_reported)
    for associated in account.associated_accounts:
        put_associated(element, associated)
    put(element, "additionalInfo", account.additional_info)


def put_associated(parent: _Element, account: AssociatedAccount) -> None:
    """`associatedAccount`; the schema's order differs from the other accounts'."""
    element = branch(parent, "associatedAccount", {"type": account.type})
    put(element, "platform", account.platform, {"thirdPartyUser": account.third_party_user})
    put(element, "firstName", account.first_name)
    put(element, "middleName", account.middle_name)
    put(element, "lastName", account.last_name)
    put(element, "approximateAge", account.approximate_age)
    put(element, "dateOfBirth", account.date_of_birth)
    for phone in account.phones:
        put_phone(element, "phone", phone)
    for email in account.emails:
        put_email(element, "email", email)
    put(element, "allEmailsReported", account.all_emails_reported)
    for address in account.addresses:
        put_address(element, "address", address)
    put(element, "espService", account.esp_service)
    put(element, "espIdentifier", account.esp_identifier)
    put_each(element, "profileUrl", account.profile_urls)
    put(element, "screenName", account.screen_name)
    put_each(element, "displayName", account.display_names)
    put(element, "profileBio", account.profile_bio)
    put(element, "groupIdentifier", account.group_identifier)
    put(element, "compromisedAccount", account.compromised_account)
    _put_disabled(element, account)
    _put_captures(element, account)
    put_each(element, "priorCTReport", account.prior_ct_reports)
    put(element, "additionalInfo", account.additional_info)
