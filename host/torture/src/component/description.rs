//! Lays out what a component says of its jobs, as the canonical ABI has it in memory.
//!
//! **Invariant:** texts are bytes here: a component may lie about all of them.

/// Bytes of one `job-description`.
const JOB_BYTES: usize = 168;

/// One job, as its component describes it.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) id: Vec<u8>,
    pub(crate) display_name: Vec<u8>,
    pub(crate) description: Vec<u8>,
    pub(crate) queue: Option<Vec<u8>>,
    pub(crate) retry: Option<Retry>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) schedule: Schedule,
    pub(crate) default_input: Option<Vec<u8>>,
    pub(crate) tags: Vec<Vec<u8>>,
    pub(crate) input_schema: Option<Vec<u8>>,
    pub(crate) output_schema: Option<Vec<u8>>,
}

/// How often to try.
#[derive(Clone, Copy)]
pub(crate) struct Retry {
    pub(crate) max_attempts: u32,
    pub(crate) base_ms: u64,
    pub(crate) cap_ms: u64,
    pub(crate) jitter_percent: u8,
}

/// When to run.
#[derive(Clone)]
pub(crate) enum Schedule {
    Manual,
    Interval(u64),
    Cron { expression: Vec<u8>, time_zone: Vec<u8> },
}

impl Default for Job {
    fn default() -> Self {
        Self {
            id: b"attack".to_vec(),
            display_name: Vec::new(),
            description: Vec::new(),
            queue: None,
            retry: None,
            timeout_ms: None,
            schedule: Schedule::Manual,
            default_input: None,
            tags: Vec::new(),
            input_schema: None,
            output_schema: None,
        }
    }
}

/// What lies in memory.
pub(crate) struct Encoded {
    pub(crate) bytes: Vec<u8>,
    /// Where the list is.
    pub(crate) at: u32,
}

/// Lays the jobs out from the address `base` on.
pub(crate) fn encode(jobs: &[Job], base: u32) -> Encoded {
    let mut memory = Memory { base, bytes: vec![0; 8] };
    let records = memory.room(jobs.len() * JOB_BYTES);
    memory.put_u32(0, base + records as u32);
    memory.put_u32(4, jobs.len() as u32);
    for (number, job) in jobs.iter().enumerate() {
        memory.job(records + number * JOB_BYTES, job);
    }
    Encoded { bytes: memory.bytes, at: base }
}

struct Memory {
    base: u32,
    bytes: Vec<u8>,
}

impl Memory {
    /// Room of this size, aligned to 8; answers where.
    fn room(&mut self, bytes: usize) -> usize {
        let at = self.bytes.len().next_multiple_of(8);
        self.bytes.resize(at + bytes, 0);
        at
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn put_u32(&mut self, at: usize, value: u32) {
        self.put(at, &value.to_le_bytes());
    }

    fn put_u64(&mut self, at: usize, value: u64) {
        self.put(at, &value.to_le_bytes());
    }

    fn text(&mut self, at: usize, text: &[u8]) {
        let place = self.room(text.len());
        self.put(place, text);
        self.put_u32(at, self.base + place as u32);
        self.put_u32(at + 4, text.len() as u32);
    }

    fn optional_text(&mut self, at: usize, text: Option<&Vec<u8>>) {
        if let Some(text) = text {
            self.put(at, &[1]);
            self.text(at + 4, text);
        }
    }

    fn job(&mut self, at: usize, job: &Job) {
        self.text(at, &job.id);
        self.text(at + 8, &job.display_name);
        self.text(at + 16, &job.description);
        self.optional_text(at + 24, job.queue.as_ref());
        if let Some(retry) = job.retry {
            self.put(at + 40, &[1]);
            self.put_u32(at + 48, retry.max_attempts);
            self.put_u64(at + 56, retry.base_ms);
            self.put_u64(at + 64, retry.cap_ms);
            self.put(at + 72, &[retry.jitter_percent]);
        }
        if let Some(timeout_ms) = job.timeout_ms {
            self.put(at + 80, &[1]);
            self.put_u64(at + 88, timeout_ms);
        }
        self.schedule(at + 96, &job.schedule);
        self.optional_text(at + 120, job.default_input.as_ref());
        self.tags(at + 132, &job.tags);
        self.optional_text(at + 140, job.input_schema.as_ref());
        self.optional_text(at + 152, job.output_schema.as_ref());
    }

    fn schedule(&mut self, at: usize, schedule: &Schedule) {
        match schedule {
            Schedule::Manual => {}
            Schedule::Interval(every_ms) => {
                self.put(at, &[1]);
                self.put_u64(at + 8, *every_ms);
            }
            Schedule::Cron { expression, time_zone } => {
                self.put(at, &[2]);
                self.text(at + 8, expression);
                self.text(at + 16, time_zone);
            }
        }
    }

    fn tags(&mut self, at: usize, tags: &[Vec<u8>]) {
        let list = self.room(tags.len() * 8);
        self.put_u32(at, self.base + list as u32);
        self.put_u32(at + 4, tags.len() as u32);
        for (number, tag) in tags.iter().enumerate() {
            self.text(list + number * 8, tag);
        }
    }
}
