-- Notes progress. ARGV for each run: lease number, progress or '', item counts or ''.
for i = RUN_FIRST, #KEYS do
  local at = ARG_FIRST + 3 * (i - RUN_FIRST)
  local run = redis.call('HMGET', KEYS[i], 'status', 'lease')
  if run[1] == '2' and run[2] == ARGV[at] then
    if ARGV[at + 1] ~= '' then redis.call('HSET', KEYS[i], 'progress', ARGV[at + 1]) end
    if ARGV[at + 2] ~= '' then redis.call('HSET', KEYS[i], 'counts', ARGV[at + 2]) end
  end
end
return 1
