-- Deletes a schedule of a revision. KEYS: the names, those due, the schedule. ARGV: its name,
-- the revision.
if redis.call('HGET', KEYS[3], 'revision') ~= ARGV[2] then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[3])
