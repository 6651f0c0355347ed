"""Task files of well-known benchmarks, ready to run without a network (extra `demo`)."""
