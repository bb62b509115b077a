"""The environment: what is read, and one sentence for each thing that is wrong."""

from __future__ import annotations

import pytest

from config import env

GOOD = {
    "DATABASE_URL": "postgresql://hurdle_app:p%40ss%2Fword@db.internal:5433/hurdle?sslmode=require",
    "REDIS_URL": "redis://valkey:6379/0",
    "SECRET_KEY": "kq3vX8m2Zp7Lr1Tn5Wb9Yc4Df6Gh0Js-aQeRtUiOpSdFgHjKlZx",
    "ALLOWED_HOSTS": "hurdle.acme.test, 10.0.0.1",
    "HURDLE_PUBLIC_URL": "https://hurdle.acme.test/",
}


def problems_of(**changes: str) -> tuple[str, ...]:
    with pytest.raises(env.ConfigurationError) as caught:
        env.read(GOOD | changes)
    return caught.value.problems


def test_reads_the_smallest_environment() -> None:
    found = env.read(GOOD)
    assert found.allowed_hosts == ("hurdle.acme.test", "10.0.0.1")
    assert found.public_url == "https://hurdle.acme.test"
    assert (found.debug, found.demo, found.email, found.time_scale) == (False, False, None, 1.0)


def test_reports_every_problem_at_once() -> None:
    with pytest.raises(env.ConfigurationError) as caught:
        env.read({})
    named = {sentence.split()[0] for sentence in caught.value.problems}
    assert named == {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "HURDLE_PUBLIC_URL"}
    assert all(sentence.endswith(".") for sentence in caught.value.problems)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DATABASE_URL", "mysql://x/y", "must start with postgresql://"),
        ("DATABASE_URL", "postgresql://host", "names no database"),
        ("DATABASE_URL", "postgresql://host:99999/x", "port"),
        ("DATABASE_URL", "postgresql://host/x?sslmod=require", "unknown option: sslmod"),
        ("DATABASE_OWNER_URL", "sqlite:///x", "DATABASE_OWNER_URL: The database address"),
        ("REDIS_URL", "amqp://x", "must start with redis://"),
        ("REDIS_URL", "redis:///0", "names no host"),
        ("REDIS_URL", "unix://", "absolute path"),
        ("SECRET_KEY", "short", "at least 50"),
        ("SECRET_KEY", "a" * 80, "at least 50"),
        ("SECRET_KEY", "django-insecure-" + "kq3vX8m2Zp7Lr1Tn5Wb9Yc4Df6Gh0JsaQeRtUiOpSd", "known example"),
        ("ALLOWED_HOSTS", "*", "must name the hosts"),
        ("ALLOWED_HOSTS", "https://x.test", "host names, not addresses"),
        ("HURDLE_PUBLIC_URL", "hurdle.test", "web address"),
        ("HURDLE_DEBUG", "maybe", "must be 1 or 0"),
        ("HURDLE_TIME_SCALE", "fast", "above 0"),
        ("HURDLE_TIME_SCALE", "0", "above 0"),
        ("HURDLE_TIME_SCALE", "nan", "above 0"),
        ("HURDLE_TIME_SCALE", "0.02", "is for tests"),
        ("HURDLE_SECRET_KEYS", "short", "no key"),
        ("HURDLE_SECRET_KEYS", "c2hvcnQ=", "no key"),
        ("HURDLE_OUTGOING_ALLOWED", "http://chat.corp.example", "without TLS"),
        ("HURDLE_OUTGOING_ALLOWED", "10.0.0.1/8", "no network"),
        ("EMAIL_URL", "smtp://mail", "EMAIL_FROM is not set"),
        ("EMAIL_URL", "http://mail", "must look like smtp://"),
        ("EMAIL_URL", "smtp://mail?tls=maybe", "starttls or ssl"),
        ("EMAIL_URL", "smtp://mail:abc", "EMAIL_URL: The port"),
        ("SLACK_WEBHOOK_URL", "hooks.slack", "web address"),
        ("SLACK_BOT_TOKEN", "xoxb-1", "SLACK_CHANNEL is not set"),
    ],
)
def test_one_wrong_value_gets_one_sentence(name: str, value: str, words: str) -> None:
    assert any(words in sentence for sentence in problems_of(**{name: value}))


def test_times_may_be_shortened_for_tests() -> None:
    assert env.read(GOOD | {"HURDLE_TIME_SCALE": "0.02", "HURDLE_DEBUG": "1"}).time_scale == 0.02
    assert env.read(GOOD | {"HURDLE_TIME_SCALE": "1"}).time_scale == 1.0


def test_secrets_stay_out_of_the_representation() -> None:
    found = env.read(GOOD | {"EMAIL_URL": "smtp://u:hush@mail:2525", "EMAIL_FROM": "h@acme.test"})
    assert "hush" not in repr(found)
    assert GOOD["SECRET_KEY"] not in repr(found)
    assert "p%40ss" not in repr(found)


@pytest.mark.parametrize(
    ("url", "port", "tls"),
    [
        ("smtp://u%40x:p%3A@mail", 25, ""),
        ("smtp://u%40x:p%3A@mail?tls=starttls", 587, "starttls"),
        ("smtps://u%40x:p%3A@mail", 465, "ssl"),
        ("smtp://u%40x:p%3A@mail:2525?tls=ssl", 2525, "ssl"),
    ],
)
def test_email_address(url: str, port: int, tls: str) -> None:
    found = env.read(GOOD | {"EMAIL_URL": url, "EMAIL_FROM": "h@acme.test"})
    assert found.email == env.Email("mail", port, "u@x", "p:", tls)


def test_database_over_the_network() -> None:
    assert env.database_dict(GOOD["DATABASE_URL"], pool=True) == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "hurdle",
        "USER": "hurdle_app",
        "PASSWORD": "p@ss/word",
        "HOST": "db.internal",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require", "pool": True},
    }


def test_database_over_a_socket() -> None:
    found = env.database_dict("postgresql:///hurdle?host=/run/pg&user=hurdle_app&port=5432")
    assert (found["HOST"], found["USER"], found["PORT"], found["OPTIONS"]) == (
        "/run/pg",
        "hurdle_app",
        "5432",
        {},
    )


@pytest.mark.parametrize(
    "url", ["postgresql:///a?host=/run/pg&user=x", "postgresql://u:p%40@h:1/a?sslmode=require"]
)
def test_another_database_on_the_same_server(url: str) -> None:
    moved = env.with_database(url, name="other")
    assert env.database_dict(moved) == env.database_dict(url) | {"NAME": "other"}


@pytest.mark.parametrize(
    ("url", "broker", "client"),
    [
        ("redis://h:1/2", "redis://h:1/2", "redis://h:1/2"),
        ("unix:///r/v.sock?db=3", "redis+socket:///r/v.sock?virtual_host=3", "unix:///r/v.sock?db=3"),
        ("redis+socket:///r/v?virtual_host=4", "redis+socket:///r/v?virtual_host=4", "unix:///r/v?db=4"),
        ("unix:///r/v.sock", "redis+socket:///r/v.sock?virtual_host=0", "unix:///r/v.sock?db=0"),
    ],
)
def test_broker_addresses(url: str, broker: str, client: str) -> None:
    assert (env.broker_url(url), env.client_url(url)) == (broker, client)


def test_keys_keep_their_order_and_are_not_shown() -> None:
    keys = ("A" * 43 + "=", "-_" * 21 + "8=")
    found = env.read(GOOD | {"HURDLE_SECRET_KEYS": f" {keys[0]} , {keys[1]} "})
    assert found.secret_keys == keys
    assert keys[0] not in repr(found)
    assert env.read(GOOD).secret_keys == ()
