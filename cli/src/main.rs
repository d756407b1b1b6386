//! `roster`: moves users in and out of Roster, and manages its keys.
//!
//! An import is a pipeline of bounded memory: [`frame`] cuts the file into records, [`ndjson`] and [`csv`] make each
//! the JSON of one user, [`split`] makes parts of one with too large an object, [`batch`] packs them, [`import`] keeps
//! some batches in flight, and [`ledger`] writes down, in the file's order, what became of them. An export is
//! [`export`]: a walk over all pages into a [`partial`] file, which becomes the output, or a [`table`].

mod args;
mod bar;
mod batch;
mod budget;
mod cell;
mod client;
mod csv;
mod export;
mod failure;
mod frame;
mod gate;
mod import;
mod keys;
mod ledger;
mod ndjson;
mod partial;
mod progress;
mod record;
mod saved;
mod source;
mod split;
mod stop;
mod table;

use args::{Args, Command};
use clap::Parser;
use std::process::ExitCode;
use stop::Stop;

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = Stop::on_interrupt().and_then(|stop| match args.command {
        Command::Import(args) => import::run(&args, &stop),
        Command::Export(args) => export::run(&args, &stop),
        Command::Keys(command) => keys::run(&command, &stop),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("roster: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
