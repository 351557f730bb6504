#!/bin/sh
# Runs the harness with each row of rows.txt, and then prints one table of what they came to.
# ROWS='oldest middle' runs only these. Arguments are given to the harness in each run.
#
# The status is 0 when every row that installs ran to its end and no trial failed, 101 when one did, and
# 2 when a row did not run. That there is no wheel of its packages for this Python is no failure, as
# nobody can have them there; the table says so.
set -u

say() { printf 'interop-versions: %s\n' "$*" >&2; }
CDPATH='' cd -- "$(dirname -- "$0")/../.." || exit 2

rows=$(sed -e 's/#.*//' -e '/^ *$/d' python/versions/rows.txt)
names=$(printf '%s\n' "$rows" | awk '{ print $1 }')
for asked in ${ROWS:=$names}; do
    printf '%s\n' "$names" | grep -q -x -F -e "$asked" || {
        say "there is no row $asked; there are: $(printf '%s' "$names" | tr '\n' ' ')"
        exit 2
    }
done
is_asked_for() { for asked in $ROWS; do [ "$asked" != "$1" ] || return 0; done; return 1; }
interop() { ${CARGO:-cargo} run --quiet --locked --package grpc-interop -- "$@"; }

${CARGO:-cargo} build --quiet --locked --package calculator --bins || exit 2

# The other environments are made with the same Python.
python/setup.sh || exit 2
PYTHON=$(cat .venv/setup.asked)
export PYTHON

# Sets environment, the folder where the packages in a file are installed, or says why it cannot be.
install() {
    environment=.
    [ "$1" != python/requirements.txt ] || return 0
    environment=target/versions/$(basename "$1" .txt)
    ENVIRONMENT=$environment REQUIREMENTS=$1 python/setup.sh 2>"$output/setup.log"
    installed=$?
    cat "$output/setup.log" >&2
    return "$installed"
}

status=0
worse() { [ "$status" = 2 ] || status=$1; }
while read -r name requirements arguments; do
    is_asked_for "$name" || continue
    output=target/interop/versions/$name
    rm -rf "$output"
    mkdir -p "$output"
    install "$requirements"
    case $? in
        0) ;;
        3)
            why=$(sed -n 's/^setup: \(there is no wheel of .*\)\. Another Python.*/\1/p' "$output/setup.log")
            printf 'does not install: %s\n' "$why" >"$output/report.txt"
            continue ;;
        *)
            printf 'could not be set up\n' >"$output/report.txt"
            worse 2
            continue ;;
    esac
    say "$name: $requirements"
    # shellcheck disable=SC2086 # those of a row are several
    interop --output "$output" --set "python-environment=$environment" $arguments "$@" </dev/null
    ended=$?
    case $ended in
        0) ;;
        101) worse 101 ;;
        *) worse 2 ;;
    esac
    [ -f "$output/report.json" ] || printf 'did not run: status %s\n' "$ended" >"$output/report.txt"
done <<EOF
$rows
EOF

set --
for name in $names; do
    is_asked_for "$name" || continue
    report=target/interop/versions/$name/report
    if [ -f "$report.json" ]; then report=$report.json; else report=$report.txt; fi
    set -- "$@" --table "$name=$report"
done
interop --output target/interop/versions "$@" || exit 2
case $status in
    0) say "every row that installs ran to its end, and no trial failed" ;;
    101) say "trials failed; what failed is told above, with a command that runs it alone" ;;
    *) say "a row did not run; why stands above" ;;
esac
exit "$status"
