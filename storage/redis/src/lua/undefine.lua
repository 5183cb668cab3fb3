-- Deletes a definition. KEYS: the names, the schedules, the definition. ARGV: its name.
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[3])
