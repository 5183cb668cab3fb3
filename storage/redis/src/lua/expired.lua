-- Runs whose lease has run out. ARGV: how many to pass over, limit. Writes nothing.
return redis.call('ZRANGEBYSCORE', RUNNING, '-inf', whole(NOW), 'LIMIT', ARGV[ARG_FIRST],
  ARGV[ARG_FIRST + 1])
