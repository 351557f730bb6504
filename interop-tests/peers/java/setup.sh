#!/usr/bin/env bash
# Builds the programs of the peer in Java into target/peers/java: `setup.sh`. `setup.sh lint` checks their source.
set -euo pipefail

say() { printf 'peers/java: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

goal=${1:-build}
case $# in 0 | 1) ;; *) goal='' ;; esac
case $goal in build | lint) ;; *) fail "usage: setup.sh [build|lint]" ;; esac

CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
root=$(CDPATH='' cd -- ../../.. && pwd)
built=$root/target/peers/java
log=$built/setup.log
oldest=17

# Options of the user's own projects do not apply.
unset JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS MAVEN_ARGS
export MAVEN_OPTS='-XX:TieredStopAtLevel=1 -XX:+UseSerialGC'

# Prints the major version in the text $1, which contains one like 17.0.1, or 1.8.0 for Java 8.
major() { sed -nE '1s/[^0-9]*(1\.)?([0-9]+).*/\2/p' <<<"$1"; }

check_java() {
    local install="Install a JDK, version $oldest or newer: https://adoptium.net"
    command -v java >/dev/null || fail "there is no program java. $install"
    java=$(java -XX:TieredStopAtLevel=1 -version 2>&1) || fail "java does not work: $java. $install"
    (($(major "$java") >= oldest)) || fail "java has the version ${java%%$'\n'*}, which is too old. $install"
}

check_maven() {
    local maven used
    command -v mvn >/dev/null || fail "there is no program mvn. Install Maven 3.6.3 or newer: https://maven.apache.org"
    maven=$(mvn -version 2>&1) || fail "mvn does not work: $maven"
    used=$(sed -n 's/^Java version: //p' <<<"$maven")
    (($(major "$used") >= oldest)) ||
        fail "mvn uses Java $used, which is too old. Set JAVA_HOME to a JDK, version $oldest or newer"
}

# Checksums and not times, because switching branches back and forth touches files without changing them.
sources() {
    printf '%s\n' "$java"
    cksum pom.xml libraries.sha256 options.proto jvm.options setup.sh
    find src -type f -print0 | sort -z | xargs -0 cksum
    cksum "$root"/proto/*.proto
}

is_current() { [[ -f $built/peer.jar && -f $built/setup.stamp && $(<"$built/setup.stamp") == "$1" ]]; }

run_maven() {
    check_maven
    mkdir -p "$built"
    mvn --quiet --batch-mode --strict-checksums -Dstyle.color=never "$@" >"$log" 2>&1 && return
    if grep -qE 'Unknown host|Connection (refused|timed out)|Network is unreachable|No route to host|offline mode' "$log"
    then
        fail "Maven cannot download what pom.xml names. This step needs the network, a mirror in" \
            "the settings of Maven, or a local repository that already has the files. Maven's output is in $log"
    fi
    sed -n '/ERROR\|WARNING/p' "$log" | sed 20q >&2
    fail "mvn $* failed; its output is in $log"
}

# Becomes a process that runs the class $2 and saves the classes that it loads in $1.jsa, from which the programs start in half of the time.
archive() {
    rm -f "$built/$1.jsa"
    exec java @jvm.options -XX:ArchiveClassesAtExit="$built/$1.jsa" -cp "$built/peer.jar" "${@:2}" 2>>"$log"
}

# A server and an agent that calls it.
archive_classes() {
    local process line call request outcome
    exec {lines}< <(archive server interop.peer.Server --address 127.0.0.1:0 --test-behaviour)
    process=$!
    # shellcheck disable=SC2064 # the process of now
    trap "kill $process 2>/dev/null || true" EXIT
    read -r -u "$lines" line || fail "the server does not start; its output is in $log"
    call='{"method":"/Calculator/SquareRoot","value":"41800000","metadata":[["x-interop-delay-ms","1"]]}'
    request='{"address":"'${line#Listening on }'","channels":1,"keep_channels":false,"calls":['$call']}'
    outcome=$(archive agent interop.peer.agent.Agent <<<"$request")
    [[ $outcome == *'"status":"OK"'* ]] || fail "a call failed: $outcome. The output of both sides is in $log"
    kill "$process"
    # Until its file is complete.
    while read -r -u "$lines"; do :; done
}

check_libraries() {
    local libraries=$built/build/lib found
    found=$(cd -- "$libraries" && LC_ALL=C && sha256sum -- *.jar)
    [[ $found == "$(<libraries.sha256)" ]] && return
    diff libraries.sha256 - <<<"$found" >&2 || true
    fail "the libraries are not those of libraries.sha256, which differ as above. If pom.xml names other versions, run:" \
        "(cd '$libraries' && LC_ALL=C && sha256sum *.jar) >libraries.sha256"
}

build() {
    say 'building peer.jar'
    rm -rf "$built/setup.stamp" "$built/build/lib"
    run_maven package
    check_libraries
    # At once, even while programs run.
    rm -rf -- "${built:?}/lib"
    mv -f -- "$built/build/lib" "$built/build/peer.jar" "$built/"
    archive_classes
    printf '%s\n' "$1" >"$built/setup.stamp"
}

lint() {
    run_maven -Dlint=true -Dmaven.output="$built/lint" compile spotless:check
}

check_java
current=$(sources)
is_current "$current" || build "$current"
[[ $goal == build ]] || lint
