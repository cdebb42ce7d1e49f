-- KEYS base recent orders ends   ARGV id   an archived alert leaves; its chain with its last member
local id, P = ARGV[1], KEYS[1] .. string.sub(ARGV[1], 1, 1) .. ':'
local a = redis.call('HMGET', P .. 'alert:' .. id, 'chain', 'ordinal', 'revision', 'triple')
redis.call('ZREM', KEYS[2], id)
redis.call('ZREM', KEYS[4], id)
redis.call('ZREM', P .. 'force', id)
if not a[1] then return 0 end
redis.call('HDEL', KEYS[3], a[2] .. '.' .. a[3])
redis.call('UNLINK', P .. 'alert:' .. id, P .. 'id:' .. a[4])
if redis.call('HINCRBY', P .. 'chain:' .. a[1], 'members', -1) <= 0 then
    redis.call('UNLINK', P .. 'chain:' .. a[1])
end
return 1
