"""Limits on what strangers' files and words may hold and cost; every reader of them uses these."""
