"""Ask the vulnerability database of the Python Package Index about every pinned package: `python scripts/audit_dependencies.py`.

Exits 1 where one has a known vulnerability. What the index does not answer about is named, not passed over: without a network nothing can
be audited, and that is said.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
TIMEOUT_SECONDS = 5


def main() -> int:
    command = [sys.executable, "-m", "pip_audit", "-r", str(CONSTRAINTS), "--no-deps", "--disable-pip", "--progress-spinner", "off"]
    answer = subprocess.run([*command, "--format", "json", "--timeout", str(TIMEOUT_SECONDS)], capture_output=True, text=True, check=False)
    if not answer.stdout.strip():
        last = answer.stderr.strip().splitlines()[-1:] or ["no answer"]
        print(f"Dependencies were NOT audited: the index does not answer ({last[0][:200]}).")
        return 0
    packages = json.loads(answer.stdout)["dependencies"]
    vulnerable = [package for package in packages if package.get("vulns")]
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    for package in vulnerable:
        for found in package["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {found['id']}, fixed in {fixed}")
    print(f"{len(packages) - len(unknown)} of {len(packages)} pinned packages audited: {len(vulnerable)} vulnerable.")
    if unknown:
        print(f"NOT audited, the index does not know them or does not answer: {', '.join(unknown)}")
    return 1 if vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
