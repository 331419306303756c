#!/usr/bin/env bash
# Install what Tenon needs from Debian's own archive: install-packages.sh [build] [check] [fuzz] [user]
# With nothing missing it ends at once. apt runs as root, or through sudo.
set -eu
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

build="gcc libc6-dev make cmake ninja-build pkg-config libpq-dev libcjson-dev libevent-dev libssl-dev
    liblua5.4-dev libargon2-dev libcurl4-openssl-dev libxlsxwriter-dev libxml2-dev libzip-dev libcsv-dev
    libcunit1-dev postgresql-15 curl openssl procps"
check="clang-format clang-tidy cppcheck gettext"
fuzz="clang libclang-rt-14-dev"

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo --preserve-env=DEBIAN_FRONTEND "$@"
    else
        printf 'This needs root and there is no sudo. As root, run:\n    %s\n' "$*" >&2
        exit 1
    fi
}

wanted=""
for what in "${@:-build}"; do
    case $what in
    build) wanted="$wanted $build" ;;
    check) wanted="$wanted $check" ;;
    fuzz) wanted="$wanted $fuzz" ;;
    user) ;; # only the user below
    *) echo "usage: $0 [build] [check] [fuzz] [user]" >&2 && exit 2 ;;
    esac
done

missing=""
# shellcheck disable=SC2086
have=$([ -z "$wanted" ] || dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null || true)
for package in $wanted; do
    grep -qx "$package installed" <<<"$have" || missing="$missing $package"
done

if [ -n "$missing" ]; then
    echo "Installing:$missing"
    # shellcheck disable=SC2086
    if ! apt-get install --simulate $missing >/dev/null 2>&1; then
        echo "Reading the list of packages"
        as_root apt-get update -q
    fi
    # shellcheck disable=SC2086
    as_root apt-get install -y -q --no-install-recommends -o Dpkg::Use-Pty=0 $missing |
        grep --line-buffered -E '^(Get:|Setting up|E:|W:)' || true
    # shellcheck disable=SC2086
    dpkg-query -W $missing >/dev/null
fi

# The embedded database never runs as root: it needs a user of its own, tenon for a server that
# was installed, postgres is good enough to try things out.
if [ "$(id -u)" = 0 ] && ! id tenon >/dev/null 2>&1 &&
    { [[ " $* " == *" user "* ]] || ! id postgres >/dev/null 2>&1; }; then
    useradd --system --user-group --home-dir /var/lib/tenon --no-create-home --shell /usr/sbin/nologin tenon
fi
