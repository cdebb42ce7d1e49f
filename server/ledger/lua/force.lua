-- KEYS base prefix   ARGV now
local out = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2] .. 'force', '(' .. ARGV[1], '+inf')) do
    out[#out + 1] = record(KEYS[1], id, true)
end
return out
