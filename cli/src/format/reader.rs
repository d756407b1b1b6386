//! The records of a file, one by one.

use crate::args::{Format, is_stdin};
use crate::batch::{MAX_BODY_BYTES, MAX_RECORD_BYTES};
use crate::csv::Header;
use crate::failure::Failure;
use crate::frame::{Ends, Frame, Frames};
use crate::ndjson;
use crate::record::{LocalError, Mark, Read, Record, Refused};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

pub struct Source {
    path: PathBuf,
    frames: Frames<Box<dyn BufRead>>,
    /// Of a table.
    header: Option<Header>,
}

impl Source {
    /// Reads on at a mark; of a table the header first. The standard input is read from its beginning only.
    pub fn open(path: &Path, format: Format, at: Mark) -> Result<Self, Failure> {
        let open = |ends, at| frames(path, ends, at).map_err(Failure::of_file(path));
        let (frames, header) = match format {
            Format::Ndjson => (open(Ends::Line, at)?, None),
            Format::Csv => {
                let mut frames = open(Ends::Row, Mark::default())?;
                let frame = frames.next().map_err(Failure::of_file(path))?.filter(|frame| !frame.is_cut);
                let frame = frame.ok_or_else(|| Failure::Usage(format!("{}: there is no header", path.display())))?;
                let header = Header::parse(&frame)?;
                (if at == Mark::default() { frames } else { open(Ends::Row, at)? }, Some(header))
            }
        };
        Ok(Source { path: path.to_owned(), frames, header })
    }

    pub fn next(&mut self) -> Result<Option<Read>, Failure> {
        let frame = self.frames.next().map_err(Failure::of_file(&self.path))?;
        Ok(frame.map(|frame| Read { end: frame.end, outcome: self.read(frame) }))
    }

    fn read(&self, frame: Frame) -> Result<Record, Refused> {
        let too_large = LocalError::TooLarge { limit_bytes: MAX_BODY_BYTES };
        if frame.is_cut {
            return Err(Refused::text(frame.line, &frame.text, &too_large));
        }
        let record = match &self.header {
            Some(header) => header.read(&frame),
            None => ndjson::read(frame),
        }?;
        if record.json.len() > MAX_RECORD_BYTES {
            return Err(Refused::object(record.line, record.json, &too_large));
        }
        Ok(record)
    }
}

fn frames(path: &Path, ends: Ends, at: Mark) -> io::Result<Frames<Box<dyn BufRead>>> {
    if is_stdin(path) {
        return Frames::new(Box::new(BufReader::new(io::stdin())), ends, MAX_BODY_BYTES, at);
    }
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(at.offset))?;
    Frames::new(Box::new(BufReader::new(file)), ends, MAX_BODY_BYTES, at)
}
