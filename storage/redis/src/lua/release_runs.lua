-- Lets go of runs that are held. Answers for each its status before, -1 if there is none.
local before = {}
for i = RUN_FIRST, #KEYS do
  local id = id_of(KEYS[i])
  local run = look(id)
  local status = run and run.status or -1
  if status == 7 then
    local due, then_status = math.max(run.due, NOW), 0
    if run.due > NOW then then_status = 1 end
    local state = then_status .. sub(run.state, 2, 18) .. instant(due) .. sub(run.state, 27)
    redis.call('HSET', KEYS[i], 'state', state)
    leave(id, run)
    enter(id, run.lane, run.priority, then_status, due)
  end
  before[#before + 1] = status
end
local queues, must_wait = flush()
return { before, queues, must_wait }
