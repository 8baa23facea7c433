"""The reference of the pipeline language: every key of a pipeline."""

from osiris.compiler.oml_schema import oml_schema
from tools.docs.markdown import page
from tools.docs.package import OurComponents
from tools.docs.schema import options

_INTRODUCTION = """
A pipeline is a YAML file in OML, version 0.1.0. `osiris schema` prints its JSON Schema for editors,
the options of every installed component included. Unknown keys are errors.

A value may hold `${params.name}`, filled in when the pipeline is compiled, and `${VARIABLE}` or
`${VARIABLE:-default}`, filled in from the environment when the step runs. `$${` stands for `${`.
"""
_STEP = """
A transform or write step that names neither `needs` nor `inputs` takes the table of the step before
it.
"""


def render() -> str:
    """Write the page."""
    schema = oml_schema(OurComponents())
    definitions = schema["$defs"]
    param = next(s for s in definitions["param"]["anyOf"] if "properties" in s)
    return page(
        "Pipelines (OML)",
        _INTRODUCTION,
        [
            f"## Pipeline\n\n{options(schema)}",
            f"## Step\n\n{_STEP.strip()}\n\n{options(definitions['step'], definitions)}",
            "## Parameter\n\nEither just a default value, or:\n\n" + options(param, definitions),
        ],
    )
