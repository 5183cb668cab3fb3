//! How the server goes about claims: by the index of lanes, and past no runs that are not wanted,
//! whatever it knows of the table, with the values at hand and without.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};
use zapjobs_services::{Postgres, PostgresSettings};

use super::sql::{CLAIM_ALL, CLAIM_LANE, CLAIM_QUEUES, CLAIM_SHARES};
use crate::aging::{AGED_OF_ALL, AGED_OF_QUEUES};
use crate::lanes::{READY_OF_ALL, READY_OF_QUEUES, WAITING};
use crate::names::Names;
use crate::{PostgresOptions, PostgresStorage};

const WORKER: &str = "'00000000-0000-0000-0000-000000000001'";
const HELD_US: &str = "1000000";

struct Server {
    names: Names,
    connection: PgConnection,
    _process: Postgres,
}

impl Server {
    async fn start() -> Self {
        let process = Postgres::start(PostgresSettings::for_tests()).unwrap();
        let options = PostgresOptions::new(process.url());
        PostgresStorage::connect(options.clone()).await.unwrap();
        let mut connection = PgConnection::connect(&process.url()).await.unwrap();
        // What is known of the table is what the test says.
        connection
            .execute("ALTER TABLE zapjobs.runs SET (autovacuum_enabled = off)")
            .await
            .unwrap();
        Self { names: options.names(), connection, _process: process }
    }

    /// Stores so many pending runs in each of a tenant's queues `q1` to `qN`.
    async fn fill(&mut self, tenants: &str, queues: u32, runs: u32) {
        let insert = format!(
            "INSERT INTO zapjobs.runs
                (id, due_at, input_bytes, priority, status, trigger_code, tenant, queue,
                    job_type)
            SELECT gen_random_uuid(), n, 1, n % 3, 0, 3, tenant, 'q' || q, 'mail'
            FROM ({tenants}) AS t (tenant), generate_series(1, {queues}) AS q,
                generate_series(1, {runs}) AS n"
        );
        self.connection.execute(sqlx::raw_sql(AssertSqlSafe(insert))).await.unwrap();
    }

    /// Rows of `runs` that a statement looks at, at most over both kinds of plans.
    async fn rows_read(&mut self, template: &'static str, values: &[&str]) -> u64 {
        let statement = self.names.statement(template);
        let prepare = format!("PREPARE examined AS {}", statement.sql.as_str());
        let now = statement.takes_now.then_some("NULL");
        let values: Vec<&str> = now.into_iter().chain(values.iter().copied()).collect();
        let explain = format!(
            "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE examined ({})",
            values.join(", ")
        );
        let mut most = 0;
        for mode in ["force_custom_plan", "force_generic_plan"] {
            let mut tx = self.connection.begin().await.unwrap();
            let set = format!("SET LOCAL plan_cache_mode = {mode}");
            for sql in [&set, &prepare] {
                tx.execute(sqlx::raw_sql(AssertSqlSafe(sql.clone()))).await.unwrap();
            }
            let explain = sqlx::raw_sql(AssertSqlSafe(explain.clone()));
            let plan: String = tx.fetch_one(explain).await.unwrap().get_unchecked(0);
            let plan: Value = serde_json::from_str(&plan).unwrap();
            tx.execute("DEALLOCATE examined").await.unwrap();
            tx.rollback().await.unwrap();
            most = most.max(rows_of_runs(&plan[0]["Plan"]));
        }
        most
    }
}

/// Rows of the table that a plan's nodes met, those that they passed over included.
fn rows_of_runs(node: &Value) -> u64 {
    let number = |name: &str| node[name].as_f64().unwrap_or_default();
    let each = number("Actual Rows")
        + number("Rows Removed by Filter")
        + number("Rows Removed by Index Recheck");
    let is_scan = node["Node Type"].as_str().is_some_and(|kind| kind.ends_with("Scan"));
    let own = if is_scan && node["Relation Name"] == "runs" {
        (each * number("Actual Loops")).ceil() as u64
    } else {
        0
    };
    let below = node["Plans"].as_array().into_iter().flatten().map(rows_of_runs);
    own + below.sum::<u64>()
}

/// Values of a claim of 20 runs.
fn claim<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [WORKER, HELD_US, "20"].into_iter().chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn claims_pass_no_runs_that_are_not_wanted() {
    let mut server = Server::start().await;
    server.fill("VALUES ('big')", 1, 50_000).await;
    let mut wasteful = Vec::new();
    for is_known in [false, true] {
        if is_known {
            // One tenant and one queue, as far as the server knows; the others come now.
            server.connection.execute("ANALYZE zapjobs.runs").await.unwrap();
        }
        let tenants = "SELECT 'small' || n FROM generate_series(1, 100) AS n";
        server.fill(tenants, 5, 1).await;
        let small = "ARRAY['small1', 'small7', 'nobody']";
        for (what, template, values, max) in [
            ("all", CLAIM_ALL, claim(&[]), 100),
            ("a lane", CLAIM_LANE, claim(&["'small1'", "'q1'"]), 10),
            ("a long lane", CLAIM_LANE, claim(&["'big'", "'q1'"]), 60),
            ("one queue", CLAIM_QUEUES, claim(&["ARRAY['q5']", "4"]), 700),
            ("a queue of all", CLAIM_QUEUES, claim(&["ARRAY['q1']", "4"]), 1_200),
            ("queues", CLAIM_QUEUES, claim(&["ARRAY['q2', 'q3', 'q4']", "4"]), 1_500),
            ("no such queue", CLAIM_QUEUES, claim(&["ARRAY['z']", "4"]), 110),
            ("shares", CLAIM_SHARES, claim(&[small, "ARRAY[5, 5, 5]", "NULL", "4"]), 100),
            (
                "shares of queues",
                CLAIM_SHARES,
                claim(&[small, "ARRAY[5, 5, 5]", "ARRAY['q4', 'q5']", "4"]),
                100,
            ),
            (
                "a large share",
                CLAIM_SHARES,
                claim(&["ARRAY['big']", "ARRAY[20]", "NULL", "4"]),
                200,
            ),
            ("ready tenants", READY_OF_ALL, vec!["''", "1000"], 110),
            ("tenants ready in a queue", READY_OF_QUEUES, vec!["''", "1000", "ARRAY['q5']"], 210),
            ("some ready tenants", READY_OF_ALL, vec!["'small'", "10"], 15),
            ("waiting", WAITING, vec!["'small1'", "10"], 10),
            ("nothing old", AGED_OF_ALL, vec!["1000::int2", "0", "500"], 20),
            ("some old runs", AGED_OF_ALL, vec!["1000::int2", "10", "20"], 60),
            (
                "old runs of a queue",
                AGED_OF_QUEUES,
                vec!["1000::int2", "10", "20", "ARRAY['q5']"],
                700,
            ),
            ("many waiting", WAITING, vec!["'big'", "100"], 100),
        ] {
            let read = server.rows_read(template, &values).await;
            if read > max {
                wasteful.push(format!("{what}: {read} rows were read, at most {max} are needed"));
            }
        }
        server.connection.execute("DELETE FROM zapjobs.runs WHERE tenant <> 'big'").await.unwrap();
    }
    assert_eq!(wasteful, Vec::<String>::new());
}
