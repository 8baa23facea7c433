"""Changes of status.json, files and errors: the aspects in which each is found, and where."""

from osiris.parity.aspects import Aspect
from tests.parity.tampering import (
    Tampered,
    cut,
    double,
    drop,
    events,
    linked,
    made,
    put,
    replace,
    status,
)

CSV = "artifacts/make/output.csv"

FILES: Tampered = {
    # file structure
    "another state": (status(lambda s: s.update(state="completed")), {Aspect.STATUS}, "state"),
    "all is well": (status(lambda s: s.update(ok=True)), {Aspect.STATUS}, "ok"),
    "one is not true": (status(lambda s: s.update(ok=0)), {Aspect.STATUS}, "ok"),
    "rows in all": (status(lambda s: s.update(total_rows=21)), {Aspect.STATUS}, "total_rows"),
    "the status of a step": (
        status(lambda s: s["steps"]["write"].update(rows_in={"df": 9})),
        {Aspect.STATUS},
        "steps.write.rows_in.df",
    ),
    "a step without a status": (
        status(lambda s: s["steps"].pop("keep")),
        {Aspect.STATUS, Aspect.STATUS_ON_ERROR},
        "steps.keep.state",
    ),
    "a status without a time": (
        status(lambda s: s["steps"]["keep"].pop("finished_at")),
        {Aspect.STATUS},
        "steps.keep.finished_at",
    ),
    "another cause": (
        status(lambda s: s["steps"]["lost"].update(because="make")),
        {Aspect.STATUS},
        "steps.lost.because",
    ),
    "no status": (
        lambda root: (root / "status.json").unlink(),
        {Aspect.STATUS, Aspect.STATUS_ON_ERROR},
        "status.json",
    ),
    "half a status": (
        cut("status.json", 100),
        {Aspect.STATUS, Aspect.STATUS_ON_ERROR},
        "status.json",
    ),
    "a word of the manifest": (
        replace("manifest.yaml", "rich", "poor"),
        {Aspect.MANIFEST},
        "manifest.yaml",
    ),
    "no manifest": (
        lambda root: (root / "manifest.yaml").unlink(),
        {Aspect.MANIFEST},
        "manifest.yaml",
    ),
    "no config": (lambda root: (root / "cfg/lost.json").unlink(), {Aspect.CFG}, "cfg/lost.json"),
    "a config more": (made("cfg/more.json"), {Aspect.CFG}, "cfg/more.json"),
    "a value of an output": (replace(CSV, "row 7", "row X"), {Aspect.ARTIFACTS}, CSV),
    "a row less": (replace(CSV, '9,"row 9"\n', ""), {Aspect.ARTIFACTS}, CSV),
    "no output": (lambda root: (root / CSV).unlink(), {Aspect.ARTIFACTS}, CSV),
    "a file more": (
        made("artifacts/make/more.csv"),
        {Aspect.ARTIFACTS},
        "artifacts/make/more.csv",
    ),
    "a link in place of a file": (
        linked(CSV),
        {Aspect.ARTIFACTS},
        CSV,
    ),
    "half a file": (
        made("artifacts/write/rows.csv.part"),
        {Aspect.ARTIFACTS},
        "artifacts/write/rows.csv.part",
    ),
    "no log": (
        lambda root: (root / "osiris.log").unlink(),
        {Aspect.LOGS, Aspect.ERROR_LOCATION},
        "osiris.log",
    ),
    "something left over": (
        made(".reserve"),
        {Aspect.OTHER_FILES},
        ".reserve",
    ),
    "something spilled": (
        made(".spill/1.arrow"),
        {Aspect.OTHER_FILES},
        ".spill/1.arrow",
    ),
    # driver execution
    "another driver": (
        events(put("drivers_registered", drivers={"sample.source": "elsewhere:Driver"})),
        {Aspect.DRIVER_REGISTRY},
        "run: drivers_registered: drivers.sample.source",
    ),
    "another package": (
        events(put("dependency_check", missing=["numpy"])),
        {Aspect.DRIVER_REGISTRY},
        "run: dependency_check: missing",
    ),
    "another component": (
        events(put("step_start", "make", component="sample.source")),
        {Aspect.CONFIG_PASS},
        "step make: step_start: component",
    ),
    "another input": (
        events(put("inputs_resolved", "write", inputs={"df": "again"})),
        {Aspect.CONFIG_PASS},
        "step write: inputs_resolved: inputs.df",
    ),
    "a connection that was not resolved": (
        events(drop("connection_resolve_complete", "make")),
        {Aspect.CONNECTION_RESOLUTION, Aspect.EVENT_COUNT},
        "step make: connection_resolve_complete",
    ),
    "another connection": (
        events(put("connection_resolve_start", "make", connection="@sample.safe")),
        {Aspect.CONNECTION_RESOLUTION},
        "step make: connection_resolve_start: connection",
    ),
    # error handling
    "another message": (
        events(lambda e: e[-1] and put("step_failed", "bad", error={"message": "no"})(e)),
        {Aspect.STEP_FAILURE, Aspect.ERROR_LOCATION},
        "step bad: step_failed: error.message",
    ),
    "another reason": (
        events(put("step_skipped", "lost", reason="cancelled")),
        {Aspect.STEP_FAILURE},
        "step lost: step_skipped: reason",
    ),
    "a cause that was none": (
        events(put("step_skipped", "lost", because="make")),
        {Aspect.STEP_FAILURE},
        "step lost: step_skipped: because",
    ),
    "a step that was not skipped": (
        events(drop("step_skipped", "lost")),
        {Aspect.STEP_FAILURE, Aspect.EVENT_COUNT},
        "step lost: step_skipped",
    ),
    "a try more": (
        events(double("step_retry", "again")),
        {Aspect.STEP_FAILURE, Aspect.EVENT_COUNT},
        "step again: step_retry no. 2",
    ),
    "another delay": (
        events(put("step_retry", "again", delay_seconds=9)),
        {Aspect.STEP_FAILURE},
        "step again: step_retry: delay_seconds",
    ),
    "another error in the status": (
        status(lambda s: s["error"].update(message="all is well")),
        {Aspect.STATUS_ON_ERROR},
        "error.message",
    ),
    "no hint": (status(lambda s: s["error"].pop("hint")), {Aspect.STATUS_ON_ERROR}, "error.hint"),
    "another kind of error": (
        status(lambda s: s["steps"]["bad"]["error"].update(kind="data")),
        {Aspect.STATUS_ON_ERROR},
        "steps.bad.error.kind",
    ),
    "another exit code": (
        status(lambda s: s.update(exit_code=0)),
        {Aspect.STATUS_ON_ERROR},
        "exit_code",
    ),
    "a log that does not tell": (
        replace("osiris.log", "the sample refuses", "nothing to see"),
        {Aspect.ERROR_LOCATION},
        "step bad",
    ),
}
