-- A new batch with its callbacks, all or none. KEYS: the callbacks, the batch. ARGV: its id, tenant,
-- name, parent and the ids of its callbacks, each '' where there is none; then the callbacks as
-- groups. Answers 0 created, 1 it was there, 2 its parent takes no members; the queues and notices.
local BATCH, id, tenant, name, parent = KEYS[#KEYS], unpack(ARGV, ARG_FIRST, ARG_FIRST + 3)
local on_complete, on_success = ARGV[ARG_FIRST + 4], ARGV[ARG_FIRST + 5]
if redis.call('EXISTS', BATCH) == 1 then return { 1, {}, 0 } end
if parent ~= '' and not takes(parent, tenant) then return { 2, {}, 0 } end
local key, at = RUN_FIRST, ARG_FIRST + 6
while key < #KEYS do
  local next_at = store(key, at, {})
  key, at = key + tonumber(ARGV[at]), next_at
end
redis.call('HSET', BATCH, 'tenant', tenant, 'created_at', whole(NOW), 'closed', '0', 'total', '0',
  'unfinished', '0', 'completed', '0', 'failed', '0', 'cancelled', '0')
local function put(field, value)
  if value ~= '' then redis.call('HSET', BATCH, field, value) end
end
put('name', name)
put('parent', parent)
put('on_complete', on_complete)
put('on_success', on_success)
redis.call('ZADD', P .. 'batches', 0, id)
redis.call('ZADD', P .. 'batches:of:' .. tenant, 0, id)
if parent ~= '' then
  redis.call('ZADD', P .. 'batches:in:' .. parent, 0, id)
  add_members(parent, 1)
end
local queues, must_wait = flush()
return { 0, queues, must_wait }
