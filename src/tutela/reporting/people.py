"""Facts about people, accounts, addresses and devices in a report; `None` means left out."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from tutela.reporting.limits import (
    broken,
    check_aware,
    check_country,
    check_email,
    check_in_order,
    check_ip,
    check_range,
    check_report_number,
    check_state,
    check_text,
    check_texts,
    check_url,
)

_CALLING_CODE = re.compile(r"\+[0-9]{1,3}")
_EXTENSION = re.compile(r"[0-9]{1,10}")
_MAX_AGE = 150
_MAX_PORT = 65535


class EmailType(StrEnum):
    """What an e-mail address is used for."""

    HOME = "Home"
    WORK = "Work"
    BUSINESS = "Business"
    RECOVERY = "Recovery"


class PhoneType(StrEnum):
    """What a telephone number is used for."""

    MOBILE = "Mobile"
    HOME = "Home"
    BUSINESS = "Business"
    WORK = "Work"
    FAX = "Fax"
    INTERNET = "Internet"
    RECOVERY = "Recovery"


class AddressType(StrEnum):
    """What a postal address is used for."""

    HOME = "Home"
    BUSINESS = "Business"
    BILLING = "Billing"
    SHIPPING = "Shipping"
    TECHNICAL = "Technical"


class CaptureEvent(StrEnum):
    """What a person did when an address or a device was seen."""

    LOGIN = "Login"
    REGISTRATION = "Registration"
    PURCHASE = "Purchase"
    UPLOAD = "Upload"
    OTHER = "Other"
    UNKNOWN = "Unknown"


class AssociationType(StrEnum):
    """How a further account belongs to the reported one."""

    BILLING = "Billing"
    LINKED = "Linked"
    BUSINESS = "Business"
    CREATOR = "Creator"
    PARENT_OR_GUARDIAN = "Parent/Guardian"
    OTHER = "Other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Email:
    """One e-mail address; `verification_date` needs `verified=True`."""

    address: str
    type: EmailType | None = None
    verified: bool | None = None
    verification_date: datetime | None = None

    def __post_init__(self) -> None:
        check_email("email.address", self.address)
        check_aware("email.verification_date", (self.verification_date,))
        if self.verification_date is not None and self.verified is not True:
            raise broken("email.verified", "must be true when a verification date is given")


@dataclass(frozen=True, kw_only=True, slots=True)
class Phone:
    """One telephone number; the calling code stands in its own field only."""

    number: str
    type: PhoneType | None = None
    verified: bool | None = None
    verification_date: datetime | None = None
    country_calling_code: str | None = None
    extension: str | None = None

    def __post_init__(self) -> None:
        check_text("phone.number", self.number, 50)
        check_aware("phone.verification_date", (self.verification_date,))
        if self.verification_date is not None and self.verified is not True:
            raise broken("phone.verified", "must be true when a verification date is given")
        code = self.country_calling_code
        if code is not None and not _CALLING_CODE.fullmatch(code):
            raise broken("phone.country_calling_code", "is not a plus sign and 1 to 3 digits")
        if code is not None and self.number.strip().startswith(code):
            raise broken("phone.number", "repeats the country calling code")
        if self.extension is not None and not _EXTENSION.fullmatch(self.extension):
            raise broken("phone.extension", "is not 1 to 10 digits")


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """One postal address; `state` is for the United States only."""

    address: str | None = None
    city: str | None = None
    zip_code: str | None = None
    state: str | None = None
    non_usa_state: str | None = None
    country: str | None = None
    type: AddressType | None = None

    def __post_init__(self) -> None:
        check_texts("address", self, address=255, city=100, zip_code=20, non_usa_state=100)
        check_state("address.state", self.state)
        check_country("address.country", self.country)


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A person of the real world, as far as known. Age in years."""

    first_name: str | None = None
    last_name: str | None = None
    phones: tuple[Phone, ...] = ()
    emails: tuple[Email, ...] = ()
    addresses: tuple[Address, ...] = ()
    age: int | None = None
    date_of_birth: date | None = None

    def __post_init__(self) -> None:
        check_texts("person", self, first_name=100, last_name=100)
        check_range("person.age", self.age, 0, _MAX_AGE)


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactPerson:
    """A person at work whom the authority may call."""

    first_name: str | None = None
    last_name: str | None = None
    phones: tuple[Phone, ...] = ()
    emails: tuple[Email, ...] = ()
    addresses: tuple[Address, ...] = ()

    def __post_init__(self) -> None:
        check_texts("contact_person", self, first_name=100, last_name=100)


@dataclass(frozen=True, kw_only=True, slots=True)
class IpCapture:
    """An internet address seen at a moment."""

    ip_address: str
    event: CaptureEvent | None = None
    at: datetime | None = None
    possible_proxy: bool | None = None
    port: int | None = None

    def __post_init__(self) -> None:
        check_ip("ip_capture.ip_address", self.ip_address)
        check_aware("ip_capture.at", (self.at,))
        check_range("ip_capture.port", self.port, 1, _MAX_PORT)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceId:
    """A device's identifier (IMEI, ICCID and the like) seen at a moment."""

    id_type: str
    id_value: str
    event: CaptureEvent | None = None
    at: datetime | None = None

    def __post_init__(self) -> None:
        check_texts("device_id", self, id_type=255, id_value=2083)
        check_aware("device_id.at", (self.at,))


@dataclass(frozen=True, kw_only=True, slots=True)
class EstimatedLocation:
    """Where the reporter believes an account to be; the country is required."""

    country_code: str
    city: str | None = None
    region: str | None = None
    verified: bool | None = None
    timestamp: datetime | None = None

    def __post_init__(self) -> None:
        check_texts("estimated_location", self, city=255, region=255)
        check_country("estimated_location.country_code", self.country_code)
        check_aware("estimated_location.timestamp", (self.timestamp,))
        if self.country_code == "US":
            check_state("estimated_location.region", self.region)
            if self.city is not None and self.region is None:
                raise broken("estimated_location.region", "is required with a city in the US")


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountDisabled:
    """Whether an account was disabled, and when; `reenabled_date` only when temporarily."""

    disabled: bool
    disabled_date: datetime | None = None
    user_notified: bool | None = None
    user_notified_date: datetime | None = None
    reenabled_date: datetime | None = None

    def __post_init__(self) -> None:
        path = "account_disabled"
        check_in_order(f"{path}.user_notified_date", self.disabled_date, self.user_notified_date)
        check_in_order(f"{path}.reenabled_date", self.disabled_date, self.reenabled_date)


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What every account in a report may carry, whoever's it is."""

    esp_identifier: str | None = None
    esp_service: str | None = None
    compromised_account: bool | None = None
    screen_name: str | None = None
    display_names: tuple[str, ...] = ()
    profile_urls: tuple[str, ...] = ()
    profile_bio: str | None = None
    ip_captures: tuple[IpCapture, ...] = ()
    device_ids: tuple[DeviceId, ...] = ()
    prior_ct_reports: tuple[str, ...] = ()
    temporarily_disabled: AccountDisabled | None = None
    permanently_disabled: AccountDisabled | None = None
    all_emails_reported: bool | None = None
    additional_info: str | None = None

    def __post_init__(self) -> None:
        check_texts(
            "account",
            self,
            esp_identifier=255,
            esp_service=100,
            screen_name=256,
            display_names=255,
            profile_bio=None,
            additional_info=None,
        )
        for number, url in enumerate(self.profile_urls):
            check_url(f"account.profile_urls[{number}]", url)
        for number, report in enumerate(self.prior_ct_reports):
            check_report_number(f"account.prior_ct_reports[{number}]", report)
        if self.permanently_disabled is not None and self.permanently_disabled.reenabled_date:
            raise broken("account.permanently_disabled", "cannot have been enabled again")


@dataclass(frozen=True, kw_only=True, slots=True)
class AssociatedAccount(Account):
    """A further account of the same person or family."""

    type: AssociationType
    platform: str | None = None
    third_party_user: bool | None = None
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    approximate_age: int | None = None
    date_of_birth: date | None = None
    phones: tuple[Phone, ...] = ()
    emails: tuple[Email, ...] = ()
    addresses: tuple[Address, ...] = ()
    group_identifier: str | None = None

    def __post_init__(self) -> None:
        Account.__post_init__(self)
        check_texts(
            "associated_account",
            self,
            platform=255,
            first_name=100,
            middle_name=100,
            last_name=100,
            group_identifier=255,
        )
        check_range("associated_account.approximate_age", self.approximate_age, 0, _MAX_AGE)
        if self.approximate_age is not None and self.date_of_birth is not None:
            raise broken("associated_account", "has both an age and a date of birth")
        if self.third_party_user is not None and self.platform is None:
            raise broken("associated_account.third_party_user", "needs the platform's name")


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedPerson(Account):
    """The person or account that is reported; the authority shows it as the suspect."""

    person: Person | None = None
    vehicle_description: str | None = None
    third_party_user_reported: bool | None = None
    group_identifier: str | None = None
    estimated_location: EstimatedLocation | None = None
    associated_accounts: tuple[AssociatedAccount, ...] = ()

    def __post_init__(self) -> None:
        Account.__post_init__(self)
        check_texts("reported_person", self, vehicle_description=300, group_identifier=255)


@dataclass(frozen=True, kw_only=True, slots=True)
class IntendedRecipient(Account):
    """A person to whom something was sent."""

    person: Person | None = None
    group_identifier: str | None = None
    estimated_location: EstimatedLocation | None = None

    def __post_init__(self) -> None:
        Account.__post_init__(self)
        check_texts("intended_recipient", self, group_identifier=255)


@dataclass(frozen=True, kw_only=True, slots=True)
class Victim(Account):
    """A child who was harmed, as far as known."""

    person: Person
    school_name: str | None = None
    estimated_location: EstimatedLocation | None = None
    associated_accounts: tuple[AssociatedAccount, ...] = ()

    def __post_init__(self) -> None:
        Account.__post_init__(self)
        check_texts("victim", self, school_name=255)
