//! Where the tables are: templates of statements become statements.
//!
//! **Invariant:** `schema` and `prefix` were checked to be plain names, so that nothing else
//! gets into a statement. A template is expanded once.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// The present instant: the injected one in `$1`, or else the server's.
const NOW: &str = "coalesce($1::int8, (extract(epoch FROM statement_timestamp()) * 1000000)::int8)";

/// When the present hour began.
const HOUR: &str = "({now} / 3600000000 * 3600000000)";
/// The place of this connection's sums, 0 to 31, so that few others write the same row.
const SLOT: &str = "(pg_backend_pid() % 32)";

/// A statement, ready to be bound.
#[derive(Clone)]
pub(crate) struct Statement {
    pub(crate) sql: SqlStr,
    /// Whether its first parameter is the injected instant.
    pub(crate) takes_now: bool,
}

/// The names of one storage's schema.
pub(crate) struct Names {
    schema: String,
    prefix: String,
    expanded: RwLock<HashMap<&'static str, Statement>>,
}

impl Names {
    pub(crate) fn new(schema: &str, prefix: &str) -> Self {
        Self { schema: schema.to_owned(), prefix: prefix.to_owned(), expanded: RwLock::default() }
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The channel on which hosts tell each other of writes.
    pub(crate) fn channel(&self) -> String {
        format!("{}_{}events", self.schema, self.prefix)
    }

    /// The statement of a template.
    pub(crate) fn statement(&self, template: &'static str) -> Statement {
        if let Some(statement) = self.expanded.read().get(template) {
            return statement.clone();
        }
        let takes_now = template.contains("{now") || template.contains("{hour}");
        let sql: Arc<str> = self.expand(template).into();
        let statement = Statement { sql: AssertSqlSafe(sql).into_sql_str(), takes_now };
        self.expanded.write().insert(template, statement.clone());
        statement
    }

    /// The text of a template. `{now}` is the present instant; `{now+$2}` is one that lies as
    /// many microseconds later, or the latest that can be kept; `{hour}` is when the present
    /// hour began, and `{slot}` where this connection keeps its sums.
    pub(crate) fn expand(&self, template: &str) -> String {
        let mut sql = template
            // Quoted, for it may be a word that SQL keeps for itself.
            .replace("{schema}", &format!("\"{}\"", self.schema))
            .replace("{prefix}", &self.prefix)
            .replace("{channel}", &self.channel())
            .replace("{slot}", SLOT)
            .replace("{hour}", HOUR)
            .replace("{now}", NOW);
        while let Some(begin) = sql.find("{now+") {
            let end = begin + sql[begin..].find('}').expect("templates close their braces");
            let span = sql[begin + "{now+".len()..end].to_owned();
            let sum = format!("least({NOW}::numeric + {span}, 9223372036854775807)::int8");
            sql.replace_range(begin..=end, &sum);
        }
        sql
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_expanded() {
        let names = Names::new("jobs", "x_");
        assert_eq!(names.expand("FROM {schema}.{prefix}runs"), "FROM \"jobs\".x_runs");
        assert_eq!(names.channel(), "jobs_x_events");
        assert_eq!(names.expand("{now}"), NOW);
        assert_eq!(
            names.expand("a = {now+$2}, b"),
            format!("a = least({NOW}::numeric + $2, 9223372036854775807)::int8, b")
        );
    }
}
