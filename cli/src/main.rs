//! `roster`: the command-line tool that moves users in and out of Roster, asks about them, erases them, manages API keys and
//! webhooks, and has projects moved.
//!
//! Memory is bounded, whatever the size of a file. An import or an erasure is a pipeline: [`format`] reads the file into
//! [`record`]s, [`sending`] packs them into batches, keeps some in flight and commits their results in the file's order. An
//! export ([`export`]) walks over all pages of users and appends them to a partial file, which becomes the output. [`follow`]
//! prints the pages of changes. All resume after Ctrl-C or a crash: [`resume`] says how.
//!
//! Imports run one way:
//! `main → {import, erase} → sending → {args → format → record, client → progress_bar}` and
//! `main → {export, follow, query, {keys, webhooks, moving} → admin} → {args, client}`; all may use [`resume`], [`interrupt`], [`error`] and [`clock`].

mod admin;
mod args;
#[cfg(test)]
mod cases;
mod client;
mod clock;
mod erase;
mod error;
mod export;
mod follow;
mod format;
mod import;
mod interrupt;
mod keys;
mod moving;
mod progress_bar;
mod query;
mod record;
mod resume;
mod sending;
mod webhooks;

use args::{Args, Command};
use clap::Parser;
use interrupt::Interrupt;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = Interrupt::on_ctrl_c().and_then(|interrupt| match args.command {
        Command::Import(args) => import::run(&args, &interrupt),
        Command::Export(args) => export::run(&args, &interrupt),
        Command::Follow(args) => follow::run(&args, &interrupt),
        Command::Count(args) => query::count(&args, &interrupt),
        Command::Query(args) => query::query(&args, &interrupt),
        Command::Properties(args) => query::properties(&args, &interrupt),
        Command::Erase(args) => erase::run(&args, &interrupt),
        Command::Keys(command) => keys::run(&command, &interrupt),
        Command::Webhooks(command) => webhooks::run(&command, &interrupt),
        Command::Move(args) => moving::run(&args, &interrupt),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("roster: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
