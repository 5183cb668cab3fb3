-- Deletes a document of a revision. KEYS: the places and the names of its kind, the document.
-- ARGV: its place, its name, the revision.
if redis.call('HGET', KEYS[3], 'revision') ~= ARGV[3] then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[2])
return redis.call('DEL', KEYS[3])
