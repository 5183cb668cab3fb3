-- New runs of which some wait for others, all or none: nothing below can fail once the first is
-- written. ARGV: how many wait; for each its place among the runs, from 0, and packed for whom:
-- 16 bytes of id and a digit; then as enqueue. Answers the places of runs that were there, the
-- queues and notices; or -1, and the place of a run and the run it waits for, which is not there;
-- or -2 and a batch that takes none of its runs.
local there, key, at, links = {}, RUN_FIRST, ARG_FIRST + 1, {}
local batch = {}
for i = RUN_FIRST, #KEYS do batch[KEYS[i]] = true end
for i = 1, tonumber(ARGV[ARG_FIRST]) do
  local own = KEYS[RUN_FIRST + tonumber(ARGV[at])]
  if redis.call('EXISTS', own) == 0 then
    local packed = ARGV[at + 1]
    for from = 1, #packed, 17 do
      local parent = run_key(sub(packed, from, from + 15))
      if not batch[parent] and redis.call('EXISTS', parent) == 0 then
        return { -1, tonumber(ARGV[at]), id_of(parent) }
      end
    end
    links[#links + 1] = { id = id_of(own), packed = packed }
  end
  at = at + 2
end
local closed = closed_batch(key, at)
if closed then return { -2, closed } end
while key <= #KEYS do
  local next_at = store(key, at, there)
  key, at = key + tonumber(ARGV[at]), next_at
end
for _, link in ipairs(links) do
  for from = 1, #link.packed, 17 do
    local parent, on = sub(link.packed, from, from + 15), sub(link.packed, from + 16, from + 16)
    redis.call('HSET', after_key(link.id), parent, on)
    redis.call('ZADD', followers_key(parent), 0, link.id)
    redis.call('HSET', run_key(parent), 'followed', '1')
  end
end
-- Only now, for one that had ended is noted once somebody waits for it.
for _, link in ipairs(links) do
  for from = 1, #link.packed, 17 do
    local parent = sub(link.packed, from, from + 15)
    local run = look(parent)
    if run and run.status >= 3 and run.status <= 5 then note_end(parent, run.status) end
  end
end
local queues, must_wait = flush()
return { there, queues, must_wait }
