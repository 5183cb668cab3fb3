-- Closes a batch. KEYS: the batch. ARGV: its id. Answers whether there is one.
if redis.call('EXISTS', KEYS[RUN_FIRST]) == 0 then return 0 end
redis.call('HSET', KEYS[RUN_FIRST], 'closed', '1')
index_batch(ARGV[ARG_FIRST])
return 1
