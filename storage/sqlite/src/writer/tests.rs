//! Groups of writes: one failing request takes no other down.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::mpsc;

use zapjobs_storage::{Activity, ErrorKind};

use super::*;
use crate::migrate::up;

fn a_writer(options: &SqliteOptions) -> Arc<Writer> {
    let db = Db::open_writer(options).unwrap();
    up(&db, options.clock.now()).unwrap();
    let listeners = Arc::new(Listeners::new());
    Arc::new(Writer::start(db, options, listeners).unwrap())
}

const KIND: WriteKind = WriteKind::new("write a test row", 10);
const INSERT: &str = "INSERT INTO {prefix}named_leases VALUES (?1, NULL, 1, 0)";
const COUNT: &str = "SELECT count(*) FROM {prefix}named_leases";

fn insert(name: &'static str) -> impl FnMut(&mut Tx<'_>) -> DbResult<()> + Send + 'static {
    move |tx| {
        tx.db.prepare(INSERT)?.execute([name])?;
        Ok(())
    }
}

async fn count(writer: &Writer) -> i64 {
    let read = |tx: &mut Tx<'_>| Ok(tx.db.prepare(COUNT)?.query_row([], |row| row.get(0))?);
    writer.write(KIND, read).await.unwrap()
}

/// Keeps the thread busy until the sender is dropped, so that a group forms behind it.
async fn hold(writer: &Arc<Writer>) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<()>>) {
    let (release, held) = mpsc::channel::<()>();
    let (begin, begun) = oneshot::channel::<()>();
    let writer = Arc::clone(writer);
    let mut begin = Some(begin);
    let task = tokio::spawn(async move {
        let work = move |_: &mut Tx<'_>| {
            begin.take().map(|begin| begin.send(()));
            let _ = held.recv();
            Ok(())
        };
        writer.write(KIND, work).await
    });
    begun.await.unwrap();
    (release, task)
}

#[tokio::test]
async fn a_failing_request_takes_no_other_of_its_group_down() {
    let writer = a_writer(&SqliteOptions::memory());
    let (release, held) = hold(&writer).await;
    let fails = |tx: &mut Tx<'_>| -> DbResult<()> {
        insert("half-done")(tx)?;
        Err(DbError::Told(ErrorKind::Other, "no".to_owned()))
    };
    let panics = |tx: &mut Tx<'_>| -> DbResult<()> {
        insert("half-done too")(tx)?;
        panic!("a bug")
    };
    let (first, failed, panicked, last, ()) = tokio::join!(
        writer.write(KIND, insert("first")),
        writer.write(KIND, fails),
        writer.write(KIND, panics),
        writer.write(KIND, insert("last")),
        // Polled last: all of them wait by then.
        async {
            drop(release);
        },
    );
    held.await.unwrap().unwrap();
    first.unwrap();
    last.unwrap();
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Other);
    assert_eq!(panicked.unwrap_err().kind(), ErrorKind::Other);
    assert_eq!(count(&writer).await, 2, "what failed left nothing behind");
}

#[tokio::test]
async fn a_full_database_refuses_the_request_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions::file(directory.path().join("full.db"));
    let writer = a_writer(&options);
    let limit = |tx: &mut Tx<'_>| {
        let sql = "PRAGMA max_page_count = 60";
        Ok(tx.db.conn.query_row(sql, [], |row| row.get::<_, i64>(0))?)
    };
    writer.write(KIND, limit).await.unwrap();
    writer.write(KIND, insert("kept")).await.unwrap();
    let too_much = |tx: &mut Tx<'_>| {
        let name = "x".repeat(1 << 20);
        Ok(tx.db.prepare(INSERT)?.execute([name])?)
    };
    let error = writer.write(KIND, too_much).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full);
    assert!(error.is_retryable());
    writer.write(KIND, insert("kept too")).await.unwrap();
    assert_eq!(count(&writer).await, 2);
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_is_not_done() {
    let writer = a_writer(&SqliteOptions::memory());
    let (release, held) = hold(&writer).await;
    {
        let mut abandoned = Box::pin(writer.write(KIND, insert("abandoned")));
        let polled = futures_poll(&mut abandoned).await;
        assert!(polled, "it waits behind the held one");
    }
    drop(release);
    held.await.unwrap().unwrap();
    assert_eq!(count(&writer).await, 0);
}

/// Polls a future once; whether it still waits.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
    })
    .await
}

#[tokio::test]
async fn closing_writes_what_was_asked_before_and_refuses_what_comes_after() {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions::file(directory.path().join("closed.db"));
    let writer = a_writer(&options);
    let (release, held) = hold(&writer).await;
    let (written, closed, ()) =
        tokio::join!(writer.write(KIND, insert("asked before")), writer.close(), async {
            drop(release);
        },);
    held.await.unwrap().unwrap();
    written.unwrap();
    closed.unwrap();
    let late = writer.write(KIND, insert("late")).await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(count(&a_writer(&options)).await, 1);
}

const COUNTED: &str = "SELECT coalesce(sum(enqueued), 0) FROM {prefix}statistics";

#[tokio::test]
async fn what_a_failing_request_counted_does_not_count() {
    let writer = a_writer(&SqliteOptions::memory());
    let (release, held) = hold(&writer).await;
    let counts = |enqueued| {
        move |tx: &mut Tx<'_>| -> DbResult<()> {
            tx.count("t", "q", &Activity { enqueued, ..Activity::default() });
            Ok(())
        }
    };
    let fails = move |tx: &mut Tx<'_>| -> DbResult<()> {
        counts(100)(tx)?;
        Err(DbError::Told(ErrorKind::Other, "no".to_owned()))
    };
    let (first, failed, last, ()) = tokio::join!(
        writer.write(KIND, counts(1)),
        writer.write(KIND, fails),
        writer.write(KIND, counts(10)),
        // Polled last: all of them wait by then, and are one group.
        async {
            drop(release);
        },
    );
    held.await.unwrap().unwrap();
    first.unwrap();
    failed.unwrap_err();
    last.unwrap();
    let read = |tx: &mut Tx<'_>| Ok(tx.db.prepare(COUNTED)?.query_row([], |row| row.get(0))?);
    let counted: i64 = writer.write(KIND, read).await.unwrap();
    assert_eq!(counted, 11, "each of the others once");
}

#[tokio::test]
async fn a_group_writes_the_sums_of_a_queue_once() {
    let writer = a_writer(&SqliteOptions::memory());
    let (release, held) = hold(&writer).await;
    let count = |tx: &mut Tx<'_>| -> DbResult<()> {
        tx.count("t", "q", &Activity { enqueued: 1, ..Activity::default() });
        Ok(())
    };
    let changes = |tx: &mut Tx<'_>| Ok(tx.db.conn.total_changes());
    let (before, after) = tokio::join!(writer.write(KIND, changes), async {
        let (first, second, third, ()) = tokio::join!(
            writer.write(KIND, count),
            writer.write(KIND, count),
            writer.write(KIND, count),
            async {
                drop(release);
            },
        );
        first.and(second).and(third).unwrap();
        writer.write(KIND, changes).await.unwrap()
    });
    held.await.unwrap().unwrap();
    // One row for all three.
    assert_eq!(after - before.unwrap(), 1);
}
