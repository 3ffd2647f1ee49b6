"""For rotation functions of AWS Secrets Manager: whether the old password may go.

Needs the program `pawl` in a layer (`bin/pawl`), and PAWL_TABLE and PAWL_JOB_QUEUE_URL of the deployed Pawl. README.md says
where in a rotation to call this.
"""

import json
import os
import secrets
import subprocess


class StillInUse(Exception):
    """Some Secrets do not stand on the version in force, so the password before it must stay."""


def require_everywhere(secret_id, version=None, timeout=300, pawl="/opt/bin/pawl"):
    """Returns when every Secret that the key goes into stands on the version in force, which must be `version` if given.

    Raises StillInUse with the declarations that do not after `timeout` seconds, and RuntimeError when Pawl cannot tell, also
    of a key that nobody reads through Pawl: its name is more likely wrong than unused.
    """
    command = [pawl, "wait", secret_id, "--timeout", str(timeout), "--output", "json"]
    if version is not None:
        command += ["--version", version]
    # Looking makes no digest that is kept, so the ledger's key is not needed, and this function has no right to it.
    environment = {**os.environ, "PAWL_LEDGER_KEY": secrets.token_hex(32)}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if ended.returncode == 0:
        return
    rows = json.loads(ended.stdout or "[]") if ended.returncode == 1 else []
    missing = [f"{row['declaration']}: {row['missing']}" for row in rows if row["stands"] == "no"]
    if missing:
        raise StillInUse("; ".join(missing))
    raise RuntimeError(ended.stderr.strip() or f"pawl ended with {ended.returncode}")
