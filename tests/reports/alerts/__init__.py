"""Pages about alerts."""
