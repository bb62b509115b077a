"""Every address below /api/v1/."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from alerts.api import EpisodeViewSet, InvestmentEpisodeViewSet, NotificationViewSet
from alerts.api_policies import PolicyBacktest
from alerts.api_routes import RouteViewSet
from alerts.api_silences import ApprovalViewSet, SilenceViewSet
from portfolio.api import PortfolioViewSet
from portfolio.api_actuals import ActualsBulk
from portfolio.api_base import CODE_PATTERN, UUID_PATTERN
from portfolio.api_governance import Baselines, Differentiations, Hypotheses, Strategies
from portfolio.api_imports import ImportRowViewSet, ImportViewSet
from portfolio.api_ledger import CellViewSet, EntryViewSet
from portfolio.api_reference import AccountViewSet, FxRateViewSet
from portfolio.api_stages import Stages
from portfolio.api_tokens import TokenViewSet
from reports.api import InvestmentViewSet
from reports.api_case_workbook import CaseWorkbook
from reports.api_reports import ReportViewSet
from reports.api_reviews import DecisionViewSet, ReviewViewSet
from roi.api import SnapshotViewSet
from roi.api_ai_what_ifs import BatchWhatIf, DegradationWhatIf, OptionsWhatIf, ServingWhatIf
from roi.api_bridges import InvestmentBridge
from roi.api_case_parts import NAME_PATTERN, ScenarioViewSet, StudyViewSet, SubmissionViewSet
from roi.api_cases import CaseViewSet
from roi.api_forecasts import InvestmentForecast
from roi.api_overrides import PriceOverrideViewSet
from roi.api_prices import TokenPriceList
from roi.api_reallocations import PortfolioReallocation, ReallocationViewSet
from roi.api_repricing import InvestmentRepricing
from roi.api_rollups import PortfolioPools, PortfolioRollUp
from roi.api_scorecards import InvestmentScorecard, PortfolioThresholds
from roi.api_unit_costs import UnitEconomics
from roi.api_what_ifs import UseCases, WhatIfs


class NothingHere(APIView):
    """Answers addresses that name nothing with a problem instead of a page."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    schema = None

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Refuse, whatever the method is."""
        raise NotFound("There is no such address in this API.")


router = SimpleRouter(trailing_slash=False)
router.register("portfolios", PortfolioViewSet, basename="api-portfolio")
router.register("investments", InvestmentViewSet, basename="api-investment")
router.register("accounts", AccountViewSet, basename="api-account")
router.register("episodes", EpisodeViewSet, basename="api-episode")
router.register("notifications", NotificationViewSet, basename="api-notification")
router.register("silences", SilenceViewSet, basename="api-silence")
router.register("routes", RouteViewSet, basename="api-route")
router.register("approvals", ApprovalViewSet, basename="api-approval")
router.register("reviews", ReviewViewSet, basename="api-review")
router.register("decisions", DecisionViewSet, basename="api-decision")
router.register("reallocations", ReallocationViewSet, basename="api-reallocation")
router.register("reports", ReportViewSet, basename="api-report")
router.register("imports", ImportViewSet, basename="api-import")
router.register("cases", CaseViewSet, basename="api-case")
router.register("tokens", TokenViewSet, basename="api-token")
router.register("price-overrides", PriceOverrideViewSet, basename="api-price-override")

_OF_INVESTMENT = {
    "snapshots": SnapshotViewSet,
    "entries": EntryViewSet,
    "cells": CellViewSet,
    "episodes": InvestmentEpisodeViewSet,
}

_STATED = {
    "hypotheses": Hypotheses,
    "baselines": Baselines,
    "strategic-terms": Strategies,
    "differentiations": Differentiations,
    "stages": Stages,
}

_CASE = rf"^cases/(?P<public_id>{UUID_PATTERN})"

urlpatterns = [
    path("actuals/bulk", ActualsBulk.as_view(), name="api-actuals-bulk"),
    path("token-prices", TokenPriceList.as_view(), name="api-token-prices"),
    re_path(
        rf"^investments/(?P<code>{CODE_PATTERN})/reprice$",
        InvestmentRepricing.as_view(),
        name="api-investment-reprice",
    ),
    re_path(
        rf"^investments/(?P<code>{CODE_PATTERN})/forecast$",
        InvestmentForecast.as_view(),
        name="api-investment-forecast",
    ),
    re_path(
        rf"^investments/(?P<code>{CODE_PATTERN})/unit-economics$",
        UnitEconomics.as_view(),
        name="api-investment-unit-economics",
    ),
    re_path(
        rf"^investments/(?P<code>{CODE_PATTERN})/bridge$",
        InvestmentBridge.as_view(),
        name="api-investment-bridge",
    ),
    re_path(
        rf"^investments/(?P<code>{CODE_PATTERN})/scorecard$",
        InvestmentScorecard.as_view(),
        name="api-investment-scorecard",
    ),
    re_path(
        rf"^portfolios/(?P<code>{CODE_PATTERN})/roll-up$",
        PortfolioRollUp.as_view(),
        name="api-portfolio-roll-up",
    ),
    re_path(
        rf"^portfolios/(?P<code>{CODE_PATTERN})/reallocation$",
        PortfolioReallocation.as_view(),
        name="api-portfolio-reallocation",
    ),
    re_path(
        rf"^portfolios/(?P<code>{CODE_PATTERN})/pools$",
        PortfolioPools.as_view(),
        name="api-portfolio-pools",
    ),
    re_path(
        rf"^portfolios/(?P<code>{CODE_PATTERN})/scorecard-thresholds$",
        PortfolioThresholds.as_view(),
        name="api-portfolio-scorecard-thresholds",
    ),
    re_path(
        rf"^investments/(?P<code>{CODE_PATTERN})/policies/backtest$",
        PolicyBacktest.as_view(),
        name="api-investment-policy-backtest",
    ),
    *(
        re_path(
            rf"^investments/(?P<code>{CODE_PATTERN})/{name}$", view.as_view(), name=f"api-investment-{name}"
        )
        for name, view in _STATED.items()
    ),
    path("use-cases", UseCases.as_view(), name="api-use-cases"),
    path("what-ifs", WhatIfs.as_view(), name="api-what-ifs"),
    path("what-ifs/degradation", DegradationWhatIf.as_view(), name="api-what-if-degradation"),
    path("what-ifs/serving", ServingWhatIf.as_view(), name="api-what-if-serving"),
    path("what-ifs/batch", BatchWhatIf.as_view(), name="api-what-if-batch"),
    path("what-ifs/options", OptionsWhatIf.as_view(), name="api-what-if-options"),
    re_path(
        rf"{_CASE}/submissions$", SubmissionViewSet.as_view({"get": "list"}), name="api-case-submissions"
    ),
    re_path(rf"{_CASE}/workbook$", CaseWorkbook.as_view({"get": "workbook"}), name="api-case-workbook"),
    re_path(rf"{_CASE}/scenarios$", ScenarioViewSet.as_view({"get": "list"}), name="api-case-scenarios"),
    re_path(
        rf"{_CASE}/scenarios/(?P<name>{NAME_PATTERN})$",
        ScenarioViewSet.as_view({"put": "put", "delete": "delete"}),
        name="api-case-scenario",
    ),
    re_path(
        rf"{_CASE}/studies$", StudyViewSet.as_view({"get": "list", "post": "ask"}), name="api-case-studies"
    ),
    re_path(
        rf"{_CASE}/studies/(?P<study_id>{UUID_PATTERN})$",
        StudyViewSet.as_view({"get": "retrieve"}),
        name="api-case-study",
    ),
    path("fx-rates", FxRateViewSet.as_view({"get": "list", "put": "put"}), name="api-fx-rates"),
    *(
        re_path(
            rf"^investments/(?P<code>{CODE_PATTERN})/{name}$",
            view.as_view({"get": "list"}),
            name=f"api-investment-{name}",
        )
        for name, view in _OF_INVESTMENT.items()
    ),
    re_path(
        rf"^imports/(?P<public_id>{UUID_PATTERN})/rows$",
        ImportRowViewSet.as_view({"get": "list"}),
        name="api-import-rows",
    ),
    *router.urls,
    path("schema", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
    re_path(r"^.*$", NothingHere.as_view(), name="api-nothing"),
]
