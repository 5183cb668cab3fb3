//! The options of `#[job(...)]`, checked.

use proc_macro2::TokenStream;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::{Error, ExprArray, LitInt, LitStr, Result};

use crate::span_of_time::parse_ms;

const INTERVAL_MS_MAX: u64 = 10 * 365 * 86_400_000;
const WAIT_MS_MAX: u64 = 30 * 86_400_000;
const ATTEMPTS_MAX: u32 = 1_000;
const TAGS_MAX: usize = 32;
const TEXT_BYTES_MAX: usize = 200;

/// The host's own policy, of which a job may change parts.
const RETRY: Retry = Retry { max_attempts: 3, base_ms: 1_000, cap_ms: 3_600_000, jitter: 20 };

/// How often a run is tried, and how long it waits in between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Retry {
    pub(crate) max_attempts: u32,
    pub(crate) base_ms: u64,
    pub(crate) cap_ms: u64,
    pub(crate) jitter: u8,
}

/// When a job runs by itself.
#[derive(Debug, Default)]
pub(crate) enum Schedule {
    #[default]
    Manual,
    EveryMs(u64),
    Cron {
        expression: String,
        time_zone: String,
    },
}

/// What an attribute says of its job.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) retry: Option<Retry>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) schedule: Schedule,
    pub(crate) tags: Vec<String>,
    pub(crate) default_input: Option<String>,
}

impl Options {
    /// Reads the options between the attribute's parentheses.
    pub(crate) fn parse(tokens: TokenStream) -> Result<Self> {
        let mut options = Self::default();
        let mut zone: Option<LitStr> = None;
        let parser = syn::meta::parser(|meta| options.take(&meta, &mut zone));
        parser.parse2(tokens)?;
        options.set_zone(zone)?;
        Ok(options)
    }

    fn take(&mut self, meta: &ParseNestedMeta<'_>, zone: &mut Option<LitStr>) -> Result<()> {
        let option = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match option.as_str() {
            "id" => self.id = Some(checked(&text(meta)?, check_name)?),
            "name" => self.name = Some(checked(&text(meta)?, check_text)?),
            "queue" => self.queue = Some(checked(&text(meta)?, check_name)?),
            "max_attempts" => self.retry_mut().max_attempts = attempts(meta, 0)?,
            "retries" => self.retry_mut().max_attempts = attempts(meta, 1)?,
            "backoff" => self.take_backoff(meta)?,
            "timeout" => self.timeout_ms = Some(time_ms(meta, 1, INTERVAL_MS_MAX)?),
            "every" => {
                let ms = time_ms(meta, 1_000, INTERVAL_MS_MAX)?;
                self.set_schedule(meta, Schedule::EveryMs(ms))?;
            }
            "cron" => {
                let expression = checked(&text(meta)?, check_cron)?;
                self.set_schedule(meta, Schedule::Cron { expression, time_zone: "UTC".into() })?;
            }
            "tz" => *zone = Some(text(meta)?),
            "tags" => self.tags = tags(meta)?,
            "default_input" => self.default_input = Some(text(meta)?.value()),
            _ => {
                return Err(meta.error(
                    "unknown option: use id, name, queue, max_attempts, retries, backoff, \
                     timeout, every, cron, tz, tags or default_input",
                ));
            }
        }
        Ok(())
    }

    fn take_backoff(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let retry = self.retry_mut();
        meta.parse_nested_meta(|meta| {
            if meta.path.is_ident("base") {
                retry.base_ms = time_ms(&meta, 0, WAIT_MS_MAX)?;
            } else if meta.path.is_ident("cap") {
                retry.cap_ms = time_ms(&meta, 0, WAIT_MS_MAX)?;
            } else if meta.path.is_ident("jitter") {
                let percent: LitInt = meta.value()?.parse()?;
                retry.jitter = number(&percent, 0, 100)? as u8;
            } else {
                return Err(meta.error("unknown option of backoff: use base, cap or jitter"));
            }
            Ok(())
        })?;
        if retry.base_ms > retry.cap_ms {
            return Err(meta.error("backoff: base must not exceed cap (1h unless said)"));
        }
        Ok(())
    }

    fn retry_mut(&mut self) -> &mut Retry {
        self.retry.get_or_insert(RETRY)
    }

    fn set_schedule(&mut self, meta: &ParseNestedMeta<'_>, schedule: Schedule) -> Result<()> {
        if !matches!(self.schedule, Schedule::Manual) {
            return Err(meta.error("a job has one schedule: either `every` or `cron`"));
        }
        self.schedule = schedule;
        Ok(())
    }

    fn set_zone(&mut self, zone: Option<LitStr>) -> Result<()> {
        let Some(zone) = zone else { return Ok(()) };
        match &mut self.schedule {
            Schedule::Cron { time_zone, .. } => *time_zone = zone.value(),
            _ => return Err(Error::new(zone.span(), "`tz` is the time zone of `cron`: add one")),
        }
        Ok(())
    }
}

fn text(meta: &ParseNestedMeta<'_>) -> Result<LitStr> {
    meta.value()?.parse()
}

fn checked(literal: &LitStr, check: fn(&str) -> Option<&'static str>) -> Result<String> {
    match check(&literal.value()) {
        Some(rule) => Err(Error::new(literal.span(), rule)),
        None => Ok(literal.value()),
    }
}

fn check_name(name: &str) -> Option<&'static str> {
    let fits = (1..=100).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    let rule = "use 1 to 100 of a-z, A-Z, 0-9, '.', '_', '-', beginning with a letter or digit";
    (!fits).then_some(rule)
}

fn check_text(text: &str) -> Option<&'static str> {
    let fits = (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
    (!fits).then_some("use 1 to 200 bytes without control characters")
}

fn check_cron(expression: &str) -> Option<&'static str> {
    let fits =
        expression.starts_with('@') || matches!(expression.split_whitespace().count(), 5 | 6);
    (!fits).then_some(
        "a cron expression has five fields (minute, hour, day of month, month, day of week), \
         six with seconds in front, or is a nickname such as @daily",
    )
}

fn time_ms(meta: &ParseNestedMeta<'_>, min_ms: u64, max_ms: u64) -> Result<u64> {
    let literal = text(meta)?;
    let ms = parse_ms(&literal.value()).map_err(|error| Error::new(literal.span(), error))?;
    if !(min_ms..=max_ms).contains(&ms) {
        let rule = format!("this must be {min_ms} ms to {} days", max_ms / 86_400_000);
        return Err(Error::new(literal.span(), rule));
    }
    Ok(ms)
}

fn attempts(meta: &ParseNestedMeta<'_>, first: u32) -> Result<u32> {
    let literal: LitInt = meta.value()?.parse()?;
    Ok(number(&literal, 1 - first, ATTEMPTS_MAX - first)? + first)
}

fn number(literal: &LitInt, min: u32, max: u32) -> Result<u32> {
    literal
        .base10_parse()
        .ok()
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| Error::new(literal.span(), format!("this must be {min} to {max}")))
}

fn tags(meta: &ParseNestedMeta<'_>) -> Result<Vec<String>> {
    let array: ExprArray = meta.value()?.parse()?;
    if array.elems.len() > TAGS_MAX {
        return Err(meta.error("a job has at most 32 tags"));
    }
    let literal = |element: &syn::Expr| match element {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(literal), .. }) => Ok(literal.clone()),
        other => Err(Error::new_spanned(other, "a tag is a string literal")),
    };
    array.elems.iter().map(|element| checked(&literal(element)?, check_text)).collect()
}

#[cfg(test)]
mod tests;
