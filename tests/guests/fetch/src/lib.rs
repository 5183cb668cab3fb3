//! Jobs that use what a manifest can grant: HTTP, environment variables, settings, secrets.

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "test:fetch/fetch",
    generate_all,
});

use exports::zapjobs::job::jobs::{Failure, Guest, JobDescription, Schedule};
use serde_json::{Value, json};
use wasi::config::store;
use wasi::http::outgoing_handler::handle;
use wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, RequestOptions, Scheme,
};
use wasi::io::streams::{InputStream, StreamError};

struct Plugin;

/// Job ids, and what each does with its input.
type Job = fn(&Value) -> Value;

const JOBS: &[(&str, Job)] = &[
    ("fetch", |input| answer(fetch(input))),
    ("fetch-each", |input| {
        input.as_array().into_iter().flatten().map(|request| answer(fetch(request))).collect()
    }),
    // Holds all answers until it has them all.
    ("hold-all", |input| {
        let held: Vec<_> =
            input.as_array().into_iter().flatten().map(|it| begin(it).and_then(wait)).collect();
        held.iter()
            .map(|held| json!(held.as_ref().map_or_else(said, |it| it.status().to_string())))
            .collect()
    }),
    ("begin-and-panic", |input| {
        let _begun = begin(input).expect("it begins");
        panic!("with a request under way");
    }),
    ("environment", |_| std::env::vars().map(|(name, value)| json!([name, value])).collect()),
    ("settings", |input| {
        let get = |key: &Value| store::get(key.as_str().unwrap_or_default()).ok().flatten();
        json!([get(input), store::get_all().unwrap_or_default()])
    }),
    ("print", |input| {
        let value = std::env::var(input.as_str().unwrap_or_default()).unwrap_or_default();
        println!("the value is {value}!");
        zapjobs::job::log::write(
            zapjobs::job::log::Level::Info,
            "test",
            "with fields",
            &[zapjobs::job::log::Field { name: "value".into(), value: json!(value).to_string() }],
        );
        Value::Null
    }),
];

/// What became of a request: an answer, or the name of the error.
fn answer(fetched: Result<Value, ErrorCode>) -> Value {
    fetched.unwrap_or_else(|error| json!({ "error": said(&error) }))
}

fn said(error: &ErrorCode) -> String {
    format!("{error:?}").trim_start_matches("ErrorCode::").to_owned()
}

fn fetch(input: &Value) -> Result<Value, ErrorCode> {
    let response = wait(begin(input)?)?;
    let headers: Vec<_> = response
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| json!([name, String::from_utf8_lossy(&value)]))
        .collect();
    let status = response.status();
    let body = response.consume().expect("consumed once");
    let (bytes, ended) = read(&body.stream().expect("taken once"));
    let text: String = String::from_utf8_lossy(&bytes).chars().take(2_000).collect();
    let ended = ended.err();
    Ok(
        json!({ "status": status, "headers": headers, "bytes": bytes.len(), "body": text, "ended": ended }),
    )
}

fn begin(input: &Value) -> Result<FutureIncomingResponse, ErrorCode> {
    let text = |key: &str| input[key].as_str();
    let headers = Fields::new();
    for (name, value) in input["headers"].as_object().into_iter().flatten() {
        let value = match value.as_str() {
            Some(name) if name.starts_with('$') => std::env::var(&name[1..]).unwrap_or_default(),
            other => other.unwrap_or_default().to_owned(),
        };
        if headers.append(name, value.as_bytes()).is_err() {
            return Err(ErrorCode::InternalError(Some(format!("header {name}"))));
        }
    }
    let request = OutgoingRequest::new(headers);
    let method = match text("method").unwrap_or("GET") {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        other => Method::Other(other.to_owned()),
    };
    let scheme = match text("scheme").unwrap_or("http") {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    let set = request.set_method(&method).is_ok()
        && request.set_scheme(Some(&scheme)).is_ok()
        && request.set_authority(text("authority")).is_ok()
        && request.set_path_with_query(text("path").or(Some("/"))).is_ok();
    if !set {
        return Err(ErrorCode::HttpRequestUriInvalid);
    }
    let body = input["body"].as_u64().map(|bytes| (bytes, request.body().expect("taken once")));
    let options = input["first_byte_ms"].as_u64().map(|ms| {
        let options = RequestOptions::new();
        options.set_first_byte_timeout(Some(ms * 1_000_000)).expect("it is supported");
        options
    });
    let begun = handle(request, options)?;
    if let Some((bytes, body)) = body {
        write(body, bytes);
    }
    Ok(begun)
}

/// Writes until it is done, or nobody takes it any more.
fn write(body: OutgoingBody, mut bytes: u64) {
    let stream = body.write().expect("taken once");
    while bytes > 0 {
        let part = vec![b'x'; usize::try_from(bytes.min(4_096)).unwrap_or(4_096)];
        bytes -= part.len() as u64;
        if stream.blocking_write_and_flush(&part).is_err() {
            break;
        }
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

fn wait(begun: FutureIncomingResponse) -> Result<IncomingResponse, ErrorCode> {
    begun.subscribe().block();
    begun.get().expect("it is ready").expect("taken once")
}

fn read(stream: &InputStream) -> (Vec<u8>, Result<(), String>) {
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(1 << 16) {
            Ok(part) => bytes.extend(part),
            Err(StreamError::Closed) => return (bytes, Ok(())),
            Err(StreamError::LastOperationFailed(error)) => {
                return (bytes, Err(error.to_debug_string()));
            }
        }
    }
}

impl Guest for Plugin {
    fn describe() -> Vec<JobDescription> {
        JOBS.iter()
            .map(|(id, _)| JobDescription {
                id: (*id).to_owned(),
                display_name: (*id).to_owned(),
                description: String::new(),
                queue: None,
                retry: None,
                timeout: None,
                schedule: Schedule::Manual,
                default_input: None,
                tags: Vec::new(),
                input_schema: None,
                output_schema: None,
            })
            .collect()
    }

    fn run(job: String, input: String) -> Result<String, Failure> {
        let (_, run) = JOBS.iter().find(|(id, _)| *id == job).expect("a known job");
        Ok(run(&serde_json::from_str(&input).expect("JSON")).to_string())
    }
}

export!(Plugin);
