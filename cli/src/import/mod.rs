//! `roster import`: a file's users, in batches.

use crate::args::ImportArgs;
use crate::bar::{Bar, count};
use crate::batch::{Batch, Settled};
use crate::client::{Client, Pace};
use crate::failure::Failure;
use crate::ledger::Ledger;
use crate::partial::PartialFile;
use crate::progress::{Identity, Progress};
use crate::record::{Read, UserHash};
use crate::source::Source;
use crate::stop::Stop;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::mem;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, Scope};

/// Batches that may end while one before them is still being tried: bounds what the ledger holds.
const MAX_AHEAD: u64 = 256;

/// Sends the file's users, and goes on where an earlier run stopped.
///
/// Two records of one user are applied in the file's order: within a batch the server takes them in turn, and a batch
/// waits while one in flight has a user of it. Batches start in the file's order, so that nothing overtakes one that
/// waits.
pub fn run(args: &ImportArgs, stop: &Stop) -> Result<(), Failure> {
    let (url, key) = (args.server.url()?, args.server.key()?);
    let (format, refused_path, input) = (args.format()?, args.refused(), args.input());
    check_paths(&args.file, &refused_path)?;
    let identity = Identity::of(input, url.as_str(), key.prefix(), &refused_path)
        .map_err(|error| Failure::Usage(format!("{}: {error}", args.file.display())))?;
    let progress = match args.progress() {
        Some(path) if !args.restart => Progress::load(&path, identity)?,
        _ => Progress::start(identity),
    };
    let source = Source::open(&args.file, format, progress.mark())?;
    let refused = PartialFile::open(&refused_path, progress.refused_bytes)?;

    let bytes = input.map(|_| (progress.identity.input_bytes, progress.mark().offset));
    let bar = Bar::new(bytes, progress.stored, progress.refused);
    if progress.mark().offset > 0 {
        bar.note(&format!("going on at line {}", progress.mark().lines + 1));
    }
    let packer = Packer { batch: Batch::default(), source, pending: None, max_users: args.batch_size.into() };
    let ledger = Ledger::new(progress, args.progress(), refused);
    let client = Client::new(url, key.reveal(), Pace::Full, stop, &bar);
    let importer = Importer::new(&client, stop, &bar, ledger, args.concurrency.into());
    let outcome = importer.run(packer);
    bar.clear();
    finish(outcome, args)
}

/// An import must not write into what it reads.
fn check_paths(input: &Path, refused: &Path) -> Result<(), Failure> {
    match (fs::canonicalize(input), fs::canonicalize(refused)) {
        (Ok(input), Ok(refused)) if input == refused => {
            Err(Failure::Usage("the file of refused records must be another than the input".into()))
        }
        _ => Ok(()),
    }
}

/// Tells how it ended.
fn finish((ledger, outcome): (Ledger, Result<(), Failure>), args: &ImportArgs) -> Result<(), Failure> {
    if let Err(failure) = outcome {
        let progress = ledger.stop()?;
        let advice = match args.input() {
            Some(_) => failure.advice(),
            None => "; the standard input can't go on: send all of it again",
        };
        if progress.mark().offset > 0 {
            let Progress { stored, refused, .. } = progress;
            eprintln!("roster: {} stored, {refused} refused so far{advice}", count(stored, "user"));
        }
        return Err(failure);
    }
    let Progress { stored, refused, .. } = ledger.close()?;
    eprintln!("roster: {} stored", count(stored, "user"));
    if refused == 0 {
        return Ok(());
    }
    let path = args.refused();
    let path = path.display();
    let refused = count(refused, "record");
    Err(Failure::Refused(format!(
        "{refused} refused: see {path}; mend that file and send it again with `roster import {path}`"
    )))
}

/// Makes batches of what the source gives.
struct Packer {
    source: Source,
    batch: Batch,
    /// Read, and for the next batch.
    pending: Option<Read>,
    max_users: usize,
}

impl Packer {
    /// The next batch, or None at the end of the file.
    fn next(&mut self) -> Result<Option<Batch>, Failure> {
        while let Some(read) = self.pending.take().map_or_else(|| self.source.next(), |read| Ok(Some(read)))? {
            if !self.batch.has_room_for(&read, self.max_users) {
                self.pending = Some(read);
                return Ok(Some(mem::take(&mut self.batch)));
            }
            self.batch.push(read);
        }
        if self.batch.is_empty() { Ok(None) } else { Ok(Some(mem::take(&mut self.batch))) }
    }
}

/// The end of a batch, by its number.
type Landed = (u64, Result<Settled, Failure>);

struct Importer<'a> {
    client: &'a Client<'a>,
    stop: &'a Stop,
    bar: &'a Bar,
    ledger: Ledger,
    /// Batches in flight at once.
    concurrency: usize,
    /// The users of each batch in flight.
    flying: HashMap<u64, HashSet<UserHash>>,
    /// The number of the next batch.
    next: u64,
    failure: Option<Failure>,
}

impl<'a> Importer<'a> {
    fn new(client: &'a Client<'a>, stop: &'a Stop, bar: &'a Bar, ledger: Ledger, concurrency: usize) -> Self {
        let flying = HashMap::new();
        Importer { client, stop, bar, ledger, concurrency, flying, next: 0, failure: None }
    }

    /// Answers the ledger also where it fails, so that what was settled can be told.
    fn run(mut self, mut packer: Packer) -> (Ledger, Result<(), Failure>) {
        let (landing, landed) = channel();
        thread::scope(|scope| {
            if let Err(failure) = self.launch_all(&mut packer, scope, &landing, &landed) {
                self.fail(failure);
            }
            while !self.flying.is_empty() {
                self.land(&landed);
            }
        });
        (self.ledger, self.failure.map_or(Ok(()), Err))
    }

    /// Launches batch after batch until the end, a failure or Ctrl-C.
    fn launch_all<'scope>(
        &mut self,
        packer: &mut Packer,
        scope: &'scope Scope<'scope, 'a>,
        landing: &Sender<Landed>,
        landed: &Receiver<Landed>,
    ) -> Result<(), Failure> {
        loop {
            self.stop.check()?;
            let Some(batch) = packer.next()? else { return Ok(()) };
            while self.must_wait(&batch) {
                self.land(landed);
            }
            self.stop.check()?;
            let number = self.next;
            self.next += 1;
            self.flying.insert(number, batch.users().clone());
            let (client, landing) = (self.client, landing.clone());
            // The receiver outlives every thread of the scope.
            scope.spawn(move || drop(landing.send((number, send(client, batch)))));
        }
    }

    fn must_wait(&self, batch: &Batch) -> bool {
        self.flying.len() >= self.concurrency
            || self.next - self.ledger.next() >= MAX_AHEAD && !self.flying.is_empty()
            || self.flying.values().any(|users| !users.is_disjoint(batch.users()))
    }

    /// Waits for the end of a batch.
    fn land(&mut self, landed: &Receiver<Landed>) {
        let Ok((number, outcome)) = landed.recv() else { return self.flying.clear() };
        self.flying.remove(&number);
        if let Err(failure) = outcome.and_then(|settled| self.ledger.settle(number, settled)) {
            self.fail(failure);
        }
        let progress = &self.ledger.progress;
        self.bar.set(progress.mark().offset, progress.stored, progress.refused);
    }

    /// Stops on the first failure, which is the one that is told.
    fn fail(&mut self, failure: Failure) {
        self.stop.set();
        self.failure.get_or_insert(failure);
    }
}

fn send(client: &Client, batch: Batch) -> Result<Settled, Failure> {
    let answers = if batch.is_settled() { Vec::new() } else { client.store(&batch.body(), batch.len())? };
    Ok(batch.settle(answers))
}
