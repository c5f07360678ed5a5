"""The CyberTipline documents: the samples rebuilt, every order valid, no flag ever false."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cybertip_strategies import COMPOSED_AT, files, tips
from hypothesis import HealthCheck, given, settings
from lxml import etree

from tutela.primitives.errors import BadInput
from tutela.reporting import model
from tutela.reporting.formats import cybertip

MORNING = datetime(2026, 1, 15, 8, 0, tzinfo=UTC)
BEFORE = datetime(2026, 1, 15, 7, 59, tzinfo=UTC)
_GENERATED = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=False
)


@pytest.fixture(scope="module")
def xsd(schemas: Path) -> bytes:
    return (schemas / "ncmec-cybertipline" / "cyber_tipline.xsd").read_bytes()


def sample_tip() -> model.CyberTip:
    return model.CyberTip(
        composed_at=COMPOSED_AT,
        incident=model.IncidentSummary(
            incident_type=model.IncidentType.CHILD_PORNOGRAPHY,
            platform="Example Platform",
            annotations=frozenset({model.ReportAnnotation.SPAM}),
            incident_at=MORNING,
        ),
        internet_details=(
            model.WebPageIncident(
                urls=("https://platform.example/item/1",), third_party_hosted_content=False
            ),
        ),
        reporter=model.Reporter(
            reporting_person=model.Person(
                first_name="Test",
                last_name="Reporter",
                emails=(model.Email(address="reporter@platform.example"),),
            ),
            contact_person=model.ContactPerson(
                first_name="Legal",
                last_name="Desk",
                phones=(model.Phone(number="5550100", type=model.PhoneType.BUSINESS),),
                emails=(model.Email(address="le@platform.example"),),
            ),
            company_template="TEST ONLY",
            legal_url="https://platform.example/terms",
        ),
        reported=(
            model.ReportedPerson(
                person=model.Person(
                    emails=(
                        model.Email(
                            address="user@example.org",
                            type=model.EmailType.HOME,
                            verified=True,
                            verification_date=datetime(2025, 1, 1, tzinfo=UTC),
                        ),
                    )
                ),
                esp_identifier="acct-0001",
                esp_service="Example Platform",
                screen_name="exampleuser",
                ip_captures=(
                    model.IpCapture(
                        ip_address="192.0.2.1",
                        event=model.CaptureEvent.UPLOAD,
                        at=BEFORE,
                        possible_proxy=False,
                        port=443,
                    ),
                ),
                permanently_disabled=model.AccountDisabled(
                    disabled=True,
                    disabled_date=datetime(2026, 1, 15, 8, 5, tzinfo=UTC),
                    user_notified=False,
                ),
                estimated_location=model.EstimatedLocation(
                    country_code="US", verified=False, timestamp=MORNING
                ),
            ),
        ),
        additional_info="TEST DATA - benign fixture",
    )


def sample_file() -> model.TipFile:
    return model.TipFile(
        composed_at=COMPOSED_AT,
        report_id="4564654",
        file_id="b0754af766b426f2928a02c651ed4b99",
        original_file_name="test-pattern.png",
        uploaded_to_esp_at=BEFORE,
        location_of_file="https://platform.example/item/1/file.png",
        file_viewed_by_esp=True,
        exif_viewed_by_esp=False,
        publicly_available=False,
        relevance=model.FileRelevance.REPORTED,
        annotations=frozenset({model.FileAnnotation.GENERATIVE_AI}),
        industry_classification=model.IndustryClassification.B2,
        original_file_hashes=(
            model.OriginalFileHash(hash_type="MD5", value="d41d8cd98f00b204e9800998ecf8427e"),
            model.OriginalFileHash(
                hash_type="SHA1", value="da39a3ee5e6b4b0d3255bfef95601890afd80709"
            ),
        ),
        ip_capture=model.IpCapture(
            ip_address="192.0.2.1", event=model.CaptureEvent.UPLOAD, at=BEFORE
        ),
        metadata=(model.FileMetadata(type=model.MetadataType.EXIF, pairs=(("Make", "TestCam"),)),),
        additional_info=("TEST DATA - benign fixture",),
    )


def shape(element: etree._Element) -> tuple:
    attributes = {k: v for k, v in element.attrib.items() if not k.startswith("{")}
    return (
        element.tag,
        attributes,
        (element.text or "").strip(),
        [shape(child) for child in element],
    )


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("sample.report.xml", lambda: cybertip.report_xml(sample_tip())),
        ("sample.fileDetails.xml", lambda: cybertip.file_details_xml(sample_file())),
    ],
)
def test_the_published_samples_can_be_rebuilt(
    schemas: Path, xsd: bytes, name: str, written: Callable[[], bytes]
) -> None:
    ours = written()
    theirs = (schemas / "ncmec-cybertipline" / name).read_bytes()
    assert shape(etree.fromstring(ours)) == shape(etree.fromstring(theirs))
    assert cybertip.validate(ours, xsd) == []
    assert cybertip.validate(theirs, xsd) == []


@given(tip=tips())
@_GENERATED
def test_every_report_the_model_accepts_is_valid_for_the_schema(
    xsd: bytes, tip: model.CyberTip
) -> None:
    xml = cybertip.report_xml(tip)
    assert cybertip.validate(xml, xsd) == []
    assert xml == cybertip.report_xml(tip)
    annotations = etree.fromstring(xml).find("incidentSummary/reportAnnotations")
    if annotations is not None:
        assert len(annotations) == len(tip.incident.annotations)
        assert {flag.text for flag in annotations} == {"true"}


@given(file=files())
@_GENERATED
def test_every_file_the_model_accepts_is_valid_for_the_schema(
    xsd: bytes, file: model.TipFile
) -> None:
    xml = cybertip.file_details_xml(file)
    assert cybertip.validate(xml, xsd) == []
    root = etree.fromstring(xml)
    flags = root.find("fileAnnotations")
    assert (flags is None) == (not file.annotations)
    if flags is not None:
        assert {flag.text for flag in flags} == {"true"}
    viewed = root.findtext("fileViewedByEsp")
    assert viewed == {None: None, True: "true", False: "false"}[file.file_viewed_by_esp]
    assert [each.text for each in root.findall("additionalInfo")] == list(file.additional_info)


def test_the_document_is_utf_8_and_names_no_place_to_fetch_a_schema() -> None:
    xml = cybertip.report_xml(sample_tip())
    assert xml.startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n<report>")
    assert b"schemaLocation" not in xml


def test_flags_that_are_not_set_leave_no_trace() -> None:
    tip = sample_tip()
    plain = model.IncidentSummary(
        incident_type=tip.incident.incident_type, incident_at=tip.incident.incident_at
    )
    xml = cybertip.report_xml(
        model.CyberTip(composed_at=COMPOSED_AT, incident=plain, reporter=tip.reporter)
    )
    assert [child.tag for child in etree.fromstring(xml)] == ["incidentSummary", "reporter"]
    assert [child.tag for child in etree.fromstring(xml)[0]] == ["incidentType", "incidentDateTime"]


def test_text_from_people_cannot_become_markup(xsd: bytes) -> None:
    hostile = '</additionalInfo><victim/>&amp;"'
    tip = sample_tip()
    xml = cybertip.report_xml(
        model.CyberTip(
            composed_at=COMPOSED_AT,
            incident=tip.incident,
            reporter=tip.reporter,
            additional_info=hostile,
        )
    )
    assert cybertip.validate(xml, xsd) == []
    assert etree.fromstring(xml).findtext("additionalInfo") == hostile


def test_a_moment_is_written_in_utc() -> None:
    west = datetime.fromisoformat("2026-01-15T01:00:00-07:00")
    tip = sample_tip()
    incident = model.IncidentSummary(incident_type=tip.incident.incident_type, incident_at=west)
    xml = cybertip.report_xml(
        model.CyberTip(composed_at=COMPOSED_AT, incident=incident, reporter=tip.reporter)
    )
    assert etree.fromstring(xml).findtext("incidentSummary/incidentDateTime") == (
        "2026-01-15T08:00:00Z"
    )


def test_a_viral_batch_is_valid_and_names_accounts_only(xsd: bytes) -> None:
    tip = sample_tip()
    accounts = tuple(model.ReportedPerson(esp_identifier=f"acct-{n}") for n in range(3))
    batch = model.CyberTip(
        composed_at=COMPOSED_AT,
        batch=model.BatchReason.VIRAL_POTENTIAL_MEME,
        incident=tip.incident,
        reporter=tip.reporter,
        reported=accounts,
    )
    xml = cybertip.report_xml(batch)
    assert cybertip.validate(xml, xsd) == []
    assert etree.fromstring(xml)[0].attrib == {"reason": "VIRAL_POTENTIAL_MEME"}


def test_validation_names_the_place_but_never_the_value(xsd: bytes) -> None:
    xml = cybertip.report_xml(sample_tip())
    wrong_value = xml.replace(b"<port>443</port>", b"<port>Person A</port>")
    wrong_order = xml.replace(b"<report>", b"<report><additionalInfo>Person A</additionalInfo>")
    for broken in (wrong_value, wrong_order):
        complaints = cybertip.validate(broken, xsd)
        assert complaints
        assert "Person A" not in " ".join(complaints)
    assert any("port" in line for line in cybertip.validate(wrong_value, xsd))
    assert any("incidentSummary" in line for line in cybertip.validate(wrong_order, xsd))


def test_a_schema_that_reaches_for_other_documents_is_refused(xsd: bytes) -> None:
    reaching = xsd.replace(
        b'elementFormDefault="qualified">',
        b'elementFormDefault="qualified"><xs:include schemaLocation="other.xsd"/>',
    )
    assert reaching != xsd
    with pytest.raises(BadInput, match="includes another document"):
        cybertip.validate(b"<report/>", reaching)


@pytest.mark.parametrize("not_a_schema", [b"<html/>", b"", b"<?xml version='1.0'?><a>"])
def test_what_is_no_schema_is_refused(not_a_schema: bytes) -> None:
    with pytest.raises(BadInput, match="schema"):
        cybertip.validate(b"<report/>", not_a_schema)
