-- Makes a failed or cancelled run pending again. ARGV: the trigger's number.
-- Answers its status before, or -1; or -2 and the run that holds its key.
local key, id = KEYS[RUN_FIRST], id_of(KEYS[RUN_FIRST])
local run = look(id)
if not run then return { -1, {}, 0 } end
if run.status ~= 4 and run.status ~= 5 then return { run.status, {}, 0 } end
local holder = again(key, id, run, ARGV[ARG_FIRST])
if holder then return { -2, {}, 0, holder } end
local queues = flush()
return { run.status, queues, 0 }
