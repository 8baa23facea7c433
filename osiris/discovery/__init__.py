"""Looking into databases and files before there is a pipeline: `osiris discover`."""
