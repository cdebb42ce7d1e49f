-- KEYS base recent   ARGV below limit   newest first
local out = {}
for _, id in ipairs(redis.call('ZREVRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '-inf', 'LIMIT', 0, ARGV[2])) do
    out[#out + 1] = record(KEYS[1], id, false)
end
return out
