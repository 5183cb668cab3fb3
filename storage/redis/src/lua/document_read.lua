-- Reads a document. KEYS: it. Answers its revision, its instant and its body, or nothing.
local fields = redis.call('HMGET', KEYS[1], 'revision', 'at', 'body')
if not fields[1] then return {} end
return { fields[1], fields[2] or '', fields[3] or '' }
