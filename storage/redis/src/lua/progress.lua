-- Notes progress. ARGV for each run: lease number, packed; progress or '', item counts or ''.
for i = RUN_FIRST, #KEYS do
  local at = ARG_FIRST + 3 * (i - RUN_FIRST)
  local state = redis.call('HGET', KEYS[i], 'state')
  if state and sub(state, 1, 1) == '2' and sub(state, 27, 30) == ARGV[at] then
    if ARGV[at + 1] ~= '' then redis.call('HSET', KEYS[i], 'progress', ARGV[at + 1]) end
    if ARGV[at + 2] ~= '' then redis.call('HSET', KEYS[i], 'counts', ARGV[at + 2]) end
  end
end
return 1
