# Holds a network and a mount namespace open until its standard input closes, which happens at the latest when the
# program that started it is gone; then it ends everything that still runs in the network namespace.
# $1 is the network namespace of the program that started it.
set -eu
here="/proc/$$/ns/net"
[ "$(readlink "$here")" != "$1" ] || { echo "still in the network namespace of the caller" >&2; exit 1; }
# Descriptor 9 keeps the way to the node's /run, which is about to be covered by one of our own.
exec 9</run
mount -t tmpfs -o mode=755 tmpfs /run
ip link set lo up
echo ready
read -r _ || true
set +e
# Until nobody was found three times in a row: who forks and exits while a list is made has a child that is not on it.
# To escape, a program would have to do so three times within the few milliseconds of each list.
clean=0
while [ "$clean" -lt 3 ]; do
    find -L /proc/[0-9]*/ns/net -maxdepth 0 -samefile "$here" >/run/.found 2>/dev/null &
    finder=$!
    wait "$finder"
    clean=$((clean + 1))
    while read -r at; do
        pid=${at#/proc/}
        pid=${pid%%/*}
        if [ "$pid" != "$$" ] && [ "$pid" != "$finder" ]; then
            clean=0
            kill -KILL "$pid" 2>/dev/null
        fi
    done </run/.found
done
