//! Redis's protocol, as far as servers are asked here.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::RedisSettings;

/// How long a server may take to answer one question. Moving keys takes longest.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How long a server that starts may take to answer, before it is asked anew.
pub(super) const GREETING_MAX: Duration = Duration::from_millis(500);
/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// What an answer may have at most: bytes of a text, or entries of a list.
const LENGTH_MAX: usize = 16 * 1024 * 1024;
/// How deep lists may lie in lists.
const DEPTH_MAX: usize = 8;

/// A server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Bytes(Vec<u8>),
    Number(i64),
    List(Vec<Reply>),
    Nothing,
}

impl Reply {
    /// As text, with lists one entry a line.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Number(number) => number.to_string(),
            Self::List(entries) => entries.iter().map(Self::text).collect::<Vec<_>>().join("\n"),
            Self::Nothing => String::new(),
        }
    }

    /// The entries of a list; of anything else, none.
    pub(super) fn entries(self) -> Vec<Self> {
        match self {
            Self::List(entries) => entries,
            _ => Vec::new(),
        }
    }
}

/// A connection to a server.
#[derive(Debug)]
pub(super) struct Wire {
    stream: BufReader<TcpStream>,
}

impl Wire {
    /// Connects to a port of this machine, and logs in where the settings have a password.
    pub(super) fn connect(port: u16, settings: &RedisSettings) -> io::Result<Self> {
        Self::connect_within(port, settings, ANSWER_MAX)
    }

    /// Connects to a server that has so long for each answer.
    pub(super) fn connect_within(
        port: u16,
        settings: &RedisSettings,
        answer_max: Duration,
    ) -> io::Result<Self> {
        let place = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&place, CONNECT_MAX)?;
        stream.set_read_timeout(Some(answer_max))?;
        stream.set_nodelay(true)?;
        let mut wire = Self { stream: BufReader::new(stream) };
        if let Some(password) = &settings.password {
            wire.ask(&["AUTH", settings.user.as_deref().unwrap_or("default"), password])?;
        }
        Ok(wire)
    }

    /// The answer to a command of these words. An error of the server is an error.
    pub(super) fn ask<W: AsRef<[u8]>>(&mut self, words: &[W]) -> io::Result<Reply> {
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words.iter().map(AsRef::as_ref) {
            write!(bytes, "${}\r\n", word.len())?;
            bytes.extend_from_slice(word);
            bytes.extend_from_slice(b"\r\n");
        }
        self.stream.get_mut().write_all(&bytes)?;
        self.read(DEPTH_MAX)
    }

    fn read(&mut self, depth: usize) -> io::Result<Reply> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let line = line.trim_end();
        let (kind, rest) = line.split_at_checked(1).ok_or_else(|| strange("no answer"))?;
        match kind {
            "+" => Ok(Reply::Bytes(rest.as_bytes().to_vec())),
            "-" => Err(io::Error::other(rest.to_owned())),
            ":" => rest.parse().map(Reply::Number).map_err(|_| strange(line)),
            "$" | "*" if rest == "-1" => Ok(Reply::Nothing),
            "$" => {
                let length = length(rest)?;
                let mut bytes = vec![0; length + 2];
                self.stream.read_exact(&mut bytes)?;
                bytes.truncate(length);
                Ok(Reply::Bytes(bytes))
            }
            "*" if depth > 0 => {
                let entries = (0..length(rest)?).map(|_| self.read(depth - 1));
                entries.collect::<io::Result<_>>().map(Reply::List)
            }
            _ => Err(strange(line)),
        }
    }
}

fn length(text: &str) -> io::Result<usize> {
    let length = text.parse().map_err(|_| strange(text))?;
    if length > LENGTH_MAX { Err(strange(text)) } else { Ok(length) }
}

fn strange(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("Redis answered strangely: {text}"))
}
