-- What the server that holds the keys says of itself. KEYS: any, to find the server.
return redis.call('INFO')
