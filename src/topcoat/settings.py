"""The only reader of environment variables: every option of the command line is `TOPCOAT_…` here."""

import os
from enum import Enum
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from topcoat.core.limits import LimitName, parse_limits


class AuthMode(Enum):
    EMULATOR = "emulator"
    ENTRA = "entra"


class Settings(BaseSettings):
    """Values given to the constructor win over `TOPCOAT_…` variables, which win over the defaults."""

    model_config = SettingsConfigDict(env_prefix="TOPCOAT_", frozen=True, extra="ignore")

    home: Path = Field(Path(".topcoat"), description="Folder for the tool's own data.")
    database_url: str | None = Field(None, description="SQLite or PostgreSQL; default: a file in the home.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8300, ge=0, le=65535, description="Port to listen on.")
    tls: bool = Field(default=False, description="Also listen with https.")
    tls_port: int | None = Field(None, ge=0, le=65535, description="Port for https; 8343 where it is free.")
    tls_name: str | None = Field(None, description="More names for the certificate of the local CA, with blanks.")
    tls_cert: Path | None = Field(None, description="Certificate of one's own, PEM; default: of the local CA.")
    tls_key: Path | None = Field(None, description="The key of that certificate, PEM.")
    workers: int = Field(1, ge=1, le=64, description="Worker processes.")
    auth: AuthMode = Field(AuthMode.EMULATOR, description="Who may call: emulator or entra.")
    auth_issuers: str | None = Field(None, description="Entra mode: issuers of tokens, separated by blanks.")
    auth_audiences: str | None = Field(None, description="Entra mode: audiences of tokens, separated by blanks.")
    auth_jwks: str | None = Field(None, description="Entra mode: the issuers' keys, file or address; else discovered.")
    open: bool = Field(default=False, description="Serve everybody as Administrator (loopback only).")
    i_know_this_is_open: bool = Field(default=False, description="Allow emulator auth on a public address.")
    card_origins: str | None = Field(None, description="Origins whose pages may show cards, separated by blanks.")
    dataverse_writes: bool = Field(default=False, description="Take real-time writes through the Dataverse Web API.")
    log_format: str = Field("json", pattern="^(json|console)$", description="Log lines: json or console.")
    writer_queue_max: int = Field(10_000, ge=1, description="Writes that may wait; beyond: 503.")
    writer_batch_max: int = Field(256, ge=1, description="Most writes in one transaction.")
    statement_timeout_seconds: float = Field(15.0, gt=0, description="Longest read statement.")
    horizon_days: int = Field(7, ge=1, description="Days lapsed rows and old generations are kept.")
    refresh_memory: str = Field("2GB", pattern="^[0-9]+(MB|GB)$", description="Most memory of a refresh's engine.")
    refresh_threads: int = Field(2, ge=1, le=256, description="Threads of a refresh's engine.")
    refresh_niceness: int = Field(10, ge=0, le=19, description="How far a refresh command steps back for others.")
    limits: str | None = Field(None, description="Limits to calls: connector, dataverse or both, with a comma.")

    @property
    def chosen_limits(self) -> frozenset[LimitName]:
        """Raise `ParameterInvalid`."""
        return parse_limits(self.limits)

    @property
    def is_emulator(self) -> bool:
        return self.auth is AuthMode.EMULATOR

    @property
    def is_open(self) -> bool:
        return self.open

    @property
    def ca_file(self) -> Path:
        """The certificate of the local CA, for clients to trust; it may not be there yet."""
        return self.home.absolute() / "ca" / "ca.pem"

    def export(self) -> None:
        """Put these settings into the environment, for worker processes to find."""
        for name, value in self.model_dump(mode="json").items():
            if value is not None:
                os.environ[f"TOPCOAT_{name.upper()}"] = str(value)

    @property
    def effective_database_url(self) -> str:
        return self.database_url or f"sqlite:///{(self.home / 'topcoat.db').absolute()}"
