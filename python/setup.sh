#!/bin/sh
# Owns the Python environment: .venv with the pinned packages, and the stubs generated in python/.
# With the argument `lint` it also installs what the linters need. PYTHON= chooses the interpreter.
#
# ENVIRONMENT=folder REQUIREMENTS=file makes another environment in that folder, of other packages: its
# .venv, and its python/ with the programs and stubs of its own. The status is 3 where these packages
# cannot be had for this Python on this machine.
#
# Whether there is anything to do is judged by checksums, not by times: changing branches and back
# touches every file and alters none. The stamps that hold them are written last, so that a run
# that was interrupted is not mistaken for one that ended.
set -eu

say() { printf 'setup: %s\n' "$*" >&2; }
status=1
fail() { say "$*"; exit "$status"; }

# pip would go on for minutes after this script was told to end.
child=
stop() {
    if [ -n "$child" ]; then
        kill "$child" 2>/dev/null || :
        wait "$child" || :
    fi
    exit 143
}
trap stop HUP INT TERM
attend() {
    "$@" &
    child=$!
    wait "$child" || { child=; return 1; }
    child=
}

identify() {
    "$1" -c \
        'import sys; print("%d.%d.%d %s" % (sys.version_info[:3] + (vars(sys).get("base_prefix"),)))'
}

# Sets python (how to call it) and identity (which one it is, the same for all its names).
choose_python() {
    oldest=$(sed -n 's/^requires-python = ">=\(.*\)"$/\1/p' python/pyproject.toml)
    python=${PYTHON:-}
    if [ -z "$python" ] && [ -f "$venv/setup.asked" ]; then
        python=$(cat "$venv/setup.asked")
        command -v "$python" >/dev/null || python=
    fi
    python=${python:-python3}
    command -v "$python" >/dev/null || fail "there is no program $python. Python $oldest or newer" \
        "is needed; if it has another name or is not on the PATH: make setup PYTHON=/path/to/python"
    identity=$(identify "$python" 2>/dev/null) ||
        identity=$(identify "$python" 2>&1 | head -n 1)
    case $identity in
        [0-9]*.[0-9]*.[0-9]*' '*) ;;
        *) fail "$python does not run as a Python (it answers \"$identity\"). Name one that does:" \
            "make setup PYTHON=/path/to/python" ;;
    esac
    version=${identity%% *}
    minor=${version#*.}
    [ $((${version%%.*} * 1000 + ${minor%%.*})) -ge $((${oldest%.*} * 1000 + ${oldest#*.})) ] ||
        fail "$python is Python $version, but the pinned grpcio needs $oldest or newer. If this" \
            "machine has a newer one, name it: make setup PYTHON=python$oldest"
}

environment_inputs() {
    # The interpreter below a virtual environment can be exchanged by an upgrade of the system.
    readlink -f "$venv/bin/python" || :
    cksum python/setup.sh "$requirements"
}
lint_inputs() { cksum python/requirements-lint.txt; }
stubs_inputs() { cksum proto/*.proto; }
documents='calculator.py client.py server.py'
programs_inputs() { for program in $documents; do cksum "python/$program"; done; }

stamp() { "$1_inputs" >"$venv/setup.$1"; }
is_stamped() {
    [ -f "$venv/setup.$1" ] && [ "$(cat "$venv/setup.$1")" = "$("$1_inputs")" ]
}

is_environment_current() {
    [ -x "$venv/bin/python" ] && is_stamped environment || return 1
    # Only a PYTHON that was named now can be another one than that of the environment.
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

# The kernel gives the lock back however this script ends, so none can be left behind. Python takes
# it because flock(1) is not everywhere; it stays with descriptor 9 after Python ended. The file is
# not this script, because a script that is open for writing cannot be started.
lock() {
    exec 9<>python/requirements.txt
    attend "$python" -c '
import fcntl, sys
try:
    try:
        fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("setup: waiting for another set-up of this directory", file=sys.stderr, flush=True)
        fcntl.flock(9, fcntl.LOCK_EX)
except OSError as error:
    sys.exit(f"setup: cannot lock python/requirements.txt: {error}")
'
}

make_environment() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python (Python $version) cannot make a virtual environment, because its venv or" \
            "ensurepip module is missing. On Debian and Ubuntu: apt install python3-venv." \
            "Elsewhere name a complete Python: make setup PYTHON=/path/to/python"
    say "making $venv with $python (Python $version)"
    # First, because what is cleared below goes in no order that could be relied on.
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
    # Without a wheel pip would spend many minutes on compiling gRPC, and then most often fail.
    attend "$venv/bin/python" -m pip --disable-pip-version-check --no-input --log "$log" \
        install --only-binary=:all: -r "$1" >/dev/null 2>&1 || explain_pip "$1"
}

explain_pip() {
    missing=$(sed -n 's/.*No matching distribution found for \([^ ]*\).*/\1/p' "$log" | tail -n 1)
    wheel=$(printf '%s\n' "${missing%%==*}" | tr - _)-${missing##*==}-
    how="pip's own words are in $log"
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
        fail "pip found no $missing where it was told to look (PIP_INDEX_URL, PIP_FIND_LINKS," \
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
        fail "protoc refused a file of proto/; what it said stands above"
    # Moved, because a program that runs meanwhile must not import half a file.
    mv "$venv"/stubs/* "$programs/"
    rmdir "$venv/stubs"
    stamp stubs
}

# Stubs of one version cannot be used with another, and python/ has some. Python looks for modules
# where a program really is, and not where a link to it is, so the programs are copied.
place_programs() {
    mkdir -p "$programs"
    for program in $documents; do cp "python/$program" "$programs/"; done
    rm -f "$programs/interop"
    ln -s "$PWD/python/interop" "$programs/interop"
    rm -f "$venv/setup.stubs"
    stamp programs
}

goal=${1:-run}
case $goal in
    run | lint) ;;
    *) fail "unknown argument $goal; the only one is: lint" ;;
esac
case ${PYTHON:-} in
    '' | /*) ;;
    */*) PYTHON=$PWD/$PYTHON ;;
esac
CDPATH='' cd -- "$(dirname -- "$0")/.."
requirements=${REQUIREMENTS:-python/requirements.txt}
venv=${ENVIRONMENT:+$ENVIRONMENT/}.venv
programs=${ENVIRONMENT:+$ENVIRONMENT/}python
[ -f "$requirements" ] || fail "there is no file $requirements, which REQUIREMENTS names"
[ -z "${ENVIRONMENT:-}" ] || ! [ "$programs" -ef python ] ||
    fail "ENVIRONMENT names the folder of the main environment, which is made without it"
mkdir -p "${ENVIRONMENT:-.}" || fail "the folder that ENVIRONMENT names cannot be made"

is_everything_current && exit

if is_environment_current; then python=$venv/bin/python; else choose_python; fi
lock
# Asked again, because who held the lock may have done it all.
is_environment_current || { choose_python && make_environment; }
are_programs_current || place_programs
are_stubs_current || generate_stubs
if [ "$goal" = lint ] && ! is_stamped lint; then
    install_packages python/requirements-lint.txt
    stamp lint
fi
