"""The command line: thin, over the same flows as HTTP."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from topcoat.core import errors
from topcoat.settings import AuthMode, Settings

app = typer.Typer(
    name="topcoat",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Live data over the last refresh of a customer 360: an emulator and a service.",
)
schema_app = typer.Typer(no_args_is_help=True, help="Print the JSON Schema of a file that Topcoat reads.")
app.add_typer(schema_app, name="schema")

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        envvar="TOPCOAT_DATABASE_URL",
        help="sqlite:///path or postgresql://user@host/database; by default topcoat.db in TOPCOAT_HOME (.topcoat).",
    ),
]
Host = Annotated[str, typer.Option(envvar="TOPCOAT_HOST", help="Address to listen on.")]
Port = Annotated[
    int, typer.Option(envvar="TOPCOAT_PORT", min=0, max=65535, help="Port to listen on; 0 takes a free one.")
]
Tls = Annotated[bool, typer.Option("--tls", envvar="TOPCOAT_TLS", help="Also listen with https.")]
TlsPort = Annotated[
    int | None,
    typer.Option(
        envvar="TOPCOAT_TLS_PORT", min=0, max=65535, help="Port for https; by default 8343, unless that is busy."
    ),
]
TlsNames = Annotated[
    list[str] | None,
    typer.Option(
        "--tls-name",
        envvar="TOPCOAT_TLS_NAME",
        help="A further name or IP address in the certificate of the local CA; may be repeated.",
        metavar="NAME",
    ),
]
TlsCert = Annotated[
    Path | None,
    typer.Option(envvar="TOPCOAT_TLS_CERT", help="A certificate of your own, in PEM.", metavar="FILE"),
]
TlsKey = Annotated[
    Path | None, typer.Option(envvar="TOPCOAT_TLS_KEY", help="The key of that certificate, in PEM.", metavar="FILE")
]
AuthIssuers = Annotated[
    str | None,
    typer.Option(envvar="TOPCOAT_AUTH_ISSUERS", help="With --auth entra: issuers of tokens, separated by blanks."),
]
AuthAudiences = Annotated[
    str | None,
    typer.Option(envvar="TOPCOAT_AUTH_AUDIENCES", help="With --auth entra: audiences of tokens, separated by blanks."),
]
AuthJwks = Annotated[
    str | None,
    typer.Option(
        envvar="TOPCOAT_AUTH_JWKS",
        help="With --auth entra: file or address of the issuers' public keys; by default they are discovered.",
    ),
]
Limits = Annotated[
    str | None,
    typer.Option(
        envvar="TOPCOAT_LIMITS", help="Limit calls as the vendor does: connector, dataverse or both, with a comma."
    ),
]
DataverseWrites = Annotated[
    bool,
    typer.Option(
        "--dataverse-writes",
        envvar="TOPCOAT_DATAVERSE_WRITES",
        help="Take real-time writes through the Dataverse Web API too, which else only reads.",
    ),
]
Environment = Annotated[Path, typer.Argument(help="The environment file of the instance.", metavar="ENVIRONMENT.yaml")]


def main() -> None:
    """Run a command; a failure is one sentence and exit code 1, a usage error exit code 2."""
    _log_nothing()
    try:
        app()
    except errors.StoreUnreachable as error:
        _fail(f"The database cannot be reached: {error.parts.get('detail', error.parts['reason'])}.", 1)
    except errors.TopcoatError as error:
        _fail(error.message, 2 if isinstance(error, errors.ParameterInvalid) else 1)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)


@app.command()
def demo(
    port: Port = 8300,
    size: Annotated[
        int, typer.Option(envvar="TOPCOAT_SIZE", min=1, max=1_000_000, help="Customers in the sample.")
    ] = 1000,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start from an empty database and a new sample.")] = False,
    database_url: DatabaseUrl = None,
    limits: Limits = None,
    dataverse_writes: DataverseWrites = False,
    tls: Tls = False,
    tls_port: TlsPort = None,
    tls_name: TlsNames = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
) -> None:
    """Serve the sample environment, Contoso Coffee, in emulator mode: ready in seconds."""
    from topcoat.cli import demonstration

    settings = _settings(
        port=port,
        database_url=database_url,
        limits=limits,
        dataverse_writes=dataverse_writes,
        log_format="console",
        **_tls_options(tls, tls_port, tls_name, tls_cert, tls_key),
    )
    demonstration.run(settings, size=size, is_fresh=fresh)


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8300,
    workers: Annotated[int, typer.Option(envvar="TOPCOAT_WORKERS", min=1, max=64, help="Worker processes.")] = 1,
    database_url: DatabaseUrl = None,
    auth: Annotated[AuthMode, typer.Option(envvar="TOPCOAT_AUTH", help="Who may call.")] = AuthMode.EMULATOR,
    auth_issuers: AuthIssuers = None,
    auth_audiences: AuthAudiences = None,
    auth_jwks: AuthJwks = None,
    open_: Annotated[
        bool, typer.Option("--open", envvar="TOPCOAT_OPEN", help="Serve everybody as Administrator (loopback only).")
    ] = False,
    i_know_this_is_open: Annotated[
        bool,
        typer.Option(
            "--i-know-this-is-open",
            envvar="TOPCOAT_I_KNOW_THIS_IS_OPEN",
            help="Allow emulator auth, whose tokens everybody knows, on a public address.",
        ),
    ] = False,
    limits: Limits = None,
    dataverse_writes: DataverseWrites = False,
    tls: Tls = False,
    tls_port: TlsPort = None,
    tls_name: TlsNames = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
) -> None:
    """Serve the instances of a database that was migrated."""
    settings = _settings(
        host=host,
        port=port,
        workers=workers,
        database_url=database_url,
        auth=auth,
        auth_issuers=auth_issuers,
        auth_audiences=auth_audiences,
        auth_jwks=auth_jwks,
        open=open_,
        i_know_this_is_open=i_know_this_is_open,
        limits=limits,
        dataverse_writes=dataverse_writes,
        **_tls_options(tls, tls_port, tls_name, tls_cert, tls_key),
    )
    from topcoat.cli import server

    server.serve(settings)


@app.command()
def migrate(
    to: Annotated[
        str, typer.Option(help="Revision to go to, up or down; `base` empties the schema.", metavar="REV")
    ] = "head",
    sql: Annotated[bool, typer.Option("--sql", help="Print the statements instead of running them.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Bring the database's schema to this version; safe while workers run."""
    from topcoat.store import migrate as migrations

    migrations.migrate(_settings(database_url=database_url).effective_database_url, to=to, as_sql=sql)
    if not sql:
        typer.echo(f"The schema is at {to if to != 'head' else migrations.head_revision()}.")


@app.command()
def refresh(
    environment: Environment,
    undo: Annotated[bool, typer.Option("--undo", help="Go back to the generation before, for good.")] = False,
    truth: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Score the profiles against who is who: columns Table, Key and Person."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report of the run there, as JSON.")
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Publish the next generation of an instance from its environment file, or undo the last one."""
    from topcoat.cli import refreshing

    settings = _settings(database_url=database_url)
    if undo:
        typer.echo(refreshing.undo(settings, environment))
    else:
        os.nice(settings.refresh_niceness)  # a service beside it goes first
        if report is not None:
            refreshing.check_writable(report)
        done = refreshing.refresh(settings, environment, truth=truth)
        refreshing.tell(done)
        if report is not None:
            refreshing.write(done, report)


@app.command(name="env")
def env(
    output: Annotated[str, typer.Option("--format", help="shell or json.")] = "shell",
    host: Host = "127.0.0.1",
    port: Port = 8300,
    tls_port: TlsPort = None,
) -> None:
    """Print addresses, keys, tokens and the local CA of the emulator, for setting up clients."""
    from topcoat.cli import clients, tls

    if output not in ("shell", "json"):
        _fail(f"--format is '{output}'; expected shell or json.", 2)
    secure = tls.DEFAULT_PORT if tls_port is None else tls_port
    values = clients.client_environment(Settings(), host=host, port=port, tls_port=secure)
    typer.echo(clients.render(values, output))


@schema_app.command("environment")
def schema_environment() -> None:
    """The JSON Schema of the environment file."""
    import json

    from topcoat.flows.refresh.environment import environment_schema

    typer.echo(json.dumps(environment_schema(), indent=2))


def _log_nothing() -> None:
    """Commands speak for themselves; the service configures its log when it starts."""
    import logging

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _settings(**options: Any) -> Settings:
    """Options given win; None leaves it to the environment or the default."""
    return Settings(**{name: value for name, value in options.items() if value is not None})


def _tls_options(
    tls: bool, port: int | None, names: list[str] | None, cert: Path | None, key: Path | None
) -> dict[str, Any]:
    return {
        "tls": tls,
        "tls_port": port,
        "tls_name": " ".join(names) if names else None,
        "tls_cert": cert,
        "tls_key": key,
    }


def _fail(sentence: str, code: int) -> None:
    typer.echo(f"topcoat: {sentence}", err=True)
    sys.exit(code)
