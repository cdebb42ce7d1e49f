-- KEYS seal head   ARGV sealed_so_far, then entry number before hash, each   only one may go on from there
if (redis.call('HGET', KEYS[2], 'n') or '0') ~= ARGV[1] then return 'moved' end
for i = 2, #ARGV, 4 do
    redis.call('XADD', KEYS[1], ARGV[i], 'n', ARGV[i + 1], 'p', ARGV[i + 2], 'h', ARGV[i + 3])
end
local last = #ARGV - 3
redis.call('HSET', KEYS[2], 'entry', ARGV[last], 'n', ARGV[last + 1], 'hash', ARGV[last + 3])
return 'sealed'
