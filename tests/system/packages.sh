#!/bin/sh
# The servers that the tests talk to: installed when missing and we may, named when we may not.
set -eu
missing=""
command -v dovecot >/dev/null 2>&1 || missing="$missing dovecot-imapd"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "The tests need these packages; install them first: apt-get install$missing" >&2
    exit 1
fi
echo "Installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # one word a package
apt-get install -qq -y --no-install-recommends $missing >/dev/null
