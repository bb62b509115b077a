"""What is asked about an alert before anybody is told: the event itself, and the scene it happened in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from alerts import notices, overlays, record, routing
from alerts.models import Episode, Event, Silence
from alerts.notices import Figures
from alerts.overlays import NOTHING, Overlay
from alerts.record import Recorded
from alerts.routing import Directory
from alerts.rules.reconcile import Change, ChangeKind, Notice
from portfolio.business_days import Calendar
from portfolio.models import Investment


class Surroundings:
    """People, overlays and figures around the alerts of some investments: read for all, when first asked for.

    Most evaluations change nothing, and ask for none of it.
    """

    def __init__(
        self, investments: Sequence[Investment], recorded: Mapping[int, Recorded], *, now: datetime
    ) -> None:
        """Remember what to read about, and at which moment; read nothing yet."""
        self.investments, self.recorded, self.now = investments, recorded, now
        # Those open before anything changes: what ends in this scene still has its overlay.
        self._open = record.open_ids(recorded.values())

    @cached_property
    def directory(self) -> Directory:
        """Return everything routing needs to know."""
        return routing.directory(self.investments, on=self.now.date())

    @cached_property
    def overlays(self) -> Mapping[int, Overlay]:
        """Return what lies over each open episode."""
        return overlays.overlays_of(self._open, now=self.now)

    @cached_property
    def silences(self) -> Sequence[Silence]:
        """Return the silences in force, of any of the portfolios."""
        portfolios = {i.portfolio_id for i in self.investments}
        return overlays.silences_in_force(portfolios, now=self.now, hold=True)

    @cached_property
    def figures(self) -> Mapping[int, Figures]:
        """Return the figures that messages show, by investment."""
        return notices.figures_of([i.pk for i in self.investments])


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a rule's episode; `announce` says whether people hear of it at once."""

    rule: str
    kind: str
    event: Event
    announce: bool

    @property
    def is_history(self) -> bool:
        """Whether it only changes what is past: told with the other corrections of its import."""
        return not self.announce and self.event.evidence.get("notice") == Notice.DIGEST.value


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One investment after all its rules were folded and all their changes applied: what the stages look at."""

    investment: Investment
    hurdle: Decimal  # of the hurdle rule's policy in force, 0 where there is none
    around: Surroundings

    @property
    def recorded(self) -> Recorded:
        """Return what is recorded of the investment's alerts."""
        return self.around.recorded[self.investment.pk]

    @property
    def directory(self) -> Directory:
        """Return who can be told."""
        return self.around.directory

    @property
    def calendar(self) -> Calendar:
        """Return the business days of the investment's portfolio."""
        return self.directory.calendars[self.investment.portfolio_id]

    @property
    def silences(self) -> Sequence[Silence]:
        """Return the silences in force, of the investment's portfolio or others."""
        return self.around.silences

    @property
    def figures(self) -> Figures:
        """Return the figures that messages about the investment show."""
        return self.around.figures[self.investment.pk]

    @property
    def now(self) -> datetime:
        """Return the moment of the scene."""
        return self.around.now

    def open_rules(self) -> set[str]:
        """Return the rules with an open episode, whether anybody was told of it or not."""
        return {e.rule for e in self.recorded.episodes.values() if e.closed_at is None}

    def over(self, episode: Episode) -> Overlay:
        """Return what lies over an episode."""
        return self.around.overlays.get(episode.pk, NOTHING) if episode.pk else NOTHING

    def happening(self, rule: str, change: Change, event: Event) -> Happening:
        """Return a change as an event to tell; a material restatement of what somebody has seen is told at once."""
        voids = change.kind is ChangeKind.RESTATED and change.is_material and self.over(event.episode).seen
        return Happening(rule, change.kind.value, event, change.announce or bool(voids))
