"""A portfolio's shared targets: their channel's settings, with the secret ones encrypted and never read back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from alerts import channels, secrets
from alerts.channels import base
from alerts.models import Target

# What the product itself notes beside the settings; no setting may be called so.
_SWITCHED_OFF = "_switched_off"


class InvalidTargetError(Exception):
    """A target's settings cannot be used; `problems` has a sentence by field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(" ".join(self.problems.values()))


def find(portfolio_id: int, *, channel: str, address: str) -> Target | None:
    """Return the target a message to nobody in person goes to, None where there is none."""
    return Target.objects.filter(portfolio=portfolio_id, channel=channel, address=address).first()


def options_of(target: Target) -> Any:
    """Return a target's settings as its channel declares them, secrets opened; may raise UnreadableError."""
    kind = channels.kind_of(target.channel)
    given = {"address": target.address, **target.options, **secrets.unseal(target.secret)}
    return kind.options(**{name: str(given.get(name, "")) for name in base.options_of(kind)})


def save(target: Target, given: Mapping[str, str]) -> dict[str, str]:
    """Give a target its channel's settings and store it; return the secrets that were made, to be shown this once.

    A secret that is not given, or empty, stays as it is. Raises InvalidTargetError with a sentence by field.
    """
    kind = channels.kind_of(target.channel)
    asked = base.options_of(kind)
    values = {name: str(given.get(name, "")).strip() for name in asked}
    known = secrets.unseal(target.secret)
    values |= {name: known[name] for name in known if name in asked and not values[name]}
    options = kind.options(**values)
    made: dict[str, str] = options.made() if hasattr(options, "made") else {}
    _check(kind.options(**(values | made)), asked, values | made)
    _lay(target, values | made, asked)
    target.save()
    return made


def _check(options: Any, asked: Mapping[str, base.Option], values: Mapping[str, str]) -> None:
    missing = {
        name: f"{each.label} is needed."
        for name, each in asked.items()
        if each.is_required and not values[name]
    }
    problems = {**options.problems(), **missing}
    if problems:
        raise InvalidTargetError(problems)


def _lay(target: Target, values: Mapping[str, str], asked: Mapping[str, base.Option]) -> None:
    hidden = {name for name, each in asked.items() if each.is_secret}
    target.secret = secrets.seal({name: value for name, value in values.items() if name in hidden and value})
    target.options = {
        name: value for name, value in values.items() if name not in hidden and name != "address" and value
    }
    if "address" in asked:
        target.address = values["address"]
    elif not target.address:
        # Stable when the address behind it changes: what a target was told is known by it.
        target.address = f"{target.channel}:{target.public_id.hex[:12]}"


def renew(target: Target) -> dict[str, str]:
    """Make a new signing secret and keep the present one as the previous; return the new one, shown this once.

    Nothing is made for a channel that signs nothing.
    """
    known = secrets.unseal(target.secret)
    if "secret" not in known:
        return {}
    known["previous_secret"] = known.pop("secret")
    target.secret = secrets.seal(known)
    return save(target, target.options)


def forget(target: Target, name: str) -> None:
    """Drop one secret of a target, as after a change of signing secrets."""
    known = secrets.unseal(target.secret)
    known.pop(name, None)
    target.secret = secrets.seal(known)
    target.save(update_fields=["secret"])


def stored_secrets(target: Target) -> set[str]:
    """Return which secrets a target has, by field; never their values."""
    try:
        return set(secrets.unseal(target.secret))
    except secrets.UnreadableError:
        return set()


def switch_off(target: Target, *, reason: str, now: datetime, is_wish: bool = False) -> None:
    """Tell nobody there any more until a person switches it on again; the reason stays with it.

    With `is_wish` its readers asked for it: what waits for them is not told another way.
    """
    noted = {"reason": reason[:300], "at": now.isoformat(), "is_wish": is_wish}
    with transaction.atomic():
        locked = Target.objects.select_for_update().get(pk=target.pk)
        locked.is_active, locked.options = False, locked.options | {_SWITCHED_OFF: noted}
        locked.save(update_fields=["is_active", "options"])


def why_switched_off(target: Target) -> str:
    """Return why the product switched a target off by itself; empty where it did not, or people decided since."""
    noted = target.options.get(_SWITCHED_OFF)
    return str(noted.get("reason", "")) if isinstance(noted, dict) and not target.is_active else ""


def is_wish(target: Target) -> bool:
    """Whether the readers of a shared address asked to hear nothing more."""
    noted = target.options.get(_SWITCHED_OFF)
    return isinstance(noted, dict) and bool(noted.get("is_wish")) and not target.is_active


def switch_on(target: Target) -> None:
    """Tell people there again from now on; what was kept back meanwhile stays so."""
    target.options = {name: value for name, value in target.options.items() if name != _SWITCHED_OFF}
    target.is_active = True
    target.save(update_fields=["is_active", "options"])


def rotate_secrets() -> int:
    """Encrypt every stored secret with the first key; return how many. All or none: may raise UnreadableError."""
    count = 0
    with transaction.atomic():
        for target in Target.objects.select_for_update().exclude(secret="").order_by("pk"):
            target.secret = secrets.reseal(target.secret)
            target.save(update_fields=["secret"])
            count += 1
    return count
