"""Publish the ranges of a full recompute to the workers: `python -m tests.benchmarks.enqueue FIRST LAST SIZE`."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from roi.tasks import recompute_range  # noqa: E402

if __name__ == "__main__":
    first, last, size = (int(word) for word in sys.argv[1:4])
    for start in range(first, last + 1, size):
        recompute_range.apply_async(
            kwargs={"first": start, "last": min(start + size - 1, last)}, queue="evaluate"
        )
