//! The `#[job]` attribute of the ZapJobs SDK. Use it through `zapjobs_sdk::prelude`.
//!
//! The attribute leaves the function as it is and adds one entry to the SDK's registry beside
//! it. What it can check while compiling, it refuses here: see [`macro@job`].

mod attribute;
mod expand;
mod signature;
mod span_of_time;

use proc_macro::TokenStream;

/// Makes a function a job of this plugin.
///
/// The function takes its input, a `&Context`, both in this order, or nothing; it returns its
/// output, or a `Result` of its output and an error that turns into a `JobError`. (A return
/// type whose name ends in `Result` counts as one.) The input has to be `Deserialize` and
/// `JsonSchema`, the output `Serialize` and `JsonSchema`. Its doc comment becomes the job's
/// description, at most 4 KiB.
///
/// The function stays an ordinary function, which tests may call.
///
/// # Options
///
/// All are optional. What is left out, the host decides.
///
/// | option | meaning | default |
/// |---|---|---|
/// | `id = "resize"` | the job's name: 1 to 100 of a-z, A-Z, 0-9, `.`, `_`, `-` | the function's name with `-` for `_` |
/// | `name = "Resize"` | what people call it, at most 200 bytes | the function's name as words |
/// | `queue = "images"` | the queue its runs wait in | the host's |
/// | `max_attempts = 5` | how often it is tried, the first time included, 1 to 1000 | the host's |
/// | `retries = 4` | the same, the first time not counted | |
/// | `backoff(base = "1s", cap = "1h", jitter = 20)` | the first and the longest wait between attempts, and by how much percent a wait may vary | 1 s, 1 h, 20 |
/// | `timeout = "30s"` | how long one attempt may take, waits included | the host's limit |
/// | `every = "15m"` | runs by itself, this long apart, 1 second to 10 years | |
/// | `cron = "0 9 * * MON-FRI"` | runs by itself, by the calendar; five fields, six with seconds in front, or a nickname such as `@daily` | |
/// | `tz = "Europe/Lisbon"` | the time zone of `cron` | `UTC` |
/// | `tags = ["a", "b"]` | labels of its runs, at most 32 of at most 200 bytes | none |
/// | `default_input = r#"{"n": 1}"#` | the input of scheduled runs, as JSON | `null` |
///
/// Spans of time are numbers with `ms`, `s`, `m`, `h` or `d`, also several: `"1h30m"`.
#[proc_macro_attribute]
pub fn job(options: TokenStream, function: TokenStream) -> TokenStream {
    expand::job(options.into(), &function.into()).into()
}
