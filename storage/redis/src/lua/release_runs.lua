-- Lets go of runs that are held. Answers for each its status before, -1 if there is none, 70 if
-- it waits for other runs or a limit holds it, which alone let it go.
local BY_OTHERS = 70
local before, first_at = {}, {}
local function standing(id)
  local run = look(id)
  if not run then return -1 end
  if run.status == 7 and (run.line or redis.call('EXISTS', after_key(id)) == 1) then
    return BY_OTHERS, run
  end
  return run.status, run
end
for i = RUN_FIRST, #KEYS do
  local id = id_of(KEYS[i])
  local status, run = standing(id)
  if status == 7 and not first_at[id] then
    let_go(KEYS[i], id, run)
    first_at[id] = i
  end
  before[#before + 1] = status
end
local queues, must_wait = flush()
-- One that stands twice is answered as it then stands, which limits may have changed.
for i = RUN_FIRST, #KEYS do
  local id = id_of(KEYS[i])
  if first_at[id] and first_at[id] < i then before[i - RUN_FIRST + 1] = (standing(id)) end
end
return { before, queues, must_wait }
