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
again=1
while [ "$again" = 1 ]; do
    again=0
    for at in $(find -L /proc/[0-9]*/ns/net -maxdepth 0 -samefile "$here" 2>/dev/null); do
        pid=${at#/proc/}
        pid=${pid%%/*}
        # The `find` above is in its own list, but gone by now, so that `kill` fails.
        if [ "$pid" != "$$" ] && kill -KILL "$pid" 2>/dev/null; then again=1; fi
    done
done
