#!/bin/sh
# Creates the Python environments and the stubs: chooses a Python, and runs python/interop/environment.py with it.
#
# PYTHON= names the Python for .venv; without it, an existing .venv keeps its own. The other arguments are
# described by python/setup.sh --help.
set -eu

fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

case ${PYTHON:-} in
    '' | /*) ;;
    */*) PYTHON=$PWD/$PYTHON ;;
esac
CDPATH='' cd -- "$(dirname -- "$0")/.."

python=${PYTHON:-python3}
[ -n "${PYTHON:-}" ] || ! [ -x .venv/bin/python ] || python=.venv/bin/python
oldest=$(sed -n 's/^requires-python = ">=\(.*\)"$/\1/p' python/pyproject.toml)
command -v "$python" >/dev/null || fail "there is no program $python. Install Python $oldest or newer, or" \
    "name one that is not in PATH: make setup PYTHON=/path/to/python"
version=$("$python" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>&1) || version=${version:-nothing}
case $version in
    [0-9]*.[0-9]*) ;;
    *) fail "$python is not a working Python (it prints \"$(printf '%s\n' "$version" | head -n 1)\")." \
        "Name another one: make setup PYTHON=/path/to/python" ;;
esac
[ $((${version%%.*} * 1000 + ${version#*.})) -ge $((${oldest%.*} * 1000 + ${oldest#*.})) ] ||
    fail "$python is Python $version, but the pinned grpcio needs $oldest or newer. Name a newer one:" \
        "make setup PYTHON=python$oldest"

# Isolated from PYTHONPATH and the like.
exec "$python" -I python/interop/environment.py ${PYTHON:+--replace} "$@"
