"""Asks a running server everything that its description allows, and much that it does not, by
schemathesis: no answer may be a fault (5xx), or have a status, a media type or a form that the
description does not have. The two binary uploads get real bodies (`fuzz_bodies.py`)."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
]

base, seed, examples, values, *headers = sys.argv[1:]
# Values of parameters that really are there.
lines = [f"{json.dumps(name)} = {json.dumps(value)}" for name, value in json.loads(values).items()]
with tempfile.TemporaryDirectory() as folder:
    Path(folder, "schemathesis.toml").write_text("\n".join(["[parameters]", *lines, ""]))
    arguments = [
        *[sys.executable, str(Path(sys.executable).with_name("st"))],
        "run",
        f"{base}/api/v1/openapi.json",
        *["--checks", ",".join(CHECKS)],
        *["--phases", "examples,fuzzing", "--mode", "all", "--workers", "1"],
        *["--max-examples", examples, "--seed", seed, "--no-shrink", "--continue-on-failure"],
        *["--generation-database", "none", "--no-color", "--request-timeout", "30"],
        *["--warnings", "off", "--suppress-health-check", "all"],
        # A stream of events never ends.
        *["--exclude-path", "/api/v1/events"],
        *[part for header in headers for part in ("--header", header)],
    ]
    ended = subprocess.run(
        arguments,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        env={
            **os.environ,
            "NO_PROXY": "127.0.0.1,localhost",
            "PYTHONIOENCODING": "utf-8",
            "SCHEMATHESIS_HOOKS": str(Path(__file__).with_name("fuzz_bodies.py")),
            "BIANQUE_FUZZ_SEED": seed,
            "BIANQUE_FUZZ_VALUES": values,
        },
    )
print(ended.stdout[-12000:])
print(ended.stderr[-4000:], file=sys.stderr)
sys.exit(ended.returncode)
