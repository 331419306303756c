#!/usr/bin/env bash
# Servers for people and measurements; the frame around tests/demo, tests/load, tests/northwind.
#
#   run.sh demo      <programs>                        start, tell the story, leave it running
#   run.sh stop      <programs>
#   run.sh bench     <programs>                        on a data folder that is thrown away
#   run.sh northwind <programs> <input> <result.json>  the same
set -eu
cd "$(dirname "$0")/.."
unset "${!PG@}" # settings of psql and friends are not ours
what=$1 programs=$2

demo_login=admin
demo_password=tenon-demo

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Data never under /root: the database's user could not reach it.
data_folder() {
    if [ -n "${TENON_DATA:-}" ]; then
        echo "$TENON_DATA"
    elif [ "$(id -u)" = 0 ]; then
        echo /var/lib/tenon
    else
        echo "$PWD/.tenon"
    fi
}

ctl() {
    "$programs/tenonctl" "$1" --data "$data" "${@:2}"
}

# One word of `tenonctl status --json`, empty when the server does not run.
status_of() {
    ctl status --json 2>/dev/null | sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"
}

# Start tenond in the background and wait until it is ready; sets $url.
start_server() { # address
    local log server i=0
    log=$(mktemp "${TMPDIR:-/tmp}/tenond-XXXXXX.log")
    setsid "$programs/tenond" serve --data "$data" --listen "$1" --log "$data/log/tenond.log" \
        >>"$log" 2>&1 </dev/null &
    server=$!
    until url=$(status_of url) && [ -n "$url" ] && curl -ksf --max-time 2 -o /dev/null "$url/ready"; do
        i=$((i + 1))
        if ! kill -0 "$server" 2>/dev/null || [ $i -gt 600 ]; then
            tail -n 20 "$log" >&2
            fail "The server did not start (more in $log)"
        fi
        sleep 0.1
    done
    rm -f "$log"
}

# The usual port, or any free one when something else has it.
demo_address() {
    if (exec 3<>/dev/tcp/127.0.0.1/8443) 2>/dev/null; then
        echo 127.0.0.1:0
    else
        echo 127.0.0.1:8443
    fi
}

init_demo() {
    TENON_PASSWORD=$demo_password ctl init --demo --login "$demo_login"
}

demo() {
    data=$(data_folder)
    url=$(status_of url)
    if [ -z "$url" ]; then
        init_demo
        start_server "${TENON_LISTEN:-$(demo_address)}"
    fi
    if [ -x "$programs/tenon-demo" ]; then
        "$programs/tenon-demo" "$url" "$demo_login" "$demo_password"
    fi
    printf '\nTenon runs at     %s\n' "$url"
    printf 'its certificate   SHA-256 %s\n' "$(status_of fingerprint)"
    printf 'sign in as        %s, password %s\n' "$demo_login" "$demo_password"
    printf 'its data          %s\n' "$data"
    printf 'stop it with      make stop\n'
}

# A server on a folder of its own that goes away with us; sets $url.
fresh_server() {
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/tenon-$what-XXXXXX")
    data=$scratch/data
    trap 'ctl stop >/dev/null 2>&1; rm -rf "$scratch"' EXIT
    chmod 0755 "$scratch" # the database's user passes through
    "$@"
    start_server 127.0.0.1:0
}

bench() {
    [ -x "$programs/tenon-load" ] || fail "tests/load is not there"
    fresh_server init_demo
    "$programs/tenon-load" "$url" "$demo_login" "$demo_password"
}

northwind() { # input, result
    [ -d "$1" ] || fail "usage: make northwind DATA=<folder with the order book>"
    [ -x "$programs/tenon-northwind" ] || fail "tests/northwind is not there"
    fresh_server init_northwind
    "$programs/tenon-northwind" "$url" "$demo_login" "$demo_password" "$1" "$2" "$programs/tenonctl" "$data"
}

init_northwind() {
    TENON_PASSWORD=$demo_password ctl init --login "$demo_login" --code NWIND \
        --name "Northwind Traders" --currency USD --country US --chart ifrs
}

case $what in
demo) demo ;;
stop) data=$(data_folder) && ctl stop ;;
bench) bench ;;
northwind) northwind "${3:-}" "${4:-build/northwind.json}" ;;
*) fail "usage: $0 demo|stop|bench|northwind <programs> ..." ;;
esac
