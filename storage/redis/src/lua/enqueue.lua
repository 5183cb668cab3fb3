-- New runs, all or none: nothing below can fail once the first is written.
local answers, at = {}, ARG_FIRST
for i = RUN_FIRST, #KEYS do
  answers[#answers + 1], at = store(KEYS[i], at)
end
local queues, must_wait = flush()
return { answers, queues, must_wait }
