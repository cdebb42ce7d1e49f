-- KEYS events all   ARGV name data alert keep
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], '*', 'n', ARGV[1], 'd', ARGV[2])
return {id, redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'n', ARGV[1], 'd', ARGV[2], 'a', ARGV[3])}
