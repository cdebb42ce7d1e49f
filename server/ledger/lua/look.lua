-- KEYS prefix   ARGV triple name sent, then each reference's
local P = KEYS[1]
local v = resolve(P, ARGV[1], ARGV[2], tonumber(ARGV[3]), 4)
if v.alert then return {'already', v.alert, v.digest, v.chain} end
local plan, crc = '', ''
if v.head then
    local h = redis.call('HMGET', P .. 'alert:' .. v.head, 'plan', 'crc')
    plan, crc = h[1] or '', h[2] or ''
end
local references = {}
for _, r in ipairs(v.references) do
    references[#references + 1] = r.how
    references[#references + 1] = r.stated
end
return {'view', v.seen, v.chain, v.closed and 1 or 0, v.late and 1 or 0, v.head or '', plan, crc, v.others, references}
