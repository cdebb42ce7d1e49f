#!/bin/bash
# usage: run.sh RUNDIR   osmo-msc as an SMSC on 127.0.0.1 until SIGTERM; prints "port N" when it listens.
# Its other interfaces (vty, ctrl, SGs: fixed ports) go to a loopback address of this process's own.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
run=$(mkdir -p "$1" && cd "$1" && pwd)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
own=127.$((64 + $$ / 65536 % 128)).$(($$ / 256 % 256)).$(($$ % 256))
sed -e "s/@PORT@/$port/g" -e "s/@OWN@/$own/g" -e "s/@PASSWORD@/${PASSWORD:-secret}/g" "$here/osmo-msc.cfg.in" >"$run/osmo-msc.cfg"
preload=""
if ! python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)' 2>/dev/null; then
  cc -shared -fPIC -O1 -o "$run/sctp_as_tcp.so" "$here/sctp_as_tcp.c" -ldl
  preload=$run/sctp_as_tcp.so
fi
cd "$run" # sms.db is made here
# Killed without a word, this script takes it along.
LD_PRELOAD=$preload setpriv --pdeathsig KILL osmo-msc -s -c "$run/osmo-msc.cfg" >"$run/osmo-msc.log" 2>&1 </dev/null &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' TERM INT
for _ in $(seq 100); do
  kill -0 "$child" 2>/dev/null || break
  if (exec 3<>/dev/tcp/127.0.0.1/"$port") 2>/dev/null; then
    echo "port $port"
    break
  fi
  sleep 0.1
done
kill -0 "$child" 2>/dev/null || { echo "osmo-msc ended: $(tail -n 3 "$run/osmo-msc.log")" >&2; exit 1; }
wait "$child" || true # a trapped signal ends the first wait early
wait "$child" 2>/dev/null || true
exit 0
