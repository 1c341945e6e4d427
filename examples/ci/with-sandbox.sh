#!/bin/sh
# Runs a command against a sandbox of its own, which lives as long as the command:
#
#	sh with-sandbox.sh go test ./...
#
# The command finds the sandbox at $GERBANG_URL, and the script fails if the command
# does, or if the books do not balance afterwards. When the command fails, the calls
# are shown whose signature was wrong. $GERBANG names the program if it is not in the
# PATH; settings such as $GERBANG_SEED reach the sandbox.
set -eu

gerbang=${GERBANG:-gerbang}
work=$(mktemp -d)
sandbox=
stop() {
	if [ -n "$sandbox" ]; then
		kill "$sandbox" 2>/dev/null || true
		wait "$sandbox" || true
	fi
	rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$gerbang" sandbox --addr 127.0.0.1:0 --data "$work/data" --ready-file "$work/ready.json" >"$work/log" 2>&1 &
sandbox=$!

# The file is there, whole, as soon as the sandbox serves.
tries=0
until [ -f "$work/ready.json" ]; do
	tries=$((tries + 1))
	if ! kill -0 "$sandbox" 2>/dev/null || [ "$tries" -gt 600 ]; then
		echo "with-sandbox: the sandbox did not start:" >&2
		cat "$work/log" >&2
		exit 1
	fi
	sleep 0.1
done
GERBANG_URL=$(sed 's/.*"base_url":"\([^"]*\)".*/\1/' "$work/ready.json")
export GERBANG_URL

status=0
"$@" || status=$?
if [ "$status" -ne 0 ]; then
	echo "with-sandbox: the command failed ($status); calls with a wrong signature:" >&2
	"$gerbang" logs tail --no-follow --bad >&2 || true
	exit "$status"
fi
"$gerbang" audit --data "$work/data"
