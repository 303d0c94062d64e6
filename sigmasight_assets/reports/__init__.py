"""Portfolio reports: one collector, one writer per format."""
