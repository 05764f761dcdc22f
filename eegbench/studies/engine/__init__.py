"""What makes the runs of a study: its tasks, the order in which they are done, and the processes that do them."""
