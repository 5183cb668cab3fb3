//! From an address as people write it to options.
//!
//! **Invariant:** no message repeats the address or a part that may be a secret.

use crate::options::{Host, RedisOptions, Topology};

const FORMS: &str = "use redis://, redis+sentinel:// or redis-cluster:// (rediss for TLS), such \
                     as redis://user:password@host:6379/0";

/// What follows the scheme.
struct Parts<'a> {
    login: Option<&'a str>,
    hosts: &'a str,
    path: Vec<&'a str>,
}

pub(crate) fn parse(url: &str) -> Result<RedisOptions, String> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(format!("the address has no scheme: {FORMS}"));
    };
    let parts = Parts::of(rest)?;
    let mut options = RedisOptions::standalone("", 0);
    let kind = match scheme.strip_prefix("redis") {
        Some(kind) => kind,
        None => return Err(format!("unknown scheme {scheme:?}: {FORMS}")),
    };
    options.tls = kind.starts_with('s');
    let mut path = parts.path.iter().copied();
    let port = match kind.strip_prefix('s').unwrap_or(kind) {
        "" => 6379,
        "-cluster" => {
            options.topology = Topology::Cluster;
            6379
        }
        "+sentinel" => {
            let master =
                path.next().ok_or("name the master: redis+sentinel://host:26379/master")?;
            options.topology = Topology::Sentinel { master: master.to_owned() };
            26379
        }
        _ => return Err(format!("unknown scheme {scheme:?}: {FORMS}")),
    };
    if let Some(database) = path.next() {
        options.database =
            database.parse().map_err(|_| "the database is no number: use 0, 1, ...".to_owned())?;
    }
    if path.next().is_some() {
        return Err(format!("the address has too many parts: {FORMS}"));
    }
    options.hosts =
        parts.hosts.split(',').map(|text| host(text, port)).collect::<Result<_, _>>()?;
    if options.topology == Topology::Standalone && options.hosts.len() > 1 {
        return Err("several servers need redis+sentinel:// or redis-cluster://".to_owned());
    }
    if let Some(login) = parts.login {
        let (user, password) = login.split_once(':').map_or((login, None), |(u, p)| (u, Some(p)));
        options.user = (!user.is_empty()).then(|| decoded(user)).transpose()?;
        options.password = password.map(decoded).transpose()?;
    }
    Ok(options)
}

impl<'a> Parts<'a> {
    fn of(rest: &'a str) -> Result<Self, String> {
        if rest.contains(['?', '#']) {
            return Err("the address has options after '?': set them by their own names".to_owned());
        }
        // The last '@', for a password may hold one that was not written as %40.
        let (login, place) = rest.rsplit_once('@').map_or((None, rest), |(l, p)| (Some(l), p));
        let (hosts, path) = place.split_once('/').unwrap_or((place, ""));
        let path = path.split('/').filter(|part| !part.is_empty()).collect();
        Ok(Self { login, hosts, path })
    }
}

fn host(text: &str, standard_port: u16) -> Result<Host, String> {
    let bad_port = |_| "a port is no number from 1 to 65535".to_owned();
    let (name, port) = if let Some(rest) = text.strip_prefix('[') {
        let (name, port) = rest.split_once(']').ok_or("an IPv6 address lacks its ']'")?;
        (name, port.strip_prefix(':'))
    } else {
        text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)))
    };
    if name.is_empty() {
        return Err(format!("the address names no server: {FORMS}"));
    }
    let port = port.map(str::parse).transpose().map_err(bad_port)?.unwrap_or(standard_port);
    if port == 0 {
        return Err("a port is no number from 1 to 65535".to_owned());
    }
    Ok(Host { name: name.to_owned(), port })
}

fn decoded(text: &str) -> Result<String, String> {
    let invalid = || "user or password: '%' must begin two hexadecimal digits".to_owned();
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
            let (Some(high), Some(low)) = (digit(), digit()) else { return Err(invalid()) };
            bytes.push(u8::try_from(high * 16 + low).map_err(|_| invalid())?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_understood() {
        let one = parse("redis://h").expect("good");
        assert_eq!(one.hosts, [Host { name: "h".to_owned(), port: 6379 }]);
        assert_eq!((one.database, one.tls, one.topology), (0, false, Topology::Standalone));
        let full = parse("rediss://me:p%40ss:w@[::1]:7000/3").expect("good");
        assert_eq!(full.hosts, [Host { name: "::1".to_owned(), port: 7000 }]);
        assert_eq!(full.user.as_deref(), Some("me"));
        assert_eq!(full.password.as_deref(), Some("p@ss:w"));
        assert_eq!((full.database, full.tls), (3, true));
        let sentinel = parse("redis+sentinel://:pw@a,b:1/mymaster/2").expect("good");
        assert_eq!(sentinel.topology, Topology::Sentinel { master: "mymaster".to_owned() });
        assert_eq!(sentinel.hosts[0].port, 26379);
        assert_eq!((sentinel.hosts.len(), sentinel.database), (2, 2));
        assert_eq!(sentinel.user, None);
        let cluster = parse("redis-cluster://a:1,b:2,c").expect("good");
        assert_eq!((cluster.hosts.len(), cluster.topology), (3, Topology::Cluster));
    }

    #[test]
    fn each_mistake_is_told_in_one_line_without_the_password() {
        let wrong = [
            "localhost:6379",
            "http://:secret@h",
            "redis://",
            "redis://:secret@h:port",
            "redis://:secret@h/zero",
            "redis://:secret@h/0/1",
            "redis://:secret@a,b",
            "redis+sentinel://:secret@a",
            "redis://:secret%zz@a",
            "redis://:secret@a?db=1",
            "redisX://:secret@a",
        ];
        for url in wrong {
            let message = parse(url).expect_err(url);
            assert!(!message.contains("secret") && !message.contains('\n'), "{url}: {message}");
        }
    }
}
