-- Decides which of two transitions `apply` then writes, and keeps what the run waits for. ARGV
-- beside those of a transition: the wait, packed; the change where a signal is there; the signal's
-- name, or ''.
do
  local key, at = KEYS[RUN_FIRST], ARG_FIRST
  local state = redis.pcall('HGET', key, 'state')
  local is_held = type(state) == 'string' and #state == STATE_BYTES and sub(state, 1, 1) == '2'
    and byte(state, 2) ~= YES and sub(state, 27, 30) == sub(ARGV[at], 1, 4)
  if is_held then
    local id, name = id_of(key), ARGV[at + 7]
    redis.call('HSET', signals_key(id), '', ARGV[at + 5])
    if name ~= '' then
      local _, _, first = look_at_signals(id, name)
      if first then ARGV[at] = ARGV[at + 6] end
    end
  end
end
