"""Branch coverage floors: 100 % for the core, 90 % for the rest."""

import subprocess
import sys

FLOORS = {"src/topcoat/core/*": 100, "src/topcoat/*": 90}


def main() -> int:
    subprocess.run([sys.executable, "-m", "coverage", "combine", "--quiet"], check=False)
    failures = 0
    for include, floor in FLOORS.items():
        report = [sys.executable, "-m", "coverage", "report", f"--include={include}", f"--fail-under={floor}"]
        result = subprocess.run(
            [*report, "--skip-covered", "--show-missing"], capture_output=True, text=True, check=False
        )
        total = next((line for line in result.stdout.splitlines() if line.startswith("TOTAL")), "TOTAL ?")
        sys.stdout.write(f"Coverage of {include}: {total.split()[-1]} (floor {floor} %)\n")
        if result.returncode:
            sys.stdout.write(result.stdout + result.stderr)
            failures += 1
    return failures


if __name__ == "__main__":
    sys.exit(main())
