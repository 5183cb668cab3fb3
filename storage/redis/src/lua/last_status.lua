-- Notes how runs ended. KEYS: definitions. ARGV: each one's status.
for i = 1, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 then
    redis.call('HSET', KEYS[i], 'last_status', ARGV[i])
  end
end
return 1
