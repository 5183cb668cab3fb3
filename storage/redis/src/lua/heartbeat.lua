-- Notes a sign of life. KEYS: workers, when they were seen. ARGV: now, id, record.
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[2], whole(read_clock(ARGV[1])), ARGV[2])
return 1
