-- Makes a failed or cancelled run pending again. ARGV: the trigger's number.
-- Answers its status before, or -1.
local key, id = KEYS[RUN_FIRST], id_of(KEYS[RUN_FIRST])
local run = look(id)
if not run then return { -1, {}, 0 } end
if run.status ~= 4 and run.status ~= 5 then return { run.status, {}, 0 } end
again(key, id, run, ARGV[ARG_FIRST])
local queues = flush()
return { run.status, queues, 0 }
