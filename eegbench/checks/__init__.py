"""Is it what it says? Runs, numbers that drift, and whether a method, a data set or a metric keeps its contract."""
