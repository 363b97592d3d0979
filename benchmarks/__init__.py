"""What the product costs, as ratios that are measured within one run and so hold on any machine: `python -m benchmarks`."""
