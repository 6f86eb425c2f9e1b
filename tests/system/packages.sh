#!/bin/sh
# The programs that Intake and its tests use: installed when missing and we may, named when we may not.
#
#   packages.sh run     Tesseract, which recognises scans; without it Intake runs, and says of a scan: read it yourself
#   packages.sh test    Tesseract, and the servers that the tests talk to; without them the tests do not run
set -eu
missing=""
for language in nld eng deu fra osd; do
    tesseract --list-langs 2>/dev/null | grep -qx "$language" || missing="$missing tesseract-ocr-$language"
done
command -v tesseract >/dev/null 2>&1 || missing="$missing tesseract-ocr"
if [ "$1" = test ]; then
    command -v dovecot >/dev/null 2>&1 || missing="$missing dovecot-imapd"
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
fi
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Install these packages: apt-get install$missing" >&2
    [ "$1" = run ] && exit 0
    exit 1
fi
echo "Installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # one word a package
apt-get install -qq -y --no-install-recommends $missing >/dev/null || [ "$1" = run ]
