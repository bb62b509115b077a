"""`/metrics` for Prometheus: with the token, or without one from this machine alone."""

import ipaddress
import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from alerts.metrics import AlertMetrics


@require_GET
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Answer with every metric in the text format, 403 to whoever may not see them."""
    if not _may_see(request):
        return HttpResponse(
            "Metrics need the token of HURDLE_METRICS_TOKEN as 'Authorization: Bearer …', or a request from this "
            "machine that no proxy has passed on.",
            status=403,
            content_type="text/plain",
        )
    registry = CollectorRegistry(auto_describe=False)
    registry.register(AlertMetrics(now=timezone.now()))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_see(request: HttpRequest) -> bool:
    expected = settings.METRICS_TOKEN
    if expected:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return secrets.compare_digest(given.encode(), expected.encode())
    # A proxy on this machine would make the whole world look local.
    passed_on = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"))
    return not passed_on and _is_here(request.META.get("REMOTE_ADDR", ""))


def _is_here(address: str) -> bool:
    # Over a unix socket there is no address; that is this machine's proxy, not a person.
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
