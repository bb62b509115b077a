"""Reads the environment into one frozen value; every problem is a sentence, and all are reported at once.

Pure: no Django, no clock, no connection. Other modules never read `os.environ` for these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from config import env_outgoing

VARIABLES = {
    "DATABASE_URL": "the application's database role, postgresql://hurdle_app:…@host/hurdle",
    "DATABASE_OWNER_URL": "the owner's role, used by migrate only (optional)",
    "REDIS_URL": "the broker, redis://, rediss:// or unix:// (Redis 7 or newer, or Valkey)",
    "SECRET_KEY": "at least 50 random characters",
    "ALLOWED_HOSTS": "host names the site answers to, separated by commas",
    "HURDLE_DEBUG": "1 for development only",
    "HURDLE_PUBLIC_URL": "the address people open; links in messages start with it",
    "EMAIL_URL": "smtp://user:password@host:port?tls=starttls (or ssl); absent: messages are only logged",
    "EMAIL_FROM": "sender of emails; required with EMAIL_URL",
    "SLACK_WEBHOOK_URL": "an incoming webhook; absent with no bot token: messages are only logged",
    "SLACK_BOT_TOKEN": "a bot token, xoxb-…; needs SLACK_CHANNEL",
    "SLACK_CHANNEL": "the channel the bot posts to",
    "SLACK_SIGNING_SECRET": "the app's signing secret; absent: messages carry no Acknowledge and Snooze buttons",
    "SLACK_API_URL": "another address of the Slack API (proxies, tests)",
    "HURDLE_SECRET_KEYS": "keys of stored secrets, separated by commas; the first encrypts, all decrypt",
    "HURDLE_OUTGOING_ALLOWED": "internal hosts, host:port or networks that webhooks may reach, separated by commas",
    "HURDLE_DEADMAN_URL": "asked for after each clean audit; a monitor there raises the alarm when it stays out",
    "HURDLE_METRICS_TOKEN": "opens /metrics, at least 20 characters; absent: only this machine may read them",
    "HURDLE_TIME_SCALE": "multiplies every wait, lease and sweep; other than 1 for tests only, with HURDLE_DEBUG",
    "HURDLE_DEMO": "1 when the demo portfolio is shown",
}
SECRET_KEY_LENGTH = 50
DATABASE_OPTIONS = frozenset(
    {
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "sslcrl",
        "channel_binding",
        "connect_timeout",
        "application_name",
        "target_session_attrs",
        "options",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
    }
)
_KNOWN_SECRETS = ("django-insecure-", "changeme", "change-me", "secret_key", "your-secret", "example")
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"", "0", "false", "no", "off"}


class ConfigurationError(Exception):
    """The environment cannot be used; `problems` holds one sentence for each reason."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


@dataclass(frozen=True, slots=True)
class Email:
    """Where mail is handed over; `tls` is "", "starttls" or "ssl"."""

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    tls: str = ""


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything the product takes from its environment. Empty text means: not set."""

    database_url: str = field(repr=False)
    database_owner_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    allowed_hosts: tuple[str, ...]
    public_url: str
    debug: bool = False
    email: Email | None = None
    email_from: str = ""
    slack_webhook_url: str = field(default="", repr=False)
    slack_bot_token: str = field(default="", repr=False)
    slack_channel: str = ""
    slack_signing_secret: str = field(default="", repr=False)
    slack_api_url: str = ""
    secret_keys: tuple[str, ...] = field(default=(), repr=False)
    outgoing_allowed: str = ""
    deadman_url: str = field(default="", repr=False)
    metrics_token: str = field(default="", repr=False)
    time_scale: float = 1.0
    demo: bool = False


def read(source: Mapping[str, str]) -> Environment:
    """Read `source` (usually os.environ); raise ConfigurationError with every problem found."""
    problems: list[str] = []
    values = {name: source.get(name, "").strip() for name in VARIABLES}
    debug = _flag("HURDLE_DEBUG", values, problems)
    environment = Environment(
        database_url=_database("DATABASE_URL", values, problems, required=True),
        database_owner_url=_database("DATABASE_OWNER_URL", values, problems),
        redis_url=_redis(values, problems),
        secret_key=_secret_key(values, problems),
        allowed_hosts=_allowed_hosts(values, problems),
        public_url=_web("HURDLE_PUBLIC_URL", values, problems, required=True),
        debug=debug,
        email=_email(values, problems),
        email_from=values["EMAIL_FROM"],
        slack_webhook_url=_web("SLACK_WEBHOOK_URL", values, problems),
        slack_bot_token=_slack_token(values, problems),
        slack_channel=values["SLACK_CHANNEL"],
        slack_signing_secret=values["SLACK_SIGNING_SECRET"],
        slack_api_url=_web("SLACK_API_URL", values, problems),
        secret_keys=env_outgoing.secret_keys(values["HURDLE_SECRET_KEYS"], problems),
        outgoing_allowed=env_outgoing.allowed(values["HURDLE_OUTGOING_ALLOWED"], problems),
        deadman_url=_web("HURDLE_DEADMAN_URL", values, problems),
        metrics_token=env_outgoing.metrics_token(values["HURDLE_METRICS_TOKEN"], problems),
        time_scale=_time_scale(values, problems, is_debug=debug),
        demo=_flag("HURDLE_DEMO", values, problems),
    )
    if problems:
        raise ConfigurationError(problems)
    return environment


def database_dict(url: str, *, pool: bool = False) -> dict[str, object]:
    """Return Django's settings for a postgresql:// address; raise ConfigurationError with a sentence."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ConfigurationError(["The database address must start with postgresql://."])
    port = query.pop("port", "") or str(_port(parts) or "")
    settings: dict[str, object] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": query.pop("dbname", "") or unquote(parts.path.removeprefix("/")),
        "USER": query.pop("user", "") or unquote(parts.username or ""),
        "PASSWORD": query.pop("password", "") or unquote(parts.password or ""),
        "HOST": query.pop("host", "") or unquote(parts.hostname or ""),
        "PORT": port,
    }
    unknown = sorted(set(query) - DATABASE_OPTIONS)
    if unknown:
        raise ConfigurationError([f"The database address has an unknown option: {', '.join(unknown)}."])
    if not settings["NAME"]:
        raise ConfigurationError(["The database address names no database: add /name at its end."])
    options: dict[str, object] = dict(query)
    if pool:
        options["pool"] = True
    return settings | {"OPTIONS": options}


def with_database(url: str, *, name: str) -> str:
    """Return the same address pointing at another database."""
    parts = urlsplit(url)
    # Built by hand: urllib drops the empty host of postgresql:///name.
    return f"{parts.scheme}://{parts.netloc}/{quote(name)}{'?' + parts.query if parts.query else ''}"


def broker_url(url: str) -> str:
    """Return a Redis address in Celery's words (unix sockets differ)."""
    parts = urlsplit(url)
    if parts.scheme in {"unix", "redis+socket"}:
        query = dict(parse_qsl(parts.query))
        number = query.pop("db", "") or query.pop("virtual_host", "0")
        return f"redis+socket://{parts.path}?{urlencode({'virtual_host': number} | query)}"
    return url


def client_url(url: str) -> str:
    """Return a Redis address in redis-py's words (unix sockets differ)."""
    parts = urlsplit(url)
    if parts.scheme in {"unix", "redis+socket"}:
        query = dict(parse_qsl(parts.query))
        number = query.pop("virtual_host", "") or query.pop("db", "0")
        return f"unix://{parts.path}?{urlencode({'db': number} | query)}"
    return url


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError as error:
        raise ConfigurationError(["The port in the address is not a number between 0 and 65535."]) from error


def _flag(name: str, values: Mapping[str, str], problems: list[str]) -> bool:
    text = values[name].lower()
    if text not in _TRUE | _FALSE:
        problems.append(f"{name} must be 1 or 0, not {values[name]!r}.")
    return text in _TRUE


def _database(name: str, values: Mapping[str, str], problems: list[str], *, required: bool = False) -> str:
    url = values[name]
    if not url:
        if required:
            problems.append(f"{name} is not set: {VARIABLES[name]}.")
        return ""
    try:
        database_dict(url)
    except ConfigurationError as error:
        problems.extend(f"{name}: {sentence}" for sentence in error.problems)
    return url


def _redis(values: Mapping[str, str], problems: list[str]) -> str:
    url = values["REDIS_URL"]
    parts = urlsplit(url)
    if not url:
        problems.append(f"REDIS_URL is not set: {VARIABLES['REDIS_URL']}.")
    elif parts.scheme not in {"redis", "rediss", "unix", "redis+socket"}:
        problems.append("REDIS_URL must start with redis://, rediss://, unix:// or redis+socket://.")
    elif parts.scheme in {"redis", "rediss"} and not parts.hostname:
        problems.append("REDIS_URL names no host.")
    elif parts.scheme in {"unix", "redis+socket"} and not parts.path.startswith("/"):
        problems.append(
            "REDIS_URL needs the absolute path of the socket, as in unix:///run/valkey.sock?db=0."
        )
    return url


def _secret_key(values: Mapping[str, str], problems: list[str]) -> str:
    key = values["SECRET_KEY"]
    if not key:
        problems.append(f"SECRET_KEY is not set: {VARIABLES['SECRET_KEY']}.")
    elif len(key) < SECRET_KEY_LENGTH or len(set(key)) < 8:
        problems.append(f"SECRET_KEY is too weak: it needs at least {SECRET_KEY_LENGTH} random characters.")
    elif any(word in key.lower() for word in _KNOWN_SECRETS):
        problems.append("SECRET_KEY is a known example: make a new one of random characters.")
    return key


def _allowed_hosts(values: Mapping[str, str], problems: list[str]) -> tuple[str, ...]:
    hosts = tuple(host.strip() for host in values["ALLOWED_HOSTS"].split(",") if host.strip())
    if not hosts:
        problems.append(f"ALLOWED_HOSTS is not set: {VARIABLES['ALLOWED_HOSTS']}.")
    if "*" in hosts:
        problems.append("ALLOWED_HOSTS must name the hosts: * would accept links to any other site.")
    if any("/" in host for host in hosts):
        problems.append("ALLOWED_HOSTS holds host names, not addresses: leave out https:// and paths.")
    return hosts


def _web(name: str, values: Mapping[str, str], problems: list[str], *, required: bool = False) -> str:
    url = values[name]
    parts = urlsplit(url)
    if not url and required:
        problems.append(f"{name} is not set: {VARIABLES[name]}.")
    elif url and (parts.scheme not in {"http", "https"} or not parts.hostname):
        problems.append(f"{name} must be a web address that starts with https:// (or http://).")
    return url.rstrip("/") if name == "HURDLE_PUBLIC_URL" else url


def _email(values: Mapping[str, str], problems: list[str]) -> Email | None:
    if not values["EMAIL_URL"]:
        return None
    if not values["EMAIL_FROM"]:
        problems.append("EMAIL_FROM is not set: emails need a sender, for example Hurdle <hurdle@your.org>.")
    parts = urlsplit(values["EMAIL_URL"])
    tls = dict(parse_qsl(parts.query)).get("tls", "")
    try:
        port = _port(parts)
    except ConfigurationError as error:
        problems.extend(f"EMAIL_URL: {sentence}" for sentence in error.problems)
        return None
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        problems.append("EMAIL_URL must look like smtp://user:password@host:port?tls=starttls.")
        return None
    tls = tls or ("ssl" if parts.scheme == "smtps" else "")
    if tls not in {"", "starttls", "ssl"}:
        problems.append("EMAIL_URL: tls must be starttls or ssl.")
    default = {"": 25, "starttls": 587, "ssl": 465}.get(tls, 25)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Email(parts.hostname, port or default, user, password, tls)


def _slack_token(values: Mapping[str, str], problems: list[str]) -> str:
    token = values["SLACK_BOT_TOKEN"]
    if token and not values["SLACK_CHANNEL"]:
        problems.append("SLACK_CHANNEL is not set: SLACK_BOT_TOKEN needs the channel to post to.")
    return token


def _time_scale(values: Mapping[str, str], problems: list[str], *, is_debug: bool) -> float:
    text = values["HURDLE_TIME_SCALE"] or "1"
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 0.0 < scale <= 1000.0:
        problems.append(f"HURDLE_TIME_SCALE must be a number above 0, not {text!r}.")
        return 1.0
    if scale != 1.0 and not is_debug:
        # Shortened waits would use up the tries of three days within the hour of an outage.
        problems.append("HURDLE_TIME_SCALE is for tests: leave it out, or set HURDLE_DEBUG as well.")
    return scale
