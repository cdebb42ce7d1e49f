#!/bin/sh
# Start osmo-bsc and N osmo-bts-virtual cells on loopback.  usage: start.sh RUNDIR
# Environment (all optional):
#   CB_IP=127.0.0.1     address that everything binds (another 127.x = a second lab in parallel)
#   CB_PORT=48049       CBSP port
#   CB_MODE=server      server: the BSC listens; client: the BSC connects to CB_IP:CB_PORT
#   CB_BTS=3            cells that osmo-bsc is configured with (1..200)
#   CB_LIVE=2           of these, how many get a running osmo-bts-virtual (0..8)
#   CB_PHYS=CCCH+SDCCH4+CBCH   channel combination of timeslot 0
#   CB_NOCBCH=          number of one cell configured without a CBCH
#   CB_NETNS=           run inside this network namespace (must exist; root); lo is set up in it
#   CB_VMEM_KB=1500000  ulimit -v of each process
set -eu
[ $# -eq 1 ] || { echo "usage: $0 RUNDIR" >&2; exit 2; }
RUN=$1
IP=${CB_IP:-127.0.0.1}; PORT=${CB_PORT:-48049}; MODE=${CB_MODE:-server}
NBTS=${CB_BTS:-3}; LIVE=${CB_LIVE:-2}; PHYS=${CB_PHYS:-CCCH+SDCCH4+CBCH}; NOCBCH=${CB_NOCBCH:-}
NS=${CB_NETNS:-}
[ "$LIVE" -le "$NBTS" ] || LIVE=$NBTS
OCT=${IP##*.}
GRP_DL=239.193.$OCT.1; GRP_UL=239.193.$OCT.2
for p in osmo-bsc osmo-bts-virtual; do
  command -v $p >/dev/null || { echo "missing: $p (scripts/setup)" >&2; exit 3; }
done
mkdir -p "$RUN"
RUN=$(cd "$RUN" && pwd)
for f in "$RUN"/*.pid; do
  [ -e "$f" ] && kill -0 "$(cat "$f")" 2>/dev/null && { echo "already running: $f" >&2; exit 4; }
done
rm -f "$RUN"/*.pid "$RUN"/*.log "$RUN"/*.rc

bsc_cfg() {
  cat <<X
log stderr
 logging filter all 1
 logging color 0
 logging print category 1
 logging print category-hex 0
 logging print level 1
 logging timestamp 1
 logging level set-all error
 logging level cbs debug
 logging level lss7 fatal
 logging level lsccp fatal
 logging level lglobal fatal
line vty
 no login
 bind $IP 4242
ctrl
 bind $IP
e1_input
 e1_line 0 driver ipa
 ipa bind $IP
network
 network country code 460
 mobile network code 00
 encryption a5 0
 neci 1
 paging any use tch 0
 handover 0
X
  i=0
  while [ $i -lt "$NBTS" ]; do
    ph=$PHYS; [ "$NOCBCH" = "$i" ] && ph=CCCH+SDCCH4
    cat <<X
 bts $i
  type osmo-bts
  band DCS1800
  cell_identity $((101 + i))
  location_area_code $((1001 + i / 2))
  base_station_id_code $((i % 64))
  ms max power 15
  cell reselection hysteresis 4
  rxlev access min 0
  radio-link-timeout 32
  channel allocator ascending
  rach tx integer 9
  rach max transmission 7
  channel-description attach 1
  channel-description bs-pa-mfrms 5
  channel-description bs-ag-blks-res 1
  ipa unit-id $((6001 + i)) 0
  oml ipa stream-id 255 line 0
  codec-support fr
  gprs mode none
  trx 0
   rf_locked 0
   arfcn $((600 + i))
   nominal power 23
   max_power_red 0
   rsl e1 tei 0
   timeslot 0
    phys_chan_config $ph
   timeslot 1
    phys_chan_config SDCCH8
X
    for t in 2 3 4 5 6 7; do printf '   timeslot %d\n    phys_chan_config TCH/F\n' $t; done
    i=$((i + 1))
  done
  cat <<X
msc 0
 allow-emergency allow
 mgw remote-ip $IP
 mgw remote-port 2427
 mgw local-ip $IP
 mgw local-port 2727
cbc
 mode $MODE
X
  if [ "$MODE" = client ]; then
    printf ' client\n  remote-ip %s\n  remote-port %s\n  local-ip %s\n' "$IP" "$PORT" "$IP"
  else
    printf ' server\n  local-ip %s\n  local-port %s\n' "$IP" "$PORT"
  fi
  printf 'bsc\n mid-call-timeout 0\n'
}

bts_cfg() {   # $1 = number of the cell
  cat <<X
log stderr
 logging filter all 1
 logging color 0
 logging print category 1
 logging level set-all error
line vty
 no login
 bind 127.0.$OCT.$((11 + $1))
ctrl
 bind 127.0.$OCT.$((11 + $1))
e1_input
 e1_line 0 driver ipa
 e1_line 0 port 0
 no e1_line 0 keepalive
phy 0
 virtual-um net-device lo
 virtual-um ttl 0
 virtual-um ms-multicast-group $GRP_DL
 virtual-um bts-multicast-group $GRP_UL
 instance 0
bts 0
 band DCS1800
 ipa unit-id $((6001 + $1)) 0
 oml remote-ip $IP
 pcu-socket $RUN/pcu$1.sock
 rtp jitter-buffer 100
 trx 0
  phy 0 instance 0
X
}

spawn() {     # $1 = name, rest = command; records the pid and, at the end, the exit status
  name=$1; shift
  [ -n "$NS" ] && set -- ip netns exec "$NS" "$@"
  ( cd "$RUN"
    ulimit -c 0; ulimit -v "${CB_VMEM_KB:-1500000}" 2>/dev/null || :   # some PDUs make osmo-bsc eat all memory
    "$@" >"$RUN/$name.log" 2>&1 </dev/null &
    pid=$!
    echo $pid >"$RUN/$name.pid"
    rc=0; wait $pid || rc=$?
    echo $rc >"$RUN/$name.rc" ) >/dev/null 2>&1 &
}

# joining and sending to the group needs some route to it; add one on lo only where there is none
IPC="ip"; [ -n "$NS" ] && { IPC="ip -n $NS"; $IPC link set lo up; }
if ! $IPC route get $GRP_DL >/dev/null 2>&1; then
  $IPC route add 239.193.$OCT.0/24 dev lo 2>/dev/null && echo "$IPC route del 239.193.$OCT.0/24 dev lo" >"$RUN/route.undo" ||
    { echo "no route to $GRP_DL: as root run  ip route add 239.193.0.0/16 dev lo  (or start under unshare -Urn)" >&2; exit 7; }
fi

bsc_cfg >"$RUN/osmo-bsc.cfg"
spawn osmo-bsc osmo-bsc -c "$RUN/osmo-bsc.cfg"
sleep 1
i=0
while [ $i -lt "$LIVE" ]; do
  bts_cfg $i >"$RUN/bts$i.cfg"
  spawn bts$i osmo-bts-virtual -c "$RUN/bts$i.cfg"
  i=$((i + 1))
done
# ready = every live cell reports its timeslot 0 as running; seen as the CBCH timer's first log line
n=0
while [ $n -lt 40 ]; do
  ok=0; i=0
  while [ $i -lt "$LIVE" ]; do
    grep -q "(bts=$i) Skipping SMSCB" "$RUN/osmo-bsc.log" 2>/dev/null && ok=$((ok + 1))
    i=$((i + 1))
  done
  [ -e "$RUN/osmo-bsc.rc" ] && { echo "osmo-bsc exited:" >&2; tail -5 "$RUN/osmo-bsc.log" >&2; exit 5; }
  [ $ok -eq "$LIVE" ] && break
  n=$((n + 1)); sleep 0.5
done
[ $ok -eq "$LIVE" ] || { echo "only $ok of $LIVE cells came up; see $RUN/*.log" >&2; exit 6; }
echo "CBSP $MODE $IP:$PORT  VTY $IP:4242  cells $NBTS (live $LIVE)  air $GRP_DL:4729 on lo"
