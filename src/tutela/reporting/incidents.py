"""Facts about what happened and where: the incident's summary and its eight settings."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tutela.reporting.limits import (
    broken,
    check_aware,
    check_country,
    check_range,
    check_texts,
    check_url,
)
from tutela.reporting.people import Address, ContactPerson, Email, IpCapture, Phone


class IncidentType(StrEnum):
    """The authority's eight kinds of incident, word for word."""

    CHILD_PORNOGRAPHY = "Child Pornography (possession, manufacture, and distribution)"
    CHILD_SEX_TRAFFICKING = "Child Sex Trafficking"
    CHILD_SEX_TOURISM = "Child Sex Tourism"
    CHILD_SEXUAL_MOLESTATION = "Child Sexual Molestation"
    MISLEADING_DOMAIN_NAME = "Misleading Domain Name"
    MISLEADING_WORDS_OR_IMAGES = "Misleading Words or Digital Images on the Internet"
    ONLINE_ENTICEMENT = "Online Enticement of Children for Sexual Acts"
    UNSOLICITED_OBSCENE_MATERIAL = "Unsolicited Obscene Material Sent to a Child"


class ReportAnnotation(StrEnum):
    """Flags on a whole report, in the schema's order; a flag is present or left out."""

    SEXTORTION = "sextortion"
    CSAM_SOLICITATION = "csamSolicitation"
    MINOR_TO_MINOR_INTERACTION = "minorToMinorInteraction"
    SPAM = "spam"
    SADISTIC_ONLINE_EXPLOITATION = "sadisticOnlineExploitation"


@dataclass(frozen=True, kw_only=True, slots=True)
class IncidentSummary:
    """What happened and when. A text in `escalate_to_high_priority` escalates by itself."""

    incident_type: IncidentType
    incident_at: datetime
    platform: str | None = None
    escalate_to_high_priority: str | None = None
    annotations: frozenset[ReportAnnotation] = frozenset()
    incident_at_description: str | None = None

    def __post_init__(self) -> None:
        check_texts(
            "incident",
            self,
            platform=256,
            escalate_to_high_priority=3000,
            incident_at_description=3000,
        )
        check_aware("incident.incident_at", (self.incident_at,))


@dataclass(frozen=True, kw_only=True, slots=True)
class WebPageIncident:
    """On a web page."""

    urls: tuple[str, ...] = ()
    third_party_hosted_content: bool | None = None
    additional_info: str | None = None

    def __post_init__(self) -> None:
        for number, url in enumerate(self.urls):
            check_url(f"web_page.urls[{number}]", url)
        check_texts("web_page", self, additional_info=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class EmailIncident:
    """By e-mail; each address must also stand on a person of the report."""

    email_addresses: tuple[Email, ...] = ()
    content: str | None = None
    additional_info: str | None = None

    def __post_init__(self) -> None:
        check_texts("email_incident", self, content=None, additional_info=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewsgroupIncident:
    """In a newsgroup; each address must also stand on a person of the report."""

    name: str | None = None
    email_addresses: tuple[Email, ...] = ()
    content: str | None = None
    additional_info: str | None = None

    def __post_init__(self) -> None:
        check_texts("newsgroup", self, name=255, content=None, additional_info=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatIncident:
    """In a chat or a messenger."""

    chat_client: str | None = None
    chat_room_name: str | None = None
    content: str | None = None
    additional_info: str | None = None

    def __post_init__(self) -> None:
        check_texts(
            "chat", self, chat_client=255, chat_room_name=255, content=None, additional_info=None
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class OnlineGamingIncident:
    """In an online game."""

    game_name: str | None = None
    console: str | None = None
    content: str | None = None
    additional_info: str | None = None

    def __post_init__(self) -> None:
        check_texts("gaming", self, game_name=255, console=255, content=None, additional_info=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class CellPhoneIncident:
    """By telephone. Latitude and longitude in degrees."""

    phone_number: Phone | None = None
    latitude: float | None = None
    longitude: float | None = None
    additional_info: str | None = None

    def __post_init__(self) -> None:
        check_range("cell_phone.latitude", self.latitude, -90, 90)
        check_range("cell_phone.longitude", self.longitude, -180, 180)
        check_texts("cell_phone", self, additional_info=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class NonInternetIncident:
    """Away from any network."""

    location_name: str | None = None
    incident_addresses: tuple[Address, ...] = ()
    additional_info: str | None = None

    def __post_init__(self) -> None:
        check_texts("non_internet", self, location_name=255, additional_info=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class PeerToPeerIncident:
    """In a peer-to-peer network."""

    client: str | None = None
    ip_captures: tuple[IpCapture, ...] = ()
    file_names: str | None = None
    additional_info: str | None = None

    def __post_init__(self) -> None:
        check_texts("peer_to_peer", self, client=255, file_names=None, additional_info=None)


InternetDetails = (
    WebPageIncident
    | EmailIncident
    | NewsgroupIncident
    | ChatIncident
    | OnlineGamingIncident
    | CellPhoneIncident
    | NonInternetIncident
    | PeerToPeerIncident
)
"""Exactly one setting; a report may name several."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LawEnforcement:
    """A police force that already knows of the incident."""

    agency_name: str
    case_number: str | None = None
    officer_contact: ContactPerson | None = None
    reported_to_le: bool | None = None
    served_legal_process_domestic: bool | None = None
    served_legal_process_international: bool | None = None
    flea_country: str | None = None

    def __post_init__(self) -> None:
        check_texts("law_enforcement", self, agency_name=255, case_number=100)
        check_country("law_enforcement.flea_country", self.flea_country)
        if self.flea_country is not None and self.served_legal_process_international is None:
            raise broken("law_enforcement.flea_country", "needs the answer it belongs to")
