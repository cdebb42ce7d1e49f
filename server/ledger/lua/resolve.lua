-- Put in front of look and accept: what is known of a message's own triple and of its references.
-- P is the mode's prefix; all keys made from it lie in the intake's one slot.
--   P id:<triple>      digest alert chain stated    or a tombstone: early early_by chain
--   P name:<name>      latest sent sender identifier stated chain   and/or early early_by early_chain until
--   P chain:<chain>    ordinal revision head sent closed into members
local function follow(P, chain)
    for _ = 1, 64 do
        local into = redis.call('HGET', P .. 'chain:' .. chain, 'into')
        if not into then break end
        chain = into
    end
    return chain
end

-- references from ARGV[first]: triple digest, name digest, sent, each
local function resolve(P, digest, name, sent, first)
    local out = {references = {}, others = {}}
    local own = redis.call('HMGET', P .. 'id:' .. digest, 'digest', 'alert', 'chain', 'early', 'early_by')
    if own[2] then
        out.digest, out.alert, out.chain = own[1], own[2], own[3]
        return out
    end
    local mine
    out.early, out.early_by, mine = own[4] or '', own[5] or '', own[3]
    if not mine then
        local n = redis.call('HMGET', P .. 'name:' .. name, 'latest', 'early', 'early_by', 'early_chain', 'until')
        if n[2] and not n[1] and sent <= tonumber(n[5]) then
            out.early, out.early_by, mine = n[2], n[3], n[4]
        end
    end
    if mine then mine = follow(P, mine) end
    local seen = {out.early .. '/' .. (mine or '')}
    local candidates, known = {}, {}
    local function candidate(chain)
        if not known[chain] then
            known[chain] = true
            candidates[#candidates + 1] = chain
        end
    end
    for i = first, #ARGV, 3 do
        local chain
        local r = redis.call('HMGET', P .. 'id:' .. ARGV[i], 'alert', 'chain', 'stated')
        local n = redis.call('HMGET', P .. 'name:' .. ARGV[i + 1], 'latest', 'chain', 'stated', 'early_chain')
        local reference = {how = 'u', stated = ''}
        if r[1] then
            reference.how, reference.stated, chain = 'x', r[3], r[2]
        elseif n[1] and n[1] ~= digest then
            reference.how, reference.stated, chain = 'n', n[3], n[2]
        else
            chain = r[2] or n[4]
        end
        if chain then
            chain = follow(P, chain)
            candidate(chain)
        end
        seen[#seen + 1] = reference.how .. (chain or '')
        out.references[#out.references + 1] = reference
    end
    if mine then candidate(mine) end
    table.sort(candidates)
    local chains, open, shut = {}, {}, {}
    for _, chain in ipairs(candidates) do
        local c = redis.call('HMGET', P .. 'chain:' .. chain, 'ordinal', 'revision', 'closed', 'head', 'sent')
        chains[chain] = {ordinal = tonumber(c[1] or 0), closed = c[3], head = c[4], sent = tonumber(c[5] or 0)}
        seen[#seen + 1] = chain .. '/' .. (c[2] or '0') .. '/' .. (c[3] or '')
        local list = c[3] and shut or open
        list[#list + 1] = chain
    end
    local function older(a, b) return chains[a].ordinal < chains[b].ordinal end
    table.sort(open, older)
    table.sort(shut, older)
    local newest = open[1]
    for _, chain in ipairs(open) do
        if chains[chain].sent > chains[newest].sent then newest = chain end
    end
    -- Only the newest of what a message joins may stay up (E4): a late one takes over nothing newer.
    local late = out.early == 'update' or newest and sent < chains[newest].sent
    if mine and (out.early == 'cancel' or chains[mine].closed) then
        out.chain = mine
    else
        out.chain = late and newest or open[1] or shut[1] or digest
    end
    for _, chain in ipairs(open) do
        if chain ~= out.chain then out.others[#out.others + 1] = chain end
    end
    local primary = chains[out.chain] or {sent = 0}
    out.head = primary.head
    out.was_closed = primary.closed
    out.closed = out.early == 'cancel' or primary.closed ~= nil and primary.closed ~= false
    out.late = late or sent < primary.sent
    out.seen = redis.sha1hex(table.concat(seen, '|'))
    return out
end
