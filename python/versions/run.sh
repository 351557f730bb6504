#!/bin/sh
# Runs interop with each row of rows.txt, and then prints one table of all runs.
# ROWS='oldest middle' runs only these rows. Arguments are passed to interop in each run. INTEROP names the program,
# which `make build` builds.
#
# The exit status is 0 if all rows that could be installed ran and no trial failed, 101 if a trial failed, and
# 2 if a row did not run. A row whose packages have no wheel for this Python is not a failure; the table
# shows that it does not install.
set -u

say() { printf 'interop-versions: %s\n' "$*" >&2; }
CDPATH='' cd -- "$(dirname -- "$0")/../.." || exit 2

rows=$(sed -e 's/#.*//' -e '/^ *$/d' python/versions/rows.txt)
names=$(printf '%s\n' "$rows" | awk '{ print $1 }')
for row in ${ROWS:=$names}; do
    printf '%s\n' "$names" | grep -q -x -F -e "$row" || {
        say "there is no row $row in python/versions/rows.txt, but: $(printf '%s' "$names" | tr '\n' ' ')"
        exit 2
    }
done
is_chosen() { for row in $ROWS; do [ "$row" != "$1" ] || return 0; done; return 1; }
interop() { "${INTEROP:-target/debug/interop}" "$@"; }

# The other environments use the same Python.
python/setup.sh || exit 2
PYTHON=.venv/bin/python
export PYTHON

# Installs the packages in a file, and sets environment to their folder.
install() {
    environment=.
    [ "$1" != python/requirements.txt ] || return 0
    environment=target/versions/$(basename "$1" .txt)
    python/setup.sh --environment "$environment" --requirements "$1" 2>"$output/setup.log"
    installed=$?
    cat "$output/setup.log" >&2
    return "$installed"
}

status=0
worse() { [ "$status" = 2 ] || status=$1; }
while read -r name requirements arguments; do
    is_chosen "$name" || continue
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
            printf 'could not be installed\n' >"$output/report.txt"
            worse 2
            continue ;;
    esac
    say "$name: $requirements"
    # shellcheck disable=SC2086 # a row can have several arguments
    interop run --output "$output" --set "python-environment=$PWD/$environment" $arguments "$@" </dev/null
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
    is_chosen "$name" || continue
    report=target/interop/versions/$name/report
    if [ -f "$report.json" ]; then report=$report.json; else report=$report.txt; fi
    set -- "$@" "$name=$report"
done
interop table --output target/interop/versions "$@" || exit 2
case $status in
    0) say "all rows that could be installed ran, and no trial failed" ;;
    101) say "trials failed; the output above has a command to rerun each of them" ;;
    *) say "a row did not run; the reason is above" ;;
esac
exit "$status"
