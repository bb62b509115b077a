"""The wizard "new case": kind, drivers, total cost with every hidden cost answered, ranges, review."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone
from formtools.wizard.views import NamedUrlSessionWizardView, WizardView

from portfolio.access import Action
from portfolio.knowledge import KnowledgeError
from portfolio.models import Investment
from reports.console import (
    assets,
    cases_draft,
    cases_forms,
    investment_door,
    pages,
)
from reports.console import cases_answers as answers
from reports.console.cases_forms import DriversForm, HiddenCostsForm
from reports.console.cases_spread import SpreadForm
from reports.console.cases_wizard_forms import ReviewForm, StartForm, month_after, start_of
from roi import cases
from roi.cases import CaseRefused
from roi.engine.sensitivity import SensitivityError
from roi.models import BusinessCase
from roi.questions import QuestionRejected, Terms
from roi.usecases import TEMPLATES

STEPS = (
    ("start", "What kind of case", StartForm),
    ("drivers", "Drivers", DriversForm),
    ("costs", "Total cost", HiddenCostsForm),
    ("ranges", "Uncertainty", SpreadForm),
    ("review", "Review", ReviewForm),
)
_ADDRESS = "admin:reports_case_new_step"
_REFUSED = (QuestionRejected, CaseRefused, SensitivityError, ValidationError, KnowledgeError)


class CaseWizard(NamedUrlSessionWizardView):  # type: ignore[misc]  # formtools has no types
    """Five steps; each shows what the case amounts to so far."""

    template_name = "reports/case_wizard.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Let those in who may record in some portfolio; others read what they need."""
        self.portfolios = pages.portfolios(request, Action.RECORD)
        if not self.portfolios.exists():
            return pages.render(request, "reports/case_wizard_closed.html", "New case")
        return cast(HttpResponseBase, super().dispatch(request, *args, **kwargs))

    def get(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Start anew without a step in the address; else show the step, never further than what is answered."""
        step = kwargs.get("step")
        if step is None:
            self.storage.reset()
            code = self.request.GET.get("investment", "")
            if code:
                self.storage.extra_data = {
                    "investment": investment_door.found(self.request, code, Action.RECORD).code
                }
            return redirect(_ADDRESS, step=self.steps.first)
        if step not in self.get_form_list():
            return redirect(_ADDRESS, step=self.steps.first)
        missing = self._first_unanswered(step)
        if missing != step:
            return redirect(_ADDRESS, step=missing)
        return cast(HttpResponseBase, super().get(*args, **kwargs))

    def post(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Take a step's answers; a script's look at them is answered with the figures alone."""
        step = kwargs.get("step", "")
        if step not in self.get_form_list():
            raise Http404
        missing = self._first_unanswered(step)
        if missing != step:
            return redirect(_ADDRESS, step=missing)
        if self.request.headers.get("X-Look"):
            return self._look(step)
        if "wizard_goto_step" in self.request.POST:
            self._keep(step)
        return cast(HttpResponseBase, super().post(*args, **kwargs))

    def _first_unanswered(self, step: str) -> str:
        for name in self.get_form_list():
            if name == step or self.get_cleaned_data_for_step(name) is None:
                return str(name)
        return step

    def process_step(self, form: forms.Form) -> Any:
        """Forget the answers to another template's questions."""
        before = self.get_cleaned_data_for_step("start") if self.steps.current == "start" else None
        if before and before["template"] != form.cleaned_data["template"]:
            for step in ("drivers", "ranges"):
                self.storage.data[self.storage.step_data_key].pop(step, None)
        return super().process_step(form)

    def get_form_kwargs(self, step: str | None = None) -> dict[str, Any]:
        """Return what the form of a step needs from the steps before."""
        if step == "start":
            return {"portfolios": self.portfolios}
        if step == "review":
            return {}
        template, currency = TEMPLATES[self.start["template"]], self.terms.currency
        if step == "drivers":
            return {"template": template, "base": cases_forms.defaults(template), "currency": currency}
        if step == "costs":
            return {"answers": {}, "currency": currency, "is_strict": not self.request.headers.get("X-Look")}
        values = {**(self.get_cleaned_data_for_step("drivers") or {}), **self._amounts()}
        return {"template": template, "stored": {}, "values": values}

    def get_form(self, step: str | None = None, data: Any = None, files: Any = None) -> forms.Form:
        """Return a step's form; these have no files."""
        step = step or self.steps.current
        form_class = self.get_form_list()[step]
        initial = self.get_form_initial(step)
        return cast(forms.Form, form_class(data, prefix=step, initial=initial, **self.get_form_kwargs(step)))

    def get_form_initial(self, step: str) -> dict[str, Any]:
        """Return what an investment or the calendar fills in."""
        if step == "start" and self.investment:
            return start_of(self.investment)
        if step == "review":
            return {"name": self.start["title"], "start_month": month_after(timezone.now().date())}
        return {}

    @cached_property
    def investment(self) -> Investment | None:
        """The investment the wizard was started from, where it was."""
        code = self.storage.extra_data.get("investment")
        return investment_door.found(self.request, code, Action.RECORD) if code else None

    @property
    def start(self) -> dict[str, Any]:
        """The answers of the first step."""
        return cast(dict[str, Any], self.get_cleaned_data_for_step("start"))

    @cached_property
    def terms(self) -> Terms:
        """The rates and the currency of the investment, else of the portfolio."""
        portfolio, investment = self.start["portfolio"], self.investment
        is_own = investment is not None and investment.portfolio_id == portfolio.pk
        return cases.terms(BusinessCase(portfolio=portfolio, investment=investment if is_own else None))

    def _amounts(self) -> dict[str, float]:
        costs = self.get_cleaned_data_for_step("costs") or {}
        return {name: value for name, value in costs.items() if isinstance(value, float)}

    def draft(self, *forms_at_hand: forms.Form) -> dict[str, Any]:
        """Return the case as answered so far; valid forms at hand stand for their stored step."""
        found = {form.prefix: form for form in forms_at_hand}
        for step in ("drivers", "costs", "ranges"):
            data = self.storage.get_step_data(step)
            if step not in found and data is not None:
                found[step] = self.get_form(step, data)
        ready = {str(step): form for step, form in found.items() if form.is_valid()}
        return cases_draft.content(self.start, ready)

    def _keep(self, step: str) -> None:
        """Keep a step's answers when going back, where they can be used."""
        form = self.get_form(step, self.request.POST)
        if form.is_valid():
            self.storage.set_step_data(step, self.process_step(form))

    def _look(self, step: str) -> HttpResponseBase:
        """Answer with what the case amounts to, or with a problem that points to each input refused."""
        form = self.get_form(step, self.request.POST)
        if form.errors:
            return answers.problem([form], [])
        try:
            shown = cases_draft.shown(self.draft(form), terms=self.terms, step=step)
        except QuestionRejected as rejected:
            return answers.problem([], answers.sentences(rejected.errors))
        return HttpResponse(render_to_string("reports/case_wizard_shown.html", shown, request=self.request))

    def get_context_data(self, form: forms.Form, **kwargs: Any) -> dict[str, Any]:
        """Return what a step shows."""
        context: dict[str, Any] = super().get_context_data(form=form, **kwargs)
        step = self.steps.current
        names = [name for name, _, _ in STEPS]
        context |= {
            "step": step,
            "steps": [
                {"name": name, "title": title, "is_done": names.index(name) < names.index(step)}
                for name, title, _ in STEPS
            ],
            "investment": self.investment,
            "chart_scripts": assets.chart_scripts() if step != "start" else [],
        }
        if step == "start":
            return context
        if isinstance(form, SpreadForm):
            context["spreads"] = form.rows(self.terms.currency)
        try:
            draft = self.draft(*([form] if form.is_bound else []))
            return context | cases_draft.shown(draft, terms=self.terms, step=step)
        except QuestionRejected as rejected:
            return context | {"refusals": answers.sentences(rejected.errors) if form.is_bound else []}

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Return the step with the site's frame around it."""
        title = next(words for name, words, _ in STEPS if name == self.steps.current)
        is_refused = self.request.method == "POST" and bool(context["form"].errors)
        return pages.render(
            self.request,
            self.template_name,
            f"New case: {title}",
            status=400 if is_refused else 200,
            **context,
        )

    def render_done(self, form: forms.Form, **kwargs: Any) -> HttpResponseBase:
        """Create at the last step's posting; what is refused is said there, and nothing is created."""
        try:
            return cast(HttpResponseBase, WizardView.render_done(self, form, **kwargs))
        except QuestionRejected as rejected:
            said = answers.sentences(rejected.errors)
        except ValidationError as error:
            said = error.messages
        except _REFUSED as error:
            said = [str(error)]
        form.errors.clear()
        for sentence in said:
            form.add_error(None, sentence)
        return cast(HttpResponseBase, self.render(form))

    @transaction.atomic
    def done(self, form_list: Any, form_dict: Mapping[str, forms.Form], **kwargs: Any) -> HttpResponseBase:
        """Create the case with its scenarios, and the proposed investment where one is wanted."""
        draft, review = self.draft(), form_dict["review"].cleaned_data
        portfolio, investment = self.start["portfolio"], self.investment
        now, actor = timezone.now(), pages.user_of(self.request)
        if investment and investment.portfolio_id != portfolio.pk:
            investment = None
        if investment is None and review["register"]:
            investment = cases_draft.register(draft, review, portfolio=portfolio, actor=actor)
        made = cases_draft.create(draft, portfolio=portfolio, investment=investment, now=now, actor=actor)
        messages.success(self.request, f"“{made.title}” is written. Change a driver and see what moves.")
        return redirect("admin:reports_case", made.public_id)


wizard = CaseWizard.as_view(
    [(name, form) for name, _, form in STEPS], url_name=_ADDRESS, done_step_name="done"
)
pages.add("cases/new/", wizard, "reports_case_new")
pages.add("cases/new/<str:step>/", wizard, "reports_case_new_step")
