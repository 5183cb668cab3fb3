-- Names of schedules whose time has come. KEYS: the schedules. ARGV: now, limit.
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', whole(read_clock(ARGV[1])), 'LIMIT', 0,
  ARGV[2])
