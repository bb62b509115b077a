"""The site's cache: rate limits only. Answers of the admin's search are never kept."""

from typing import Any

from django.core.cache.backends.locmem import LocMemCache

_NEVER_KEPT = "unfold_search_"


class RateLimitCache(LocMemCache):
    """A memory cache that refuses search results: kept for minutes, they would outlive a membership."""

    def set(self, key: str, value: Any, *args: Any, **kwargs: Any) -> None:
        """Keep a value unless it answers a search."""
        if not key.startswith(_NEVER_KEPT):
            super().set(key, value, *args, **kwargs)
