"""Work that outlives a request: rows of the table `operations`, carried out one after the other, each by Dagster runs."""
