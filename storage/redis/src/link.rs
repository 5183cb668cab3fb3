//! The way to the server: makes a connection when there is none, and calls scripts over it.
//!
//! **Invariant:** a call whose answer was lost is sent again only if doing it twice does what
//! doing it once does. Any other is answered `Unavailable`, and its caller decides.

use std::time::Duration;

use parking_lot::Mutex;
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};

use crate::connection::{Conn, dial};
use crate::error::{ends_connection, was_turned_away};
use crate::options::RedisOptions;
use crate::script::Call;

/// How often a call is tried that the server turned away or that may be repeated.
const TRIES_MAX: u32 = 6;
/// Wait before the second try; twice as long before each later one.
const RETRY_WAIT: Duration = Duration::from_millis(50);

/// The way to the server.
pub(crate) struct Link {
    options: RedisOptions,
    /// The connection in use, and how many there were before it.
    current: Mutex<(Option<Conn>, u64)>,
    /// Held while a connection is made, so that one caller makes it and the others wait.
    dialling: tokio::sync::Mutex<()>,
}

impl Link {
    pub(crate) fn new(options: RedisOptions) -> Self {
        let (current, dialling) = (Mutex::new((None, 0)), tokio::sync::Mutex::new(()));
        Self { options, current, dialling }
    }

    /// Calls a script. Where replicas have to acknowledge what it wrote, waits for them.
    pub(crate) async fn call(&self, call: &Call) -> RedisResult<Value> {
        let answer = self.persist(&Request::Call(call)).await?;
        if self.options.replicas_acked > 0 && !call.is_repeatable() {
            self.await_replicas().await?;
        }
        Ok(answer)
    }

    /// Waits until as many replicas as are asked for have all that this connection wrote.
    async fn await_replicas(&self) -> RedisResult<()> {
        let wanted = self.options.replicas_acked;
        let patience = self.options.response_timeout / 2;
        let mut command = redis::cmd("WAIT");
        command.arg(wanted).arg(patience.as_millis().max(1).to_string());
        // Not tried again: another connection has written nothing, and so waits for nothing.
        let request = Request::Command(&command);
        let answer = self.try_once(&request).await.map_err(|failure| failure.error)?;
        match answer {
            Value::Int(acked) if acked >= i64::from(wanted) => Ok(()),
            _ => Err(too_few_replicas()),
        }
    }

    /// Calls scripts, all of which may be repeated, in one go.
    pub(crate) async fn call_all(&self, calls: &[Call]) -> RedisResult<()> {
        self.persist(&Request::Calls(calls)).await.map(drop)
    }

    /// Sends a command that may be repeated.
    pub(crate) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        self.persist(&Request::Command(command)).await
    }

    /// Sends commands that may be repeated, in one go.
    pub(crate) async fn read(&self, commands: &Pipeline) -> RedisResult<Vec<Value>> {
        match self.persist(&Request::Commands(commands)).await? {
            Value::Array(answers) => Ok(answers),
            answer => Ok(vec![answer]),
        }
    }

    /// Drops the connection; the next call makes a new one.
    pub(crate) fn hang_up(&self) {
        self.current.lock().0 = None;
    }

    async fn persist(&self, request: &Request<'_>) -> RedisResult<Value> {
        let mut wait = RETRY_WAIT;
        for _ in 1..TRIES_MAX {
            match self.try_once(request).await {
                Ok(answer) => return Ok(answer),
                Err(Failure { error, may_repeat: false }) => return Err(error),
                Err(_) => tokio::time::sleep(wait).await,
            }
            wait *= 2;
        }
        self.try_once(request).await.map_err(|failure| failure.error)
    }

    async fn try_once(&self, request: &Request<'_>) -> Result<Value, Failure> {
        let connected = self.connection().await;
        // What the caller should know at once: nothing answers there.
        let (conn, number) = connected.map_err(|error| Failure { error, may_repeat: false })?;
        request.send(conn).await.map_err(|error| {
            let is_over = ends_connection(&error);
            if is_over {
                self.give_up(number);
            }
            // A server that is too slow is not made faster by asking again.
            let is_lost = is_over && !error.is_timeout();
            let may_repeat = was_turned_away(&error) || is_lost && request.is_repeatable();
            Failure { error, may_repeat }
        })
    }

    /// The connection in use, and its number.
    async fn connection(&self) -> RedisResult<(Conn, u64)> {
        if let Some(found) = self.in_use() {
            return Ok(found);
        }
        let _sole = self.dialling.lock().await;
        if let Some(found) = self.in_use() {
            return Ok(found);
        }
        let timeout = self.options.connect_timeout;
        let conn = tokio::time::timeout(timeout, dial(&self.options)).await.map_err(|_| {
            let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
            RedisError::from(late)
        })??;
        let mut current = self.current.lock();
        current.0 = Some(conn.clone());
        Ok((conn, current.1))
    }

    fn in_use(&self) -> Option<(Conn, u64)> {
        let current = self.current.lock();
        current.0.clone().map(|conn| (conn, current.1))
    }

    /// Forgets the connection with this number, unless there is a newer one by now.
    fn give_up(&self, number: u64) {
        let mut current = self.current.lock();
        if current.1 == number {
            *current = (None, number + 1);
        }
    }
}

struct Failure {
    error: RedisError,
    may_repeat: bool,
}

/// What is sent in one go.
enum Request<'a> {
    Call(&'a Call),
    Calls(&'a [Call]),
    Command(&'a Cmd),
    Commands(&'a Pipeline),
}

impl Request<'_> {
    fn is_repeatable(&self) -> bool {
        match self {
            Self::Call(call) => call.is_repeatable(),
            Self::Calls(calls) => calls.iter().all(Call::is_repeatable),
            Self::Command(_) | Self::Commands(_) => true,
        }
    }

    async fn send(&self, mut conn: Conn) -> RedisResult<Value> {
        match self {
            Self::Call(call) => match call.by_name().query_async(&mut conn).await {
                Err(error) if is_unknown_script(&error) => {
                    call.by_text().query_async(&mut conn).await
                }
                answer => answer,
            },
            Self::Calls(calls) => match by_names(calls).query_async(&mut conn).await {
                Err(error) if is_unknown_script(&error) => {
                    by_texts(calls).query_async(&mut conn).await
                }
                answer => answer,
            },
            Self::Command(command) => command.query_async(&mut conn).await,
            Self::Commands(commands) => commands.query_async(&mut conn).await,
        }
    }
}

fn by_names(calls: &[Call]) -> Pipeline {
    let mut pipeline = redis::pipe();
    calls.iter().for_each(|call| {
        pipeline.add_command(call.by_name().clone());
    });
    pipeline
}

fn by_texts(calls: &[Call]) -> Pipeline {
    let mut pipeline = redis::pipe();
    calls.iter().for_each(|call| {
        pipeline.add_command(call.by_text());
    });
    pipeline
}

/// As the server says it where `min-replicas-to-write` forbids a write.
fn too_few_replicas() -> RedisError {
    let message = "too few replicas have received the write, which stands all the same";
    let code = ServerErrorKind::TryAgain;
    RedisError::from((ErrorKind::Server(code), message))
}

fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}
