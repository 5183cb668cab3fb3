//! Job definitions and their schedules.
//!
//! What a plugin declares is kept as one text. What changes beside it has fields of its own, so
//! that a script changes it without reading the text.

use async_trait::async_trait;
use redis::Value;
use zapjobs_model::{JobDefinition, JobKey, RunStatus, TenantId, Timestamp};
use zapjobs_storage::{BATCH_MAX, Definitions, FireRequest, FireResult, Result, check_fire};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::{corrupt, describe, unexpected};
use crate::keys::definition_name;
use crate::record::encoded;
use crate::runs::put_new_runs;
use crate::script::{Call, SCRIPTS};

/// Definitions that are read in one go at most.
const READ_MAX: usize = 500;

#[async_trait]
impl Definitions for RedisStorage {
    async fn put_definitions(&self, definitions: &[JobDefinition]) -> Result<()> {
        let mut call = Call::new(&SCRIPTS.define, 2 + definitions.len());
        call.arg(self.names()).arg(self.schedules());
        definitions.iter().for_each(|definition| {
            call.arg(self.keys.definition(&definition.key));
        });
        definitions.iter().for_each(|definition| put_definition(&mut call, definition));
        self.call("store definitions", &call).await.map(drop)
    }

    async fn definition(&self, key: &JobKey) -> Result<Option<JobDefinition>> {
        const OPERATION: &str = "read the definition";
        let mut found = self.read_definitions(OPERATION, &[definition_name(key)]).await?;
        found.pop().transpose()
    }

    async fn definitions(&self, tenant: Option<&TenantId>) -> Result<Vec<JobDefinition>> {
        const OPERATION: &str = "list definitions";
        self.check_open(OPERATION)?;
        let mut command = redis::cmd("ZRANGE");
        command.arg(self.names()).arg(0).arg(-1);
        let answer = self.link.send(&command).await.map_err(|error| describe(OPERATION, &error))?;
        let mut names = texts(OPERATION, &answer)?;
        if let Some(tenant) = tenant {
            names.retain(|name| name.split_once(',').is_some_and(|(t, _)| t == tenant.as_str()));
        }
        self.readable_definitions(OPERATION, &names).await
    }

    async fn delete_definition(&self, key: &JobKey) -> Result<bool> {
        const OPERATION: &str = "delete the definition";
        let mut call = Call::new(&SCRIPTS.undefine, 3);
        call.arg(self.names()).arg(self.schedules()).arg(self.keys.definition(key));
        call.arg(definition_name(key));
        let answer = self.call(OPERATION, &call).await?;
        Ok(Answer::of(OPERATION, &answer).number()? == 1)
    }

    async fn set_enabled(
        &self,
        key: &JobKey,
        enabled: bool,
        next_run_at: Option<Timestamp>,
    ) -> Result<bool> {
        const OPERATION: &str = "enable or disable the schedule";
        let mut call = Call::new(&SCRIPTS.enable, 2);
        call.arg(self.schedules()).arg(self.keys.definition(key));
        call.arg(definition_name(key)).arg(i32::from(enabled)).arg(time(next_run_at));
        let answer = self.call(OPERATION, &call).await?;
        Ok(Answer::of(OPERATION, &answer).number()? == 1)
    }

    async fn due_definitions(&self, limit: usize) -> Result<Vec<JobDefinition>> {
        const OPERATION: &str = "list due schedules";
        let mut call = Call::new(&SCRIPTS.due, 1);
        call.arg(self.schedules()).arg(self.given_now()).arg(limit.min(BATCH_MAX));
        let answer = self.call(OPERATION, &call).await?;
        self.readable_definitions(OPERATION, &texts(OPERATION, &answer)?).await
    }

    async fn next_fire_time(&self) -> Result<Option<Timestamp>> {
        const OPERATION: &str = "read the next fire time";
        self.check_open(OPERATION)?;
        let mut command = redis::cmd("ZRANGE");
        command.arg(self.schedules()).arg(0).arg(0).arg("WITHSCORES");
        let answer = self.link.send(&command).await.map_err(|error| describe(OPERATION, &error))?;
        let first = Answer::of(OPERATION, &answer);
        if first.list()?.is_empty() {
            return Ok(None);
        }
        first.at(1)?.number().map(Timestamp::from_micros).map(Some)
    }

    async fn note_last_status(&self, latest: &[(JobKey, RunStatus)]) -> Result<()> {
        let mut call = Call::new(&SCRIPTS.last_status, latest.len());
        latest.iter().for_each(|(key, _)| {
            call.arg(self.keys.definition(key));
        });
        latest.iter().for_each(|(_, status)| {
            call.arg(status.code());
        });
        self.call("note last statuses", &call).await.map(drop)
    }

    async fn fire(&self, request: FireRequest) -> Result<FireResult> {
        const OPERATION: &str = "fire the schedule";
        check_fire(OPERATION, &request)?;
        let more_keys = [self.keys.definition(&request.key), self.schedules()];
        let mut call = self.run_call(&SCRIPTS.fire, [request.run.id].into_iter(), &more_keys);
        call.arg(definition_name(&request.key));
        call.arg(request.due.as_micros()).arg(time(request.next));
        put_new_runs(OPERATION, &mut call, std::iter::once(&request.run))?;
        let answer = self.call(OPERATION, &call).await?;
        let answer = Answer::of(OPERATION, &answer);
        self.listeners.tell(answer.notices(1)?);
        let is_fired = answer.at(0)?.number()? == 1;
        Ok(if is_fired { FireResult::Fired } else { FireResult::Superseded })
    }
}

impl RedisStorage {
    fn names(&self) -> String {
        self.keys.named("definitions")
    }

    fn schedules(&self) -> String {
        self.keys.named("schedules")
    }

    /// The definitions with these names that can be read, in their order.
    async fn readable_definitions(
        &self,
        operation: &'static str,
        names: &[String],
    ) -> Result<Vec<JobDefinition>> {
        let found = self.read_definitions(operation, names).await?;
        let told = |definition: Result<JobDefinition>| {
            definition.inspect_err(|error| tracing::error!(%error, "passed over a definition")).ok()
        };
        Ok(found.into_iter().filter_map(told).collect())
    }

    /// The definitions with these names that are there, in their order.
    async fn read_definitions(
        &self,
        operation: &'static str,
        names: &[String],
    ) -> Result<Vec<Result<JobDefinition>>> {
        self.check_open(operation)?;
        let mut found = Vec::with_capacity(names.len());
        for names in names.chunks(READ_MAX) {
            let mut commands = redis::pipe();
            for name in names {
                commands.cmd("HGETALL").arg(self.keys.named(&format!("definition:{name}")));
            }
            let answers = self.link.read(&commands).await;
            for (name, fields) in
                names.iter().zip(&answers.map_err(|error| describe(operation, &error))?)
            {
                let fields = Answer::of(operation, fields).fields()?;
                if !fields.is_empty() {
                    let read = read_definition(&fields);
                    let why = || format!("definition {name} is unreadable");
                    found.push(read.ok_or_else(|| corrupt(operation, why())));
                }
            }
        }
        Ok(found)
    }
}

/// Puts a definition's arguments behind a call's, as `define.lua` takes them.
fn put_definition(call: &mut Call, definition: &JobDefinition) {
    call.arg(definition_name(&definition.key)).arg(encoded(definition));
    call.arg(i32::from(definition.enabled));
    call.arg(definition.digest.map(|digest| digest.to_string()).unwrap_or_default());
    call.arg(time(definition.next_run_at)).arg(time(definition.last_run_at));
    let last_status = definition.last_status.map(|status| status.code().to_string());
    call.arg(last_status.unwrap_or_default());
}

/// What is declared, with what has changed since.
fn read_definition(fields: &[(&[u8], &[u8])]) -> Option<JobDefinition> {
    let get = |wanted: &str| {
        let field = fields.iter().find(|(name, _)| *name == wanted.as_bytes())?;
        std::str::from_utf8(field.1).ok()
    };
    let time = |name: &str| match get(name) {
        None => Some(None),
        Some(text) => text.parse().ok().map(Timestamp::from_micros).map(Some),
    };
    let last_status = match get("last_status") {
        None => None,
        Some(text) => Some(text.parse().ok().and_then(RunStatus::from_code)?),
    };
    Some(JobDefinition {
        enabled: get("enabled")? == "1",
        next_run_at: time("next_run_at")?,
        last_run_at: time("last_run_at")?,
        last_status,
        ..serde_json::from_str(get("declared")?).ok()?
    })
}

fn time(time: Option<Timestamp>) -> String {
    time.map(|time| time.as_micros().to_string()).unwrap_or_default()
}

fn texts(operation: &'static str, answer: &Value) -> Result<Vec<String>> {
    let texts = Answer::of(operation, answer).items()?;
    texts.map(|text| text.text().map(str::to_owned).map_err(|_| unexpected(operation))).collect()
}
