-- KEYS stream   ARGV after limit   what is there, and enough to tell whether something before it is gone
if redis.call('EXISTS', KEYS[1]) == 0 then return {'', '', 0, {}} end
local info, about = redis.call('XINFO', 'STREAM', KEYS[1]), {}
for i = 1, #info, 2 do about[info[i]] = info[i + 1] end
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
local from = ARGV[1] == '' and '-' or '(' .. ARGV[1]
return {about['last-generated-id'], first and first[1] or '', about['entries-added'] > about['length'] and 1 or 0,
    redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', ARGV[2])}
