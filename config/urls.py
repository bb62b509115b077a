"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config import go, health

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("healthz", health.healthz, name="healthz"),
    path("go/investment/<uuid:public_id>", go.investment, name="go-investment"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("config.api_urls")),
]
