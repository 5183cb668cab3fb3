-- Asks a run to stop. ARGV: its id as text, the error of one that waits. Answers its status
-- before, or -1, and notices.
local key, id = KEYS[RUN_FIRST], id_of(KEYS[RUN_FIRST])
local run = look(id)
if not run then return { -1, {}, 0 } end
if run.status < 3 or run.status == 6 or run.status == 7 then
  stop(key, id, ARGV[ARG_FIRST], run, ARGV[ARG_FIRST + 1])
end
local queues, must_wait = flush()
return { run.status, queues, must_wait }
