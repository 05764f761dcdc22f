"""What files and words of strangers may hold and cost: every reader of them stands on these."""
