-- KEYS base prefix   ARGV chain
local head = redis.call('HGET', KEYS[2] .. 'chain:' .. ARGV[1], 'head')
return {head and record(KEYS[1], head, true)}
