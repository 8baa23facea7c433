"""A third party's components: a source, a mapper and a sink that fail, wait and lie on demand."""
