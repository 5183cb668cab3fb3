-- What an admission begins with: the time, the version of what it goes by, the limits, the scopes
-- that still have ready runs to hold, and the first runs of all lines, each as its place, its id and
-- its line. ARGV: how many at most.
return { whole(NOW), redis.call('GET', P .. 'flow:version') or '0', redis.call('HGETALL', LIMITS),
  redis.call('SMEMBERS', P .. 'flow:settling'),
  redis.call('ZRANGE', ORDER, 0, tonumber(ARGV[ARG_FIRST]) - 1) }
