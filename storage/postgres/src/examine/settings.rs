//! Settings of the server, as they apply to this user's connections.

use sqlx::Row;
use zapjobs_storage::Finding;

use super::Examination;
use crate::error::DbResult;
use crate::options::WakeUps;

pub(super) async fn look(examination: &mut Examination<'_>) -> DbResult<Vec<Finding>> {
    const SETTINGS: &str = "SELECT current_setting('fsync'),
        current_setting('synchronous_commit'), current_setting('full_page_writes'),
        current_setting('autovacuum'), current_setting('statement_timeout'),
        current_setting('default_transaction_isolation'), current_user::text";
    let row = examination.row(SETTINGS, &[]).await?;
    let text = |at: usize| row.try_get::<String, _>(at);
    let user = text(6)?;
    let mut findings = durability(&text(0)?, &text(1)?, &text(2)?);
    findings.push(match text(3)?.as_str() {
        "on" => Finding::good("autovacuum", "autovacuum is on"),
        _ => Finding::problem(
            "autovacuum",
            "autovacuum is off: dead rows pile up, and claims become slower and slower",
            "set autovacuum = on",
        ),
    });
    let timeout = text(4)?;
    findings.push(if timeout != "0" {
        Finding::good("statement timeout", format!("the server ends statements after {timeout}"))
    } else if examination.options.wake_ups == WakeUps::Poll {
        Finding::warning(
            "statement timeout",
            format!("user {user} has no statement timeout, and with polling none is sent"),
            format!("ALTER ROLE \"{user}\" SET statement_timeout = '30s'"),
        )
    } else {
        Finding::warning(
            "statement timeout",
            "the statement timeout that was asked for at the start does not hold",
            "see whether something between here and the server drops start-up options",
        )
    });
    findings.push(match text(5)?.as_str() {
        level @ "read committed" => Finding::good("isolation", format!("transactions are {level}")),
        level => Finding::problem(
            "isolation",
            format!("transactions are {level} by default: operations that meet fail as busy"),
            format!("ALTER ROLE \"{user}\" SET default_transaction_isolation = 'read committed'"),
        ),
    });
    Ok(findings)
}

fn durability(fsync: &str, synchronous_commit: &str, full_page_writes: &str) -> Vec<Finding> {
    const SUBJECT: &str = "durability";
    let mut findings = Vec::new();
    if fsync == "off" {
        let found = "fsync is off: a power failure may destroy the database";
        findings.push(Finding::warning(SUBJECT, found, "set fsync = on"));
    }
    if synchronous_commit == "off" {
        let found = "synchronous_commit is off: a crash of the server loses acknowledged writes \
                     of about a second";
        findings.push(Finding::warning(SUBJECT, found, "set synchronous_commit = on"));
    }
    if full_page_writes == "off" {
        let found = "full_page_writes is off: a power failure may leave torn pages";
        findings.push(Finding::warning(SUBJECT, found, "set full_page_writes = on"));
    }
    if findings.is_empty() {
        let found = "acknowledged writes survive a crash of the server and a power failure";
        findings.push(Finding::good(SUBJECT, found));
    }
    findings
}

/// Whether there is room for this host's connections.
pub(super) async fn connections(examination: &mut Examination<'_>) -> DbResult<Vec<Finding>> {
    const ROOM: &str = "SELECT current_setting('max_connections')::int8
            - CASE WHEN r.rolsuper THEN 0
                ELSE current_setting('superuser_reserved_connections')::int8 END,
        (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
        nullif(r.rolconnlimit, -1)::int8, nullif(d.datconnlimit, -1)::int8
        FROM pg_roles r, pg_database d
        WHERE r.rolname = current_user AND d.datname = current_database()";
    const SUBJECT: &str = "connections";
    let row = examination.row(ROOM, &[]).await?;
    let (server, used): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let limits = [Some(server), row.try_get(2)?, row.try_get(3)?];
    let allowed = limits.into_iter().flatten().min().unwrap_or(server);
    let listening = usize::from(examination.options.wake_ups == WakeUps::Listen);
    let wanted = i64::try_from(examination.options.connections + listening).unwrap_or(i64::MAX);
    // One of those in use is this one.
    let free = server - used + 1;
    Ok(vec![if wanted > allowed {
        Finding::problem(
            SUBJECT,
            format!("a host wants {wanted} connections, and {allowed} are allowed in all"),
            "lower the storage's connections, or raise max_connections or the role's or \
             database's CONNECTION LIMIT",
        )
    } else if wanted > free {
        Finding::warning(
            SUBJECT,
            format!("a host wants {wanted} connections, and {free} of {server} are free"),
            "lower the storage's connections, raise max_connections, or close what nobody needs",
        )
    } else {
        let found = format!("a host wants {wanted} connections; {free} of {server} are free");
        Finding::good(SUBJECT, found)
    }])
}
