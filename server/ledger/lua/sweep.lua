-- KEYS want   ARGV before_ms   ended records whose alert is long over
local gone, all = 0, redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
    local _, _, phase, _, _, _, _, expires = struct.unpack('>I2I2c1c1BI2I4I8', all[i + 1])
    if phase == 'x' and expires < tonumber(ARGV[1]) then
        redis.call('HDEL', KEYS[1], all[i])
        gone = gone + 1
    end
end
return gone
