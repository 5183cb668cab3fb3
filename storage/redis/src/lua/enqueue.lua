-- New runs, all or none: nothing below can fail once the first is written. ARGV: groups of
-- runs alike, in the order of KEYS. Answers the places, from 0, of runs that were there.
local there, key, at = {}, RUN_FIRST, ARG_FIRST
while key <= #KEYS do
  local next_at = store(key, at, there)
  key, at = key + tonumber(ARGV[at]), next_at
end
local queues, must_wait = flush()
return { there, queues, must_wait }
