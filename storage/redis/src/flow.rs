//! Flow control: limits, what they hold, and slots.
//!
//! Scripts keep runs in step, on every way a run goes (`prelude.lua`): one that becomes pending
//! while a limit applies to it is held in its line, and one that is neither pending nor running
//! gives its slots back.
//!
//! **Invariant:** who admits and who changes limits says which version of the limits and slots
//! it went by; the script does nothing if another was faster. Between two versions, gates only
//! get room.

mod admit;
mod change;

use async_trait::async_trait;
use redis::Value;
use zapjobs_model::{FlowLimit, FlowLimits, LimitChange, LimitScope, Line};
use zapjobs_storage::{AdmitRequest, Admitted, FlowControl, LimitUse, Result, limit_uses};

use crate::RedisStorage;
use crate::answer::Answer;
use crate::error::corrupt;
use crate::script::{Call, SCRIPTS};

#[async_trait]
impl FlowControl for RedisStorage {
    async fn change_limit(
        &self,
        scope: &LimitScope,
        change: LimitChange,
    ) -> Result<Option<FlowLimit>> {
        let changed = change::write(self, scope, &change).await?;
        if changed.is_some() {
            change::settle(self, "change the limit", scope).await?;
        }
        Ok(changed)
    }

    async fn limits(&self) -> Result<Vec<LimitUse>> {
        const OPERATION: &str = "list limits";
        let call = self.flow_call(&SCRIPTS.flow_uses);
        let answer = self.call(OPERATION, &call).await?;
        let answer = Answer::of(OPERATION, &answer);
        let limits = read_limits(OPERATION, answer.at(0)?)?;
        let in_use = pairs(answer.at(1)?)?;
        let held = pairs(answer.at(2)?)?.into_iter();
        let held = held.map(|(name, count)| Ok((read_line(OPERATION, name)?, count)));
        let held: Vec<(Line, u64)> = held.collect::<Result<_>>()?;
        let held = held.iter().map(|(line, count)| (line, *count));
        Ok(limit_uses(&limits, in_use.into_iter(), held))
    }

    async fn limits_in_force(&self) -> Result<FlowLimits> {
        let answer = self.look("read limits", 0).await?;
        Ok(Look::of("read limits", &answer)?.limits)
    }

    async fn admit(&self, request: AdmitRequest) -> Result<Admitted> {
        admit::admit(self, &request).await
    }
}

impl RedisStorage {
    fn flow_call(&self, script: &'static crate::script::Script) -> Call {
        self.run_call(script, [].into_iter(), &[])
    }

    async fn look(&self, operation: &'static str, lines: usize) -> Result<Value> {
        let mut call = self.flow_call(&SCRIPTS.flow_look);
        call.arg(lines);
        self.call(operation, &call).await
    }
}

/// What an admission or a change goes by.
struct Look<'a> {
    now_us: i64,
    version: &'a str,
    limits: FlowLimits,
    settling: Vec<LimitScope>,
    lines: Vec<&'a str>,
    looked_until: &'a str,
}

impl<'a> Look<'a> {
    fn of(operation: &'static str, answer: &'a Value) -> Result<Self> {
        let answer = Answer::of(operation, answer);
        let settling = answer.at(3)?.items()?;
        let settling = settling.map(|scope| read_scope(operation, scope.text()?));
        Ok(Self {
            now_us: answer.at(0)?.number()?,
            version: answer.at(1)?.text()?,
            limits: read_limits(operation, answer.at(2)?)?,
            settling: settling.collect::<Result<_>>()?,
            lines: answer.at(4)?.items()?.map(Answer::text).collect::<Result<_>>()?,
            looked_until: answer.at(5)?.text()?,
        })
    }
}

fn read_limits(operation: &'static str, answer: Answer<'_>) -> Result<FlowLimits> {
    let spoilt = || corrupt(operation, "a limit cannot be read".to_owned());
    let limits = answer.fields()?.into_iter().map(|(scope, allows)| {
        let scope = std::str::from_utf8(scope).map_err(|_| spoilt())?;
        let limit = serde_json::from_slice(allows).map_err(|_| spoilt())?;
        Ok((read_scope(operation, scope)?, limit))
    });
    limits.collect()
}

fn read_scope(operation: &'static str, name: &str) -> Result<LimitScope> {
    name.parse().map_err(|_| corrupt(operation, format!("no scope is called {name:?}")))
}

fn read_line(operation: &'static str, name: &str) -> Result<Line> {
    name.parse().map_err(|_| corrupt(operation, format!("no line is called {name:?}")))
}

fn pairs<'a>(answer: Answer<'a>) -> Result<Vec<(&'a str, u64)>> {
    let items: Vec<Answer<'a>> = answer.items()?.collect();
    let pair = |pair: &[Answer<'a>]| Ok((pair[0].text()?, pair[1].count()? as u64));
    items.chunks_exact(2).map(pair).collect()
}
