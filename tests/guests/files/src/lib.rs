//! A job that does with files what its input says, and answers how each step went.
//!
//! The input is a JSON string of steps, parted by `;`, each a word and its arguments, such as
//! `"write /data/a 10; read /data/a"`. The output is a list of one text for each step: `ok`,
//! what was read, or the name of the error.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

use std::ffi::{CString, c_char, c_int};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use exports::zapjobs::job::jobs::{Failure, Guest, JobDescription, Schedule};

unsafe extern "C" {
    // The standard library has no stable function for it on this target.
    fn symlink(target: *const c_char, path: *const c_char) -> c_int;
}

struct Plugin;

/// Files that stay open.
type Open = Vec<File>;

impl Guest for Plugin {
    fn describe() -> Vec<JobDescription> {
        vec![JobDescription {
            id: "files".to_owned(),
            display_name: "files".to_owned(),
            description: String::new(),
            queue: None,
            retry: None,
            timeout: None,
            schedule: Schedule::Manual,
            default_input: None,
            tags: Vec::new(),
            input_schema: None,
            output_schema: None,
        }]
    }

    fn run(_job: String, input: String) -> Result<String, Failure> {
        let mut open = Open::new();
        let done: Vec<String> = input
            .trim_matches('"')
            .split(';')
            .map(|step| match act(&mut open, step) {
                Ok(text) => format!("\"{text}\""),
                Err(error) => format!("\"{:?}\"", error.kind()),
            })
            .collect();
        Ok(format!("[{}]", done.join(",")))
    }
}

fn act(open: &mut Open, step: &str) -> io::Result<String> {
    let words: Vec<&str> = step.split_whitespace().collect();
    let number = |at: usize| words.get(at).and_then(|word| word.parse().ok()).unwrap_or(0);
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let path = word(1);
    match word(0) {
        "read" => return fs::read_to_string(path),
        "readlink" => return Ok(fs::read_link(path)?.display().to_string()),
        "list" => {
            return Ok(fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?.len().to_string());
        }
        "stat" => return Ok(fs::metadata(path)?.len().to_string()),
        "write" => fs::write(path, "w".repeat(number(2)))?,
        "append" => {
            let mut file = OpenOptions::new().append(true).create(true).open(path)?;
            file.write_all("a".repeat(number(2)).as_bytes())?;
        }
        "at" => {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
            file.seek(SeekFrom::Start(number(2) as u64))?;
            file.write_all("s".repeat(number(3)).as_bytes())?;
        }
        "size" => OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?
            .set_len(number(2) as u64)?,
        "open" => open.push(File::open(path)?),
        // Thousands of small files with one step.
        "create-many" => {
            for n in 0..number(2) {
                File::create(format!("{path}{n}"))?;
            }
        }
        "list-many" => {
            let kept: Vec<_> =
                (0..number(2)).map(|_| fs::read_dir(path)).collect::<io::Result<_>>()?;
            return Ok(kept.len().to_string());
        }
        "close" => open.clear(),
        "mkdir" => fs::create_dir(path)?,
        "rmdir" => fs::remove_dir(path)?,
        "remove" => fs::remove_file(path)?,
        "link" => fs::hard_link(path, word(2))?,
        "rename" => fs::rename(path, word(2))?,
        "symlink" => link(path, word(2))?,
        "long-path" => drop(File::open(format!("{path}/{}", "x/".repeat(number(2))))?),
        "read-open" => {
            let mut text = String::new();
            open.last_mut().ok_or(io::ErrorKind::NotFound)?.read_to_string(&mut text)?;
            return Ok(text);
        }
        _ => return Err(io::ErrorKind::Unsupported.into()),
    }
    Ok("ok".to_owned())
}

fn link(target: &str, path: &str) -> io::Result<()> {
    let [target, path] = [target, path].map(|text| CString::new(text).unwrap_or_default());
    // SAFETY: both end with a zero and live until the call is over.
    match unsafe { symlink(target.as_ptr(), path.as_ptr()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

export!(Plugin);
