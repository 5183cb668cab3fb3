-- One certain run for a worker. ARGV: worker, lease in microseconds.
-- Answers what stands against it: -1 there is none, 99 set aside, 2 running and whose, 1 not
-- yet due and when, or the status it ended as or is held in; or 0 and what claim answers.
local id = id_of(KEYS[RUN_FIRST])
local run = look(id)
if not run then return { -1 } end
if run.status == 2 then return { 2, sub(run.state, 39, 54) } end
if run.status == 1 or run.status == 6 then
  if run.due > NOW then return { 1, whole(run.due) } end
elseif run.status ~= 0 then
  return { run.status }
end
if run.status ~= 0 and not run.slots and redis.call('EXISTS', LIMITS) == 1 then
  -- As if it had been promoted: then a limit holds it, where one applies.
  redis.call('HSET', run_key(id), 'state', '0' .. sub(run.state, 2))
  leave(id, run)
  enter(id, run.lane, run.priority, 0, run.due)
  flush()
  adds, removes, deltas, told, ready, shortened, entered = {}, {}, {}, {}, {}, {}, {}
  run = look(id)
  if run.status ~= 0 then return { run.status } end
end
leave(id, run)
count(run.lane, run.status, 1)
take(id, run.lane)
count_started(run.status)
flush()
return { 0, claimed }
