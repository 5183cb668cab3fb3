//! A job's input, as the command line names it.

use std::io::Read;

use zapjobs_model::{Json, submit::INPUT_BYTES_MAX};

use super::text_file;
use crate::errors::{Done, Failure};

/// Runs made at once at most.
const INPUTS_MAX: usize = 10_000;

/// Reads many inputs, one on each line: `@FILE`, or `-` for stdin. Empty lines are passed over.
pub(super) fn read_lines(text: &str) -> Done<Vec<Json>> {
    let (place, text) = match text.strip_prefix('@') {
        Some(path) => (path, file(path)?),
        None if text == "-" => ("stdin", bounded("stdin", std::io::stdin().lock())?),
        None => return Err(Failure::usage("--inputs: use @FILE or - for stdin")),
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let inputs: Vec<Json> = lines
        .map(|(at, line)| {
            Json::parse(line)
                .map_err(|error| Failure::usage(format!("{place} line {}: {error}", at + 1)))
        })
        .collect::<Done<_>>()?;
    match inputs.len() {
        0 => Err(Failure::usage(format!("{place} holds no input: write one on each line"))),
        1..=INPUTS_MAX => Ok(inputs),
        many => Err(Failure::usage(format!(
            "{place} holds {many} inputs, {INPUTS_MAX} are allowed at once: split it"
        ))),
    }
}

/// Reads an input: JSON itself, `@FILE`, or `-` for stdin.
pub(crate) fn read(text: &str) -> Done<Json> {
    read_as("--input", text)
}

/// The same for an argument of another name.
pub(crate) fn read_as(argument: &str, text: &str) -> Done<Json> {
    let (place, text) = match text.strip_prefix('@') {
        Some(path) => (path.to_owned(), file(path)?),
        None if text == "-" => ("stdin".to_owned(), bounded("stdin", std::io::stdin().lock())?),
        None => (argument.to_owned(), text.to_owned()),
    };
    let advice = if place == argument { ": use JSON, @FILE or - for stdin" } else { "" };
    Json::parse(&text).map_err(|error| Failure::usage(format!("{place}: {error}{advice}")))
}

fn file(path: &str) -> Done<String> {
    let unreadable =
        |error: std::io::Error| Failure::usage(format!("the input {path} cannot be read: {error}"));
    bounded(path, std::fs::File::open(path).map_err(unreadable)?)
}

fn bounded(place: &str, reader: impl Read) -> Done<String> {
    let read = text_file::read_from(reader, INPUT_BYTES_MAX)
        .map_err(|error| Failure::usage(format!("the input {place} cannot be read: {error}")))?;
    read.ok_or_else(|| Failure::usage(format!("the input {place} is longer than 16 MiB")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_that_is_no_json_is_told_where() {
        assert_eq!(read(r#"{"a":1}"#).expect("JSON").as_str(), r#"{"a":1}"#);
        let message = read(r#"{"a": }"#).expect_err("no JSON").message;
        assert!(message.contains("line 1 column 7"), "{message}");
        let message = read("@no-such-file").expect_err("no file").message;
        assert!(message.contains("no-such-file"), "{message}");
    }
}
