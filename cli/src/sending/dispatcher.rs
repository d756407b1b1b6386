//! Sends batches, several at a time.
//!
//! *Invariant:* records of one user are applied in the file's order. Within a batch the server applies them in order. A
//! batch waits while another one in flight has a user of it, and batches start in the file's order, so that none overtakes
//! a batch that waits.

use super::batch::{Batch, BatchResult};
use super::commit::CommitLog;
use super::packer::Packer;
use crate::client::Client;
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::progress_bar::ProgressBar;
use crate::record::UserHash;
use std::collections::{HashMap, HashSet};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, Scope};

/// Batches that may start while an earlier one is still retried. It bounds the results that the commit log holds.
const MAX_AHEAD: u64 = 256;

/// The result of a batch, by the batch's number.
type NumberedResult = (u64, Result<BatchResult, CliError>);

pub struct Dispatcher<'a> {
    client: &'a Client<'a>,
    interrupt: &'a Interrupt,
    bar: &'a ProgressBar,
    log: CommitLog,
    /// Batches in flight at most.
    concurrency: usize,
    /// The users of each batch in flight, by the batch's number.
    in_flight: HashMap<u64, HashSet<UserHash>>,
    /// The number of the next batch.
    next: u64,
    error: Option<CliError>,
}

impl<'a> Dispatcher<'a> {
    pub fn new(
        client: &'a Client<'a>,
        interrupt: &'a Interrupt,
        bar: &'a ProgressBar,
        log: CommitLog,
        concurrency: usize,
    ) -> Self {
        Dispatcher { client, interrupt, bar, log, concurrency, in_flight: HashMap::new(), next: 0, error: None }
    }

    /// Sends all batches. Returns the log also after a failure: what it committed is still reported.
    pub fn run(mut self, mut packer: Packer) -> (CommitLog, Result<(), CliError>) {
        let (sender, results) = channel();
        thread::scope(|scope| {
            if let Err(error) = self.send_all(&mut packer, scope, &sender, &results) {
                self.fail(error);
            }
            while !self.in_flight.is_empty() {
                self.collect_one(&results);
            }
        });
        (self.log, self.error.map_or(Ok(()), Err))
    }

    /// Starts batch after batch until the end of the file, a failure or Ctrl-C.
    fn send_all<'scope>(
        &mut self,
        packer: &mut Packer,
        scope: &'scope Scope<'scope, 'a>,
        sender: &Sender<NumberedResult>,
        results: &Receiver<NumberedResult>,
    ) -> Result<(), CliError> {
        loop {
            self.interrupt.check()?;
            let Some(batch) = packer.next()? else { return Ok(()) };
            while self.must_wait(&batch) {
                self.collect_one(results);
            }
            self.interrupt.check()?;
            let number = self.next;
            self.next += 1;
            self.in_flight.insert(number, batch.users().clone());
            let (client, sender) = (self.client, sender.clone());
            // Sending can't fail: the receiver outlives every thread of the scope.
            scope.spawn(move || drop(sender.send((number, send(client, batch)))));
        }
    }

    fn must_wait(&self, batch: &Batch) -> bool {
        self.in_flight.len() >= self.concurrency
            || self.next - self.log.next() >= MAX_AHEAD && !self.in_flight.is_empty()
            || self.in_flight.values().any(|users| !users.is_disjoint(batch.users()))
    }

    /// Waits for one batch to end.
    fn collect_one(&mut self, results: &Receiver<NumberedResult>) {
        let Ok((number, result)) = results.recv() else { return self.in_flight.clear() };
        self.in_flight.remove(&number);
        if let Err(error) = result.and_then(|result| self.log.add(number, result)) {
            self.fail(error);
        }
        let checkpoint = self.log.checkpoint();
        self.bar.set(checkpoint.position().offset, checkpoint.stored, checkpoint.refused);
    }

    /// Stops the import. Only the first failure is reported.
    fn fail(&mut self, error: CliError) {
        self.interrupt.set();
        self.error.get_or_insert(error);
    }
}

fn send(client: &Client, batch: Batch) -> Result<BatchResult, CliError> {
    let outcomes =
        if batch.has_nothing_to_send() { Vec::new() } else { client.store_batch(&batch.body(), batch.len())? };
    Ok(batch.into_result(outcomes))
}
