-- Put in front of what reads alerts. B is "t1:{in}:"; an id's first letter is its mode.
local function record(B, id, full)
    local P = B .. string.sub(id, 1, 1) .. ':'
    local r = redis.call('HMGET', P .. 'alert:' .. id, 'state', 'kind', 'chain', 'ordinal', 'revision', 'at', 'expires',
        'sent', 'by', 'number', 'sender', 'identifier', 'stated', 'facts', 'crc', 'v')
    if not r[1] then return false end
    local body = full and redis.call('HMGET', P .. 'alert:' .. id, 'cap', 'plan') or {'', ''}
    local c = redis.call('HMGET', P .. 'chain:' .. r[3], 'head', 'ordinal', 'revision')
    return {id, r, c, body}
end
