-- KEYS base   ARGV id
return {record(KEYS[1], ARGV[1], true)}
