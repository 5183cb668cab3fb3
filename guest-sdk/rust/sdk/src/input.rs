//! Says where an input does not fit its type.

use serde_json::error::Category;

use crate::JobError;

/// The failure of an input that does not fit: its message names the place, its details hold
/// the path, line and column.
pub(crate) fn unfit_input(json: &str, error: &serde_json::Error) -> JobError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    // The message ends in the place; ours tells it better.
    let problem = text.rsplit_once(" at line ").map_or(text.as_str(), |(problem, _)| problem);
    let message = match error.classify() {
        Category::Data => {
            let path = path_at(json, line, column);
            let message = format!(
                "the input does not fit at {path} (line {line}, column {column}): {problem}"
            );
            let details = serde_json::json!({ "path": path, "line": line, "column": column });
            return JobError::permanent(message).with_type("invalid-input").with_details(details);
        }
        _ => format!("the input is no JSON at line {line}, column {column}: {problem}"),
    };
    JobError::permanent(message).with_type("invalid-input")
}

/// The JSON pointer of what stands at this place of a JSON text; `/` for the whole.
fn path_at(json: &str, line: usize, column: usize) -> String {
    let before: usize = json.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let end = (before + column).min(json.len());
    let mut walk = Walk::default();
    for &byte in &json.as_bytes()[..end] {
        walk.step(byte);
    }
    walk.pointer()
}

/// Where in a JSON text one stands, byte by byte. The text has been parsed up to here, so
/// that only its structure matters.
#[derive(Default)]
struct Walk {
    open: Vec<Place>,
    string: Vec<u8>,
    in_string: bool,
    escaped: bool,
}

enum Place {
    Object { key: Option<Vec<u8>> },
    Array { index: usize },
}

impl Walk {
    fn step(&mut self, byte: u8) {
        if self.in_string {
            return self.step_in_string(byte);
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.string.clear();
            }
            b'{' => self.open.push(Place::Object { key: None }),
            b'[' => self.open.push(Place::Array { index: 0 }),
            b'}' | b']' => drop(self.open.pop()),
            b':' => {
                if let Some(Place::Object { key }) = self.open.last_mut() {
                    *key = Some(std::mem::take(&mut self.string));
                }
            }
            b',' => match self.open.last_mut() {
                Some(Place::Object { key }) => *key = None,
                Some(Place::Array { index }) => *index += 1,
                None => {}
            },
            _ => {}
        }
    }

    fn step_in_string(&mut self, byte: u8) {
        if byte == b'"' && !self.escaped {
            self.in_string = false;
            return;
        }
        self.escaped = byte == b'\\' && !self.escaped;
        self.string.push(byte);
    }

    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for place in &self.open {
            match place {
                Place::Object { key: Some(key) } => {
                    let key = String::from_utf8_lossy(key).replace('~', "~0").replace('/', "~1");
                    pointer = pointer + "/" + &key;
                }
                Place::Object { key: None } => {}
                Place::Array { index } => pointer = format!("{pointer}/{index}"),
            }
        }
        if pointer.is_empty() { "/".to_owned() } else { pointer }
    }
}

#[cfg(test)]
mod tests {
    use super::unfit_input;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Album {
        title: String,
        songs: Vec<Song>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Song {
        seconds: u32,
    }

    fn message(json: &str) -> String {
        let error = serde_json::from_str::<Album>(json).expect_err("does not fit");
        unfit_input(json, &error).to_string()
    }

    #[test]
    fn the_place_of_a_wrong_value_is_named() {
        let wrong = r#"{"title": "a,\"}b", "songs": [{"seconds": 1}, {"seconds": "x"}]}"#;
        assert_eq!(
            message(wrong),
            "invalid-input: the input does not fit at /songs/1/seconds (line 1, column 61): \
             invalid type: string \"x\", expected u32"
        );
    }

    #[test]
    fn the_place_of_a_missing_field_is_its_object() {
        let in_song = message("{\"title\": \"a\",\n \"songs\": [{}]}");
        assert!(in_song.contains("at /songs/0 (line 2, column "), "{in_song}");
        let in_album = message("{\"songs\": []}");
        assert!(in_album.contains("at / (line 1, column "), "{in_album}");
    }

    #[test]
    fn what_is_no_json_is_said_to_be_none() {
        assert!(message("{\"title\"").contains("no JSON at line 1, column 8"));
    }
}
