"""The form of a route, and the question who would hear of an alert."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.text import capfirst

from alerts import routebook
from alerts.channels import kind_of
from alerts.models import Route, Target
from alerts.models.policy import SEVERITIES
from alerts.routebook import RouteError, Terms
from alerts.rules import RULES
from alerts.rules.routes import ROLES, Named
from portfolio.models import Investment, Portfolio
from reports.console import routes_wording

_RULES = [(name, rule.title) for name, rule in RULES.items()]
_BOXES = forms.CheckboxSelectMultiple
_FIELD_OF = {"role": "roles", "user": "people", "target": "targets"}


class RouteForm(forms.Form):
    """Whom a route names, for which alerts, and how soon."""

    name = forms.CharField(max_length=100, help_text="Explanations of why somebody was told say it.")
    place = forms.IntegerField(
        min_value=1, required=False, help_text="Routes are matched from 1 on. Empty: last."
    )
    rules = forms.MultipleChoiceField(choices=_RULES, required=False, widget=_BOXES)
    severities = forms.MultipleChoiceField(choices=SEVERITIES, required=False, widget=_BOXES)
    investments = forms.CharField(
        max_length=4_000, required=False, help_text="Codes, with commas between. Empty: every investment."
    )
    use_cases = forms.CharField(
        max_length=2_000, required=False, label="Use cases", help_text="With commas between. Empty: any."
    )
    roles = forms.MultipleChoiceField(
        choices=[(name, capfirst(routes_wording.ROLE_WORDS[name])) for name in ROLES],
        required=False,
        widget=_BOXES,
    )
    people = forms.MultipleChoiceField(required=False, widget=_BOXES)
    targets = forms.MultipleChoiceField(required=False, widget=_BOXES, label="Shared targets")
    mode = forms.ChoiceField(choices=Route.MODES, label="How soon")
    goes_on = forms.BooleanField(
        required=False, label="Later routes are looked at as well, when an alert takes this one"
    )
    is_active = forms.BooleanField(required=False, label="This route is on")

    def __init__(
        self, answers: QueryDict | None, *, portfolio: Portfolio, route: Route | None = None
    ) -> None:
        super().__init__(answers, initial=_initial(route))
        self.portfolio, self.route = portfolio, route
        if route is not None:
            self.fields["place"].help_text = "Routes are matched from 1 on. Empty: where it is."
        self.fields["people"].choices = [  # type: ignore[attr-defined]
            (str(user.pk), str(user) if user.email else f"{user} (no email address)")
            for user in routebook.people_of(portfolio)
        ]
        self.fields["targets"].choices = [  # type: ignore[attr-defined]
            (str(target.pk), f"{target.label} ({kind_of(target.channel).label})")
            for target in Target.objects.filter(portfolio=portfolio).order_by("pk")
        ]

    def put(self) -> Route | None:
        """Store the route; None, with the refusal at its field, where it cannot be kept."""
        try:
            return routebook.put(self.portfolio, self._terms(), route=self.route)
        except RouteError as error:
            field = "roles" if error.field == "recipients" else error.field
            self.add_error(field, str(error))
            return None

    def _terms(self) -> Terms:
        said = self.cleaned_data
        named = [Named(kind, key) for kind, field in _FIELD_OF.items() for key in said[field]]
        as_said = {name: said[name] for name in ("name", "place", "rules", "severities", "mode", "goes_on")}
        return Terms(
            recipients=named,
            investments=_listed(said["investments"]),
            use_cases=_listed(said["use_cases"]),
            is_active=said["is_active"],
            **as_said,
        )


class QuestionForm(forms.Form):
    """The alert somebody asks about: who would hear of it."""

    investment = forms.ModelChoiceField(Investment.objects.none(), to_field_name="code", empty_label="Choose")
    rule = forms.ChoiceField(choices=_RULES)
    severity = forms.ChoiceField(choices=[("", "The rule's own"), *SEVERITIES], required=False)

    def __init__(self, answers: QueryDict | None, *, portfolio: Portfolio) -> None:
        # Its names never meet those of another form on the page.
        super().__init__(answers, auto_id="ask_%s")
        field: Any = self.fields["investment"]
        field.queryset = (
            Investment.objects.filter(portfolio=portfolio)
            .select_related("portfolio", "owner", "sponsor")
            .order_by("code")
        )
        field.label_from_instance = lambda each: f"{each.code} {each.name}"


def _listed(text: str) -> list[str]:
    return [part for part in (each.strip() for each in text.replace("\n", ",").split(",")) if part]


def _initial(route: Route | None) -> dict[str, Any]:
    if route is None:
        return {"mode": "immediate", "goes_on": True, "is_active": True}
    named = [(kind, str(value)) for one in route.recipients for kind, value in one.items()]
    return {
        "name": route.name,
        "place": route.position,
        "rules": route.rules,
        "severities": route.severities,
        "investments": ", ".join(route.investments),
        "use_cases": ", ".join(route.use_cases),
        "mode": route.mode,
        "goes_on": route.goes_on,
        "is_active": route.is_active,
    } | {field: [value for kind, value in named if kind == each] for each, field in _FIELD_OF.items()}
