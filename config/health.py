"""Health answers: alive (the process), ready (database and migrations), and the ages a monitor watches."""

from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from alerts import queries as alert_queries

_STALE_SECONDS = {"relay": 60.0, "beat": 300.0, "worker": 300.0, "oldest_due_notification": 300.0}


@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    """Answer as long as the process does."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when requests can be served: the database answers and its tables are those of this code."""
    try:
        connection.ensure_connection()
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return HttpResponse("The database does not answer.", status=503, content_type="text/plain")
    if pending:
        return HttpResponse("Migrations are pending: run migrate.", status=503, content_type="text/plain")
    return HttpResponse("ok", content_type="text/plain")


@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Report the ages of broker, beat, relay and outbox. For monitoring, never for routing."""
    try:
        ages: dict[str, float | None] = alert_queries.ages(now=timezone.now())
    except DatabaseError:
        return JsonResponse({"healthy": False, "database": "unreachable"}, status=503)
    answer: dict[str, Any] = {"ages_seconds": ages, "broker": _broker()}
    answer["late"] = [name for name, age in ages.items() if age is None or age > _STALE_SECONDS[name]]
    answer["healthy"] = answer["broker"] == "ok" and not answer["late"]
    return JsonResponse(answer, status=200 if answer["healthy"] else 503)


def _broker() -> str:
    client = redis.Redis.from_url(settings.REDIS_CLIENT_URL, socket_connect_timeout=1, socket_timeout=1)
    try:
        client.ping()
    except redis.RedisError:
        return "unreachable"
    finally:
        client.close()
    return "ok"
