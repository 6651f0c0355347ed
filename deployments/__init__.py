"""What is deployed: benchmarks, eval sets of them, and the schedule and servers that run them."""
