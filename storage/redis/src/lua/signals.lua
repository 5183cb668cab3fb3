-- Signals of a run are a hash: its number (4 bytes) and name to its instant (8 bytes) and payload.
-- The empty name holds what the run was suspended for: 4 bytes lease, 8 bytes until when, '1' and
-- the name of a signal, or '0'.
local function signals_key(id) return P .. 'signals:' .. id end

-- How many signals are kept, the number of the last, and that of the first of a name.
local function look_at_signals(id, name)
  local kept, last, first = 0, 0, nil
  for _, field in ipairs(redis.call('HKEYS', signals_key(id))) do
    if field ~= '' then
      local number = struct.unpack('>I4', field)
      kept, last = kept + 1, math.max(last, number)
      if sub(field, 5) == name and (not first or number < first) then first = number end
    end
  end
  return kept, last, first
end
