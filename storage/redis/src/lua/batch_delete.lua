-- Deletes batches that are complete and have no unfinished member. KEYS: the batches.
-- Answers how many went. Their members stay in `members:`, until they go themselves.
local gone = 0
for i = RUN_FIRST, #KEYS do
  local id = id_of(KEYS[i])
  local of = redis.call('HMGET', KEYS[i], 'completed_at', 'unfinished', 'tenant', 'parent')
  if of[1] and of[2] == '0' then
    redis.call('DEL', KEYS[i])
    for _, index in ipairs({ 'batches', 'batches:due', 'batches:ended', 'batches:of:' .. of[3] }) do
      redis.call('ZREM', P .. index, id)
    end
    if of[4] then redis.call('ZREM', P .. 'batches:in:' .. of[4], id) end
    gone = gone + 1
  end
end
return gone
