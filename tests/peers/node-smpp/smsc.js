// A foreign codec in the role of a message centre, on the npm package "smpp". All options by environment:
//   PORT (0: any, printed as "port N")  USER_ID PASS (tocsin secret)  DLR_DELAY_MS (5)  DLR_LOSS (0..1)  IDFMT hexhex|hexdec|dec|uuid
//   THROTTLE_TPS (0 = off)  ERR_RATE (0..1)  ERR_CODE (0x08)  DROP_AFTER (close the link after n submits, 0 = never)
//   NO_TLV (1 = receipt without TLVs)  RESP_DELAY_MS (0)  DLR_FIRST (1 = receipt before submit_sm_resp)  NODE_PATH for the package
const smpp = require('smpp');
const E = process.env, num = (k, d) => (E[k] === undefined ? d : Number(E[k]));
const port = num('PORT', 0), user = E.USER_ID || 'tocsin', pass = E.PASS || 'secret';
const delay = num('DLR_DELAY_MS', 5), loss = num('DLR_LOSS', 0), idfmt = E.IDFMT || 'hexhex';
const tps = num('THROTTLE_TPS', 0), errRate = num('ERR_RATE', 0), errCode = num('ERR_CODE', 8);
const dropAfter = num('DROP_AFTER', 0), noTlv = num('NO_TLV', 0), respDelay = num('RESP_DELAY_MS', 0), dlrFirst = num('DLR_FIRST', 0);
// What the foreign decoder made of our words: the first 16 different ones, as source|data_coding|words.
const seen = new Set();
let n = 0, submits = 0, receipts = 0, acked = 0, throttled = 0, binds = 0;
// Links that take receipts: a transmitter's go by one of them.
const bringing = new Set();
const two = (x) => String(x).padStart(2, '0');
const stamp = (d) => two(d.getFullYear() % 100) + two(d.getMonth() + 1) + two(d.getDate()) + two(d.getHours()) + two(d.getMinutes());
function ids() {
  n += 1; const v = 0x10000000 + n, hex = v.toString(16).toUpperCase(), dec = String(v);
  if (idfmt === 'dec') return [dec, dec];
  if (idfmt === 'hexdec') return [hex, dec];
  if (idfmt === 'uuid') { const u = require('crypto').randomUUID(); return [u, u.toUpperCase()]; }
  return [hex, hex];
}
// TLS_KEY and TLS_CERT: files; the server then speaks TLS only.
const tls = E.TLS_KEY ? { key: require('fs').readFileSync(E.TLS_KEY), cert: require('fs').readFileSync(E.TLS_CERT) } : {};
const server = smpp.createServer(tls, (link) => {
  let bound = false, transmits = false, mine = 0, bucket = tps, last = Date.now();
  const onBind = (pdu) => {
    if (pdu.system_id !== user || pdu.password !== pass) { link.send(pdu.response({ command_status: smpp.ESME_RINVPASWD })); link.close(); return; }
    if (bound) { link.send(pdu.response({ command_status: smpp.ESME_RALYBND })); return; }
    bound = true; binds += 1; transmits = pdu.command === 'bind_transmitter';
    if (!transmits) bringing.add(link);
    link.send(pdu.response({ system_id: 'NODESMSC' }));
  };
  for (const b of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) link.on(b, onBind);
  link.on('enquire_link', (pdu) => link.send(pdu.response()));
  link.on('unbind', (pdu) => { link.send(pdu.response()); link.close(); });
  link.on('deliver_sm_resp', () => { acked += 1; });
  link.on('error', () => {});
  link.on('close', () => bringing.delete(link));
  link.on('submit_sm', (pdu) => {
    submits += 1; mine += 1;
    if (seen.size < 16) seen.add([pdu.source_addr, pdu.data_coding, pdu.short_message.message || pdu.message_payload.message].join('|'));
    if (!bound) { link.send(pdu.response({ command_status: smpp.ESME_RINVBNDSTS })); return; }
    if (tps) {
      const t = Date.now(); bucket = Math.min(tps, bucket + (t - last) * tps / 1000); last = t;
      if (bucket < 1) { throttled += 1; link.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED })); return; }
      bucket -= 1;
    }
    if (errRate && Math.random() < errRate) { link.send(pdu.response({ command_status: errCode })); return; }
    const [id, rid] = ids();
    const answer = () => link.send(pdu.response({ message_id: id }));
    const receipt = () => {
      if (!(pdu.registered_delivery & 1) || Math.random() < loss) return;
      const d = stamp(new Date());
      const msg = { source_addr: pdu.destination_addr, source_addr_ton: 1, source_addr_npi: 1, destination_addr: pdu.source_addr, esm_class: 4,
        short_message: { message: Buffer.from(`id:${rid} sub:001 dlvrd:001 submit date:${d} done date:${d} stat:DELIVRD err:000 text:`) } };
      if (!noTlv) { msg.receipted_message_id = id; msg.message_state = 2; }
      const by = transmits ? [...bringing][n % bringing.size] : link;
      if (!by) return;
      receipts += 1; by.deliver_sm(msg);
    };
    if (dlrFirst) { receipt(); setTimeout(answer, Math.max(1, respDelay)); }
    else { if (respDelay) setTimeout(answer, respDelay); else answer(); setTimeout(receipt, respDelay + delay); }
    if (dropAfter && mine >= dropAfter) link.destroy();
  });
});
const stats = () => console.log(JSON.stringify({ submits, binds, receipts, acked, throttled, seen: [...seen], rss_mb: Math.round(process.memoryUsage().rss / 1048576), cpu_s: (process.cpuUsage().user + process.cpuUsage().system) / 1e6 }));
process.on('SIGUSR2', stats);
process.on('SIGTERM', () => { stats(); process.exit(0); });
server.listen(port, '127.0.0.1', () => console.log('port ' + server.address().port));
