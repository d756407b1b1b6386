//! `roster import --check`: holds every record of a file against the rules, and sends nothing.

use crate::clock;
use crate::error::CliError;
use crate::format::RecordSource;
use crate::progress_bar::count;
use crate::record::{Record, RejectReason, Rejection};
use roster::json;
use roster::time::Timestamp;
use roster::user::NewUser;
use std::path::Path;

/// Faults that are printed.
const SHOWN: u64 = 10;

pub fn run(mut source: RecordSource, path: &Path) -> Result<(), CliError> {
    let (mut users, mut refused) = (0, 0);
    while let Some(parsed) = source.next()? {
        match parsed.outcome.and_then(check) {
            Ok(()) => users += 1,
            Err(rejection) => {
                refused += 1;
                if refused <= SHOWN {
                    eprintln!("line {}: {}", rejection.line, rejection.reason());
                }
            }
        }
    }
    let path = path.display();
    eprintln!("roster: {path} has {} that can be sent", count(users, "user"));
    match refused {
        0 => Ok(()),
        _ => Err(CliError::RecordsRefused(format!(
            "{} would be refused{}",
            count(refused, "record"),
            if refused > SHOWN { format!("; the first {SHOWN} are above") } else { String::new() }
        ))),
    }
}

/// By the rules of the server, but for what depends on who is stored.
fn check(record: Record) -> Result<(), Rejection> {
    let now = Timestamp::from_ms(clock::now_ms());
    let object = json::parse_object(record.json.as_bytes()).unwrap_or_default();
    let parsed = NewUser::parse(&object, now);
    parsed.map(|_| ()).map_err(|faults| {
        let faults: Vec<_> = faults.faults.iter().map(|fault| format!("{}: {}", fault.place(), fault.kind)).collect();
        Rejection::new(record.line, record.json, &RejectReason::Doubtful(faults.join("; ")))
    })
}
