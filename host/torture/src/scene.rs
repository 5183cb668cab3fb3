//! Carries one attack out, and judges what it came to.
//!
//! **Invariant:** whatever an attack may end in, what it says and what it is blamed for stay
//! within bounds: [`Evidence::judge`] looks at these for every attack.

use std::sync::Arc;
use std::time::{Duration, Instant};

use zapjobs_model::grants::{EnqueueGrant, JobPattern};
use zapjobs_model::port::{Cancellation, Plugin, PluginSource, RunSink, Sandbox, Services};
use zapjobs_model::{Json, Limits, Outcome, Report, RunError, StopReason};

use crate::attack::{Attack, Ending};
use crate::heard::{Heard, Words, steers};
use crate::neighbour::{Neighbour, invocation};
use crate::nursery::Nursery;
use crate::place::Place;

/// Bytes of an error's message at most: 16 KiB of the guest's, and words around them.
const MESSAGE_BYTES_MAX: usize = 17 << 10;
/// Bytes of an error's details at most: 64 KiB of the guest's, or a backtrace.
const DETAILS_BYTES_MAX: usize = 80 << 10;
/// Bytes of the reason why a component is not taken.
const REASON_BYTES_MAX: usize = 4 << 10;

/// How an attack ends that needs more memory than there is.
const STOPPED_EARLY: Ending = Ending::Stopped(StopReason::Memory, "");
/// Said of a component that wants more memory than there is, from its beginning or while it
/// describes itself.
const SHORT_OF_MEMORY: [&str; 2] = ["memory begins with", "one memory or table outgrew"];

/// What an attack came to.
pub(crate) struct Evidence<'a> {
    /// Where it took place.
    pub(crate) place: &'a Place,
    /// What its attempts might use.
    pub(crate) limits: Limits,
    /// Why it was not taken, if it was not.
    pub(crate) refused: Option<String>,
    /// What its attempts came to.
    pub(crate) reports: Vec<Report>,
    /// What its attempts said, all together.
    pub(crate) words: Words,
    /// How many children its attempts enqueued.
    pub(crate) children: u64,
    /// How long all of it took.
    pub(crate) took: Duration,
}

/// Lets an attack loose. The answer is how long it took, and whether it was held.
pub(crate) async fn play(
    attack: &Attack,
    sandbox: &dyn Sandbox,
    neighbour: &Neighbour,
    limits: Limits,
) -> (Duration, Result<(), String>) {
    let place = match Place::new().and_then(|place| place.serving(attack.sends)) {
        Ok(place) => place,
        Err(error) => {
            return (Duration::ZERO, Err(format!("no temporary directory or port: {error}")));
        }
    };
    let bytes: Arc<[u8]> = (attack.component)(&place).into();
    let started = Instant::now();
    let scene = Scene { attack, place: &place, limits };
    let evidence = scene.evidence(sandbox, neighbour, bytes, started).await;
    match evidence {
        Ok(evidence) => (evidence.took, evidence.judge(attack)),
        Err(problem) => (started.elapsed(), Err(problem)),
    }
}

struct Scene<'a> {
    attack: &'a Attack,
    place: &'a Place,
    limits: Limits,
}

impl<'a> Scene<'a> {
    async fn evidence(
        &self,
        sandbox: &dyn Sandbox,
        neighbour: &Neighbour,
        bytes: Arc<[u8]>,
        started: Instant,
    ) -> Result<Evidence<'a>, String> {
        let mut grants = self.place.grants(self.attack.directory)?;
        grants.enqueue = self.attack.enqueues.then(any_job);
        let nursery = Arc::<Nursery>::default();
        let source = PluginSource { name: self.attack.name.clone(), bytes, grants };
        let heard = Arc::<Heard>::default();
        let (refused, reports) = match sandbox.load(source).await {
            Ok(plugin) => (None, self.attempts(&plugin, &heard, &nursery, neighbour).await?),
            Err(error) => (Some(error.to_string()), Vec::new()),
        };
        Ok(Evidence {
            place: self.place,
            limits: self.limits,
            refused,
            reports,
            words: heard.words(),
            children: nursery.count(),
            took: started.elapsed(),
        })
    }

    /// Makes all attempts at the same time, and sees to the neighbour meanwhile.
    async fn attempts(
        &self,
        plugin: &Arc<dyn Plugin>,
        heard: &Arc<Heard>,
        nursery: &Arc<Nursery>,
        neighbour: &Neighbour,
    ) -> Result<Vec<Report>, String> {
        let cancellation = Arc::<Cancellation>::default();
        let mut running = Vec::with_capacity(self.attack.copies);
        for _ in 0..self.attack.copies {
            let mut invocation = invocation(&**plugin, Json::null(), self.limits)?;
            invocation.services =
                Services { children: Some(Arc::clone(nursery) as _), ..Services::default() };
            let sink: Arc<dyn RunSink> = heard.clone();
            running.push(tokio::spawn(plugin.run(invocation, sink, Arc::clone(&cancellation))));
        }
        if let Some(reason) = self.attack.cancel {
            heard.progressed.notified().await;
            cancellation.cancel(reason);
        }
        let meanwhile = match self.attack.copies {
            1 => Ok(()),
            _ => neighbour.is_well().await.map_err(|problem| format!("meanwhile {problem}")),
        };
        let mut reports = Vec::with_capacity(running.len());
        for attempt in running {
            reports.push(reported(attempt.await)?);
        }
        meanwhile.map(|()| reports)
    }
}

fn any_job() -> EnqueueGrant {
    EnqueueGrant { jobs: vec![JobPattern::parse("*").expect("a pattern")] }
}

fn reported(
    ended: Result<Result<Report, RunError>, tokio::task::JoinError>,
) -> Result<Report, String> {
    match ended {
        Ok(Ok(report)) => Ok(report),
        Ok(Err(error)) => Err(format!("the host failed: {error}")),
        Err(error) => Err(format!("the sandbox panicked: {error}")),
    }
}

impl Evidence<'_> {
    /// Whether the attack was held.
    fn judge(&self, attack: &Attack) -> Result<(), String> {
        match &self.refused {
            Some(reason) => self.judge_refusal(reason, &attack.ends)?,
            None => self.reports.iter().try_for_each(|it| self.judge_report(it, &attack.ends))?,
        }
        self.judge_words(attack.copies as u64)?;
        self.place.harm()?;
        attack.checks.iter().try_for_each(|check| check(self))
    }

    fn judge_refusal(&self, reason: &str, ends: &[Ending]) -> Result<(), String> {
        let is_expected =
            |end: &Ending| matches!(end, Ending::Refused(words) if reason.contains(words));
        let is_early =
            self.has_little_memory() && SHORT_OF_MEMORY.iter().any(|words| reason.contains(words));
        if !is_early && !ends.iter().any(is_expected) {
            return Err(format!("it was not taken: {}", shown(reason)));
        }
        if reason.len() > REASON_BYTES_MAX || reason.contains('\n') || steers(reason) {
            return Err("the reason why it was not taken is no plain line".to_owned());
        }
        Ok(())
    }

    fn judge_report(&self, report: &Report, ends: &[Ending]) -> Result<(), String> {
        let is_early = self.has_little_memory() && STOPPED_EARLY.fits(&report.outcome);
        if !is_early && !ends.iter().any(|end| end.fits(&report.outcome)) {
            return Err(format!("it ended as {}", shown(&format!("{:?}", report.outcome))));
        }
        let usage = &report.usage;
        let bounds = [
            ("memory", usage.memory_bytes_peak, self.limits.memory_bytes_max),
            ("log lines", usage.log_lines, self.limits.log_lines_max),
            ("log bytes", usage.log_bytes, self.limits.log_bytes_max),
            ("HTTP requests", usage.http_requests, self.limits.http_requests_max),
            ("bytes received", usage.http_received_bytes, self.limits.http_received_bytes_max),
        ];
        for (what, used, allowed) in bounds {
            if used > allowed {
                return Err(format!("it used {used} of {what}, and {allowed} are allowed"));
            }
        }
        let error = match &report.outcome {
            Outcome::Stopped { error, .. }
            | Outcome::Failed(error)
            | Outcome::Cancelled(error)
            | Outcome::Retry { error, .. } => error,
            _ => return Ok(()),
        };
        judge_error(error)
    }

    /// Attacks are made for the limits of an installation that sets none. Where there is less
    /// memory than that, some reach its end before the limit that they are after.
    fn has_little_memory(&self) -> bool {
        self.limits.memory_bytes_max < Limits::default().memory_bytes_max
    }

    /// Counts what was said: per attempt, one line more than allowed may tell what was dropped,
    /// and a cut line tells how much.
    fn judge_words(&self, attempts: u64) -> Result<(), String> {
        /// Bytes that tell how much of a line was cut, or how many lines were dropped.
        const TOLD_BYTES: u64 = 1 << 10;
        let (words, limits) = (&self.words, &self.limits);
        let bounds = [
            ("log lines", words.lines, attempts * (limits.log_lines_max + 1)),
            ("bytes of log", words.bytes, attempts * (limits.log_bytes_max + TOLD_BYTES)),
            (
                "bytes of a log line",
                words.line_bytes_longest as u64,
                limits.log_line_bytes_max + TOLD_BYTES,
            ),
            (
                "bytes of a progress message",
                words.progress_bytes_longest as u64,
                limits.progress_message_bytes_max,
            ),
        ];
        for (what, said, allowed) in bounds {
            if said > allowed {
                return Err(format!("the host was told {said} {what}, and {allowed} are allowed"));
            }
        }
        if words.control {
            return Err("characters that steer terminals reached the log".to_owned());
        }
        Ok(())
    }
}

fn judge_error(error: &RunError) -> Result<(), String> {
    let details = error.details.as_ref().map_or(0, |details| details.as_str().len());
    if error.message.len() > MESSAGE_BYTES_MAX || details > DETAILS_BYTES_MAX {
        return Err("its error is too long".to_owned());
    }
    if steers(&error.message) || steers(&error.error_type) || error.error_type.contains('\n') {
        return Err("characters that steer terminals are in its error".to_owned());
    }
    Ok(())
}

impl Ending {
    fn fits(&self, outcome: &Outcome) -> bool {
        match (self, outcome) {
            (Self::Stopped(expected, words), Outcome::Stopped { reason, error }) => {
                reason == expected && error.message.contains(words)
            }
            (Self::Answered(expected), Outcome::Completed(output)) => output.as_str() == *expected,
            (Self::Completed, Outcome::Completed(_))
            | (Self::Failed, Outcome::Failed(_))
            | (Self::Cancelled, Outcome::Cancelled(_))
            | (Self::HandedBack, Outcome::HandedBack { .. }) => true,
            _ => false,
        }
    }
}

/// The beginning of a text.
fn shown(text: &str) -> String {
    const SHOWN_CHARS: usize = 300;
    text.chars().take(SHOWN_CHARS).collect()
}
