//! Questions and answers, line by line.

use std::io::{BufRead, Read, Write};

use crate::config::Setting;
use crate::errors::{Done, Failure};
use crate::output::plain;

/// Wrong answers to one question, after which it is given up.
const TRIES_MAX: usize = 5;
/// Bytes of an answer at most.
const ANSWER_BYTES_MAX: u64 = 4_096;

/// Asks somebody, or whatever is piped in.
pub(super) struct Asker<R, W> {
    answers: R,
    questions: W,
}

impl<R: BufRead, W: Write> Asker<R, W> {
    pub(super) fn new(answers: R, questions: W) -> Self {
        Self { answers, questions }
    }

    /// The answer for a setting, asked with its own words; what is offered where it is empty.
    pub(super) fn ask(
        &mut self,
        setting: &Setting,
        offered: &str,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Done<String> {
        let Setting { key, meaning, bounds, .. } = setting;
        self.say(&format!("\n{key}: {meaning}\n  {bounds}\n"));
        for _ in 0..TRIES_MAX {
            self.say(&format!("  [{}] ", plain(offered)));
            let answer = self.line(key)?;
            let answer = if answer.is_empty() { offered.to_owned() } else { answer };
            match check(&answer) {
                Ok(()) => return Ok(answer),
                Err(problem) => self.say(&format!("  {}\n", plain(&problem))),
            }
        }
        Err(Failure::usage(format!("{key}: {TRIES_MAX} answers were wrong: nothing was written")))
    }

    fn line(&mut self, key: &str) -> Done<String> {
        let unread = |why: String| {
            Failure::usage(format!(
                "{why} at {key}: nothing was written; answer it by its flag, or say --yes to take \
                 what is left as by default"
            ))
        };
        let mut line = String::new();
        let read = self.answers.by_ref().take(ANSWER_BYTES_MAX).read_line(&mut line);
        match read {
            Ok(0) => Err(unread("the answers ended".to_owned())),
            Ok(_) if line.len() as u64 == ANSWER_BYTES_MAX => {
                Err(unread(format!("an answer is longer than {ANSWER_BYTES_MAX} bytes")))
            }
            Ok(_) => Ok(line.trim().to_owned()),
            Err(error) => Err(unread(format!("the answers cannot be read ({error})"))),
        }
    }

    fn say(&mut self, text: &str) {
        // Whoever pipes answers in may not look at the questions.
        let _ = self.questions.write_all(text.as_bytes()).and_then(|()| self.questions.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(answers: &str) -> (Done<String>, String) {
        let setting = Setting::find("http.listen").expect("a setting");
        let mut questions = Vec::new();
        let answer = Asker::new(answers.as_bytes(), &mut questions).ask(setting, "auto", |text| {
            (setting.write)(&mut crate::config::Config::default(), text)
        });
        (answer, String::from_utf8(questions).expect("UTF-8"))
    }

    #[test]
    fn a_question_is_asked_in_the_words_of_its_setting() {
        let (answer, questions) = asked("127.0.0.1:80\n");
        assert_eq!(answer.expect("it is good"), "127.0.0.1:80");
        let setting = Setting::find("http.listen").expect("a setting");
        assert!(questions.contains(setting.meaning) && questions.contains(setting.bounds));
    }

    #[test]
    fn an_empty_answer_takes_what_is_offered() {
        assert_eq!(asked("\n").0.expect("it is good"), "auto");
        assert_eq!(asked("  \r\n").0.expect("it is good"), "auto");
    }

    #[test]
    fn a_wrong_answer_is_told_and_asked_again() {
        let (answer, questions) = asked("never\noff\n");
        assert_eq!(answer.expect("the second is good"), "off");
        assert!(questions.contains("\"never\" is no address"), "{questions}");
        let failure = asked("a\nb\nc\nd\ne\noff\n").0.expect_err("too many");
        assert!(failure.message.contains("5 answers were wrong"), "{failure}");
    }

    #[test]
    fn answers_that_end_too_early_write_nothing() {
        for answers in ["", "x"] {
            let failure = asked(answers).0.expect_err("no answer");
            assert!(failure.message.contains("the answers ended at http.listen"), "{failure}");
            assert!(failure.message.contains("--yes"), "{failure}");
        }
        let failure = asked(&"x".repeat(5_000)).0.expect_err("too long");
        assert!(failure.message.contains("longer than 4096 bytes"), "{failure}");
    }
}
