#!/bin/sh
# Creates the Python environment: .venv with the pinned packages, and the generated stubs in python/.
# The argument `lint` also installs the linters. PYTHON= selects the interpreter.
#
# ENVIRONMENT=folder REQUIREMENTS=file creates another environment with other packages in that folder:
# a .venv, and a python/ with copies of the programs and with its own stubs. The exit status is 3 if
# these packages have no wheel for this Python on this platform.
#
# Checksums decide whether there is anything to do, not modification times: switching branches back
# and forth touches files without changing them. A stamp with the checksums is written after each
# step, so that an interrupted step is repeated.
set -eu

say() { printf 'setup: %s\n' "$*" >&2; }
status=1
fail() { say "$*"; exit "$status"; }

# Without this, pip would continue for minutes after this script has received a signal.
child=
stop() {
    if [ -n "$child" ]; then
        kill "$child" 2>/dev/null || :
        wait "$child" || :
    fi
    exit 143
}
trap stop HUP INT TERM
wait_for() {
    "$@" &
    child=$!
    wait "$child" || { child=; return 1; }
    child=
}

identify() {
    "$1" -c \
        'import sys; print("%d.%d.%d %s" % (sys.version_info[:3] + (vars(sys).get("base_prefix"),)))'
}

# Sets python, the command, and identity, which is the same for all names of one interpreter.
choose_python() {
    oldest=$(sed -n 's/^requires-python = ">=\(.*\)"$/\1/p' python/pyproject.toml)
    python=${PYTHON:-}
    if [ -z "$python" ] && [ -f "$venv/setup.asked" ]; then
        python=$(cat "$venv/setup.asked")
        command -v "$python" >/dev/null || python=
    fi
    python=${python:-python3}
    command -v "$python" >/dev/null || fail "there is no program $python. Install Python $oldest or" \
        "newer, or name one that is not in PATH: make setup PYTHON=/path/to/python"
    identity=$(identify "$python" 2>/dev/null) ||
        identity=$(identify "$python" 2>&1 | head -n 1)
    case $identity in
        [0-9]*.[0-9]*.[0-9]*' '*) ;;
        *) fail "$python is not a working Python (it prints \"$identity\"). Name another one:" \
            "make setup PYTHON=/path/to/python" ;;
    esac
    version=${identity%% *}
    minor=${version#*.}
    [ $((${version%%.*} * 1000 + ${minor%%.*})) -ge $((${oldest%.*} * 1000 + ${oldest#*.})) ] ||
        fail "$python is Python $version, but the pinned grpcio needs $oldest or newer. Name a" \
            "newer one: make setup PYTHON=python$oldest"
}

environment_inputs() {
    # An upgrade of the system can replace the interpreter of a virtual environment.
    readlink -f "$venv/bin/python" || :
    cksum python/setup.sh "$requirements"
}
lint_inputs() { cksum python/requirements-lint.txt; }
stubs_inputs() { cksum proto/*.proto; }
tutorial='calculator.py client.py server.py'
programs_inputs() { for program in $tutorial; do cksum "python/$program"; done; }

stamp() { "$1_inputs" >"$venv/setup.$1"; }
is_stamped() {
    [ -f "$venv/setup.$1" ] && [ "$(cat "$venv/setup.$1")" = "$("$1_inputs")" ]
}

is_environment_current() {
    [ -x "$venv/bin/python" ] && is_stamped environment || return 1
    # The environment has another interpreter only if PYTHON names one.
    [ -z "${PYTHON:-}" ] && return
    choose_python
    [ "$identity" = "$(cat "$venv/setup.identity")" ]
}

are_stubs_current() {
    is_stamped stubs || return 1
    for proto in proto/*.proto; do
        name=${proto#proto/}
        name=$programs/${name%.proto}
        for stub in "${name}_pb2.py" "${name}_pb2.pyi" "${name}_pb2_grpc.py"; do
            [ -f "$stub" ] || return 1
        done
    done
}

are_programs_current() {
    [ "$programs" != python ] || return 0
    is_stamped programs && [ "$programs/interop" -ef python/interop ]
}

is_everything_current() {
    is_environment_current && are_programs_current && are_stubs_current &&
        { [ "$goal" != lint ] || is_stamped lint; }
}

# The kernel releases the lock however this script ends. Python takes the lock because flock(1) is not
# available everywhere; descriptor 9 keeps it after Python has ended. The locked file is not this
# script, because a script that is open for writing cannot be started.
lock() {
    exec 9<>python/requirements.txt
    wait_for "$python" -c '
import fcntl, sys
try:
    try:
        fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("setup: waiting for another set-up in this directory", file=sys.stderr, flush=True)
        fcntl.flock(9, fcntl.LOCK_EX)
except OSError as error:
    sys.exit(f"setup: cannot lock python/requirements.txt: {error}")
'
}

make_environment() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python (Python $version) cannot create a virtual environment, because its module venv" \
            "or ensurepip is missing. On Debian and Ubuntu: apt install python3-venv." \
            "Elsewhere name a complete Python: make setup PYTHON=/path/to/python"
    say "creating $venv with $python (Python $version)"
    # First, because --clear below removes files in no particular order.
    rm -f "$venv"/setup.*
    output=$("$python" -m venv --clear "$venv" 2>&1) ||
        fail "$python -m venv failed: $(printf '%s\n' "$output" | tail -n 1)"
    install_packages "$requirements"
    printf '%s\n' "$python" >"$venv/setup.asked"
    printf '%s\n' "$identity" >"$venv/setup.identity"
    stamp environment
}

install_packages() {
    log=$venv/pip.log
    rm -f "$log"
    say "installing the packages of $1"
    # If there is no wheel, pip would compile gRPC for many minutes, and usually fail.
    wait_for "$venv/bin/python" -m pip --disable-pip-version-check --no-input --log "$log" \
        install --only-binary=:all: -r "$1" >/dev/null 2>&1 || explain_pip "$1"
}

explain_pip() {
    missing=$(sed -n 's/.*No matching distribution found for \([^ ]*\).*/\1/p' "$log" | tail -n 1)
    wheel=$(printf '%s\n' "${missing%%==*}" | tr - _)-${missing##*==}-
    how="the log of pip is $log"
    unreachable='connection broken|Could not fetch URL|HTTP error|Max retries|timed out'
    unfit="none of the wheel's tags|requires a different Python"
    if grep -q -E "$unreachable" "$log"; then
        fail "pip could not reach the package index for $1. This step needs the network, a mirror" \
            "(PIP_INDEX_URL), or a folder of wheels (PIP_FIND_LINKS); $how"
    elif [ -n "$missing" ] && grep -E "$unfit" "$log" | grep -q -F "$wheel"; then
        status=3
        fail "there is no wheel of $missing for this platform ($(uname -sm)) and" \
            "$("$venv/bin/python" -V 2>&1). Another Python may have one:" \
            "make setup PYTHON=/path/to/python; $how"
    elif [ -n "$missing" ]; then
        fail "pip found no $missing at the configured locations (PIP_INDEX_URL, PIP_FIND_LINKS," \
            "PIP_NO_INDEX, pip.conf). This step needs the network, a mirror or a folder of" \
            "wheels; $how"
    fi
    fail "pip could not install $1: $(sed -n 's/.*ERROR: //p' "$log" | tail -n 1); $how"
}

generate_stubs() {
    say "generating the stubs in $programs"
    rm -rf "$venv/stubs"
    mkdir "$venv/stubs"
    "$venv/bin/python" -m grpc_tools.protoc --proto_path=proto --python_out="$venv/stubs" \
        --pyi_out="$venv/stubs" --grpc_python_out="$venv/stubs" proto/*.proto ||
        fail "protoc failed on a file in proto/; its output is above"
    # Moved, so that a program that runs at the same time never imports an incomplete file.
    mv "$venv"/stubs/* "$programs/"
    rmdir "$venv/stubs"
    stamp stubs
}

# The stubs in python/ work only with the packages of the main environment. The programs are copied,
# because Python resolves a link to a program and would import the stubs next to its target.
place_programs() {
    mkdir -p "$programs"
    for program in $tutorial; do cp "python/$program" "$programs/"; done
    rm -f "$programs/interop"
    ln -s "$PWD/python/interop" "$programs/interop"
    rm -f "$venv/setup.stubs"
    stamp programs
}

goal=${1:-run}
case $goal in
    run | lint) ;;
    *) fail "unknown argument $goal; the only argument is: lint" ;;
esac
case ${PYTHON:-} in
    '' | /*) ;;
    */*) PYTHON=$PWD/$PYTHON ;;
esac
CDPATH='' cd -- "$(dirname -- "$0")/.."
requirements=${REQUIREMENTS:-python/requirements.txt}
venv=${ENVIRONMENT:+$ENVIRONMENT/}.venv
programs=${ENVIRONMENT:+$ENVIRONMENT/}python
[ -f "$requirements" ] || fail "REQUIREMENTS names a file that does not exist: $requirements"
[ -z "${ENVIRONMENT:-}" ] || ! [ "$programs" -ef python ] ||
    fail "ENVIRONMENT names the folder of the main environment; run without it to create that"
mkdir -p "${ENVIRONMENT:-.}" || fail "cannot create the folder that ENVIRONMENT names: $ENVIRONMENT"

is_everything_current && exit

if is_environment_current; then python=$venv/bin/python; else choose_python; fi
lock
# Checked again, because the process that held the lock may have done everything.
is_environment_current || { choose_python && make_environment; }
are_programs_current || place_programs
are_stubs_current || generate_stubs
if [ "$goal" = lint ] && ! is_stamped lint; then
    install_packages python/requirements-lint.txt
    stamp lint
fi
