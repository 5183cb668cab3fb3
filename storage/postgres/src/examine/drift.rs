//! Whether the schema still is as the migrations made it.
//!
//! The migrations are applied to a schema beside it, within a transaction that is rolled back,
//! and both are read from the catalogue and compared by name.

use std::collections::BTreeMap;

use sqlx::{Connection, PgConnection, Row};
use zapjobs_storage::{ErrorKind, Finding};

use super::Examination;
use crate::error::{DbError, DbResult};
use crate::migrate::apply;
use crate::names::Names;
use crate::schema::migrations;

const SUBJECT: &str = "schema drift";
/// Differences that are told at most.
const TOLD_MAX: usize = 20;

/// Objects by what they are and are called, with what makes them up: `$2` are the tables of
/// interest, `$3` the functions.
const OBJECTS: &str = "WITH t AS (
        SELECT c.oid, c.relname::text AS name, c.relpersistence
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname = ANY ($2))
    SELECT 'table' AS kind, name, CASE relpersistence WHEN 'p' THEN 'logged' ELSE 'unlogged' END
    FROM t
    UNION ALL SELECT 'column', t.name || '.' || a.attname,
        format_type(a.atttypid, a.atttypmod) || coalesce(' COLLATE ' || l.collname, '')
        || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
        || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
    FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        LEFT JOIN pg_collation l ON l.oid = a.attcollation
    UNION ALL SELECT 'index', i.relname, pg_get_indexdef(x.indexrelid)
        || CASE WHEN x.indisvalid THEN '' ELSE ' (invalid)' END
    FROM t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid
    UNION ALL SELECT 'constraint', t.name || '.' || k.conname, pg_get_constraintdef(k.oid)
    FROM t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype <> 'n'
    UNION ALL SELECT 'trigger', t.name || '.' || g.tgname, pg_get_triggerdef(g.oid)
    FROM t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
    UNION ALL SELECT 'function',
        p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
        pg_get_functiondef(p.oid)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = $1 AND p.proname = ANY ($3) AND p.prokind = 'f'";
const NAMES: &str = "SELECT
    ARRAY(SELECT tablename::text FROM pg_tables WHERE schemaname = $1),
    ARRAY(SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = $1)";

/// What an object is, and its name.
type Key = (String, String);
type Objects = BTreeMap<Key, String>;

/// How an object differs.
#[derive(Debug, PartialEq, Eq)]
enum Difference {
    Missing { wanted: String },
    Changed { wanted: String, found: String },
    Extra { found: String },
}

pub(super) async fn look(examination: &mut Examination<'_>) -> Vec<Finding> {
    match read(examination).await {
        Ok((wanted, found)) => {
            let schema = examination.names.expand("{schema}.");
            tell(&compare(wanted, found), &schema)
        }
        Err(error) if error.kind() == ErrorKind::ReadOnly => vec![Finding::good(
            SUBJECT,
            "it was not looked at: the user may not create a schema to compare with",
        )],
        Err(error) => vec![Finding::warning(
            SUBJECT,
            format!("it was not looked at: {}", error.describe("compare the schema")),
            "mend what the message says, then ask again",
        )],
    }
}

/// What the migrations make, and what is there.
async fn read(examination: &mut Examination<'_>) -> DbResult<(Objects, Objects)> {
    let names = &examination.names;
    let mut tx = examination.connection.begin().await?;
    let pid: i32 = sqlx::query("SELECT pg_backend_pid()")
        .persistent(false)
        .fetch_one(&mut *tx)
        .await?
        .try_get(0)?;
    let beside = Names::new(&format!("zapjobs_examined_{pid}"), names.prefix());
    let all: Vec<_> = migrations().iter().collect();
    apply(&mut tx, &beside, &all).await?;
    let row = sqlx::query(NAMES).persistent(false).bind(beside.schema().to_owned());
    let row = row.fetch_one(&mut *tx).await?;
    let of_interest: [Vec<String>; 2] = [row.try_get(0)?, row.try_get(1)?];
    let wanted = objects(&mut tx, &beside, &of_interest).await?;
    let found = objects(&mut tx, names, &of_interest).await?;
    tx.rollback().await?;
    Ok((wanted, found))
}

async fn objects(
    connection: &mut PgConnection,
    names: &Names,
    [tables, functions]: &[Vec<String>; 2],
) -> DbResult<Objects> {
    let query = sqlx::query(OBJECTS).persistent(false).bind(names.schema().to_owned());
    let rows = query.bind(tables).bind(functions).fetch_all(connection).await?;
    let object = |row: &sqlx::postgres::PgRow| {
        let definition: String = row.try_get(2)?;
        Ok::<_, DbError>(((row.try_get(0)?, row.try_get(1)?), without_schema(&definition, names)))
    };
    rows.iter().map(object).collect()
}

/// A definition as it would read in any schema.
fn without_schema(definition: &str, names: &Names) -> String {
    let schema = names.schema();
    definition
        .replace(&format!("\"{schema}\"."), "SCHEMA.")
        .replace(&format!(" {schema}."), " SCHEMA.")
        .replace(&format!("'{}'", names.channel()), "CHANNEL")
}

fn compare(wanted: Objects, mut found: Objects) -> Vec<(Key, Difference)> {
    let mut differences = Vec::new();
    for (key, wanted) in wanted {
        match found.remove(&key) {
            None => differences.push((key, Difference::Missing { wanted })),
            Some(found) if found != wanted => {
                differences.push((key, Difference::Changed { wanted, found }));
            }
            Some(_) => {}
        }
    }
    let extra = found.into_iter().map(|(key, found)| (key, Difference::Extra { found }));
    differences.extend(extra);
    differences
}

fn tell(differences: &[(Key, Difference)], schema: &str) -> Vec<Finding> {
    if differences.is_empty() {
        return vec![Finding::good(SUBJECT, "all tables, indexes and functions are as made")];
    }
    let mut findings: Vec<Finding> =
        differences.iter().take(TOLD_MAX).map(|one| finding(one, schema)).collect();
    let untold = differences.len().saturating_sub(TOLD_MAX);
    if untold > 0 {
        let found = format!("{untold} more differences are not told");
        findings.push(Finding::warning(SUBJECT, found, "mend these first, then ask again"));
    }
    findings
}

fn finding((key, difference): &(Key, Difference), schema: &str) -> Finding {
    let (kind, name) = key;
    match difference {
        Difference::Missing { wanted } if kind == "index" => Finding::warning(
            SUBJECT,
            format!("index {name} is missing: what it is for becomes slow"),
            wanted.replace("SCHEMA.", schema),
        ),
        Difference::Missing { .. } => Finding::problem(
            SUBJECT,
            format!("{kind} {name} is missing"),
            "restore it from a backup, or as the migrations have it",
        ),
        Difference::Changed { .. } if kind == "function" => Finding::warning(
            SUBJECT,
            format!("function {name} is not the one that the migrations made"),
            "restore it as the migrations have it",
        ),
        Difference::Changed { wanted, found } => Finding::problem(
            SUBJECT,
            format!(
                "{kind} {name} was changed: it is {}, and was made as {}",
                line(found),
                line(wanted)
            ),
            "change it back",
        ),
        Difference::Extra { found } => Finding::warning(
            SUBJECT,
            format!("{kind} {name} was added by others ({}), and may get in the way", line(found)),
            "drop it, unless you know that it does no harm",
        ),
    }
}

/// The beginning of a definition, on one line.
fn line(definition: &str) -> String {
    const SHOWN_MAX: usize = 120;
    let words = definition.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().take(SHOWN_MAX).collect()
}
