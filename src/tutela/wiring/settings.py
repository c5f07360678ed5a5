"""The one table of settings: `TUTELA_*` in the environment, or `tutela.toml`.

Each field's description is its documentation (docs/reference/settings.md is generated
from it). Defaults are for one machine; nothing outside it is contacted by default.
"""

import os
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tutela.hashing.model import Mode
from tutela.primitives.errors import Misconfigured
from tutela.wiring import settings_sources as sources
from tutela.wiring.values import (
    Countries,
    Networks,
    WebAddress,
    host_of,
    is_example,
    require_embeddable,
    require_own_type,
)

_MIB = 1024 * 1024


class Settings(BaseModel):
    """Every setting of the three processes, typed, with its default and its meaning.

    The table alone; `load_settings` reads the environment and the file.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, validate_default=True
    )

    home: Path = Field(
        default=Path("~/.local/share/tutela"),
        description="Folder for the embedded database, sealed evidence and keys.",
    )
    demo: bool = Field(
        default=False,
        description="Allow example secrets and the sandbox; set by `make demo` only.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL 15 or newer, postgresql://…; empty starts the embedded one "
        "under TUTELA_HOME.",
    )
    database_admin_url: SecretStr | None = Field(
        default=None,
        description="Role that owns the tables and runs migrations; empty uses "
        "TUTELA_DATABASE_URL, which then gives up its rights per connection.",
    )
    blobs_url: str | None = Field(
        default=None,
        description="Where sealed evidence rests: file:///… or s3://bucket/…; empty means "
        "TUTELA_HOME/blobs.",
    )
    evidence_recipient: str | None = Field(
        default=None,
        description="age public key (age1…) that evidence is sealed to; empty uses the key "
        "of TUTELA_EVIDENCE_IDENTITY_FILE, or the pair made under TUTELA_HOME/keys.",
    )
    evidence_identity_file: Path | None = Field(
        default=None,
        description="age identity that may unseal evidence; only the staff and worker "
        "processes need it. Empty means TUTELA_HOME/keys/evidence.agekey.",
    )
    staff_host: str = Field(default="127.0.0.1", description="Address the staff process binds.")
    staff_port: int = Field(default=8400, ge=0, le=65535, description="Port of console and API.")
    lookup_workers: int = Field(
        default=0,
        ge=0,
        le=64,
        description="Processes beside the staff process that answer POST /v1/lookup only, on "
        "TUTELA_LOOKUP_PORT; 0 leaves it to the staff process.",
    )
    lookup_host: str = Field(default="127.0.0.1", description="Address the lookup processes bind.")
    lookup_port: int = Field(
        default=8402, ge=1, le=65535, description="Port that all lookup processes share."
    )
    public_host: str = Field(default="127.0.0.1", description="Address the public form binds.")
    public_port: int = Field(default=8401, ge=0, le=65535, description="Port of the public form.")
    max_connections: int = Field(
        default=512,
        ge=16,
        le=65536,
        description="Connections that a process holds at once; then those that keep it waiting "
        "longest make room.",
    )
    max_connections_per_address: int = Field(
        default=128,
        ge=1,
        le=65536,
        description="Connections of one remote address at once, proxies apart.",
    )
    trusted_proxies: Networks = Field(
        default=("127.0.0.0/8", "::1/128"),
        description="Addresses and networks of reverse proxies, with commas, whose "
        "X-Forwarded-For is believed.",
    )
    min_free_bytes: int = Field(
        default=512 * _MIB,
        ge=0,
        description="Free space on each disk below which a process is not ready, bytes.",
    )
    evidence_verify_days: int = Field(
        default=7, ge=1, le=365, description="Days between two rounds of verifying all evidence."
    )
    secure_cookies: bool = Field(
        default=True,
        description="Send session cookies over TLS only; the demo on loopback turns it off.",
    )
    session_hours: int = Field(
        default=8, ge=1, le=24, description="Hours until a reviewer must sign in again."
    )
    sign_in_attempts: int = Field(
        default=5, ge=1, le=50, description="Failed sign-ins per account and quarter hour."
    )
    api_requests_per_minute: int = Field(
        default=6000, ge=1, description="Requests per key and minute before HTTP 429."
    )
    max_upload_bytes: int = Field(
        default=100 * _MIB, ge=1024, description="Largest file the API and a scan accept, bytes."
    )
    max_pixels: int = Field(
        default=100_000_000, ge=4096, description="Largest picture that is decoded, pixels."
    )
    decoder_memory_bytes: int = Field(
        default=2048 * _MIB, ge=256 * _MIB, description="Memory limit of a decoder child, bytes."
    )
    decoder_seconds: int = Field(
        default=20, ge=1, le=600, description="Time limit for decoding one file, seconds."
    )
    decoders: int = Field(
        default_factory=lambda: max(1, (os.cpu_count() or 1)),
        ge=1,
        le=64,
        description="Decoder children kept warm.",
    )
    hash_mode: Mode = Field(
        default=Mode.EXACT,
        description="How the API and a scan hash: exact, every pixel; fast, large JPEGs at a "
        "smaller scale first, and exactly whatever comes within 8 bits of a list's threshold.",
    )
    provider_name: str = Field(
        default="", description="Name of the service, as it stands in reports."
    )
    provider_established_in: str = Field(
        default="", description="Country code of establishment; empty is unknown, not none."
    )
    provider_eu_representative_in: str = Field(
        default="", description="EU country of the legal representative; empty is unknown."
    )
    provider_is_electronic_service: bool | None = Field(
        default=None,
        description="Whether the provider offers an electronic communication or remote "
        "computing service to the public; empty is unknown.",
    )
    provider_reports_to_ncmec: bool | None = Field(
        default=None,
        description="Whether an arrangement to report to NCMEC is in place; empty is unknown.",
    )
    provider_registered_with_nca: bool | None = Field(
        default=None, description="Whether the provider is registered with the UK NCA."
    )
    provider_reports_to_foreign_agency: bool | None = Field(
        default=None,
        description="Whether there is an arrangement to report to an agency outside the UK "
        "other than NCMEC; empty is unknown.",
    )
    provider_subject_to_us_law: bool | None = Field(
        default=None,
        description="Counsel's answer for a provider that is not established in the United "
        "States; empty is unknown.",
    )
    service_type: str = Field(
        default="",
        description="u2u, hosting, messaging, search, isp, game, ai or other; empty is unknown.",
    )
    service_is_user_to_user: bool | None = Field(
        default=None,
        description="Whether users can meet content of other users, whatever else the service "
        "is; empty is unknown.",
    )
    service_is_hosting: bool | None = Field(
        default=None,
        description="Whether content is stored at users' request, whatever else the service "
        "is; empty is unknown.",
    )
    service_targets_markets: Countries = Field(
        default=(), description="Country codes the service targets, with commas: GB,US."
    )
    service_significant_uk_users: bool | None = Field(
        default=None, description="Whether a significant number of users is in the UK."
    )
    service_material_risk_uk: bool | None = Field(
        default=None,
        description="Counsel's answer whether the service carries a material risk of "
        "significant harm to people in the UK; empty is unknown.",
    )
    service_offered_in_eu: bool | None = Field(
        default=None, description="Whether the service is offered in the European Union."
    )
    service_hosting_location: str = Field(
        default="", description="Country code of the main servers; empty is unknown."
    )
    service_end_to_end_encrypted: str = Field(
        default="",
        description="Whether messages are end-to-end encrypted: is, was, will_be or no; empty is "
        "unknown.",
    )
    detection_channel: Literal[
        "", "public", "hosted", "interpersonal", "end_to_end_encrypted", "audio"
    ] = Field(
        default="",
        description="What the traffic is in which uploads and scans look for known material: "
        "public, hosted, interpersonal, end_to_end_encrypted or audio. Empty is unknown: nothing "
        "is matched.",
    )
    lawbook: Path | None = Field(
        default=None,
        description="Folder of the operator's own lawbook, read after ours: own countries, and "
        "entries that take the place of ours by their id (docs/reference/lawbook.md).",
    )
    law_facts: Path | None = Field(
        default=None,
        description="Facts file (YAML or JSON) with further answers of operator and counsel, by "
        "their names in the lawbook: provider.…, service.…, counsel.…; the settings win over it.",
    )
    counsel_detection_applies_in: Countries = Field(
        default=(),
        description="Counsel's answer in which countries a recorded text on detection that is for "
        "some services speaks of this one: GB,AU.",
    )
    counsel_eu_interim_conditions: bool | None = Field(
        default=None,
        description="Counsel's answer whether the conditions of the EU's interim regime for "
        "messages are met; empty is unknown.",
    )
    counsel_gb_search_reports: bool | None = Field(
        default=None,
        description="Counsel's answer whether OSA s.66 obliges this search service; empty is "
        "unknown.",
    )
    counsel_eu_csam_is_threat: bool | None = Field(
        default=None,
        description="Counsel's reading whether such material alone is a suspected threat to "
        "life or safety under DSA article 18; empty is unknown.",
    )
    cybertip_url: WebAddress = Field(
        default=None,
        description="Base address of the CyberTipline reporting API (or of the sandbox); "
        "empty files nothing and says so.",
    )
    cybertip_user: str = Field(default="", description="User name issued by NCMEC.")
    cybertip_password: SecretStr = Field(
        default=SecretStr(""), description="Password issued by NCMEC."
    )
    cybertip_xsd_sha256: str | None = Field(
        default=None,
        description="SHA-256 of the authority's schema that was reviewed; a different schema "
        "stops filing and says so. Empty pins the first one seen.",
    )
    reporter_email: str = Field(
        default="", description="Reporter's e-mail in reports (required by the authority)."
    )
    reporter_first_name: str = Field(default="", description="Reporter's first name in reports.")
    reporter_last_name: str = Field(default="", description="Reporter's last name in reports.")
    terms_url: str | None = Field(
        default=None, description="Address of the terms of service, for reports."
    )
    platform_webhook_url: WebAddress = Field(
        default=None,
        description="Where the platform takes signed orders to disable access; empty leaves "
        "restricting to a person, and says so.",
    )
    platform_decisions_url: WebAddress = Field(
        default=None,
        description="Where the platform takes signed word of every final decision; empty tells "
        "none.",
    )
    platform_webhook_secret: SecretStr = Field(
        default=SecretStr(""), description="Key of both webhooks' HMAC-SHA-256 signature."
    )
    report_late_minutes: int = Field(
        default=60,
        ge=1,
        le=10080,
        description="Age in minutes at which a report that is not finished is said to be late, in "
        "the console, `tutela check` and /readyz; one whose last call failed is said at once.",
    )
    worker_poll_seconds: float = Field(
        default=1.0, gt=0, le=60, description="How often the worker looks for follow-up jobs."
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="Form of the log lines."
    )

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_not_set(cls, value: object, info: ValidationInfo) -> object:
        """As the table says: what may be unset is unset when it is empty."""
        unset = info.field_name and cls.model_fields[info.field_name].default is None
        return None if unset and isinstance(value, str) and not value.strip() else value

    @field_validator("*", mode="before")
    @classmethod
    def _no_value_is_made_another(cls, value: object, info: ValidationInfo) -> object:
        """A file's `true` is no port, `8400.0` no whole number and `1` neither yes nor no."""
        require_own_type(value, cls.model_fields[info.field_name or ""].annotation)
        return value

    @model_validator(mode="after")
    def _refuse_example_secrets(self) -> "Settings":
        """An example from the documentation is no secret (only the demo may use one)."""
        if self.demo:
            return self
        for name in ("cybertip_password", "platform_webhook_secret"):
            if is_example(getattr(self, name).get_secret_value()):
                raise ValueError(
                    f"TUTELA_{name.upper()} is an example from the documentation, set a real one"
                )
        return self

    @property
    def folder(self) -> Path:
        """`home` with `~` resolved."""
        try:
            folder = self.home.expanduser().resolve()
        except RuntimeError:
            raise Misconfigured(
                "TUTELA_HOME cannot be used",
                why="it begins with ~ and the home folder of that user is not known",
                remedy="Give the whole path.",
            ) from None
        if self.database_url is None:
            require_embeddable(folder)
        return folder

    @property
    def late_after(self) -> timedelta:
        """The age at which a report that is under way is said to be late."""
        return timedelta(minutes=self.report_late_minutes)

    @property
    def identity_file(self) -> Path:
        """The age identity that unseals evidence."""
        return self.evidence_identity_file or self.folder / "keys" / "evidence.agekey"

    @property
    def outbound_hosts(self) -> frozenset[str]:
        """Every host this installation may ever contact: those named in settings."""
        urls = [
            self.cybertip_url,
            self.platform_webhook_url,
            self.platform_decisions_url,
            self.blobs_url,
        ]
        if self.database_url:
            urls.append(self.database_url.get_secret_value())
        return frozenset(host for url in urls if url and (host := host_of(url)))


def load_settings(**overrides: object) -> Settings:
    """Read the settings table: arguments, then the environment, then the file.

    Every fault is named with its setting, never its value.
    """
    try:
        given = sources.from_file() | sources.from_environment(Settings.model_fields)
        return Settings(**(given | overrides))
    except ValidationError as error:
        faults = "; ".join(
            " ".join((*_names(fault["loc"]), _said(fault)))
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise sources.unusable(faults) from None
    except tomllib.TOMLDecodeError as error:
        raise sources.unusable(f"{sources.config_file().name} is no TOML: {error}") from None
    except UnicodeDecodeError:
        raise sources.unusable(f"{sources.config_file().name} is not UTF-8 text") from None
    except OSError as error:
        raise sources.unusable(
            f"{sources.config_file()} cannot be read: {error.strerror}"
        ) from None


def _names(place: tuple[int | str, ...]) -> tuple[str, ...]:
    return (f"{sources.PREFIX}{'_'.join(str(step) for step in place).upper()}",) if place else ()


def _said(fault: Mapping[str, Any]) -> str:
    """What is wrong with one setting."""
    is_none = fault["type"] == "extra_forbidden"
    return "is no setting" if is_none else str(fault["msg"]).removeprefix("Value error, ")


def unknown_variables() -> list[str]:
    """`TUTELA_…` variables that no setting has: most likely slips of the pen."""
    return sources.unknown_variables(Settings.model_fields)
