"""The way to the real E2B: TLS, HTTP/2, host names of its domains, through an HTTP proxy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2b_server.connect_proxy import connect_proxy
from tests.e2b_server.server import E2BServer
from tests.support.certificates import make_certificates

# In a process of its own: what is trusted is decided once in a process.
PROGRAM = """
import io, os, sys
from osiris.remote.e2b_options import E2BAccount
from osiris.remote.e2b_sandbox import E2BSandboxProvider
from osiris.remote.sandbox import SandboxSpec

account = E2BAccount.from_environment(os.environ)
sandbox = E2BSandboxProvider(account).create(SandboxSpec("run_over_tls"))
path = sandbox.home + "/x"
sandbox.write(path, io.BytesIO(bytes(20_000_000)))
assert sandbox.read(path, 19_999_990, 100) == bytes(10)
assert b"".join(sandbox.follow(["seq", "3"])) == b"1\\n2\\n3\\n"
assert sandbox.run(["cat"], timeout=10, stdin=b"in") == b"in"
sandbox.start(["touch", path + ".started"], {})
assert sandbox.alive()
sandbox.kill()
print("well")
"""


@pytest.mark.parametrize("domain", ["sbx.test", "e2b.app"])
def test_over_tls_and_http2_through_a_proxy(server: E2BServer, tmp_path: Path, domain: str) -> None:
    certificates = make_certificates(tmp_path, f"*.{domain}")
    with connect_proxy(server.serve_tls(certificates)) as (proxy, hosts):
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "E2B_API_KEY": server.api_key,
            "E2B_DOMAIN": domain,
            "HTTPS_PROXY": proxy,
            "SSL_CERT_FILE": str(certificates.ca),
        }
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", PROGRAM],
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
    assert done.stdout == "well\n", done.stderr
    (sandbox,) = server.sandboxes()
    own = f"49983-{sandbox.sandbox_id}.{domain}" if domain == "sbx.test" else f"sandbox.{domain}"
    assert set(hosts) == {f"api.{domain}:443", f"{own}:443"}
    versions = {r.http_version for r in server.log if r.path != "/files" or r.method != "GET"}
    assert versions == {"2"}
    assert sandbox.ended == "killed"
