//! What the server is, and what schema it holds.

use std::time::SystemTime;

use sqlx::Row;
use zapjobs_storage::Finding;

use super::Examination;
use crate::error::DbResult;
use crate::migrate::read_applied;
use crate::options::Migrating;
use crate::schema::{missing, schema_version};

/// The oldest server that has all that the statements need.
const OLDEST: i32 = 13;
/// The server that the tests run on.
const TESTED: i32 = 15;
/// Up to this difference two clocks count as the same.
const SKEW_SECONDS_MAX: f64 = 2.0;

pub(super) async fn version(examination: &mut Examination<'_>) -> DbResult<Vec<Finding>> {
    const VERSION: &str = "SELECT current_setting('server_version_num')::int4 / 10000,
        current_setting('server_version')";
    let row = examination.row(VERSION, &[]).await?;
    let (major, version): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
    Ok(vec![if major < OLDEST {
        let remedy = format!("use PostgreSQL {OLDEST} or later");
        Finding::problem("server version", format!("PostgreSQL {version} is too old"), remedy)
    } else {
        let found =
            format!("PostgreSQL {version}: supported from {OLDEST} on, tested with {TESTED}");
        Finding::good("server version", found)
    }])
}

/// Whether it can be written to.
pub(super) async fn role(examination: &mut Examination<'_>) -> DbResult<Vec<Finding>> {
    const ROLE: &str = "SELECT pg_is_in_recovery(),
        current_setting('default_transaction_read_only') = 'on', current_user::text";
    const SUBJECT: &str = "role of the server";
    let row = examination.row(ROLE, &[]).await?;
    let (is_standby, is_read_only): (bool, bool) = (row.try_get(0)?, row.try_get(1)?);
    let user: String = row.try_get(2)?;
    Ok(vec![if is_standby {
        let found = "the server is a standby: nothing can be written";
        Finding::problem(SUBJECT, found, "use the address of the primary")
    } else if is_read_only {
        let found = "transactions are read-only by default: nothing can be written";
        let remedy = format!("ALTER ROLE \"{user}\" SET default_transaction_read_only = off");
        Finding::problem(SUBJECT, found, remedy)
    } else {
        Finding::good(SUBJECT, "the server is a primary and can be written to")
    }])
}

/// Whether the schema is what this program needs, and what it is otherwise.
pub(super) async fn schema(examination: &mut Examination<'_>) -> (bool, Finding) {
    const SUBJECT: &str = "schema";
    const MIGRATE: &str = "migrate the schema";
    let name = examination.options.schema.clone();
    let applied = read_applied(&mut examination.connection, &examination.names).await;
    let known = applied.and_then(|applied| Ok((missing(&applied)?, applied)));
    let (pending, applied) = match known {
        Ok(known) => known,
        Err(error) => {
            let found = format!("schema {name}: {}", error.describe("read its version"));
            let remedy = "use the program that made it, or another schema";
            return (false, Finding::problem(SUBJECT, found, remedy));
        }
    };
    let needed = schema_version();
    if pending.is_empty() {
        let found = format!("schema {name} has version {needed}, which this program needs");
        return (true, Finding::good(SUBJECT, found));
    }
    let found = match applied.last() {
        None => format!("there is no schema {name} yet"),
        Some(last) => {
            format!("schema {name} has version {}, this program needs {needed}", last.version)
        }
    };
    let finding = match examination.options.migrating {
        Migrating::Manual => Finding::problem(SUBJECT, found, MIGRATE),
        Migrating::Automatic => {
            let found = format!("{found}: the next host that opens it migrates it");
            Finding::warning(SUBJECT, found, "nothing, or migrate it by hand now")
        }
    };
    (false, finding)
}

/// Whether the user may do to the tables what the driver does.
pub(super) async fn rights(examination: &mut Examination<'_>) -> DbResult<Vec<Finding>> {
    const LACKING: &str = "SELECT current_user::text, string_agg(DISTINCT c.relname::text, ', ')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS wanted (privilege)
        WHERE n.nspname = $1 AND c.relkind = 'r' AND NOT has_table_privilege(c.oid, privilege)
            AND c.relname <> $2 || 'schema' AND left(c.relname, length($2)) = $2";
    let names = [examination.names.schema().to_owned(), examination.names.prefix().to_owned()];
    let row = examination.row(LACKING, &[&names[0], &names[1]]).await?;
    let user: String = row.try_get(0)?;
    Ok(vec![match row.try_get::<Option<String>, _>(1)? {
        None => Finding::good("rights", format!("user {user} may read and write all tables")),
        Some(tables) => Finding::problem(
            "rights",
            format!("user {user} may not read and write: {tables}"),
            format!(
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {} TO \"{user}\"",
                names[0]
            ),
        ),
    }])
}

/// How far this machine's clock is from the server's.
pub(super) async fn clock(examination: &mut Examination<'_>) -> DbResult<Vec<Finding>> {
    const CLOCK: &str = "SELECT extract(epoch FROM clock_timestamp())::float8";
    let asked = machine_seconds();
    let server: f64 = examination.row(CLOCK, &[]).await?.try_get(0)?;
    let answered = machine_seconds();
    // The server looked at its clock somewhere between.
    let skew = (asked + answered) / 2.0 - server;
    let ahead = if skew < 0.0 { "behind" } else { "ahead of" };
    let found = format!(
        "this machine's clock is {:.3} s {ahead} the server's, which does no harm to scheduling: \
         the server's alone counts",
        skew.abs()
    );
    Ok(vec![if skew.abs() <= SKEW_SECONDS_MAX {
        Finding::good("clock", found)
    } else {
        let remedy = "set the clocks by NTP, so that times in other logs can be compared";
        Finding::warning("clock", found, remedy)
    }])
}

/// By the machine's clock, which the driver reads nowhere else.
fn machine_seconds() -> f64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0.0, |since| since.as_secs_f64())
}
