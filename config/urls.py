"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config import go, health, metrics
from reports import answer_pages, slack_interactions

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("healthz", health.healthz, name="healthz"),
    path("metrics", metrics.page, name="metrics"),
    path("go/investment/<uuid:public_id>", go.investment, name="go-investment"),
    path("alerts/ack/<str:token>", answer_pages.acknowledge, name="alert-acknowledge"),
    path("alerts/unsubscribe/<str:token>", answer_pages.unsubscribe, name="alert-unsubscribe"),
    path("integrations/slack/interactions", slack_interactions.interactions, name="slack-interactions"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("config.api_urls")),
]
