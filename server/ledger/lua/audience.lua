-- KEYS audiences pages garbage   ARGV name index pages due   the new version is there; the old one's pages go later
local old = redis.call('HGET', KEYS[2], ARGV[1])
if old then redis.call('ZADD', KEYS[3], ARGV[4], old) end
if ARGV[2] == '' then
    redis.call('HDEL', KEYS[2], ARGV[1])
    return redis.call('HDEL', KEYS[1], ARGV[1])
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('ZREM', KEYS[3], ARGV[3])
return 1
