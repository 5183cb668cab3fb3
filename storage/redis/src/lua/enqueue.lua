-- New runs, all or none: nothing below can fail once the first is written. ARGV: groups of
-- runs alike, in the order of KEYS. Answers the places, from 0, of runs that were there; or -2 and
-- a batch that takes none of its runs.
local there, key, at = {}, RUN_FIRST, ARG_FIRST
local closed = closed_batch(key, at)
if closed then return { -2, closed } end
while key <= #KEYS do
  local next_at = store(key, at, there)
  key, at = key + tonumber(ARGV[at]), next_at
end
local queues, must_wait = flush()
return { there, queues, must_wait }
