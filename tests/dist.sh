#!/bin/sh
# Builds wheel and sdist, installs the wheel into an empty environment, and runs both commands and the demonstration there.
set -eu
rm -rf dist
.venv/bin/python -m build --no-isolation --outdir dist . >/dev/null
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
.venv/bin/python -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q --disable-pip-version-check dist/*.whl
cd "$folder"
venv/bin/whodid --version
venv/bin/whodid-agent --version
venv/bin/whodid demo --exit >demo.log || { cat demo.log; exit 1; }
echo "dist: the wheel's commands work in an empty environment"
